//! placeholder

use exec::Command;

pub static COMMANDS: &[&Command] = &[];
