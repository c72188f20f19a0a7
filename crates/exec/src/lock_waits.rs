//! How long threads waited for locks that others held, for /metrics.
//!
//! Only who found a lock taken looks at the clock, so a free lock costs nothing. Each thread writes its own row; readers
//! add rows up.

use crate::node::Node;
use kit::metric::Histogram;
use std::sync::OnceLock;

/// What was waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// One shard, after it was not free for as long as a command usually takes.
    Shard,
    /// Everything, by a command that needs it: from asking to having it.
    World,
    /// To go on, while another thread had everything.
    Running,
}

pub struct LockWaits {
    threads: Vec<Row>,
}

/// In the order of `Lock`.
#[derive(Default)]
struct Row([OnceLock<Box<Histogram>>; 3]);

impl LockWaits {
    pub(crate) fn new(threads: usize) -> LockWaits {
        LockWaits { threads: (0..threads).map(|_| Row::default()).collect() }
    }

    /// Called by that thread only.
    #[cold]
    fn record(&self, thread: usize, lock: Lock, ns: u64) {
        if let Some(Row(row)) = self.threads.get(thread) {
            row[lock as usize].get_or_init(Box::default).record(ns);
        }
    }

    /// Over all threads.
    pub fn of(&self, lock: Lock) -> Histogram {
        let merged = Histogram::default();
        let rows = self.threads.iter().filter_map(|Row(row)| row[lock as usize].get());
        rows.for_each(|histogram| merged.merge(histogram));
        merged
    }

    /// CONFIG RESETSTAT.
    pub fn reset(&self) {
        let rows = self.threads.iter().flat_map(|Row(row)| row);
        rows.filter_map(OnceLock::get).for_each(|histogram| histogram.reset());
    }
}

impl Node {
    /// Waits, and counts how long it was. `thread` is the one that calls.
    #[cold]
    pub(crate) fn wait_for_lock<R>(&self, thread: usize, lock: Lock, wait: impl FnOnce() -> R) -> R {
        let begin = self.clock.mono_ns();
        let result = wait();
        self.lock_waits.record(thread, lock, self.clock.mono_ns().saturating_sub(begin));
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_add_up_and_reset() {
        let waits = LockWaits::new(2);
        waits.record(0, Lock::Shard, 10);
        waits.record(1, Lock::Shard, 20);
        waits.record(1, Lock::World, 5);
        waits.record(2, Lock::World, 5); // no such thread
        let sums = || [Lock::Shard, Lock::World, Lock::Running].map(|lock| waits.of(lock).sum_ns());
        assert_eq!((sums(), waits.of(Lock::Shard).count()), ([30, 5, 0], 2));
        waits.reset();
        assert_eq!(sums(), [0, 0, 0]);
    }
}
