//! ACL: users and what they may do.
//!
//! The commands only ask and tell; users, rules and the check are in `exec::acl`. None of them goes to the log: each
//! server has its own users.

pub mod cat;
pub mod deluser;
pub mod dryrun;
pub mod genpass;
pub mod getuser;
pub mod list;
pub mod load;
pub mod log;
pub mod save;
pub mod setuser;
pub mod users;
pub mod whoami;

use exec::acl::Changed;
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group};

/// Of those that everybody may call.
const FLAGS: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL);
const ADMIN: Flags = FLAGS.and(Flags::ADMIN);

pub static ACL: Command = Command {
    name: "ACL",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::SENTINEL,
    complexity: "Depends on subcommand.",
    summary: "A container for commands about users.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] = &[
    &cat::CAT,
    &deluser::DELUSER,
    &dryrun::DRYRUN,
    &genpass::GENPASS,
    &getuser::GETUSER,
    &HELP,
    &list::LIST,
    &load::LOAD,
    &log::LOG,
    &save::SAVE,
    &setuser::SETUSER,
    &users::USERS,
    &whoami::WHOAMI,
];

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::SENTINEL),
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

const NO_FILE: Error = Error::Static(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER \
     command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store \
     users in the Redis configuration.",
);

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &ACL);
    Ok(())
}

/// Closes the connections that a change has taken the ground from; this one hears its answer first.
fn close(ctx: &mut Ctx, clients: &Changed) {
    for client in clients {
        if client.id == ctx.session.record.id {
            ctx.session.close_after_reply();
        } else {
            ctx.node.kill(client);
        }
    }
}

/// What Redis says of optional words too many.
fn too_many(name: &str) -> Error {
    Error::text(format!("ERR unknown subcommand or wrong number of arguments for '{name}'. Try ACL HELP."))
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn container() {
        check(
            "ACL -> -ERR wrong number of arguments for 'acl' command; ACL NOSUCH -> -ERR unknown subcommand 'NOSUCH'. Try ACL HELP.; ACL HELP x -> -ERR wrong number of arguments for 'acl|help' command",
        );
    }
}
