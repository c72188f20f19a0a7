//! DEL key [key …]    UNLINK key [key …]
//!
//! UNLINK leaves the freeing of large values to a thread of its own; so does DEL unless
//! `lazyfree-lazy-user-del` is off.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify, options};

pub static DEL: Command = Command {
    name: "DEL",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::span(1, -1, 1, KeyAccess::RM.and(KeyAccess::DELETE))],
    complexity: "O(1) per key, and O(M) to free a collection of M elements",
    summary: "Deletes keys.",
    tips: super::SPLIT_BY_KEY,
    docs: &[super::MANY_KEYS],
    run: del,
    ..Command::BASE
};

pub static UNLINK: Command = Command {
    name: "UNLINK",
    since: "4.0.0",
    flags: Flags::WRITE.and(Flags::FAST),
    complexity: "O(1) per key; collections are freed in the background",
    summary: "Deletes keys and frees their values in the background.",
    run: unlink,
    ..DEL
};

fn del(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let lazy = ctx.node.config.get(&options::LAZY_USER_DEL);
    delete(ctx, args, lazy)
}

fn unlink(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    delete(ctx, args, true)
}

fn delete(ctx: &mut Ctx, args: &Args, lazy: bool) -> Result<(), Error> {
    // One key that is not in memory, and nothing was deleted yet when the body is run again.
    if args.len() > 2 {
        for i in 1..args.len() {
            ctx.db.peek(args.key(i))?;
        }
    }
    let mut count = 0;
    for i in 1..args.len() {
        let key = args.key(i);
        if ctx.db.delete(key, lazy)? {
            ctx.db.event(notify::GENERIC, "del", key.bytes);
            count += 1;
        }
    }
    ctx.reply.int(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn counts_what_was_there() {
        check("SET a 1; SET b 2; DEL a b c -> :2; EXISTS a b -> :0; DEL a -> :0");
        check("SET a 1; DEL a a a -> :1; SET a 1; SET b 2; UNLINK a b a -> :2; UNLINK a -> :0; DBSIZE -> :0");
    }

    #[test]
    fn keys_past_their_time_do_not_count() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        node.converse("SET a 1 PX 100; SET b 1; ~200ms; DBSIZE -> :2; DEL a -> :0; DBSIZE -> :1; DEL b none -> :1");
        assert_eq!(node.log.lines()[2..], ["DEL a", "DEL b none"]);
        node.converse("DEL b");
        assert_eq!(node.log.lines().len(), 4, "deleting nothing is no change");
    }
}
