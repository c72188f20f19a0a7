//! DELIFEQ key value
//!
//! Valkey 9's lock release: deletes a key if its string is this one. The log gets a DEL, which every replica knows.

use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, notify, options};

pub static DELIFEQ: Command = Command {
    name: "DELIFEQ",
    group: Group::String,
    since: "9.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::REPLACES),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RM.and(KeyAccess::DELETE))],
    summary: "Deletes a key if its string value equals the given one.",
    docs: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let old = ctx.db.string_before_write(key)?;
    let equal = old.is_some_and(|old| old.bytes(&mut [0; 20]) == args.get(2));
    if equal {
        ctx.db.delete(key, ctx.node.config.get(&options::LAZY_USER_DEL))?;
        ctx.db.event(notify::GENERIC, "del", key.bytes);
        ctx.replay_as(&[b"DEL", key.bytes]);
    }
    ctx.reply.int(i64::from(equal));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn only_if_equal() {
        check("DELIFEQ k v -> :0; SET k v -> +OK; DELIFEQ k w -> :0; GET k -> v; DELIFEQ k v -> :1; GET k -> nil");
        check("SET k 12 -> +OK; DELIFEQ k 012 -> :0; DELIFEQ k 12 -> :1");
    }

    #[test]
    fn the_log_sees_a_del() {
        let mut node = node(&[]);
        node.converse("SET k v; DELIFEQ k w; DELIFEQ k v");
        assert_eq!(node.log.lines(), ["SET k v", "DEL k"]);
    }
}
