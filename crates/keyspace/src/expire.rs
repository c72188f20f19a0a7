//! Expiry index of one database in one shard: which key dies next.
//!
//! A 4-ary min-heap of u64: `deadline in units of 16 ms 38 | low bits of the key's hash 26`. The hash bits
//! lead to the bucket, and the bucket to the key, so an entry costs 8 bytes whatever the key is. A later
//! deadline for a key that has one pushes nothing; when the old entry comes up, the true deadline is
//! pushed. So `SET k v EX 10`, again and again, never searches and never grows the heap.
//!
//! Always true: every key with a deadline has an entry at or before its deadline. There may be more
//! entries than that; when there are more than two for each key with a deadline (and 16), all are checked.
//! Knows nothing of commands, clients or clocks: the caller says what time it is.

use kit::world::{Rng, UnixMs};

use crate::buckets::LOCATING_BITS;
use crate::entry::EntryRef;
use crate::hash::KeyHash;
use crate::table::Table;

pub(crate) const LOW_MASK: u64 = (1 << LOCATING_BITS) - 1;
const UNIT_MS: i64 = 16;
/// Deadlines from the year 2109 on share the last unit, which never comes.
pub(crate) const UNIT_MAX: u64 = u64::MAX >> LOCATING_BITS;
const BRANCHES: usize = 4;
const STALE_MIN: usize = 16;

#[derive(Default)]
pub(crate) struct ExpiryIndex {
    heap: Vec<u64>,
}

impl ExpiryIndex {
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.heap.capacity() * size_of::<u64>()
    }

    /// A time at which the first deadline has passed; there may be nothing to remove then.
    pub(crate) fn next_deadline(&self) -> Option<UnixMs> {
        let unit = self.heap.first()? >> LOCATING_BITS;
        (unit < UNIT_MAX).then(|| unit_end(unit))
    }

    /// A key of `table`, which stands there with this deadline already, has got it; before it had `before`.
    pub(crate) fn note(&mut self, table: &Table, hash: KeyHash, before: Option<UnixMs>, deadline: UnixMs) {
        if before.is_some_and(|before| unit_of(before) <= unit_of(deadline)) {
            return;
        }
        self.push(unit_of(deadline) << LOCATING_BITS | low_of(hash));
        if self.heap.len() > 2 * table.deadline_count() + STALE_MIN {
            self.rebuild(table);
        }
    }

    /// The low hash bits of a bucket in which a key may be due.
    pub(crate) fn due(&self, now: UnixMs) -> Option<u32> {
        let &first = self.heap.first()?;
        let unit = first >> LOCATING_BITS;
        (unit < UNIT_MAX && unit_end(unit) <= now).then_some((first & LOW_MASK) as u32)
    }

    /// Throws the first entry away, after all due keys of its bucket were removed. When a living key has
    /// the same low bits, its deadline takes the place.
    pub(crate) fn pass(&mut self, table: &Table) {
        let Some(&first) = self.heap.first() else { return };
        match true_entry(table, first) {
            Some(entry) => {
                // One for all keys with these bits: the earliest covers the others.
                self.heap[0] = entry;
                self.sift_down(0);
            }
            None => {
                self.heap.swap_remove(0);
                self.sift_down(0);
                self.trim();
            }
        }
    }

    /// A key with a deadline, about equally likely; None when three throws found stale entries.
    pub(crate) fn random<'a>(&self, table: &'a Table, rng: &mut Rng) -> Option<EntryRef<'a>> {
        if self.heap.is_empty() {
            return None;
        }
        (0..3).find_map(|_| {
            let entry = self.heap[rng.below(self.heap.len() as u64) as usize];
            table.first_by((entry & LOW_MASK) as u32, EntryRef::deadline).map(|(entry, _)| entry)
        })
    }

    /// Keeps one entry, the true one, for all keys with the same low bits.
    // Costs a bucket lookup and a sort step for each entry, and is paid by as many pushes as it throws away.
    fn rebuild(&mut self, table: &Table) {
        let mut lows: Vec<u32> = self.heap.drain(..).map(|entry| (entry & LOW_MASK) as u32).collect();
        lows.sort_unstable();
        lows.dedup();
        self.heap.extend(lows.into_iter().filter_map(|low| true_entry(table, u64::from(low))));
        self.heap.sort_unstable(); // an ascending array is a heap
        self.trim();
        assert!(self.heap.len() <= table.deadline_count());
    }

    fn push(&mut self, entry: u64) {
        if self.heap.len() == self.heap.capacity() {
            // A quarter more, not double: there are 256 of these, and spare room counts.
            self.heap.reserve_exact((self.heap.len() / 4).max(4));
        }
        self.heap.push(entry);
        let mut at = self.heap.len() - 1;
        while at > 0 {
            let parent = (at - 1) / BRANCHES;
            if self.heap[parent] <= self.heap[at] {
                break;
            }
            self.heap.swap(parent, at);
            at = parent;
        }
    }

    fn sift_down(&mut self, mut at: usize) {
        loop {
            let first = at * BRANCHES + 1;
            let children = first.min(self.heap.len())..(first + BRANCHES).min(self.heap.len());
            let Some(least) = children.min_by_key(|&child| self.heap[child]) else { return };
            if self.heap[at] <= self.heap[least] {
                return;
            }
            self.heap.swap(at, least);
            at = least;
        }
    }

    fn trim(&mut self) {
        if self.heap.capacity() > 16 && self.heap.capacity() > 2 * self.heap.len() {
            self.heap.shrink_to(self.heap.len() + self.heap.len() / 4);
        }
    }

    #[cfg(test)]
    pub(crate) fn check(&self, table: &Table) {
        for at in 1..self.heap.len() {
            assert!(self.heap[(at - 1) / BRANCHES] <= self.heap[at], "a heap");
        }
        let mut first = std::collections::HashMap::new();
        for &entry in &self.heap {
            let unit = first.entry((entry & LOW_MASK) as u32).or_insert(u64::MAX);
            *unit = (*unit).min(entry >> LOCATING_BITS);
        }
        let mut deadlines = 0;
        table.for_each(&mut |entry| {
            if let Some(deadline) = entry.deadline() {
                deadlines += 1;
                let low = table.hash_of(entry.key()).position().reverse_bits() & LOW_MASK as u32;
                assert!(first[&low] <= unit_of(deadline), "{entry:?} has no entry at or before its deadline");
            }
        });
        assert_eq!(deadlines, table.deadline_count());
        assert!(self.heap.len() <= 2 * deadlines.max(self.heap.len() / 2) + STALE_MIN);
    }
}

