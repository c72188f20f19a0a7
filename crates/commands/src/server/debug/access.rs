//! Who may use DEBUG: nobody, clients of this machine, everybody.

use exec::client::flag;
use exec::{Ctx, Error};
use kit::opt::{Choice, Opt};

pub static ENABLE_DEBUG_COMMAND: Opt<Choice> = Opt::choice(
    "enable-debug-command",
    NO,
    &[("no", NO), ("yes", YES), ("local", LOCAL)],
    "Whether DEBUG may be used: not at all, by all, by connections from this machine.",
)
.immutable();

const NO: i64 = 0;
const YES: i64 = 1;
const LOCAL: i64 = 2;

pub(super) fn check(ctx: &Ctx) -> Result<(), Error> {
    let record = &ctx.session.record;
    let allowed = match ctx.node.config.get(&ENABLE_DEBUG_COMMAND) {
        YES => true,
        LOCAL => record.has(flag::UNIX_SOCKET) || is_loopback(&record.addr),
        _ => false,
    };
    if allowed || ctx.session.internal {
        return Ok(());
    }
    Err(Error::Static(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a \
         local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
    ))
}

/// Of an address as CLIENT LIST shows it: `127.0.0.1:5000`, `[::1]:5000`.
fn is_loopback(addr: &str) -> bool {
    let Ok(addr) = addr.parse::<std::net::SocketAddr>() else { return false };
    addr.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node;

    #[test]
    fn no_local_yes() {
        node(&[]).converse("DEBUG HELP -> -ERR DEBUG command not allowed. If the enable-debug-command option is set");
        for setting in ["yes", "local"] {
            node(&[("enable-debug-command", setting)]).converse("DEBUG SLEEP 0 -> +OK");
        }
    }

    #[test]
    fn this_machine() {
        for addr in ["127.0.0.1:5000", "127.8.9.1:1", "[::1]:5000", "[::ffff:127.0.0.1]:80"] {
            assert!(is_loopback(addr), "{addr}");
        }
        for addr in ["10.0.0.1:5000", "[::2]:5000", "[::ffff:10.0.0.1]:80", "", "/tmp/sock:0", "127.0.0.1.evil:1"] {
            assert!(!is_loopback(addr), "{addr}");
        }
    }
}
