//! GETDEL key
//!
//! Takes a string out: what it was is the answer. The log gets a DEL.

use exec::command::{Arg, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, notify, options};

pub static GETDEL: Command = Command {
    name: "GETDEL",
    group: Group::String,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::REPLACES),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE))],
    summary: "Returns the string value of a key and deletes the key.",
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    match ctx.db.read_string(key)? {
        Some(old) => old.reply(ctx.reply),
        None => {
            ctx.reply.null();
            return Ok(());
        }
    }
    ctx.db.delete(key, ctx.node.config.get(&options::LAZY_USER_DEL))?;
    ctx.db.event(notify::GENERIC, "del", key.bytes);
    ctx.replay_as(&[b"DEL", key.bytes]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn takes() {
        check("SET k v -> +OK; GETDEL k -> v; GETDEL k -> nil; SET n 12 -> +OK; GETDEL n -> 12; GET n -> nil");
    }

    #[test]
    fn the_log_sees_a_del() {
        let mut node = node(&[]);
        node.converse("SET k v; GETDEL k; GETDEL k");
        assert_eq!(node.log.lines(), ["SET k v", "DEL k"]);
    }
}
