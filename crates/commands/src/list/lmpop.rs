//! LMPOP numkeys key [key …] LEFT | RIGHT [COUNT count]
//!
//! From the first of the keys that holds a list. The log gets the LPOP or RPOP that it was.

use super::ends::{COUNT_DOCS, PopMany, TAKE, WHERE};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec};

pub static LMPOP: Command = Command {
    name: "LMPOP",
    group: Group::List,
    since: "7.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::counted(1, 1, TAKE)],
    complexity: "O(N + M), N = keys, M = elements taken",
    summary: "Takes elements from the first list that is there.",
    docs: &[
        Arg::new("numkeys", ArgKind::Integer),
        Arg::key("key", 0).multiple(),
        Arg::one_of("where", WHERE),
        COUNT_DOCS,
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if !PopMany::parse(args, 1)?.run(ctx, args)? {
        ctx.reply.null_array();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn from_the_first_list() {
        check(
            "LMPOP 2 a b LEFT -> nil[]; RPUSH b 1 2 3 4; LMPOP 2 a b LEFT -> [b [1]]; LMPOP 2 b a RIGHT COUNT 2 -> [b [4 3]]; RPUSH a x; LMPOP 2 a b left count 9 -> [a [x]]; LMPOP 2 b b LEFT COUNT 9 -> [b [2]]; EXISTS a b -> :0",
        );
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("1", "wrong number of arguments for 'lmpop' command"),
            ("0 a LEFT", "numkeys should be greater than 0"),
            ("x a LEFT", "numkeys should be greater than 0"),
            ("9223372036854775807 a LEFT", "syntax error"),
            ("2 a LEFT", "syntax error"),
            ("1 a UP", "syntax error"),
            ("1 a LEFT UP", "syntax error"),
            ("1 a LEFT COUNT", "syntax error"),
            ("1 a LEFT COUNT 1 COUNT 2", "syntax error"),
            ("1 a LEFT COUNT 0", "count should be greater than 0"),
            ("1 a LEFT COUNT x", "count should be greater than 0"),
        ] {
            check(&format!("LMPOP {words} -> -ERR {error}"));
        }
        check("SET s x; LMPOP 2 none s LEFT -> -WRONGTYPE; RPUSH l a; LMPOP 2 l s LEFT -> [l [a]]");
    }

    #[test]
    fn the_log_sees_a_pop() {
        let mut node = node(&[]);
        node.converse("RPUSH l a b c d; LMPOP 2 none l LEFT; LMPOP 1 l RIGHT COUNT 9; LMPOP 1 l RIGHT");
        assert_eq!(node.log.lines(), ["RPUSH l a b c d", "LPOP l 1", "RPOP l 3"]);
    }
}
