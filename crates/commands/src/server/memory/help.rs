//! MEMORY HELP

use crate::help::help;
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    help(ctx, &super::MEMORY);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn describes() {
        check(
            "MEMORY HELP x -> -ERR wrong number of arguments for 'memory|help' command; MEMORY NOSUCH -> -ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP.",
        );
    }
}
