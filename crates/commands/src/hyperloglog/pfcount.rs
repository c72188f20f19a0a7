//! PFCOUNT key [key …]
//!
//! The count of one key is kept in its value until the next element changes that. So a reading command changes bytes,
//! as it does in Redis, and goes to the log when it does: copies of a value stay the same byte for byte. A replica keeps
//! its own counts to itself.

use super::value::{corrupt, open};
use exec::command::Arg;
use exec::node::alarm;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec};
use types::hyperloglog::{self, Registers};

pub static PFCOUNT: Command = Command {
    name: "PFCOUNT",
    group: Group::HyperLogLog,
    since: "2.8.9",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::MAY_REPLICATE),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::span(1, -1, 1, KeyAccess::RW.and(KeyAccess::ACCESS))],
    complexity: "O(1) for one key, O(N) for N keys, each of which costs much more",
    summary: "About how many different elements were added to the HyperLogLogs at some keys together.",
    docs: &[Arg::key("key", 0).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() == 2 {
        return one(ctx, args);
    }
    let mut joined = Registers::default();
    for i in 1..args.len() {
        if let Some(string) = ctx.db.read_string(args.key(i))? {
            joined.join(open(string)?.0).map_err(corrupt)?;
        }
    }
    ctx.reply.int(joined.count() as i64);
    Ok(())
}

fn one(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let Some(string) = ctx.db.read_string(key)? else {
        ctx.reply.int(0);
        return Ok(());
    };
    let (value, _) = open(string)?;
    let (kept, len) = (hyperloglog::kept_count(value), value.len());
    let count = match kept {
        Some(count) => count,
        None => {
            let count = hyperloglog::count(value).map_err(corrupt)?;
            if let Some(mut string) = ctx.db.string_mut(key)? {
                hyperloglog::keep_count(string.bytes(len), count);
                let follows = ctx.node.alarms.get() & alarm::READ_ONLY_REPLICA != 0;
                if !follows || ctx.session.internal {
                    ctx.replay_always();
                }
            }
            count
        }
    };
    ctx.reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use exec::node::alarm;

    #[test]
    fn counts() {
        check(
            "PFCOUNT h -> :0; PFADD h a b c d e; PFCOUNT h -> :5; PFCOUNT h -> :5; PFADD i d e f; PFCOUNT h i -> :6; PFCOUNT h none -> :5; PFCOUNT none no -> :0; PFADD h x; PFCOUNT h -> :6",
        );
        check(
            "PFADD h a; SET k v; PFCOUNT h k -> -WRONGTYPE Key is not a valid HyperLogLog string value.; PFCOUNT k -> -WRONGTYPE Key; SADD s a; PFCOUNT s -> -WRONGTYPE Operation; PFCOUNT h s -> -WRONGTYPE Operation",
        );
        check(
            "PFADD h a; APPEND h hello; PFCOUNT h -> -INVALIDOBJ; PFCOUNT h h -> -INVALIDOBJ; PFADD i a; SETRANGE i 4 x; PFCOUNT i -> -WRONGTYPE; PFADD j a; SETRANGE j 4 \"\\x00\"; PFCOUNT j -> -WRONGTYPE",
        );
    }

    #[test]
    fn keeps_its_count() {
        let mut node = node(&[]);
        node.converse("PFADD h a b c; GETRANGE h 15 15 -> \"\\x80\"; PFCOUNT h -> :3; GETRANGE h 15 15 -> \"\\x00\"; PFADD h a b c; GETRANGE h 15 15 -> \"\\x00\"; PFCOUNT h; PFADD h 1 2 3; GETRANGE h 15 15 -> \"\\x80\"");
        node.node.alarms.set(alarm::READ_ONLY_REPLICA, true);
        node.converse("PFCOUNT h -> :6; GETRANGE h 15 15 -> \"\\x00\"");
        assert_eq!(node.log.lines(), ["PFADD h a b c", "PFCOUNT h", "PFADD h 1 2 3"]);
    }
}
