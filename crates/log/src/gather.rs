//! Group commit: when the next round of syncing begins (`always`).
//!
//! A sync takes as long whatever it covers, and who was just answered will write again in a moment. So after a round the
//! thread waits until all who write at the time wait for it, as long as more keep coming, and no longer than a sync takes.
//! (With 50 writers on a disk that syncs in 5 ms, two halves that take turns would reach half of what the disk allows.)
//! A writer who is alone is all and never waits; one whose companions do not come back waits an eighth of a sync.
//! Who writes is counted in bytes of the log: what the last round covered, and what came meanwhile.

use crate::Position;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Timers are not finer.
const LOOK_NS_MIN: u64 = 50_000;
const LOOKS: u64 = 8;

/// What flushes do while a round runs: nothing, the thread looks by itself afterwards.
const NOBODY: Position = Position::MAX;

/// From which position on a flush wakes the thread.
#[derive(Default)]
pub(crate) struct Gather {
    from: AtomicU64,
}

/// The thread waits between two rounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wait {
    /// All that is waited for.
    pub(crate) all: Position,
    until_ns: u64,
    pub(crate) look_ns: u64,
    seen: Position,
}

impl Wait {
    /// The last round covered `covered` bytes of the log up to `synced`, and took `took_ns` up to `now_ns`; the log
    /// stands at `position`. None: the next round begins.
    pub(crate) fn after(covered: u64, synced: Position, position: Position, took_ns: u64, now_ns: u64) -> Option<Wait> {
        let waiting = position.saturating_sub(synced);
        if covered == 0 || (waiting > 0 && took_ns < LOOK_NS_MIN) {
            return None;
        }
        let look_ns = (took_ns / LOOKS).max(LOOK_NS_MIN);
        Some(Wait { all: synced + covered + waiting, until_ns: now_ns + took_ns, look_ns, seen: position })
    }

    /// Is it to go on?
    pub(crate) fn goes_on(&mut self, position: Position, now_ns: u64) -> bool {
        let more = position > self.seen;
        self.seen = position;
        more && position < self.all && now_ns < self.until_ns
    }
}

impl Gather {
    /// Has this flush to wake the thread?
    #[inline]
    pub(crate) fn wakes(&self, position: Position) -> bool {
        position >= self.from.load(SeqCst)
    }

    pub(crate) fn by_nobody(&self) {
        self.from.store(NOBODY, SeqCst);
    }

    pub(crate) fn by_anybody(&self) {
        self.from.store(0, SeqCst);
    }

    pub(crate) fn from(&self, position: Position) {
        self.from.store(position, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn all_who_write_are_waited_for_while_they_come() {
        // Fifty writers of 100 bytes: 25 were answered, 25 wait.
        let mut wait = Wait::after(2500, 2500, 5000, 5 * MS, 100 * MS).expect("others come back");
        assert_eq!((wait.all, wait.look_ns), (7500, 625_000));
        assert!(wait.goes_on(6000, 101 * MS));
        assert!(!wait.goes_on(6000, 102 * MS), "no more come");
        assert!(wait.goes_on(7000, 103 * MS));
        assert!(!wait.clone().goes_on(7500, 104 * MS), "all are here");
        assert!(!wait.goes_on(7400, 106 * MS), "it has waited for as long as a sync takes");
    }

    #[test]
    fn a_writer_alone_is_all() {
        let wait = Wait::after(100, 100, 100, MS, 0).expect("its next write ends it");
        assert_eq!(wait.all, 200);
        assert_eq!(Wait::after(2500, 2500, 2600, 5_000, 0), None, "a sync that costs nothing");
        assert_eq!(Wait::after(0, 2500, 2600, MS, 0), None, "nobody was answered");
    }

    #[test]
    fn flushes_wake_from_a_position_on() {
        let gather = Gather::default();
        assert!(gather.wakes(0) && gather.wakes(7));
        gather.from(7);
        assert!(!gather.wakes(6) && gather.wakes(7));
        gather.by_nobody();
        assert!(!gather.wakes(1 << 60));
        gather.by_anybody();
        assert!(gather.wakes(0));
    }
}
