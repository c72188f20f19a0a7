//! Server: what runs here, how it does, and its settings.

pub mod command;
pub mod dbsize;
pub mod flush;
pub mod latency;
pub mod monitor;
pub mod slowlog;
pub mod swapdb;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &command::COMMAND,
    &dbsize::DBSIZE,
    &flush::FLUSHALL,
    &flush::FLUSHDB,
    &latency::LATENCY,
    &monitor::MONITOR,
    &slowlog::SLOWLOG,
    &swapdb::SWAPDB,
];
