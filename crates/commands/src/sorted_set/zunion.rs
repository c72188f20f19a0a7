//! ZUNION numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
//! ZUNIONSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX]

use super::combine::{self, Op};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, READ, REPLACE};

pub static ZUNION: Command = Command {
    name: "ZUNION",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::counted(1, 1, READ)],
    complexity: "O(N)+O(M*log(M)), N = all members of the sources, M = members of the result",
    summary: "The union of several sorted sets.",
    docs: combine::DOCS,
    run: |ctx, args| combine::answer(ctx, args, Op::Union, "zunion"),
    ..Command::BASE
};

pub static ZUNIONSTORE: Command = Command {
    name: "ZUNIONSTORE",
    group: Group::SortedSet,
    since: "2.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, REPLACE), KeySpec::counted(2, 1, READ)],
    complexity: "O(N)+O(M*log(M)), N = all members of the sources, M = members of the result",
    summary: "Stores the union of several sorted sets.",
    docs: combine::STORE_DOCS,
    run: |ctx, args| combine::store(ctx, args, Op::Union, "zunionstore", "zunionstore"),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn joins() {
        check(
            "ZADD a 1 x 2 y; ZADD b 10 y 20 z; ZUNION 2 a b WITHSCORES -> [x 1 y 12 z 20]; ZUNION 3 a none b -> [x y z]; ZUNION 2 a b WEIGHTS 2 3 AGGREGATE MAX WITHSCORES -> [x 2 y 30 z 60]; ZUNION 2 a b AGGREGATE MIN WITHSCORES -> [x 1 y 2 z 20]; ZUNION 1 none -> []",
        );
        check(
            "ZADD a 1 x 2 y; ZADD b 10 y 20 z; ZUNIONSTORE d 2 a b -> :3; ZRANGE d 0 -1 WITHSCORES -> [x 1 y 12 z 20]; ZUNIONSTORE a 2 a a -> :2; ZRANGE a 0 -1 WITHSCORES -> [x 2 y 4]; ZUNIONSTORE d 1 none -> :0; EXISTS d -> :0; SET d v; ZUNIONSTORE d 1 a -> :2; TYPE d -> +zset",
        );
        check(
            "ZADD a inf x -inf y; ZADD b -inf x -inf y; ZUNION 2 a b WITHSCORES -> [y \"-inf\" x 0]; ZUNION 1 a WEIGHTS 0 WITHSCORES -> [x 0 y 0]",
        );
        check("HELLO 3; ZADD a 1 x; ZUNION 1 a WITHSCORES -> [[x ,1]]");
    }

    #[test]
    fn takes_sets_too() {
        check(
            "SADD s x q 7; ZADD a 5 x 6 7; ZUNION 2 s a WITHSCORES -> [q 1 x 6 7 7]; ZUNION 2 s a WEIGHTS 10 1 WITHSCORES -> [q 10 x 15 7 16]",
        );
    }

    #[test]
    fn refuses() {
        check(
            "ZUNION 0 a -> -ERR at least 1 input key is needed for 'zunion' command; ZUNIONSTORE d 0 a -> -ERR at least 1 input key is needed for 'zunionstore' command; ZUNION x a -> -ERR value is not an integer or out of range; ZUNION 2 a -> -ERR syntax error; ZUNION 1 a WEIGHTS x -> -ERR weight value is not a float; ZUNION 1 a WEIGHTS nan -> -ERR weight value is not a float; ZUNION 1 a WEIGHTS -> -ERR syntax error; ZUNION 1 a AGGREGATE x -> -ERR syntax error; ZUNIONSTORE d 1 a WITHSCORES -> -ERR syntax error; ZUNION 9223372036854775807 a -> -ERR syntax error",
        );
        check(
            "SET s v; ZADD a 1 x; ZUNION 2 a s -> -WRONGTYPE; ZUNIONSTORE d 1 s -> -WRONGTYPE; RPUSH l 1; ZUNION 1 l -> -WRONGTYPE",
        );
    }
}
