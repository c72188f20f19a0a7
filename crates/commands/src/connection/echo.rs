//! ECHO message

use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static ECHO: Command = Command {
    name: "ECHO",
    group: Group::Connection,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Categories::CONNECTION,
    summary: "Gives a message back.",
    docs: &[Arg { name: "message", ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.reply.bulk(args.get(1));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn echoes() {
        check("ECHO \"a b\" -> \"a b\"; ECHO -> -ERR wrong number of arguments for 'echo' command");
    }
}
