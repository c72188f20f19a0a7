//! How long things took: counts in buckets that grow with the time, 16 to every power of two.
//!
//! Below 16 ns every nanosecond has a bucket; above, the four bits behind the leading one choose it, so a bucket
//! is at most 1/16 wider than its lower bound. 592 buckets (4.7 KiB) reach 2^40 ns, 18 minutes; what takes longer counts
//! in the last one. One writer, any readers, as `Tally`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const SUB_BITS: u32 = 4;
const SUB_COUNT: u64 = 1 << SUB_BITS;
const TOP_BIT: u32 = 40;
const BUCKET_COUNT: usize = ((TOP_BIT - SUB_BITS + 1) as usize) << SUB_BITS;

pub struct Histogram {
    buckets: Box<[AtomicU64; BUCKET_COUNT]>,
    sum_ns: AtomicU64,
    max_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram::new()
    }
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKET_COUNT]),
            sum_ns: AtomicU64::new(0),
            max_ns: AtomicU64::new(0),
        }
    }

    /// Only one thread may record; a reader may look at any time.
    #[inline]
    pub fn record(&self, ns: u64) {
        let bucket = &self.buckets[bucket_of(ns)];
        bucket.store(bucket.load(Relaxed) + 1, Relaxed);
        self.sum_ns.store(self.sum_ns.load(Relaxed).wrapping_add(ns), Relaxed);
        if ns > self.max_ns.load(Relaxed) {
            self.max_ns.store(ns, Relaxed);
        }
    }

    /// Adds another one's counts; a writer's right.
    pub fn merge(&self, other: &Histogram) {
        for (to, from) in self.buckets.iter().zip(other.buckets.iter()) {
            to.store(to.load(Relaxed) + from.load(Relaxed), Relaxed);
        }
        self.sum_ns.store(self.sum_ns.load(Relaxed).wrapping_add(other.sum_ns.load(Relaxed)), Relaxed);
        self.max_ns.store(self.max_ns.load(Relaxed).max(other.max_ns.load(Relaxed)), Relaxed);
    }

    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum()
    }

    pub fn sum_ns(&self) -> u64 {
        self.sum_ns.load(Relaxed)
    }

    /// Exact, not rounded to a bucket.
    pub fn max_ns(&self) -> u64 {
        self.max_ns.load(Relaxed)
    }

    /// A time that `p` percent (0 to 100) of all took at most, rounded up to the end of its bucket; 0 if empty.
    pub fn percentile(&self, p: f64) -> u64 {
        let count = self.count();
        if count == 0 {
            return 0;
        }
        let wanted = ((p.clamp(0.0, 100.0) / 100.0 * count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        for (at, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Relaxed);
            if seen >= wanted {
                return last_of(at).min(self.max_ns());
            }
        }
        self.max_ns()
    }

    /// Buckets that hold something: (largest time of the bucket, count), shortest first.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let counted = self.buckets.iter().enumerate().map(|(at, bucket)| (last_of(at), bucket.load(Relaxed)));
        counted.filter(|(_, count)| *count > 0)
    }

    /// A writer's right; a record by another thread at the same moment may survive or not.
    pub fn reset(&self) {
        for cell in self.buckets.iter().chain([&self.sum_ns, &self.max_ns]) {
            cell.store(0, Relaxed);
        }
    }
}

#[inline]
fn bucket_of(ns: u64) -> usize {
    let ns = ns.min((1 << TOP_BIT) - 1);
    if ns < SUB_COUNT {
        return ns as usize;
    }
    let shift = ns.ilog2() - SUB_BITS;
    ((shift as usize) << SUB_BITS) + (ns >> shift) as usize
}

/// The largest time that falls into the bucket.
fn last_of(bucket: usize) -> u64 {
    let (row, sub) = ((bucket >> SUB_BITS) as u32, bucket as u64 & (SUB_COUNT - 1));
    if row == 0 {
        return sub;
    }
    let shift = row - 1;
    ((SUB_COUNT + sub + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn percentiles_of_a_ramp() {
        let histogram = Histogram::new();
        assert_eq!((histogram.percentile(50.0), histogram.count()), (0, 0));
        (1..=100_000).for_each(|ns| histogram.record(ns));
        for (p, exact) in [(0.0, 1), (1.0, 1_000), (50.0, 50_000), (99.0, 99_000), (100.0, 100_000)] {
            let got = histogram.percentile(p);
            assert!(got >= exact && got <= exact + exact / 16 + 1, "p{p}: {got}");
        }
        assert_eq!((histogram.count(), histogram.max_ns(), histogram.sum_ns()), (100_000, 100_000, 5_000_050_000));
    }

    #[test]
    fn merges_and_resets() {
        let (a, b) = (Histogram::new(), Histogram::new());
        a.record(5);
        b.record(5);
        b.record(u64::MAX);
        a.merge(&b);
        assert_eq!(a.buckets().collect::<Vec<_>>(), [(5, 2), ((1 << TOP_BIT) - 1, 1)]);
        a.reset();
        assert_eq!((a.count(), a.max_ns(), a.buckets().count()), (0, 0, 0));
    }

    proptest! {
        #[test]
        fn a_bucket_is_narrow_and_holds_its_times(raw: u64, shift in 24u32..64) {
            let ns = raw >> shift;
            let at = bucket_of(ns);
            prop_assert!(at < BUCKET_COUNT);
            prop_assert!(last_of(at) >= ns && last_of(at) - ns <= ns / 16);
            prop_assert!(at == 0 || last_of(at - 1) < ns);
        }
    }
}
