//! FUNCTION: libraries of functions.
//!
//! They belong to the data: changes go to the log, snapshots hold the codes.

pub mod delete;
pub mod dump;
pub mod flush;
pub mod kill;
pub mod list;
pub mod load;
pub mod restore;
pub mod stats;

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static FUNCTION: Command = Command {
    name: "FUNCTION",
    group: Group::Scripting,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for commands on functions.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] = &[
    &delete::DELETE,
    &dump::DUMP,
    &flush::FLUSH,
    &HELP,
    &kill::KILL,
    &list::LIST,
    &load::LOAD,
    &restore::RESTORE,
    &stats::STATS,
];

pub static HELP: Command = Command {
    name: "HELP",
    flags: Flags::LOADING.and(Flags::STALE),
    arity: Arity::Exactly(2),
    summary: "Describes the subcommands.",
    run: help,
    ..BASE
};

/// What the subcommands have in common.
const BASE: Command = Command {
    group: Group::Scripting,
    since: "7.0.0",
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    ..Command::BASE
};

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    exec::help::help(ctx, &FUNCTION);
    Ok(())
}
