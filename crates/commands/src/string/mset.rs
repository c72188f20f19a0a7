//! MSET key value [key value …], MSETNX key value [key value …]
//!
//! All at once, each as SET would. MSETNX sets all of them or, if one exists, none. A key named twice gets its
//! last value.

use super::value::stored;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, REPLACE, notify};

pub static MSET: Command = Command {
    name: "MSET",
    keys: &[KeySpec::span(1, -1, 2, REPLACE)],
    summary: "Sets several keys to strings.",
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    run: mset,
    ..BOTH
};

pub static MSETNX: Command = Command {
    name: "MSETNX",
    keys: &[KeySpec::span(1, -1, 2, KeyAccess::OW.and(KeyAccess::INSERT))],
    summary: "Sets several keys to strings if none of them exists.",
    run: msetnx,
    ..BOTH
};

const BOTH: Command = Command {
    group: Group::String,
    since: "1.0.1",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::STRING,
    complexity: "O(N), N = keys",
    docs: &[Arg::block("data", &[Arg::key("key", 0), Arg::new("value", ArgKind::String)]).multiple()],
    ..Command::BASE
};

fn mset(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity("MSET"));
    }
    set_pairs(ctx, args, 1, args.len(), Deadline::None);
    ctx.reply.ok();
    Ok(())
}

fn msetnx(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity("MSETNX"));
    }
    let free = count_existing(ctx, args, 1, args.len())? == 0;
    if free {
        set_pairs(ctx, args, 1, args.len(), Deadline::None);
    }
    ctx.reply.int(i64::from(free));
    Ok(())
}

/// Sets the keys at words `from`, `from + 2` … below `end` to the words behind them.
pub(super) fn set_pairs(ctx: &mut Ctx, args: &Args, from: usize, end: usize, deadline: Deadline) {
    for i in (from..end).step_by(2) {
        let key = args.key(i);
        ctx.db.set(key, stored(args.get(i + 1)), deadline);
        ctx.db.event(notify::STRING, "set", key.bytes);
        if let Deadline::At(_) = deadline {
            ctx.db.event(notify::GENERIC, "expire", key.bytes);
        }
    }
}

/// How many of the keys at words `from`, `from + 2` … below `end` exist.
pub(super) fn count_existing(ctx: &mut Ctx, args: &Args, from: usize, end: usize) -> Result<usize, Error> {
    let (mut count, mut away) = (0, false);
    for i in (from..end).step_by(2) {
        match ctx.db.exists(args.key(i)) {
            Ok(exists) => count += usize::from(exists),
            // All the others are asked for too, so that they are brought in together.
            Err(Error::Away) => away = true,
            Err(error) => return Err(error),
        }
    }
    if away { Err(Error::Away) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets_all() {
        check(
            "MSET a 1 b \"x y\" a 2 -> +OK; MGET a b -> [2 \"x y\"]; SET t v PX 9 -> +OK; MSET t w -> +OK; ~9ms; GET t -> w",
        );
        check(
            "MSET a -> -ERR wrong number of arguments for 'mset' command; MSET a 1 b -> -ERR wrong number of arguments for 'mset' command; GET a -> nil",
        );
    }

    #[test]
    fn sets_all_or_none() {
        check("MSETNX a 1 b 2 a 3 -> :1; MGET a b -> [3 2]; MSETNX c 1 b 9 -> :0; MGET a b c -> [3 2 nil]");
        check("MSETNX a 1 b -> -ERR wrong number of arguments for 'msetnx' command");
    }

    #[test]
    fn no_change_is_not_logged() {
        let mut node = node(&[]);
        node.converse("MSET a 1 b 2; MSETNX b 1 c 2; MSETNX c 1 d 2");
        assert_eq!(node.log.lines(), ["MSET a 1 b 2", "MSETNX c 1 d 2"]);
    }
}
