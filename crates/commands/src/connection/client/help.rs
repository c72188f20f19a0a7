//! CLIENT HELP

use crate::help::help;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Connection,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Describes the subcommands.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    help(ctx, &super::CLIENT);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn describes() {
        check(
            "CLIENT HELP x -> -ERR wrong number of arguments for 'client|help' command; CLIENT NOSUCH -> -ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.",
        );
    }
}
