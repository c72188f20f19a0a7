//! ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
//! ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]

use super::query::{By, Dialect};
use super::zrange::answer;
use super::{KEY, LIMIT, MAX, MIN, WITHSCORES};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, READ};

pub static ZRANGEBYSCORE: Command = Command {
    name: "ZRANGEBYSCORE",
    group: Group::SortedSet,
    since: "1.0.5",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N)+M), M = members answered",
    summary: "Members with scores in a range.",
    history: &[("2.0.0", "Added the option `WITHSCORES`.")],
    deprecated: Some(("6.2.0", "`ZRANGE` with the option `BYSCORE`")),
    docs: &[KEY, MIN, MAX, WITHSCORES.since("2.0.0"), LIMIT],
    run: |ctx, args| answer(ctx, args, Dialect { by: Some(By::Score), backwards: Some(false), stores: false }),
    ..Command::BASE
};

pub static ZREVRANGEBYSCORE: Command = Command {
    name: "ZREVRANGEBYSCORE",
    group: Group::SortedSet,
    since: "2.2.0",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N)+M), M = members answered",
    summary: "Members with scores in a range, from the highest one.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the options `REV` and `BYSCORE`")),
    docs: &[KEY, MAX, MIN, WITHSCORES, LIMIT],
    run: |ctx, args| answer(ctx, args, Dialect { by: Some(By::Score), backwards: Some(true), stores: false }),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn ranges() {
        check(
            "ZADD z -inf a 1 b 2 c 3 d 4 e 5 f inf g; ZRANGEBYSCORE z -inf 2 -> [a b c]; ZRANGEBYSCORE z (0 (3 WITHSCORES -> [b 1 c 2]; ZREVRANGEBYSCORE z 2 -inf -> [c b a]; ZRANGEBYSCORE z 0 10 LIMIT 2 2 WITHSCORES -> [d 3 e 4]; ZREVRANGEBYSCORE z 10 0 LIMIT 2 3 -> [d c b]; ZRANGEBYSCORE z 0 10 LIMIT 20 10 -> []; ZRANGEBYSCORE z (1 (1 -> []; ZRANGEBYSCORE z 6 inf -> [g]; ZRANGEBYSCORE z 0 10 LIMIT 0 0 -> []",
        );
        check(
            "ZRANGEBYSCORE z str 1 -> -ERR min or max is not a float; ZRANGEBYSCORE z 1 NaN -> -ERR min or max is not a float; ZRANGEBYSCORE z 0 1 REV -> -ERR syntax error; ZRANGEBYSCORE z 0 1 LIMIT a b -> -ERR value is not an integer; ZRANGEBYSCORE z 0 1 LIMIT 1 -> -ERR syntax error",
        );
    }
}
