//! RESTORE-ASKING key ttl payload [option …]
//!
//! RESTORE as one node of a cluster sends it to another while a slot is moving: with the ASKING that belongs before it.

use crate::generic::restore::RESTORE;
use exec::{Command, Flags, Group};

pub static RESTORE_ASKING: Command = Command {
    name: "RESTORE-ASKING",
    group: Group::Server,
    since: "3.0.0",
    flags: RESTORE.flags.and(Flags::ASKING),
    summary: "RESTORE into a slot that is being taken over.",
    ..RESTORE
};

#[cfg(test)]
mod tests {
    #[test]
    fn restores() {
        crate::check("RESTORE-ASKING k 0 x -> -ERR DUMP payload version or checksum are wrong");
    }
}
