//! Server: what runs here, how it does, and its settings.

pub mod acl;
pub mod command;
pub mod commandlog;
pub mod config;
mod crowd;
pub mod dbsize;
pub mod debug;
pub mod flush;
pub mod info;
pub mod lastsave;
pub mod latency;
pub mod lolwut;
pub mod memory;
pub mod module;
pub mod monitor;
pub mod restore_asking;
pub mod role;
pub mod sflush;
pub mod shutdown;
pub mod slowlog;
pub mod swapdb;
pub mod time;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &acl::ACL,
    &command::COMMAND,
    &commandlog::COMMANDLOG,
    &config::CONFIG,
    &dbsize::DBSIZE,
    &debug::DEBUG,
    &flush::FLUSHALL,
    &flush::FLUSHDB,
    &info::INFO,
    &lastsave::LASTSAVE,
    &latency::LATENCY,
    &lolwut::LOLWUT,
    &memory::MEMORY,
    &module::MODULE,
    &monitor::MONITOR,
    &restore_asking::RESTORE_ASKING,
    &role::ROLE,
    &sflush::SFLUSH,
    &shutdown::SHUTDOWN,
    &slowlog::SLOWLOG,
    &swapdb::SWAPDB,
    &time::TIME,
];
