//! CLIENT: what is known of connections, and what can be done with them.

pub mod caching;
pub mod capa;
pub mod filter;
pub mod help;
pub mod id;
pub mod info;
pub mod kill;
pub mod line;
pub mod list;
pub mod names;
pub mod no_evict;
pub mod no_touch;
pub mod pause;
pub mod reply;
pub mod setinfo;
pub mod tracking;
pub mod unblock;

use exec::{Arity, Command, Flags, Group};

pub static CLIENT: Command = Command {
    name: "CLIENT",
    group: Group::Connection,
    since: "2.4.0",
    arity: Arity::AtLeast(2),
    flags: Flags::SENTINEL,
    complexity: "Depends on subcommand.",
    summary: "A container for client connection commands.",
    subcommands: COMMANDS,
    ..Command::BASE
};

/// The subcommands.
pub static COMMANDS: &[&Command] = &[
    &caching::CACHING,
    &capa::CAPA,
    &capa::IMPORT_SOURCE,
    &names::GETNAME,
    &caching::GETREDIR,
    &tracking::TRACKING,
    &caching::TRACKINGINFO,
    &names::SETNAME,
    &help::HELP,
    &id::ID,
    &info::INFO,
    &kill::KILL,
    &list::LIST,
    &no_evict::NO_EVICT,
    &no_touch::NO_TOUCH,
    &pause::PAUSE,
    &pause::UNPAUSE,
    &reply::REPLY,
    &setinfo::SETINFO,
    &unblock::UNBLOCK,
];
