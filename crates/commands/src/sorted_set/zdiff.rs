//! ZDIFF numkeys key [key …] [WITHSCORES]
//! ZDIFFSTORE destination numkeys key [key …]

use super::combine::{self, Op};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, READ, REPLACE};

pub static ZDIFF: Command = Command {
    name: "ZDIFF",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::counted(1, 1, READ)],
    complexity: "O(L + (N-K)log(N)), L = all members, N = members of the first source, K = members of the result",
    summary: "The difference of several sorted sets.",
    docs: combine::DIFF_DOCS,
    run: |ctx, args| combine::answer(ctx, args, Op::Diff, "zdiff"),
    ..Command::BASE
};

pub static ZDIFFSTORE: Command = Command {
    name: "ZDIFFSTORE",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, REPLACE), KeySpec::counted(2, 1, READ)],
    complexity: "O(L + (N-K)log(N)), L = all members, N = members of the first source, K = members of the result",
    summary: "Stores the difference of several sorted sets.",
    docs: combine::DIFF_STORE_DOCS,
    run: |ctx, args| combine::store(ctx, args, Op::Diff, "zdiffstore", "zdiffstore"),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn subtracts() {
        check(
            "ZADD a 1 x 2 y 3 z; ZADD b 10 y; SADD s z; ZDIFF 2 a b WITHSCORES -> [x 1 z 3]; ZDIFF 3 a b s -> [x]; ZDIFF 2 none a -> []; ZDIFF 2 a none -> [x y z]; ZDIFF 2 a a -> []; ZDIFFSTORE d 2 a b -> :2; ZRANGE d 0 -1 WITHSCORES -> [x 1 z 3]; ZDIFFSTORE d 2 a a -> :0; EXISTS d -> :0",
        );
        check(
            "ZDIFF 0 a -> -ERR at least 1 input key is needed for 'zdiff' command; ZDIFF 1 a WEIGHTS 1 -> -ERR syntax error; ZDIFFSTORE d 1 a WITHSCORES -> -ERR syntax error; SET s v; ZDIFF 1 s -> -WRONGTYPE",
        );
    }
}
