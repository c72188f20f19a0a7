//! Transactions: MULTI queues commands, EXEC runs them as one, WATCH makes that depend on keys.

pub mod discard;
pub mod exec;
pub mod multi;
pub mod unwatch;
pub mod watch;

use ::exec::Command;

pub static COMMANDS: &[&Command] = &[&discard::DISCARD, &exec::EXEC, &multi::MULTI, &unwatch::UNWATCH, &watch::WATCH];
