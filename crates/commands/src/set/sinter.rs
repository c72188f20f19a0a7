//! SINTER key [key …]
//! SINTERSTORE destination key [key …]
//! SINTERCARD numkeys key [key …] [LIMIT limit]

use super::algebra::{intersection, keys, say, store};
use super::limits::limits;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE};
use types::Set;

pub static SINTER: Command = Command {
    name: "SINTER",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    complexity: "O(N*M), N = members of the smallest set, M = sets",
    summary: "Members that several sets have in common.",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg::key("key", 0).multiple()],
    run: reply,
    ..Command::BASE
};

pub static SINTERSTORE: Command = Command {
    name: "SINTERSTORE",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::at(1, REPLACE), KeySpec::span(2, -1, 1, READ)],
    summary: "Puts the members that several sets have in common at a key.",
    tips: &[],
    docs: &[Arg::key("destination", 0), Arg::key("key", 1).multiple()],
    run: store_at,
    ..SINTER
};

pub static SINTERCARD: Command = Command {
    name: "SINTERCARD",
    since: "7.0.0",
    arity: Arity::AtLeast(3),
    keys: &[KeySpec::counted(1, 1, READ)],
    summary: "Number of members that several sets have in common, counted up to a limit.",
    tips: &[],
    docs: &[
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::new("limit", ArgKind::Integer).after("LIMIT").optional(),
    ],
    run: count,
    ..SINTER
};

fn reply(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let sets = ctx.db.read_all::<Set>(&keys(args, 1))?;
    let later = ctx.reply.set_later();
    let mut count = 0;
    intersection(&sets, |member| {
        say(ctx.reply, member);
        count += 1;
        true
    });
    ctx.reply.set_finish(later, count);
    Ok(())
}

fn store_at(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let limits = limits(ctx);
    let sets = ctx.db.read_all::<Set>(&keys(args, 2))?;
    let mut result = Set::new();
    intersection(&sets, |member| {
        result.add(member, &limits);
        true
    });
    drop(sets);
    store(ctx, args.key(1), result, "sinterstore")
}

fn count(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key_count = args.int(1).ok().and_then(|count| usize::try_from(count).ok()).filter(|&count| count > 0);
    let key_count = key_count.ok_or(Error::Static("ERR numkeys should be greater than 0"))?;
    if key_count > args.len() - 2 {
        return Err(Error::Static("ERR Number of keys can't be greater than number of args"));
    }
    let mut limit = usize::MAX;
    let mut i = 2 + key_count;
    while i < args.len() {
        if !args.is(i, "LIMIT") || i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        let n = args.int(i + 1).ok().and_then(|n| usize::try_from(n).ok());
        limit = match n.ok_or(Error::Static("ERR LIMIT can't be negative"))? {
            0 => usize::MAX,
            n => n,
        };
        i += 2;
    }
    let keys: Vec<_> = (2..2 + key_count).map(|i| args.key(i)).collect();
    let sets = ctx.db.read_all::<Set>(&keys)?;
    let mut count = 0;
    intersection(&sets, |_| {
        count += 1;
        count < limit
    });
    ctx.reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn intersects() {
        check(
            "SADD a 1 2 3 x; SADD b 2 3 x y; SADD c 3 x z; SINTER a b c -> {3 x}; SINTER a -> {1 2 3 x}; SINTER a none -> []; SINTER a a -> {1 2 3 x}",
        );
        check(
            "SADD a 1 2; SADD b 3 4; SINTER a b -> []; SET k v; SINTER a k -> -WRONGTYPE; SINTER none k -> -WRONGTYPE; SINTER k none -> -WRONGTYPE",
        );
        check("HELLO 3; SADD a 1 2; SADD b 2; SINTER a b -> ~[2]; SINTER none -> ~[]");
    }

    #[test]
    fn stores() {
        let mut node = node(&[]);
        node.converse("SADD a 1 2 x; SADD b 2 x y; SINTERSTORE d a b -> :2; SMEMBERS d -> {2 x}; OBJECT ENCODING d -> listpack; SREM a x; SINTERSTORE d a b -> :1; OBJECT ENCODING d -> intset");
        node.converse("SINTERSTORE a a b -> :1; SMEMBERS a -> [2]; SET d v PX 100; SINTERSTORE d a -> :1; TTL d -> :-1; SINTERSTORE d a none -> :0; EXISTS d -> :0; SINTERSTORE d none -> :0; SET k v; SINTERSTORE a k none -> -WRONGTYPE; SMEMBERS a -> [2]");
        let lines = node.log.lines();
        assert_eq!(lines[lines.len() - 3..], ["SINTERSTORE d a", "SINTERSTORE d a none", "SET k v"]);
    }

    #[test]
    fn counts() {
        check(
            "SADD a 1 2 3; SADD b 2 3 4; SINTERCARD 2 a b -> :2; SINTERCARD 2 a b LIMIT 1 -> :1; SINTERCARD 2 a b limit 0 -> :2; SINTERCARD 2 a b LIMIT 9 -> :2; SINTERCARD 2 a none -> :0; SINTERCARD 1 none LIMIT 3 -> :0",
        );
        check(
            "SINTERCARD 1 -> -ERR wrong number of arguments for 'sintercard' command; SINTERCARD 0 a -> -ERR numkeys should be greater than 0; SINTERCARD x a -> -ERR numkeys should be greater than 0; SINTERCARD 2 a -> -ERR Number of keys can't be greater than number of args",
        );
        check(
            "SINTERCARD 1 a b -> -ERR syntax error; SINTERCARD 1 a LIMIT -> -ERR syntax error; SINTERCARD 1 a LIMIT -1 -> -ERR LIMIT can't be negative; SINTERCARD 1 a LIMIT x -> -ERR LIMIT can't be negative; SET k v; SINTERCARD 2 none k -> -WRONGTYPE",
        );
    }
}
