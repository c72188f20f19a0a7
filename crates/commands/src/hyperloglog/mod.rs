//! HyperLogLogs: strings that count different elements.

pub mod pfadd;
pub mod pfcount;
pub mod pfdebug;
pub mod pfmerge;
pub mod pfselftest;
pub(crate) mod value;

use exec::Command;

pub static COMMANDS: &[&Command] =
    &[&pfadd::PFADD, &pfcount::PFCOUNT, &pfdebug::PFDEBUG, &pfmerge::PFMERGE, &pfselftest::PFSELFTEST];
