//! ZINTER numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
//! ZINTERSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX]

use super::combine::{self, Op};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, READ, REPLACE};

pub static ZINTER: Command = Command {
    name: "ZINTER",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::counted(1, 1, READ)],
    complexity: "O(N*K)+O(M*log(M)), N = members of the smallest of K sources, M = members of the result",
    summary: "The intersection of several sorted sets.",
    docs: combine::DOCS,
    run: |ctx, args| combine::answer(ctx, args, Op::Inter, "zinter"),
    ..Command::BASE
};

pub static ZINTERSTORE: Command = Command {
    name: "ZINTERSTORE",
    group: Group::SortedSet,
    since: "2.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, REPLACE), KeySpec::counted(2, 1, READ)],
    complexity: "O(N*K)+O(M*log(M)), N = members of the smallest of K sources, M = members of the result",
    summary: "Stores the intersection of several sorted sets.",
    docs: combine::STORE_DOCS,
    run: |ctx, args| combine::store(ctx, args, Op::Inter, "zinterstore", "zinterstore"),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn intersects() {
        check(
            "ZADD a 1 x 2 y 3 z; ZADD b 10 y 20 z 30 w; ZINTER 2 a b WITHSCORES -> [y 12 z 23]; ZINTER 2 a b WEIGHTS 2 1 WITHSCORES -> [y 14 z 26]; ZINTER 2 a b AGGREGATE MIN WITHSCORES -> [y 2 z 3]; ZINTER 2 a none -> []; ZINTER 1 a -> [x y z]",
        );
        check(
            "ZADD a 1 x 2 y; ZADD b 10 y; ZINTERSTORE d 2 a b -> :1; ZRANGE d 0 -1 WITHSCORES -> [y 12]; ZINTERSTORE d 2 a none -> :0; EXISTS d -> :0; ZINTERSTORE a 2 a a -> :2; ZSCORE a x -> 2",
        );
    }

    #[test]
    fn takes_sets_too() {
        check(
            "SADD s x 7; ZADD a 5 x 6 7 8 y; ZINTER 2 a s WITHSCORES -> [x 6 7 7]; ZINTERSTORE d 2 s a WEIGHTS 3 1 -> :2; ZSCORE d x -> 8",
        );
    }

    #[test]
    fn refuses() {
        check(
            "ZINTER 0 a -> -ERR at least 1 input key is needed for 'zinter' command; ZINTER 1 a b -> -ERR syntax error; SET s v; ZADD a 1 x; ZINTER 2 none s -> -WRONGTYPE; ZINTERSTORE d 2 a s -> -WRONGTYPE",
        );
    }
}
