//! How long the log takes, for /metrics.
//!
//! Writes and syncs are timed each; what took long is told of too (`slow`). An append takes some thirty nanoseconds under
//! everybody's mutex, as long as looking at the clock does: one of `APPENDS_PER_SAMPLE` is timed, its wait for the mutex
//! included.

use kit::metric::Histogram;
use kit::world::Clock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub const APPENDS_PER_SAMPLE: u32 = 64;

/// Each histogram is written under the lock of what it times.
#[derive(Default)]
pub struct Times {
    /// Into memory, one of many.
    pub append: Histogram,
    /// Each batch that goes to the file.
    pub write: Histogram,
    pub sync: Histogram,
    /// The next append is timed.
    pub(crate) append_is_due: AtomicBool,
}

impl Times {
    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        [&self.append, &self.write, &self.sync].into_iter().for_each(Histogram::reset);
    }

    /// When an append begins, if it is one to be timed.
    #[inline]
    pub(crate) fn begin_append(&self, clock: &dyn Clock) -> Option<u64> {
        self.append_is_due.load(Relaxed).then(|| {
            self.append_is_due.store(false, Relaxed);
            clock.mono_ns()
        })
    }
}
