//! Index of the members: which leaf holds which member.
//!
//! Linear hashing. A word for each element, `hash 32 | leaf 32`, in a bucket of some dozen words; one bucket is split,
//! or the last one given back, when the load asks for it, so no step walks over more than two buckets.
//! Bits of the hash choose the bucket from the lowest up. Seen in reversed order the hashes of a bucket are an
//! interval, and a split halves it: that is the order of a scan, and why it survives growing and shrinking.

use crate::Thin;
use kit::size::size_class;

/// Words of a bucket on the average, at the most: three cache lines.
const LOAD_MAX: usize = 24;
const LOAD_MIN: usize = 10;

#[derive(Debug)]
pub(super) struct Index {
    buckets: Vec<Thin>,
    len: usize,
    /// Allocated by all buckets.
    bytes: usize,
}

const fn word(hash: u32, leaf: u32) -> u64 {
    (hash as u64) << 32 | leaf as u64
}

impl Index {
    pub(super) fn new() -> Index {
        Index { buckets: vec![Thin::new()], len: 0, bytes: 0 }
    }

    pub(super) fn duplicate(&self) -> Index {
        let buckets = self.buckets.clone();
        Index { bytes: buckets.iter().map(Thin::mem_bytes).sum(), buckets, len: self.len }
    }

    pub(super) fn mem_bytes(&self) -> usize {
        self.bytes + size_class(self.buckets.capacity() * size_of::<Thin>())
    }

    pub(super) fn bucket_count(&self) -> usize {
        self.buckets.len()
    }

    #[inline]
    fn bucket(&self, hash: u32) -> usize {
        let count = self.buckets.len();
        let mask = count.next_power_of_two() - 1;
        let at = hash as usize & mask;
        if at < count { at } else { at & (mask >> 1) }
    }

    #[inline]
    fn words(&self, bucket: usize) -> &[[u8; 8]] {
        self.buckets[bucket].as_chunks().0
    }

    #[inline]
    pub(super) fn prefetch(&self, hash: u32) {
        self.buckets[self.bucket(hash)].prefetch();
    }

    /// Leaves in which a member of this hash may stand. The same one twice when it holds two such members.
    #[inline]
    pub(super) fn leaves(&self, hash: u32) -> impl Iterator<Item = u32> {
        let words = self.words(self.bucket(hash)).iter().map(|bytes| u64::from_le_bytes(*bytes));
        words.filter(move |word| (word >> 32) as u32 == hash).map(|word| word as u32)
    }

    pub(super) fn insert(&mut self, hash: u32, leaf: u32) {
        let at = self.bucket(hash);
        self.change(at, |bucket| bucket.extend(&word(hash, leaf).to_le_bytes()));
        self.len += 1;
        if self.len > self.buckets.len() * LOAD_MAX {
            self.grow();
        }
    }

    pub(super) fn remove(&mut self, hash: u32, leaf: u32) {
        let at = self.bucket(hash);
        let Some(place) = self.position(at, word(hash, leaf)) else { return };
        self.change(at, |bucket| {
            let last = bucket.len() - 8;
            bucket.copy_within(last.., 8 * place);
            bucket.truncate(last);
        });
        self.len -= 1;
        if self.len < self.buckets.len() * LOAD_MIN && self.buckets.len() > 1 {
            self.shrink();
        }
    }

    /// A member has moved from one leaf to another.
    pub(super) fn moved(&mut self, hash: u32, from: u32, to: u32) {
        let at = self.bucket(hash);
        if let Some(place) = self.position(at, word(hash, from)) {
            self.buckets[at][8 * place..8 * place + 8].copy_from_slice(&word(hash, to).to_le_bytes());
        }
    }

    fn position(&self, bucket: usize, word: u64) -> Option<usize> {
        let place = self.words(bucket).iter().position(|bytes| u64::from_le_bytes(*bytes) == word);
        kit::always!(place.is_some(), "a member of a sorted set is not in its index");
        place
    }

