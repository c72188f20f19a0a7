//! GETSET key value
//!
//! What SET with GET is now: the old value is the answer, the deadline goes. The log gets a SET.

use super::value::stored;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, notify};

pub static GETSET: Command = Command {
    name: "GETSET",
    group: Group::String,
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST).and(Flags::REPLACES),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    summary: "Sets a key to a string and returns the one it had.",
    deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
    docs: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    match ctx.db.read_string(key)? {
        Some(old) => old.reply(ctx.reply),
        None => ctx.reply.null(),
    }
    ctx.db.set(key, stored(args.get(2)), Deadline::None);
    ctx.db.event(notify::STRING, "set", key.bytes);
    ctx.replay_as(&[b"SET", key.bytes, args.get(2)]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn swaps() {
        check(
            "GETSET k a -> nil; GETSET k 5 -> a; GETSET k b -> 5; SET k v PX 9 -> +OK; GETSET k w -> v; ~9ms; GET k -> w",
        );
    }

    #[test]
    fn the_log_sees_a_set() {
        let mut node = node(&[]);
        node.converse("getset k a");
        assert_eq!(node.log.lines(), ["SET k a"]);
    }
}
