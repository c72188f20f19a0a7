//! Numbers for INFO persistence.

use crate::{Log, Policy, Position};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed};

/// What the writer does not know.
#[derive(Default)]
pub(crate) struct Sizes {
    /// Files of the set that the writer has no hand on: base, older increments.
    pub(crate) others: AtomicU64,
    pub(crate) at_base: AtomicU64,
    pub(crate) waits: AtomicBool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    pub on: bool,
    /// Turned on, and the base is not there yet.
    pub waits_for_base: bool,
    pub position: Position,
    pub written: Position,
    pub synced: Position,
    /// All files that a start would load.
    pub current_bytes: u64,
    /// `current_bytes` right after the last base (or at start).
    pub base_bytes: u64,
    /// In memory, not in a file.
    pub buffer_bytes: u64,
    /// A sync runs or something waits for one (`aof_pending_bio_fsync`).
    pub pending_sync: bool,
    pub delayed_syncs: u64,
    pub syncs: u64,
    /// `aof_last_write_status`
    pub write_ok: bool,
}

impl Log {
    pub fn status(&self) -> Status {
        let writer = self.writer.lock();
        let buffer = writer.at_hand_bytes() + self.pending.lock().len();
        let grown: u64 = writer.closed.iter().chain(&writer.current).map(|segment| segment.len).sum();
        let running = self.sync.running.load(Relaxed);
        let closed = !writer.closed.is_empty();
        drop(writer);
        let (written, synced) = (self.written.load(Acquire), self.synced.load(Acquire));
        let policy = self.switches.policy();
        Status {
            on: self.is_on(),
            waits_for_base: self.sizes.waits.load(Relaxed),
            position: self.position(),
            written,
            synced,
            current_bytes: self.sizes.others.load(Relaxed) + grown,
            base_bytes: self.sizes.at_base.load(Relaxed),
            buffer_bytes: buffer as u64,
            pending_sync: running || closed || (policy == Policy::EverySecond && written > synced),
            delayed_syncs: self.sync.delayed_count.load(Relaxed),
            syncs: self.sync.syncs.load(Relaxed),
            write_ok: !self.troubled.load(Acquire),
        }
    }
}
