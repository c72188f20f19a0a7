//! SETNX key value
//!
//! What SET with NX is now, with a number for an answer.

use super::value::stored;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, notify};

pub static SETNX: Command = Command {
    name: "SETNX",
    group: Group::String,
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::OW.and(KeyAccess::INSERT))],
    summary: "Sets a key to a string if there is no such key.",
    deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
    docs: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let free = !ctx.db.exists(key)?;
    if free {
        ctx.db.set(key, stored(args.get(2)), Deadline::None);
        ctx.db.event(notify::STRING, "set", key.bytes);
    }
    ctx.reply.int(i64::from(free));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn only_once() {
        check("SETNX k a -> :1; SETNX k b -> :0; GET k -> a; SET k v PX 5 -> +OK; ~5ms; SETNX k c -> :1; GET k -> c");
    }

    #[test]
    fn no_change_is_not_logged() {
        let mut node = node(&[]);
        node.converse("SETNX k a; SETNX k b");
        assert_eq!(node.log.lines(), ["SETNX k a"]);
    }
}
