//! LREM key count element
//!
//! Takes out elements that equal this one: the first `count`, the last `-count`, or all for 0.

use super::options::limit;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::List;
use types::list::{Element, Side};

pub static LREM: Command = Command {
    name: "LREM",
    group: Group::List,
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(N), N = elements of the list",
    summary: "Takes out elements by their value.",
    docs: &[Arg::key("key", 0), Arg::new("count", ArgKind::Integer), Arg::new("element", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = signed(args, 2)?;
    let (key, limit) = (args.key(1), limit(ctx));
    let Some(mut list) = ctx.db.write::<List>(key)? else {
        ctx.reply.int(0);
        return Ok(());
    };
    let (side, max) = match count {
        0 => (Side::Front, usize::MAX),
        1.. => (Side::Front, count as usize),
        _ => (Side::Back, count.unsigned_abs() as usize),
    };
    let removed = list.unmarked().remove_equal(&Element::new(args.get(3)), side, max);
    ctx.reply.int(removed as i64);
    if removed > 0 {
        list.shrunk(limit);
        drop(list);
        ctx.db.event(notify::LIST, "lrem", key.bytes);
        ctx.db.drop_if_empty(key);
        ctx.dirty(removed as u64 - 1);
    }
    Ok(())
}

/// A number with a sign, of which the opposite is one too.
pub(super) fn signed(args: &Args, i: usize) -> Result<i64, Error> {
    match args.int(i)? {
        i64::MIN => Err(Error::Static(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        )),
        n => Ok(n),
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn from_either_end_or_all() {
        check(
            "RPUSH l a b a c a; LREM l 1 a -> :1; LRANGE l 0 -1 -> [b a c a]; LREM l -1 a -> :1; LRANGE l 0 -1 -> [b a c]; LREM l 0 x -> :0; LREM l 0 a -> :1; LREM l -5 c -> :1; LREM l 2 b -> :1; EXISTS l -> :0; LREM l 0 b -> :0",
        );
        check("RPUSH l 1 2 1 01; LREM l 0 1 -> :2; LRANGE l 0 -1 -> [2 01]");
    }

    #[test]
    fn refuses() {
        check(
            "SET s x; LREM s 0 a -> -WRONGTYPE; LREM s x a -> -ERR value is not an integer or out of range; LREM s -9223372036854775808 a -> -ERR value is out of range",
        );
    }

    #[test]
    fn none_is_no_change() {
        let mut node = node(&[]);
        node.converse("RPUSH l a a; LREM l 0 x; WATCH l; LREM l 0 y; MULTI; LREM l 0 a; EXEC -> [:2]");
        assert_eq!(node.log.lines(), ["RPUSH l a a", "LREM l 0 a"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 4);
    }
}
