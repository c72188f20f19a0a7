//! LTRIM key start stop
//!
//! Only the range stays (as LRANGE gives it). The event is sent even when everything stays, as Redis does.

use super::lrange::range;
use super::options::limit;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::List;
use types::list::Side;

pub static LTRIM: Command = Command {
    name: "LTRIM",
    group: Group::List,
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(N), N = chunks taken out",
    summary: "Takes out elements outside of a range.",
    docs: &[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let (key, limit) = (args.key(1), limit(ctx));
    ctx.reply.ok();
    let Some(mut list) = ctx.db.write::<List>(key)? else { return Ok(()) };
    let len = list.len();
    let kept = range(start, stop, len);
    let removed = len - kept.len();
    if removed > 0 {
        list.pop(Side::Back, if kept.is_empty() { len } else { len - kept.end });
        list.pop(Side::Front, kept.start);
        list.shrunk(limit);
    }
    drop(list);
    ctx.db.event(notify::LIST, "ltrim", key.bytes);
    if removed > 0 {
        ctx.db.drop_if_empty(key);
        ctx.dirty(removed as u64 - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn what_stays() {
        for (range, left) in [
            ("0 -1", "a b c d e"),
            ("1 3", "b c d"),
            ("-2 -1", "d e"),
            ("0 0", "a"),
            ("4 100", "e"),
            ("-100 1", "a b"),
            ("3 1", ""),
            ("9 10", ""),
            ("0 -6", ""),
        ] {
            check(&format!("RPUSH l a b c d e; LTRIM l {range} -> +OK; LRANGE l 0 -1 -> [{left}]"));
        }
        check("RPUSH l a; LTRIM l 1 0 -> +OK; EXISTS l -> :0; LTRIM l 0 1 -> +OK");
    }

    #[test]
    fn refuses() {
        check(
            "SET s x; LTRIM s 0 1 -> -WRONGTYPE; LTRIM s x 1 -> -ERR value is not an integer or out of range; LTRIM none 1 x -> -ERR value is not an integer or out of range",
        );
    }

    #[test]
    fn all_stays_is_no_change() {
        let mut node = node(&[]);
        node.converse("RPUSH l a b c; LTRIM l 0 -1; LTRIM l 1 1");
        assert_eq!(node.log.lines(), ["RPUSH l a b c", "LTRIM l 1 1"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 5);
    }
}
