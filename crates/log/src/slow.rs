//! What took long, for whoever keeps latency events: writes, syncs, a base that gets its name.
//!
//! Told of while `Live::slow_ms` is not 0. There is nothing here like the `aof-fstat` of Redis: sizes are counted, the file is
//! not asked for them.

use crate::Log;
use crate::trouble::Event;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slow {
    /// Of every write, beside one of the three that follow.
    Write,
    /// A sync ran beside it.
    WritePendingSync,
    /// A snapshot was being written.
    WriteWhileSaving,
    WriteAlone,
    /// Of `always`, where somebody waits for it.
    Sync,
    Rename,
}

impl Slow {
    /// As LATENCY names it.
    pub const fn name(self) -> &'static str {
        match self {
            Slow::Write => "aof-write",
            Slow::WritePendingSync => "aof-write-pending-fsync",
            Slow::WriteWhileSaving => "aof-write-active-child",
            Slow::WriteAlone => "aof-write-alone",
            Slow::Sync => "aof-fsync-always",
            Slow::Rename => "aof-rename",
        }
    }
}

impl Log {
    /// The kind of a write that begins now.
    pub(crate) fn kind_of_write(&self) -> Slow {
        if self.sync.running.load(Acquire) {
            Slow::WritePendingSync
        } else if self.switches.rewriting.load(Relaxed) {
            Slow::WriteWhileSaving
        } else {
            Slow::WriteAlone
        }
    }

    /// To be delivered when this thread holds no lock any more.
    pub(crate) fn tell_if_slow(&self, ns: u64, what: &[Slow]) {
        let (slow_ms, ms) = (self.switches.slow_ms.load(Relaxed), ns / 1_000_000);
        if slow_ms != 0 && ms >= slow_ms {
            what.iter().for_each(|what| self.tell(Event::Slow { what: *what, ms }));
        }
    }
}
