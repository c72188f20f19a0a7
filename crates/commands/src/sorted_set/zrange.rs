//! ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
//! ZREVRANGE key start stop [WITHSCORES]

use super::query::{By, Dialect, Query};
use super::{KEY, LIMIT, WITHSCORES, elements};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static ZRANGE: Command = Command {
    name: "ZRANGE",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N)+M), M = members answered",
    summary: "Members of a sorted set in a range of ranks, scores or members.",
    history: &[("6.2.0", "Added the options `REV`, `BYSCORE`, `BYLEX` and `LIMIT`.")],
    docs: &[
        KEY,
        Arg::new("start", ArgKind::String),
        Arg::new("stop", ArgKind::String),
        Arg::one_of("sortby", &[Arg::token("byscore", "BYSCORE"), Arg::token("bylex", "BYLEX")])
            .since("6.2.0")
            .optional(),
        Arg::token("rev", "REV").since("6.2.0").optional(),
        LIMIT.since("6.2.0"),
        WITHSCORES,
    ],
    run: |ctx, args| answer(ctx, args, Dialect { by: None, backwards: None, stores: false }),
    ..Command::BASE
};

pub static ZREVRANGE: Command = Command {
    name: "ZREVRANGE",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N)+M), M = members answered",
    summary: "Members of a sorted set in a range of ranks, from the highest score.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the option `REV`")),
    docs: &[KEY, Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer), WITHSCORES],
    run: |ctx, args| answer(ctx, args, Dialect { by: Some(By::Rank), backwards: Some(true), stores: false }),
    ..Command::BASE
};

/// All range commands that answer.
pub(super) fn answer(ctx: &mut Ctx, args: &Args, dialect: Dialect) -> Result<(), Error> {
    let query = Query::parse(args, 2, dialect)?;
    let Some(set) = ctx.db.read::<SortedSet>(args.key(1))? else {
        ctx.reply.array(0);
        return Ok(());
    };
    elements::write(ctx.reply, set.range(query.ranks(&set), query.backwards), query.with_scores);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn by_rank() {
        check(
            "ZADD z 1 a 2 b 3 c 4 d; ZRANGE z 0 -1 -> [a b c d]; ZRANGE z 1 2 -> [b c]; ZRANGE z -2 -1 -> [c d]; ZRANGE z 5 9 -> []; ZRANGE z 0 1 REV -> [d c]; ZREVRANGE z 0 0 WITHSCORES -> [d 4]; ZRANGE z 2 1 -> []; ZRANGE none 0 -1 -> []; ZRANGE z 0 0 WITHSCORES -> [a 1]; ZREVRANGE z -2 -1 -> [b a]",
        );
        check("HELLO 3; ZADD z 1 a 2.5 b; ZRANGE z 0 -1 WITHSCORES -> [[a ,1] [b ,2.5]]; ZRANGE z 0 -1 -> [a b]");
    }

    #[test]
    fn by_score_and_member() {
        check(
            "ZADD z 1 a 2 b 3 c 4 d; ZRANGE z 2 (4 BYSCORE -> [b c]; ZRANGE z (4 2 BYSCORE REV -> [c b]; ZRANGE z -inf +inf BYSCORE LIMIT 1 2 -> [b c]; ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2 WITHSCORES -> [c 3 b 2]; ZRANGE z 1 9 BYSCORE LIMIT 3 -1 -> [d]; ZRANGE z 1 9 BYSCORE LIMIT -1 5 -> []; ZRANGE z 1 9 BYSCORE LIMIT 9 5 -> []",
        );
        check(
            "ZADD z 0 a 0 b 0 c 0 d; ZRANGE z [b (d BYLEX -> [b c]; ZRANGE z + [b BYLEX REV LIMIT 0 2 -> [d c]; ZRANGE z - + BYLEX LIMIT 1 1 -> [b]",
        );
    }

    #[test]
    fn refuses() {
        check(
            "ZRANGE z 0 -1 LIMIT 1 2 -> -ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX; ZRANGE z - + BYLEX WITHSCORES -> -ERR syntax error, WITHSCORES not supported in combination with BYLEX; ZRANGE z a b -> -ERR value is not an integer or out of range; ZRANGE z a b BYSCORE -> -ERR min or max is not a float; ZRANGE z a b BYLEX -> -ERR min or max not valid string range item; ZRANGE z 0 1 FOO -> -ERR syntax error; ZRANGE z 0 1 BYSCORE LIMIT 1 -> -ERR syntax error; ZREVRANGE z 0 1 REV -> -ERR syntax error; ZRANGE z 0 1 BYSCORE BYLEX -> *; SET s v; ZRANGE s 0 1 -> -WRONGTYPE",
        );
    }

    #[test]
    fn large_ones_answer_alike() {
        let mut node = crate::node(&[("zset-max-listpack-entries", "0")]);
        node.converse(
            "ZADD z 1 a 2 b 3 c 4 d; OBJECT ENCODING z -> skiplist; ZRANGE z 1 2 -> [b c]; ZRANGE z 0 1 REV -> [d c]; ZRANGE z (1 3 BYSCORE WITHSCORES -> [b 2 c 3]; ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2 -> [c b]",
        );
    }
}
