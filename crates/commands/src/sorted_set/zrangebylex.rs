//! ZRANGEBYLEX key min max [LIMIT offset count]
//! ZREVRANGEBYLEX key max min [LIMIT offset count]

use super::query::{By, Dialect};
use super::zrange::answer;
use super::{KEY, LEX_MAX, LEX_MIN, LIMIT};
use exec::{Arity, Categories, Command, Flags, Group, KeySpec, READ};

pub static ZRANGEBYLEX: Command = Command {
    name: "ZRANGEBYLEX",
    group: Group::SortedSet,
    since: "2.8.9",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N)+M), M = members answered",
    summary: "Members in a lexicographical range.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the option `BYLEX`")),
    docs: &[KEY, LEX_MIN, LEX_MAX, LIMIT],
    run: |ctx, args| answer(ctx, args, Dialect { by: Some(By::Lex), backwards: Some(false), stores: false }),
    ..Command::BASE
};

pub static ZREVRANGEBYLEX: Command = Command {
    name: "ZREVRANGEBYLEX",
    group: Group::SortedSet,
    since: "2.8.9",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N)+M), M = members answered",
    summary: "Members in a lexicographical range, from the last one.",
    deprecated: Some(("6.2.0", "`ZRANGE` with the options `REV` and `BYLEX`")),
    docs: &[KEY, LEX_MAX, LEX_MIN, LIMIT],
    run: |ctx, args| answer(ctx, args, Dialect { by: Some(By::Lex), backwards: Some(true), stores: false }),
    ..Command::BASE
};

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn ranges() {
        check(
            "ZADD z 0 alpha 0 bar 0 cool 0 down 0 elephant 0 foo; ZRANGEBYLEX z - [cool -> [alpha bar cool]; ZRANGEBYLEX z [bar [down -> [bar cool down]; ZREVRANGEBYLEX z [d + -> []; ZREVRANGEBYLEX z + [d -> [foo elephant down]; ZRANGEBYLEX z (az (b -> []; ZRANGEBYLEX z - + LIMIT 1 2 -> [bar cool]; ZREVRANGEBYLEX z + - LIMIT 0 2 -> [foo elephant]; ZRANGEBYLEX z + - -> []",
        );
        check(
            "ZRANGEBYLEX z (foo bar -> -ERR min or max not valid string range item; ZRANGEBYLEX z +x - -> -ERR min or max not valid string range item; ZRANGEBYLEX z - + WITHSCORES -> -ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        );
    }
}
