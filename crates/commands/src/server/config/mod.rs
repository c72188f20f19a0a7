//! CONFIG: the options, as they are and as they are to be.

pub mod get;
pub mod resetstat;
pub mod rewrite;
pub mod set;

use exec::{Args, Arity, Command, Ctx, Error, Flags, Group};

pub(super) const FLAGS: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE);
pub(super) const TIPS: &[&str] = &["request_policy:all_nodes", "response_policy:all_succeeded"];

pub static CONFIG: Command = Command {
    name: "CONFIG",
    group: Group::Server,
    since: "2.0.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for server configuration commands.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] = &[&get::GET, &HELP, &resetstat::RESETSTAT, &rewrite::REWRITE, &set::SET];

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &CONFIG);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn container() {
        check(
            "CONFIG NOSUCH -> -ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.; CONFIG HELP x -> -ERR wrong number of arguments for 'config|help' command",
        );
        check("CONFIG -> -ERR wrong number of arguments for 'config' command");
    }
}
