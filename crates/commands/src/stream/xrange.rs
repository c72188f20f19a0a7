//! XRANGE key start end [COUNT count] · XREVRANGE key end start [COUNT count]
//!
//! Entries of an interval. `-` and `+` are its ends, `(` before an ID excludes it, an ID without its number stands
//! for the whole millisecond. COUNT 0 (or less) is a null array for a stream that is there.

use super::{ids, say};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::Stream;

const HISTORY: &[(&str, &str)] = &[("6.2.0", "Exclusive ends.")];
const START: Arg = Arg::new("start", ArgKind::String);
const END: Arg = Arg::new("end", ArgKind::String);
const COUNT: Arg = Arg::new("count", ArgKind::Integer).after("COUNT").optional();

pub static XRANGE: Command = Command {
    name: "XRANGE",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = entries returned",
    summary: "Returns the entries of an interval of IDs.",
    history: HISTORY,
    docs: &[Arg::key("key", 0), START, END, COUNT],
    run: |ctx, args| range(ctx, args, false),
    ..Command::BASE
};

pub static XREVRANGE: Command = Command {
    name: "XREVRANGE",
    summary: "Returns the entries of an interval of IDs, the last one first.",
    docs: &[Arg::key("key", 0), END, START, COUNT],
    run: |ctx, args| range(ctx, args, true),
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = entries returned",
    history: HISTORY,
    ..Command::BASE
};

fn range(ctx: &mut Ctx, args: &Args, backwards: bool) -> Result<(), Error> {
    let (start, end) = if backwards { (3, 2) } else { (2, 3) };
    let (from, to) = (ids::start(args.get(start))?, ids::end(args.get(end))?);
    let mut count = usize::MAX;
    let mut at = 4;
    while at < args.len() {
        if !args.is(at, "COUNT") || at + 1 == args.len() {
            return Err(Error::Syntax);
        }
        count = usize::try_from(args.int(at + 1)?.max(0)).unwrap_or(usize::MAX);
        at += 2;
    }
    let Some(stream) = ctx.db.read::<Stream>(args.key(1))? else {
        ctx.reply.array(0);
        return Ok(());
    };
    if count == 0 {
        ctx.reply.null_array();
    } else if backwards {
        say::entries(ctx.reply, stream.entries().range_back(from, to), count);
    } else {
        say::entries(ctx.reply, stream.entries().range(from, to), count);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    const SOME: &str = "XADD s 1-1 a 1; XADD s 1-2 b 2 c x; XADD s 3-0 a 3";

    #[test]
    fn forwards_and_backwards() {
        check(&format!(
            "{SOME}; XRANGE s - + -> [[1-1 [a 1]] [1-2 [b 2 c x]] [3-0 [a 3]]]; XRANGE s 1 1 -> [[1-1 [a 1]] [1-2 [b 2 c x]]]"
        ));
        check(&format!(
            "{SOME}; XREVRANGE s + - -> [[3-0 [a 3]] [1-2 [b 2 c x]] [1-1 [a 1]]]; XREVRANGE s 2 - COUNT 1 -> [[1-2 [b 2 c x]]]"
        ));
        check(&format!(
            "{SOME}; XRANGE s (1-1 (3 COUNT 5 -> [[1-2 [b 2 c x]] [3-0 [a 3]]]; XRANGE s (1-1 (3-0 -> [[1-2 [b 2 c x]]]; XRANGE s 5 2 -> []"
        ));
        check("HELLO 3; XADD s 1-1 a 1; XRANGE s - + -> [[1-1 [a 1]]]");
    }

    #[test]
    fn counts() {
        check(&format!(
            "{SOME}; XRANGE s - + count 1 COUNT 2 -> [[1-1 [a 1]] [1-2 [b 2 c x]]]; XRANGE s - + COUNT 0 -> nil[]; XRANGE s - + COUNT -1 -> nil[]; XRANGE none - + COUNT 0 -> []"
        ));
    }

    #[test]
    fn edges() {
        let ids = [
            "0-1",
            "0-18446744073709551615",
            "1-0",
            "42-0",
            "42-42",
            "18446744073709551615-18446744073709551614",
            "18446744073709551615-18446744073709551615",
        ];
        let add: Vec<String> = ids.iter().map(|id| format!("XADD v {id} f b")).collect();
        check(&format!(
            "{}; XLEN v -> :7; XRANGE v (0-1 (1-0 -> [[0-18446744073709551615 [f b]]]; XRANGE v (1-0 (42-42 -> [[42-0 [f b]]]",
            add.join("; ")
        ));
    }

    #[test]
    fn refuses() {
        check(
            "XRANGE s (- + -> -ERR Invalid stream ID; XRANGE s - (+ -> -ERR Invalid stream ID; XRANGE s x + -> -ERR Invalid stream ID",
        );
        check(
            "XRANGE s (18446744073709551615-18446744073709551615 + -> -ERR invalid start ID for the interval; XRANGE s - (0-0 -> -ERR invalid end ID for the interval",
        );
        check(
            "XRANGE s - + COUNT -> -ERR syntax error; XRANGE s - + COUNT x -> -ERR value is not an integer; XRANGE s - + FOO 1 -> -ERR syntax error",
        );
        check("SET k v; XRANGE k - + -> -WRONGTYPE; XREVRANGE k + - -> -WRONGTYPE");
    }
}
