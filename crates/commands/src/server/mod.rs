//! Server: what runs here, how it does, and its settings.

pub mod command;
pub mod latency;
pub mod monitor;
pub mod slowlog;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &command::COMMAND,
    &latency::LATENCY,
    &monitor::MONITOR,
    &slowlog::SLOWLOG,
];
