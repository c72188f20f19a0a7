//! What took long, for whoever keeps latency events: writes, syncs, a base that gets its name.
//!
//! Measured only while `Live::slow_ms` is not 0, because it costs two looks at the clock for each write. There is nothing here
//! like the `aof-fstat` of Redis: sizes are counted, the file is not asked for them.

use crate::trouble::Event;
use crate::{Log, Policy};
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

/// When something began, if that is to be measured.
pub(crate) type Since = Option<u64>;

impl Log {
    #[inline]
    pub(crate) fn since(&self) -> Since {
        (self.switches.slow_ms.load(Relaxed) != 0).then(|| self.clock.mono_ns())
    }

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

    pub(crate) fn write_took(&self, since: Since, kind: Slow) {
        self.took(since, &[Slow::Write, kind]);
    }

    pub(crate) fn sync_took(&self, since: Since) {
        if self.switches.policy() == Policy::Always {
            self.took(since, &[Slow::Sync]);
        }
    }

    /// To be delivered when this thread holds no lock any more.
    pub(crate) fn took(&self, since: Since, what: &[Slow]) {
        let Some(since) = since else { return };
        let ms = self.clock.mono_ns().saturating_sub(since) / 1_000_000;
        if ms >= self.switches.slow_ms.load(Relaxed) {
            what.iter().for_each(|what| self.tell(Event::Slow { what: *what, ms }));
        }
    }
}
