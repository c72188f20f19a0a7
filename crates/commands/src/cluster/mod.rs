//! Cluster: what a node answers that is not part of one.

pub mod clusterscan;
pub mod readonly;

use exec::Command;

pub static COMMANDS: &[&Command] =
    &[&readonly::ASKING, &clusterscan::CLUSTERSCAN, &readonly::READONLY, &readonly::READWRITE];
