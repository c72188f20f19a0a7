//! SDIFF key [key …]
//! SDIFFSTORE destination key [key …]

use super::algebra::{difference, keys, say, store};
use super::limits::limits;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE};
use types::Set;

pub static SDIFF: Command = Command {
    name: "SDIFF",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    complexity: "O(N*M), N = members of the first set, M = sets",
    summary: "Members of the first of several sets that are in none of the others.",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg::key("key", 0).multiple()],
    run: reply,
    ..Command::BASE
};

pub static SDIFFSTORE: Command = Command {
    name: "SDIFFSTORE",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::at(1, REPLACE), KeySpec::span(2, -1, 1, READ)],
    summary: "Puts the members of the first of several sets that are in none of the others at a key.",
    tips: &[],
    docs: &[Arg::key("destination", 0), Arg::key("key", 1).multiple()],
    run: store_at,
    ..SDIFF
};

fn reply(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let sets = ctx.db.read_all::<Set>(&keys(args, 1))?;
    let later = ctx.reply.set_later();
    let mut count = 0;
    difference(&sets, |member| {
        say(ctx.reply, member);
        count += 1;
    });
    ctx.reply.set_finish(later, count);
    Ok(())
}

fn store_at(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let limits = limits(ctx);
    let sets = ctx.db.read_all::<Set>(&keys(args, 2))?;
    let mut result = Set::new();
    difference(&sets, |member| {
        result.add(member, &limits);
    });
    drop(sets);
    store(ctx, args.key(1), result, "sdiffstore")
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn subtracts() {
        check(
            "SADD a 1 2 3 x y; SADD b 2 x; SADD c 3; SDIFF a b c none -> {1 y}; SDIFF a -> {1 2 3 x y}; SDIFF none a -> []; SDIFF a a -> []; SDIFF b a -> []",
        );
        check(
            "SADD a 1; SET k v; SDIFF a k -> -WRONGTYPE; SDIFF none k -> -WRONGTYPE; SDIFF k -> -WRONGTYPE; HELLO 3; SDIFF a none -> ~[1]",
        );
    }

    #[test]
    fn stores() {
        check(
            "SADD a 1 2 x; SADD b x; SDIFFSTORE d a b -> :2; SMEMBERS d -> [1 2]; OBJECT ENCODING d -> intset; SDIFFSTORE a a b -> :2; SMEMBERS a -> [1 2]; SDIFFSTORE d none a -> :0; EXISTS d -> :0; SET k v; SDIFFSTORE a none k -> -WRONGTYPE; SCARD a -> :2; SDIFFSTORE k a -> :2; TYPE k -> +set",
        );
    }
}