/// What the index should hold for the keys with the low bits of `entry`.
fn true_entry(table: &Table, entry: u64) -> Option<u64> {
    let low = entry & LOW_MASK;
    let (_, deadline) = table.first_by(low as u32, EntryRef::deadline)?;
    Some(unit_of(deadline) << LOCATING_BITS | low)
}

pub(crate) fn low_of(hash: KeyHash) -> u64 {
    u64::from(hash.bits()) & LOW_MASK
}

pub(crate) fn unit_of(deadline: UnixMs) -> u64 {
    u64::try_from(deadline.0 / UNIT_MS).unwrap_or(0).min(UNIT_MAX)
}

/// The last moment of a unit: then all its deadlines have come.
pub(crate) fn unit_end(unit: u64) -> UnixMs {
    UnixMs(unit as i64 * UNIT_MS + UNIT_MS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::NewValue;
    use crate::shard::Deadline;
    use crate::shard::tests::{hash, key, shard};

    #[test]
    fn units_cover_their_deadlines() {
        for deadline in [-5, 0, 1, 15, 16, 17, 1_700_000_000_123] {
            let unit = unit_of(UnixMs(deadline));
            assert!(unit_end(unit).0 >= deadline && unit_end(unit).0 - 15 <= deadline.max(0), "{deadline}");
        }
        assert_eq!(unit_of(UnixMs(i64::MAX)), UNIT_MAX);
        assert_eq!(unit_of(UnixMs(i64::MIN)), 0);
    }

    #[test]
    fn deadlines_that_are_too_far_never_come() {
        let mut shard = shard(1);
        shard.set(0, hash(&shard, b"k"), b"k", NewValue::Int(1), Deadline::At(UnixMs(i64::MAX)), 0);
        assert!(shard.pop_expired(0, UnixMs(i64::MAX - 1), &mut 10).is_none());
        assert_eq!(shard.next_deadline(0), None);
        shard.set_deadline(0, hash(&shard, b"k"), b"k", Some(UnixMs(i64::MIN)));
        assert!(shard.pop_expired(0, UnixMs(15), &mut 10).is_some());
    }

    #[test]
    fn later_deadlines_push_nothing() {
        let mut shard = shard(1);
        for now in 0..10_000 {
            let deadline = Deadline::At(UnixMs(now * 10 + 10_000));
            shard.set(0, hash(&shard, b"k"), b"k", NewValue::Int(now), deadline, 0);
            assert!(shard.pop_expired(0, UnixMs(now * 10), &mut 1).is_none());
        }
        shard.check();
        assert_eq!(shard.index_len(0), 1);
    }

    #[test]
    fn stale_entries_are_bounded() {
        let mut shard = shard(1);
        let mut rng = Rng::new(1);
        for round in 0..20_000 {
            let key = key(rng.below(500));
            let hash = hash(&shard, &key);
            shard.remove(0, hash, &key);
            shard.set(0, hash, &key, NewValue::Int(1), Deadline::At(UnixMs(round * 100)), 0);
            assert!(shard.index_len(0) <= 2 * shard.deadline_count(0) + STALE_MIN);
        }
        shard.check();
        let (mut count, mut budget) = (0, u32::MAX);
        while shard.pop_expired(0, UnixMs(i64::MAX), &mut budget).is_some() {
            count += 1;
        }
        assert_eq!((count, shard.len(0), shard.index_len(0)), (500, 0, 0));
    }
}
