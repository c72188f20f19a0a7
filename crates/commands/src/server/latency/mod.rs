//! LATENCY: what took long, by event, and how long commands take.

pub mod doctor;
pub mod events;
pub mod graph;
pub mod histogram;

use exec::{Args, Arity, Command, Ctx, Error, Flags, Group};

pub(super) const FLAGS: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
pub(super) const TIPS: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

pub static LATENCY: Command = Command {
    name: "LATENCY",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for latency commands.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] =
    &[&doctor::DOCTOR, &graph::GRAPH, &HELP, &histogram::HISTOGRAM, &events::HISTORY, &events::LATEST, &events::RESET];

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &LATENCY);
    Ok(())
}
