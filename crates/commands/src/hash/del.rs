//! HDEL key field [field …]
//!
//! A field past its time counts as deleted: whether it was still there is chance, to look would cost time.

use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::Hash;

pub static HDEL: Command = Command {
    name: "HDEL",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    element: 2,
    complexity: "O(N), N = fields named",
    summary: "Removes fields of a hash, and the hash with the last one; returns how many there were.",
    history: &[("2.4.0", "Takes several fields.")],
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let mut removed = 0;
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        removed = args.iter_from(2).filter(|field| hash.unmarked().remove(field)).count();
        if removed > 0 {
            hash.touch();
        }
    }
    ctx.reply.int(removed as i64);
    if removed > 0 {
        ctx.db.event(notify::HASH, "hdel", key.bytes);
        ctx.db.drop_if_empty(key);
        ctx.dirty(removed as u64 - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn removes() {
        check("HDEL h a -> :0; HSET h a 1 b 2 c 3; HDEL h a x a b -> :2; HLEN h -> :1; HDEL h c -> :1; EXISTS h -> :0");
        check("SET s v; HDEL s a -> -WRONGTYPE; HDEL h -> -ERR wrong number of arguments for 'hdel' command");
    }

    #[test]
    fn nothing_is_not_logged() {
        let mut node = node(&[("notify-keyspace-events", "KEA")]);
        node.converse(
            "HSET h a 1; HDEL h b; 2> PSUBSCRIBE __keyevent* -> *; HDEL h a b; 2> <- *; 2> <- *; 2> <- silence",
        );
        assert_eq!(node.log.lines(), ["HSET h a 1", "HDEL h a b"]);
    }
}
