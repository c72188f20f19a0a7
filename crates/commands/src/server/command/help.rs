//! COMMAND HELP

use exec::{Args, Arity, Categories, Command, Ctx, Error, Group};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    summary: "Describes the subcommands.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &super::COMMAND);
    Ok(())
}
