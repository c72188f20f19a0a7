//! Calls, time, refusals and latencies per command.
//!
//! Each thread writes its own row; readers add rows up. Times are nanoseconds.

use kit::metric::Histogram;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub struct CommandStat {
    calls: AtomicU64,
    nanos: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    latency: OnceLock<Box<Histogram>>,
}

/// One command, all threads added up.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub calls: u64,
    pub nanos: u64,
    pub rejected: u64,
    pub failed: u64,
}

pub struct CommandStats {
    threads: Vec<Box<[CommandStat]>>,
}

impl CommandStats {
    pub fn new(threads: usize, commands: usize) -> CommandStats {
        let row = || (0..commands).map(|_| CommandStat::default()).collect();
        CommandStats { threads: (0..threads).map(|_| row()).collect() }
    }

    /// Written by one thread only, so a load and a store suffice.
    #[inline]
    pub fn ran(&self, thread: usize, command: u16, nanos: u64, failed: bool, histogram: bool) {
        let stat = &self.threads[thread][usize::from(command)];
        add(&stat.calls, 1);
        add(&stat.nanos, nanos);
        if failed {
            add(&stat.failed, 1);
        }
        if histogram {
            stat.latency.get_or_init(Box::default).record(nanos);
        }
    }

    pub fn rejected(&self, thread: usize, command: u16) {
        add(&self.threads[thread][usize::from(command)].rejected, 1);
    }

    pub fn summary(&self, command: u16) -> Summary {
        self.threads.iter().fold(Summary::default(), |sum, row| {
            let stat = &row[usize::from(command)];
            Summary {
                calls: sum.calls + stat.calls.load(Relaxed),
                nanos: sum.nanos + stat.nanos.load(Relaxed),
                rejected: sum.rejected + stat.rejected.load(Relaxed),
                failed: sum.failed + stat.failed.load(Relaxed),
            }
        })
    }

    /// Time in commands, all of them.
    pub fn total_nanos(&self) -> u64 {
        self.threads.iter().flat_map(|row| row.iter()).map(|stat| stat.nanos.load(Relaxed)).sum()
    }

    /// Latencies of a command over all threads; `None` before its first call.
    pub fn latency(&self, command: u16) -> Option<Histogram> {
        let merged = Histogram::default();
        let mut any = false;
        for row in &self.threads {
            if let Some(histogram) = row[usize::from(command)].latency.get() {
                merged.merge(histogram);
                any = true;
            }
        }
        (any && merged.count() > 0).then_some(merged)
    }

    pub fn reset(&self) {
        for stat in self.threads.iter().flat_map(|row| row.iter()) {
            for value in [&stat.calls, &stat.nanos, &stat.rejected, &stat.failed] {
                value.store(0, Relaxed);
            }
            if let Some(histogram) = stat.latency.get() {
                histogram.reset();
            }
        }
    }
}

#[inline]
fn add(value: &AtomicU64, n: u64) {
    value.store(value.load(Relaxed).wrapping_add(n), Relaxed);
}
