//! LRANGE key start stop
//!
//! Both ends are part of the range; negative ones count from the end. The elements go from the list into the reply,
//! with nothing between, however many they are.

use super::ends::say;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use std::ops::Range;
use types::List;
use types::list::Side;

pub static LRANGE: Command = Command {
    name: "LRANGE",
    group: Group::List,
    arity: Arity::Exactly(4),
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N + M), N = elements returned, M = a sixteen-byte step for each chunk before them",
    summary: "Elements of a list between two places.",
    docs: &[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (start, stop) = (args.int(2)?, args.int(3)?);
    let Some(list) = ctx.db.read::<List>(args.key(1))? else {
        ctx.reply.array(0);
        return Ok(());
    };
    let range = range(start, stop, list.len());
    ctx.reply.array(range.len());
    if !range.is_empty() {
        list.walk(Side::Front, range.start).take(range.len()).for_each(|item| say(ctx.reply, item));
    }
    Ok(())
}

/// Places from `start` to `stop`, both included and negative ones counted from the end, of a list of `len` elements.
pub(super) fn range(start: i64, stop: i64, len: usize) -> Range<usize> {
    let from_end = |i: i64| if i < 0 { i.saturating_add(len as i64).max(0) } else { i };
    if stop < 0 && stop.saturating_add(len as i64) < 0 {
        return 0..0;
    }
    let (start, stop) = (from_end(start), from_end(stop).min(len as i64 - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn ranges() {
        check(
            "RPUSH l a b c d e; LRANGE l 0 -1 -> [a b c d e]; LRANGE l 1 2 -> [b c]; LRANGE l -2 -1 -> [d e]; LRANGE l -100 1 -> [a b]; LRANGE l 3 100 -> [d e]; LRANGE l 3 2 -> []; LRANGE l 5 9 -> []; LRANGE l 0 -6 -> []; LRANGE l 0 -5 -> [a]",
        );
        check(
            "RPUSH l a; LRANGE l -9223372036854775808 9223372036854775807 -> [a]; LRANGE l 9223372036854775807 -1 -> []; LRANGE none 0 -1 -> []",
        );
    }

    #[test]
    fn long_ones() {
        let all: Vec<String> = (0..20_000).map(|i| format!("element:{i}")).collect();
        check(&format!(
            "RPUSH l {}; OBJECT ENCODING l -> quicklist; LRANGE l 0 -1 -> [{}]; LRANGE l 15000 15002 -> [element:15000 element:15001 element:15002]; LRANGE l -2 -1 -> [element:19998 element:19999]",
            all.join(" "),
            all.join(" ")
        ));
    }

    #[test]
    fn refuses() {
        check(
            "SET s x; LRANGE s 0 1 -> -WRONGTYPE; LRANGE s a 1 -> -ERR value is not an integer or out of range; LRANGE none 0 b -> -ERR value is not an integer or out of range",
        );
    }
}