    fn change(&mut self, at: usize, change: impl FnOnce(&mut Thin)) {
        let bucket = &mut self.buckets[at];
        let before = bucket.mem_bytes();
        change(bucket);
        self.bytes = self.bytes + bucket.mem_bytes() - before;
    }

    /// Adds a bucket; the words of another one whose next bit is set move into it.
    fn grow(&mut self) {
        let new = self.buckets.len();
        let from = new - (1 << new.ilog2());
        let bit = new - from;
        let (mut stay, mut go) = (Vec::with_capacity(256), Vec::with_capacity(256));
        for bytes in self.words(from) {
            let hash = (u64::from_le_bytes(*bytes) >> 32) as usize;
            if hash & bit == 0 { stay.extend_from_slice(bytes) } else { go.extend_from_slice(bytes) }
        }
        self.change(from, |bucket| *bucket = Thin::from(&stay[..]));
        self.buckets.push(Thin::new());
        self.change(new, |bucket| *bucket = Thin::from(&go[..]));
    }

    /// Gives the last bucket's words back to where they came from.
    fn shrink(&mut self) {
        let Some(last) = self.buckets.pop() else { return };
        self.bytes -= last.mem_bytes();
        let to = self.buckets.len() - (1 << self.buckets.len().ilog2());
        self.change(to, |bucket| bucket.extend(&last));
        if self.buckets.capacity() > 4 * self.buckets.len() {
            self.buckets.shrink_to(2 * self.buckets.len());
        }
    }

    /// The bucket at a position of the scan: its words (hash and leaf), and the position of the next one, 0 at
    /// the end. A position is a hash with its bits in reversed order.
    pub(super) fn scan(&self, position: u32) -> (impl Iterator<Item = (u32, u32)>, u32) {
        let at = self.bucket(position.reverse_bits());
        let mut bits = self.buckets.len().next_power_of_two().ilog2();
        // A bucket that was not split yet in this round, nor came from a split, is twice as wide.
        let half = 1 << bits.saturating_sub(1);
        if bits > 0 && at < half && at + half >= self.buckets.len() {
            bits -= 1;
        }
        let width = 1u64 << (32 - bits);
        let next = (u64::from(position) & !(width - 1)) + width;
        let words = self.words(at).iter().map(|bytes| u64::from_le_bytes(*bytes));
        (words.map(|word| ((word >> 32) as u32, word as u32)), next as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;
    use std::collections::HashSet;

    #[test]
    fn grows_shrinks_and_scans() {
        let (mut rng, mut index) = (Rng::new(1), Index::new());
        let mut twin: Vec<(u32, u32)> = Vec::new();
        let rounds = if cfg!(miri) { 300 } else { 20_000 };
        for step in 0..rounds {
            let grow = (step / (rounds / 4)) % 2 == 0;
            if twin.is_empty() || rng.one_in(if grow { 8 } else { 2 }) != grow {
                let entry = (rng.next_u64() as u32, rng.below(50) as u32);
                index.insert(entry.0, entry.1);
                twin.push(entry);
            } else {
                let at = rng.index(twin.len());
                let (hash, leaf) = twin[at];
                index.moved(hash, leaf, 99);
                index.remove(hash, 99);
                twin.swap_remove(at);
            }
            let bytes: usize = index.buckets.iter().map(Thin::mem_bytes).sum();
            assert_eq!((index.len, index.bytes), (twin.len(), bytes));
        }
        assert!(twin.iter().all(|(hash, leaf)| index.leaves(*hash).any(|found| found == *leaf)));
        let (mut position, mut seen, mut calls) = (0, Vec::new(), 0);
        loop {
            let (words, next) = index.scan(position);
            seen.extend(words);
            calls += 1;
            if next == 0 {
                break;
            }
            assert!(next > position);
            position = next;
        }
        assert_eq!((calls, seen.len()), (index.bucket_count(), twin.len()));
        assert_eq!(seen.into_iter().collect::<HashSet<_>>(), twin.into_iter().collect());
    }
}
