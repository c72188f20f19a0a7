//! SUNION key [key …]
//! SUNIONSTORE destination key [key …]

use super::algebra::{keys, say, store, union};
use super::limits::limits;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE, View};
use types::Set;

pub static SUNION: Command = Command {
    name: "SUNION",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    complexity: "O(N), N = members of all sets",
    summary: "Members that are in any of several sets.",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg::key("key", 0).multiple()],
    run: reply,
    ..Command::BASE
};

pub static SUNIONSTORE: Command = Command {
    name: "SUNIONSTORE",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    keys: &[KeySpec::at(1, REPLACE), KeySpec::span(2, -1, 1, READ)],
    summary: "Puts the members that are in any of several sets at a key.",
    tips: &[],
    docs: &[Arg::key("destination", 0), Arg::key("key", 1).multiple()],
    run: store_at,
    ..SUNION
};

/// Looking for a member in so many sets costs about what putting it into one costs.
const LOOKUPS_MAX: usize = 6;

fn reply(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let limits = limits(ctx);
    let sets = ctx.db.read_all::<Set>(&keys(args, 1))?;
    if sets.len() > LOOKUPS_MAX {
        let mut result = Set::new();
        for set in sets.iter().flatten() {
            set.iter().for_each(|member| {
                result.add(member, &limits);
            });
        }
        ctx.reply.set(result.len());
        result.iter().for_each(|member| say(ctx.reply, member));
        return Ok(());
    }
    let later = ctx.reply.set_later();
    let mut count = 0;
    union(&sets, |member| {
        say(ctx.reply, member);
        count += 1;
    });
    ctx.reply.set_finish(later, count);
    Ok(())
}

fn store_at(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let limits = limits(ctx);
    let sets = ctx.db.read_all::<Set>(&keys(args, 2))?;
    // A copy of the largest, when the result will be a table whatever comes; else as if made by hand, because a
    // table may have shrunk to what fits in a small form.
    let largest = sets.iter().flatten().max_by_key(|set| set.len());
    let certain = |set: &&View<Set>| set.len() > limits.ints.max(limits.packed);
    let mut result = largest.filter(certain).map_or_else(Set::new, |set| set.duplicate());
    for set in sets.iter().flatten() {
        set.iter().for_each(|member| {
            result.add(member, &limits);
        });
    }
    drop(sets);
    store(ctx, args.key(1), result, "sunionstore")
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn unites() {
        check(
            "SADD a 1 2 x; SADD b 2 y; SADD c 3; SUNION a b c none -> {1 2 x y 3}; SUNION a -> {1 2 x}; SUNION none -> []; SUNION a a b b -> {1 2 x y}",
        );
        check(
            "SADD a 1; SADD b x; SUNION a b a b a b a b a none -> {1 x}; SET k v; SUNION a k -> -WRONGTYPE; SUNION k none -> -WRONGTYPE; HELLO 3; SUNION a b -> ~[1 x]",
        );
    }

    #[test]
    fn stores() {
        let mut node = node(&[]);
        let words = |from: usize, to: usize| (from..to).map(|i| format!(" {i}")).collect::<String>();
        node.converse(&format!("SADD a{}; SADD b{}; SADD c x", words(0, 600), words(590, 700)));
        node.converse("SUNIONSTORE d a b -> :700; SCARD d -> :700; OBJECT ENCODING d -> hashtable; SCARD a -> :600; SUNIONSTORE d b c -> :111; OBJECT ENCODING d -> listpack; SUNIONSTORE d b none -> :110; OBJECT ENCODING d -> intset; SUNIONSTORE b b c -> :111");
        node.converse("SUNIONSTORE d none no -> :0; EXISTS d -> :0; SET k v; SUNIONSTORE b none k -> -WRONGTYPE; SCARD b -> :111; SUNIONSTORE k c -> :1; SMEMBERS k -> [x]");
        let lines = node.log.lines();
        assert_eq!(lines[lines.len() - 3..], ["SUNIONSTORE d none no", "SET k v", "SUNIONSTORE k c"]);
    }
}
