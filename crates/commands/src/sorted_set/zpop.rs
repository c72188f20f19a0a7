//! ZPOPMIN key [count]
//! ZPOPMAX key [count]
//! BZPOPMIN key [key …] timeout
//! BZPOPMAX key [key …] timeout
//!
//! Without a count RESP3 answers member and score flat, with one in pairs. What a waiting client gets is repeated as
//! ZPOPMIN of the key that had it.

use super::KEY;
use super::pop::{self, End, Shape};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeyAccess, KeySpec};

pub static ZPOPMIN: Command = Command {
    name: "ZPOPMIN",
    group: Group::SortedSet,
    since: "5.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, POP)],
    complexity: "O(log(N)*M), M = members taken",
    summary: "Takes the members with the lowest scores.",
    docs: &[KEY, COUNT],
    run: |ctx, args| zpop(ctx, args, End::Min),
    ..Command::BASE
};

pub static ZPOPMAX: Command = Command {
    name: "ZPOPMAX",
    group: Group::SortedSet,
    since: "5.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, POP)],
    complexity: "O(log(N)*M), M = members taken",
    summary: "Takes the members with the highest scores.",
    docs: &[KEY, COUNT],
    run: |ctx, args| zpop(ctx, args, End::Max),
    ..Command::BASE
};

pub static BZPOPMIN: Command = Command {
    name: "BZPOPMIN",
    group: Group::SortedSet,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::BLOCKING),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::span(1, -2, 1, POP)],
    complexity: "O(log(N))",
    summary: "Takes the member with the lowest score of the first key that has any, or waits for one.",
    history: &[("6.0.0", "`timeout` may have a fraction.")],
    docs: &[KEY.multiple(), TIMEOUT],
    run: |ctx, args| bzpop(ctx, args, End::Min),
    ..Command::BASE
};

pub static BZPOPMAX: Command = Command {
    name: "BZPOPMAX",
    group: Group::SortedSet,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST).and(Flags::BLOCKING),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::span(1, -2, 1, POP)],
    complexity: "O(log(N))",
    summary: "Takes the member with the highest score of the first key that has any, or waits for one.",
    history: &[("6.0.0", "`timeout` may have a fraction.")],
    docs: &[KEY.multiple(), TIMEOUT],
    run: |ctx, args| bzpop(ctx, args, End::Max),
    ..Command::BASE
};

const POP: KeyAccess = KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE);
const COUNT: Arg = Arg::new("count", ArgKind::Integer).optional();
const TIMEOUT: Arg = Arg::new("timeout", ArgKind::Double);

fn zpop(ctx: &mut Ctx, args: &Args, end: End) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    let count = args.opt_count(2)?;
    let shape = if count.is_some() { Shape::List } else { Shape::Flat };
    if !pop::pop(ctx, args.key(1), end, count.unwrap_or(1), shape)? {
        ctx.reply.array(0);
    }
    Ok(())
}

fn bzpop(ctx: &mut Ctx, args: &Args, end: End) -> Result<(), Error> {
    let last = args.len() - 1;
    let deadline = args.timeout(last, ctx.now())?;
    for i in 1..last {
        let key = args.key(i);
        if pop::pop(ctx, key, end, 1, Shape::Triple)? {
            ctx.replay_as(&[end.command(), key.bytes]);
            return Ok(());
        }
    }
    if !ctx.may_wait() {
        ctx.reply.null_array();
        return Ok(());
    }
    let keys: Vec<Key> = (1..last).map(|i| args.key(i)).collect();
    Err(ctx.wait_for(&keys, pop::is_sorted_set, deadline))
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn takes_from_both_ends() {
        for settings in [&[][..], &[("zset-max-listpack-entries", "0")]] {
            node(settings).converse(
                "ZADD z 1 a 2 b 3 c 4 d; ZPOPMIN z -> [a 1]; ZPOPMAX z -> [d 4]; ZPOPMIN z 0 -> []; ZADD z 9 e; ZPOPMAX z 2 -> [e 9 c 3]; ZPOPMIN z 10 -> [b 2]; EXISTS z -> :0; ZPOPMIN z -> []; ZPOPMIN z 3 -> []",
            );
        }
        check("HELLO 3; ZADD z 1 a 2 b 3 c; ZPOPMIN z -> [a ,1]; ZPOPMIN z 1 -> [[b ,2]]; ZPOPMAX z 0 -> []");
        check(
            "ZPOPMIN z -1 -> -ERR value is out of range, must be positive; ZPOPMIN z a -> -ERR value is out of range, must be positive; ZPOPMIN z 1 2 -> -ERR syntax error; SET s v; ZPOPMIN s -> -WRONGTYPE; ZPOPMAX s 0 -> -WRONGTYPE",
        );
    }

    #[test]
    fn waits() {
        let mut node = node(&[]);
        node.converse(
            "ZADD b 5 x; BZPOPMIN a b 0 -> [b x 5]; BZPOPMAX a b 0 -> parked; c2> ZADD b 1 p 2 q -> :2; <- [b q 2]; c2> ZRANGE b 0 -1 -> [p]",
        );
        assert_eq!(node.log.lines(), ["ZADD b 5 x", "ZPOPMIN b", "ZADD b 1 p 2 q", "ZPOPMAX b"]);
        node.converse("DEL b; BZPOPMIN a 0.1 -> parked; ~150ms; <- nil[]; MULTI; BZPOPMIN a 0; EXEC -> [nil[]]");
        node.converse("BZPOPMIN a 0 -> parked; c2> SET a v; c2> DEL a; c2> RPUSH a x; <- silence; c2> DEL a; c2> ZADD a 1 x; <- [a x 1]");
        node.converse("BZPOPMIN a -1 -> -ERR timeout is negative; BZPOPMIN a x -> -ERR timeout is not a float or out of range; SET s v; BZPOPMIN s 0 -> -WRONGTYPE; HELLO 3; ZADD z 1 a; BZPOPMIN z 0 -> [z a ,1]");
    }
}
