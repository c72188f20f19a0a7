//! MEMORY: where the bytes are, and what can be done about it.

pub mod account;
pub mod doctor;
pub mod help;
pub mod malloc_stats;
pub mod purge;
pub mod stats;
pub mod usage;

use exec::{Arity, Command, Group};

pub static MEMORY: Command = Command {
    name: "MEMORY",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for memory diagnostics commands.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] =
    &[&doctor::DOCTOR, &help::HELP, &malloc_stats::MALLOC_STATS, &purge::PURGE, &stats::STATS, &usage::USAGE];
