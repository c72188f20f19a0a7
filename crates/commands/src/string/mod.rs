//! Strings: bytes and numbers at a key.

pub mod get;

use exec::Command;

pub static COMMANDS: &[&Command] = &[&get::GET];
