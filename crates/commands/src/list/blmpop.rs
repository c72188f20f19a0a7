//! BLMPOP timeout numkeys key [key …] LEFT | RIGHT [COUNT count]
//!
//! LMPOP that waits when none of the keys holds a list.

use super::ends::{COUNT_DOCS, PopMany, TAKE, WHERE, is_list};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeySpec};

pub static BLMPOP: Command = Command {
    name: "BLMPOP",
    group: Group::List,
    since: "7.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[KeySpec::counted(2, 1, TAKE)],
    complexity: "O(N + M), N = keys, M = elements taken",
    summary: "Takes elements from the first list that is there, or waits for one.",
    docs: &[
        Arg::new("timeout", ArgKind::Double),
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", WHERE),
        COUNT_DOCS,
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let pop = PopMany::parse(args, 2)?;
    let deadline = args.timeout(1, ctx.now())?;
    if pop.run(ctx, args)? {
        return Ok(());
    }
    if !ctx.may_wait() {
        ctx.reply.null_array();
        return Ok(());
    }
    let keys: Vec<Key> = (pop.first_key..pop.first_key + pop.key_count).map(|i| args.key(i)).collect();
    Err(ctx.wait_for(&keys, is_list, deadline))
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn takes_or_waits() {
        check(
            "RPUSH b 1 2 3; BLMPOP 0 2 a b LEFT -> [b [1]]; BLMPOP 1 2 a b RIGHT COUNT 9 -> [b [3 2]]; BLMPOP 0.05 2 a b LEFT -> parked; ~51ms; <- nil[]",
        );
        check(
            "BLMPOP 0 2 a b LEFT COUNT 1 -> parked; c2> BLMPOP 0 2 a b RIGHT COUNT 10 -> parked; c3> BLMPOP 0 2 a b LEFT COUNT 10 -> parked; c4> BLMPOP 0 2 a b RIGHT -> parked; c5> MULTI; c5> LPUSH a 1 2 3 4; c5> LPUSH b x y z; c5> EXEC; <- [a [4]]; c2> <- [a [1 2 3]]; c3> <- [b [z y x]]; c4> <- silence; c5> RPUSH b 7 8; c4> <- [b [8]]",
        );
        check("BLMPOP 0.05 1 a LEFT -> parked; c2> SET a x; ~51ms; <- nil[]");
        check("MULTI; BLMPOP 0 1 a LEFT; EXEC -> [nil[]]");
    }

    #[test]
    fn refuses() {
        check(
            "BLMPOP x 1 a LEFT -> -ERR timeout is not a float or out of range; BLMPOP -1 1 a LEFT -> -ERR timeout is negative; BLMPOP -1 0 a LEFT -> -ERR numkeys should be greater than 0; BLMPOP 0 0 a LEFT -> -ERR numkeys should be greater than 0; BLMPOP 0 1 a UP -> -ERR syntax error; SET s x; BLMPOP 0 2 a s LEFT -> -WRONGTYPE",
        );
    }

    #[test]
    fn the_log_sees_a_pop() {
        let mut node = node(&[]);
        node.converse("BLMPOP 0 2 a b RIGHT COUNT 10 -> parked; c2> RPUSH b 1 2 3; <- [b [3 2 1]]; BLMPOP 0.01 1 a LEFT -> parked; ~11ms; <- nil[]");
        assert_eq!(node.log.lines(), ["RPUSH b 1 2 3", "RPOP b 3"]);
    }
}
