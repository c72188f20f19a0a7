//! SCRIPT: the texts that the server keeps, and the script that runs.

pub mod debug;
pub mod exists;
pub mod flush;
pub mod kill;
pub mod load;
pub mod show;

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static SCRIPT: Command = Command {
    name: "SCRIPT",
    group: Group::Scripting,
    since: "2.6.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for commands on scripts.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] =
    &[&debug::DEBUG, &exists::EXISTS, &flush::FLUSH, &HELP, &kill::KILL, &load::LOAD, &show::SHOW];

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Scripting,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::SCRIPTING,
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    exec::help::help(ctx, &SCRIPT);
    Ok(())
}
