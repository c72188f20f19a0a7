//! LINDEX key index

use super::ends::say;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::List;

pub static LINDEX: Command = Command {
    name: "LINDEX",
    group: Group::List,
    arity: Arity::Exactly(3),
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = chunks between the element and the nearer end",
    summary: "The element at a place of a list.",
    docs: &[Arg::key("key", 0), Arg::new("index", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(list) = ctx.db.read::<List>(args.key(1))? else {
        ctx.reply.null();
        return Ok(());
    };
    match place(args.int(2)?, list.len()).and_then(|i| list.get(i)) {
        Some(item) => say(ctx.reply, item),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// An index, counted from the end when it is negative, if a list of `len` elements has it.
pub(super) fn place(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(len as i64)? } else { index };
    usize::try_from(index).ok().filter(|i| *i < len)
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn finds() {
        check(
            "RPUSH l a 12 c; LINDEX l 0 -> a; LINDEX l 1 -> 12; LINDEX l -1 -> c; LINDEX l -3 -> a; LINDEX l 3 -> nil; LINDEX l -4 -> nil; LINDEX l -9223372036854775808 -> nil; LINDEX l 9223372036854775807 -> nil",
        );
    }

    #[test]
    fn refuses() {
        check(
            "LINDEX none x -> nil; RPUSH l a; LINDEX l x -> -ERR value is not an integer or out of range; SET s x; LINDEX s 0 -> -WRONGTYPE",
        );
    }
}
