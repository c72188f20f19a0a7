//! What the log says when something goes very wrong: a panic, with its place and how the program came there; SIGABRT and
//! SIGALRM from outside, with what each thread is doing.
//!
//! A wild pointer (SIGSEGV and its kin) leaves no report: its handler would have to be `unsafe` code that allocates
//! nothing, and nothing that finds the names on a stack can promise that. The kernel's log and a core file have them.

use kit::process::{Thread, threads};
use kit::warning;
use parking_lot::Mutex;
use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::time::{Duration, Instant};

/// Names for a stack take some 100 ms to find, and a command that panics may come again and again.
const TRACE_PAUSE: Duration = Duration::from_secs(60);
static TRACED: Mutex<Option<Instant>> = Mutex::new(None);

/// From now on panics are told in the log and not at standard error, which a daemon has not.
pub(crate) fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let trace = may_trace(Instant::now()).then(|| Backtrace::force_capture().to_string());
        tell(panic, trace.as_deref());
    }));
}

fn may_trace(now: Instant) -> bool {
    let mut traced = TRACED.lock();
    let may = traced.is_none_or(|last| now - last >= TRACE_PAUSE);
    if may {
        *traced = Some(now);
    }
    may
}

fn tell(panic: &PanicHookInfo, trace: Option<&str>) {
    let thread = std::thread::current();
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let cause = panic.payload_as_str().unwrap_or("unknown cause");
    warning!("=== BASALT BUG REPORT START: a panic in thread '{}' at {place}: {cause}", thread.name().unwrap_or("?"));
    warning!("Version {} (as Redis {}), {}", exec::version::BASALT, exec::version::REDIS, kit::process::system_name());
    match trace {
        Some(trace) => trace.lines().for_each(|line| warning!("{line}")),
        None => warning!("(the stack was written for a panic less than a minute ago)"),
    }
    warning!("=== BASALT BUG REPORT END. What ran at that moment was ended, all else goes on.");
}

/// After a signal that asks for it.
pub(crate) fn tell_threads() {
    warning!("------ THREADS ------");
    for Thread { id, name, state, cpu } in threads() {
        let seconds = |us: u64| us as f64 / 1e6;
        warning!("{id} {name}: {state}, {:.2} s user, {:.2} s system", seconds(cpu.user_us), seconds(cpu.system_us));
    }
    warning!("------ THREADS DONE ------");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trace_a_minute() {
        let now = Instant::now();
        assert!(may_trace(now));
        assert!(!may_trace(now + TRACE_PAUSE / 2));
        assert!(may_trace(now + TRACE_PAUSE));
    }
}
