//! SELECT index

use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static SELECT: Command = Command {
    name: "SELECT",
    group: Group::Connection,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Categories::CONNECTION,
    summary: "Changes the selected database.",
    docs: &[Arg { name: "index", kind: ArgKind::Integer, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let index = args.int(1)?;
    if i32::try_from(index).is_err() {
        return Err(Error::Static("ERR value is out of range, value must between -2147483648 and 2147483647"));
    }
    let index = usize::try_from(index).map_err(|_| Error::DbOutOfRange)?;
    if index >= ctx.node.databases {
        return Err(Error::DbOutOfRange);
    }
    ctx.session.select(index);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn selects() {
        check("SET k 0; SELECT 15 -> +OK; GET k -> nil; SELECT 0 -> +OK; GET k -> 0");
    }

    #[test]
    fn refuses() {
        check(
            "SELECT 16 -> -ERR DB index is out of range; SELECT -1 -> -ERR DB index is out of range; SELECT a -> -ERR value is not an integer",
        );
    }
}
