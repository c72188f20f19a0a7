//! Signals: SIGTERM and SIGINT stop the server in good order, a second SIGINT at once; SIGHUP is ignored. SIGALRM has the
//! threads told in the log, as SIGABRT does before the process ends by it.

use crate::report;
use crate::stop::{Cause, Stopper};
use kit::opt::{Flags, Opt};
use signal_hook::consts::{SIGABRT, SIGALRM, SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::sync::Arc;

pub(crate) const SAVE: i64 = 1;
pub(crate) const NOSAVE: i64 = 2;
pub(crate) const NOW: i64 = 4;
pub(crate) const FORCE: i64 = 8;
/// Valkey: hand over to a replica first. Nothing to hand over to yet.
const FAILOVER: i64 = 16;

const HOW: &[(&str, i64)] =
    &[("default", 0), ("save", SAVE), ("nosave", NOSAVE), ("now", NOW), ("force", FORCE), ("failover", FAILOVER)];

const CONTRADICTION: &str = "shutdown options SAVE and NOSAVE can't be used simultaneously";

pub(crate) static ON_SIGINT: Opt<Flags> =
    Opt::flags("shutdown-on-sigint", 0, HOW, "How SIGINT stops the server; default: saves if there are save points.")
        .exclusive(SAVE | NOSAVE, CONTRADICTION);
pub(crate) static ON_SIGTERM: Opt<Flags> =
    Opt::flags("shutdown-on-sigterm", 0, HOW, "How SIGTERM stops the server; default: saves if there are save points.")
        .exclusive(SAVE | NOSAVE, CONTRADICTION);
/// Starts the thread that waits for signals. Rust's runtime ignores SIGPIPE already.
pub(crate) fn listen(stopper: Arc<Stopper>) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("Could not listen to signals: {error}");
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGABRT, SIGALRM]).map_err(failed)?;
    let wait = move || {
        let mut interrupted = false;
        for signal in signals.forever() {
            let (name, option) = match signal {
                SIGINT if interrupted => stopper.exit_now(),
                SIGINT => ("SIGINT", &ON_SIGINT),
                SIGTERM => ("SIGTERM", &ON_SIGTERM),
                SIGALRM => {
                    kit::warning!("Received SIGALRM");
                    report::tell_threads();
                    continue;
                }
                SIGABRT => {
                    kit::warning!("Basalt {} crashed by signal: {SIGABRT}", exec::version::BASALT);
                    report::tell_threads();
                    let _ = emulate_default_handler(SIGABRT); // does not return
                    std::process::abort();
                }
                _ => continue,
            };
            interrupted |= signal == SIGINT;
            kit::warning!("Received {name} scheduling shutdown...");
            stopper.ask(Cause::Signal { how: stopper.config().get(option) });
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map(drop).map_err(failed)
}
