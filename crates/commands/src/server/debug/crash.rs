//! DEBUG PANIC, DEBUG SEGFAULT
//!
//! PANIC shows that a mistake in one command costs that command and nothing else; in Redis it ends the
//! server. SEGFAULT ends it here too: what comes after is for supervisors and recovery.

use exec::{Args, Ctx, Error};

pub(super) fn panic(_: &mut Ctx, _: &Args) -> Result<(), Error> {
    panic!("Panic requested by Debug command");
}

pub(super) fn segfault(_: &mut Ctx, _: &Args) -> Result<(), Error> {
    kit::process::crash()
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn a_panic_ends_one_command() {
        check(
            "SET k v; DEBUG PANIC -> -ERR internal error in 'debug': Panic requested by Debug command; GET k -> v; c2> SET k w -> +OK; DEBUG SLEEP 0 -> +OK",
        );
        check("MULTI; SET k v; DEBUG PANIC; SET l v; EXEC -> [+OK * +OK]; GET l -> v");
    }
}
