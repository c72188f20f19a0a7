//! On which thread a connection lives.
//!
//! Few threads with large batches beat many with tiny ones, so connections gather on the first thread
//! until it is busy. A thread that has hardly time to wait gives half of its active connections to one
//! that has; when two threads together are half idle, connections come back, slowly.
//! Only decisions here: who moves a connection, and how, stands in `moving.rs`.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Time between two looks of a thread at its load.
pub(crate) const WINDOW_NS: u64 = 20_000_000;

// Part of its time, in thousands, that a thread spends at work.
const FULL: u32 = 850;
const ROOM: u32 = 600;
const TOGETHER: u32 = 500;
// Hands out new connections from here on.
const BUSY: u32 = 700;

// The old share of the moving average, of 4: three windows, some 50 ms, count for most of it.
const OLD_SHARE: u32 = 2;

const SPREAD_PAUSE_NS: u64 = 40_000_000;
const GATHER_PAUSE_NS: u64 = 1_000_000_000;
const GATHER_COUNT_MAX: usize = 64;

/// What a thread tells the others of itself.
#[derive(Default)]
pub(crate) struct LoadCell {
    busy: AtomicU32,
    seen_ns: AtomicU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Load {
    /// Thousandths of its time.
    pub busy: u32,
}

impl LoadCell {
    /// `busy` of the last window goes into the average.
    pub(crate) fn publish(&self, busy: u32, now_ns: u64) -> u32 {
        let average = (self.busy.load(Relaxed) * OLD_SHARE + busy * (4 - OLD_SHARE)) / 4;
        self.busy.store(average, Relaxed);
        self.seen_ns.store(now_ns, Relaxed);
        average
    }

    /// A thread that sleeps does not publish; it falls out of its load with every window missed.
    pub(crate) fn load(&self, now_ns: u64) -> Load {
        let missed = now_ns.saturating_sub(self.seen_ns.load(Relaxed)) / (WINDOW_NS * 2);
        let busy = self.busy.load(Relaxed) >> missed.min(31);
        Load { busy }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Move {
    pub to: usize,
    pub count: usize,
    /// Idle connections may come along.
    pub gather: bool,
}

/// Which thread gets a new connection: the first one until it is busy, then the least busy.
pub(crate) fn place(loads: &[Load]) -> usize {
    if loads[0].busy < BUSY {
        return 0;
    }
    (0..loads.len()).min_by_key(|idx| loads[*idx].busy).unwrap_or(0)
}

/// What thread `me` should give away now. `active` connections did something in the last window, of
/// `all`; `since_ns` is the time since it last gave some away.
pub(crate) fn decide(me: usize, loads: &[Load], active: usize, all: usize, since_ns: u64) -> Option<Move> {
    let mine = loads[me].busy;
    if mine > FULL && since_ns >= SPREAD_PAUSE_NS {
        let to = (0..loads.len()).filter(|idx| *idx != me).min_by_key(|idx| loads[*idx].busy)?;
        let count = active / 2;
        return (loads[to].busy < ROOM && count > 0).then_some(Move { to, count, gather: false });
    }
    if me > 0 && all > 0 && since_ns >= GATHER_PAUSE_NS && mine + loads[0].busy < TOGETHER {
        return Some(Move { to: 0, count: all.min(GATHER_COUNT_MAX), gather: true });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(busy: &[u32]) -> Vec<Load> {
        busy.iter().map(|busy| Load { busy: *busy }).collect()
    }

    const LONG: u64 = 10 * GATHER_PAUSE_NS;

    #[test]
    fn new_ones_go_to_the_first_until_it_is_busy() {
        assert_eq!(place(&loads(&[0, 0, 0])), 0);
        assert_eq!(place(&loads(&[690, 0, 0])), 0);
        assert_eq!(place(&loads(&[710, 300, 200])), 2);
        assert_eq!(place(&loads(&[710, 800, 900])), 0);
        assert_eq!(place(&loads(&[999])), 0);
    }

    #[test]
    fn a_full_thread_gives_half_of_the_active() {
        let half = Some(Move { to: 2, count: 25, gather: false });
        assert_eq!(decide(0, &loads(&[900, 500, 100]), 50, 80, LONG), half);
        assert_eq!(decide(0, &loads(&[900, 700, 650]), 50, 80, LONG), None, "nobody has room");
        assert_eq!(decide(0, &loads(&[900, 0]), 1, 1, LONG), None, "one cannot be halved");
        assert_eq!(decide(0, &loads(&[900, 0]), 50, 50, 10_000_000), None, "gave some just now");
        assert_eq!(decide(0, &loads(&[840, 0]), 50, 50, LONG), None);
        assert_eq!(decide(0, &loads(&[1000]), 50, 50, LONG), None, "alone");
    }

    #[test]
    fn quiet_threads_gather_slowly() {
        let back = Some(Move { to: 0, count: 30, gather: true });
        assert_eq!(decide(1, &loads(&[200, 200]), 10, 30, LONG), back);
        assert_eq!(decide(1, &loads(&[200, 200]), 10, 30, GATHER_PAUSE_NS / 2), None);
        assert_eq!(decide(1, &loads(&[300, 250]), 10, 30, LONG), None);
        assert_eq!(decide(0, &loads(&[0, 0]), 10, 30, LONG), None, "the first keeps its own");
        assert_eq!(decide(1, &loads(&[0, 0]), 0, 0, LONG), None);
    }

    #[test]
    fn what_was_spread_is_not_gathered_at_once() {
        // 860 thousandths on one thread become 430 on each of two: together above the line.
        assert_eq!(decide(1, &loads(&[430, 430]), 10, 30, LONG), None);
    }

    #[test]
    fn a_sleeper_falls_out_of_its_load() {
        let cell = LoadCell::default();
        for _ in 0..20 {
            cell.publish(1000, 1_000_000_000);
        }
        assert!(cell.load(1_000_000_000).busy > 950);
        assert!(cell.load(1_000_000_000 + 3 * WINDOW_NS).busy < 500);
        assert_eq!(cell.load(u64::MAX).busy, 0);
    }
}
