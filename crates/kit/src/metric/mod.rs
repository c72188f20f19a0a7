//! Counts of what happened, each declared once as a static beside the code that counts.
//!
//! Every thread owns a `Tally` and adds to it with a plain load and store, no lock and no lock prefix; `Tallies` holds
//! those of one server and sums them when someone asks. Many servers can live in one process: the static holds only
//! a slot number, the values are in the `Tallies`.
//! Always true: only its owner writes a tally, so nothing is lost; `reset` writes elsewhere (see `Tallies`).
//! A metric that is in no list has no slot: adding to it does nothing, its sum is 0.

mod histogram;

pub use histogram::Histogram;

use parking_lot::{Mutex, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Something that only goes up, until CONFIG RESETSTAT.
pub struct Counter {
    name: &'static str,
    doc: &'static str,
    slot: AtomicU32,
}

/// Something that is now so and so much: each thread sets or moves its share, the sum is the answer. May be negative.
pub struct Gauge {
    name: &'static str,
    doc: &'static str,
    slot: AtomicU32,
}

/// What the registry knows of a counter or a gauge.
pub trait AnyMetric: Sync {
    fn name(&self) -> &'static str;
    fn doc(&self) -> &'static str;
    fn is_counter(&self) -> bool;
    #[doc(hidden)]
    fn slot(&self) -> &AtomicU32;
}

const NO_SLOT: u32 = u32::MAX;

impl Counter {
    pub const fn new(name: &'static str, doc: &'static str) -> Counter {
        Counter { name, doc, slot: AtomicU32::new(NO_SLOT) }
    }
}

impl Gauge {
    pub const fn new(name: &'static str, doc: &'static str) -> Gauge {
        Gauge { name, doc, slot: AtomicU32::new(NO_SLOT) }
    }
}

impl AnyMetric for Counter {
    fn name(&self) -> &'static str {
        self.name
    }
    fn doc(&self) -> &'static str {
        self.doc
    }
    fn is_counter(&self) -> bool {
        true
    }
    fn slot(&self) -> &AtomicU32 {
        &self.slot
    }
}

impl AnyMetric for Gauge {
    fn name(&self) -> &'static str {
        self.name
    }
    fn doc(&self) -> &'static str {
        self.doc
    }
    fn is_counter(&self) -> bool {
        false
    }
    fn slot(&self) -> &AtomicU32 {
        &self.slot
    }
}

/// How many slots are given away, in the whole process.
static SLOT_COUNT: Mutex<u32> = Mutex::new(0);

fn register(metric: &dyn AnyMetric) {
    let mut count = SLOT_COUNT.lock();
    if metric.slot().load(Relaxed) == NO_SLOT {
        metric.slot().store(*count, Relaxed);
        *count += 1;
    }
}

/// One thread's values.
pub struct Tally {
    cells: Box<[AtomicU64]>,
}

impl Tally {
    fn new() -> Tally {
        let count = *SLOT_COUNT.lock();
        Tally { cells: (0..count).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Only the thread that owns the tally may call this: another one's addition at the same moment would be lost.
    #[inline]
    pub fn add(&self, counter: &Counter, n: u64) {
        self.bump(&counter.slot, n);
    }

    /// Owner only, as `add`.
    #[inline]
    pub fn set(&self, gauge: &Gauge, value: i64) {
        if let Some(cell) = self.cell(&gauge.slot) {
            cell.store(value as u64, Relaxed);
        }
    }

    /// Owner only, as `add`.
    #[inline]
    pub fn shift(&self, gauge: &Gauge, by: i64) {
        self.bump(&gauge.slot, by as u64);
    }

    /// This thread's part of it. Not affected by `Tallies::reset`.
    pub fn get(&self, metric: &dyn AnyMetric) -> i64 {
        self.cell(metric.slot()).map_or(0, |cell| cell.load(Relaxed) as i64)
    }

    #[inline]
    fn bump(&self, slot: &AtomicU32, by: u64) {
        if let Some(cell) = self.cell(slot) {
            cell.store(cell.load(Relaxed).wrapping_add(by), Relaxed);
        }
    }

    #[inline]
    fn cell(&self, slot: &AtomicU32) -> Option<&AtomicU64> {
        self.cells.get(slot.load(Relaxed) as usize)
    }
}

/// The values of one server, over all its threads.
pub struct Tallies {
    metrics: Vec<&'static dyn AnyMetric>,
    threads: RwLock<Vec<Arc<Tally>>>,
    /// Counted by threads that own no tally, with a real atomic addition.
    shared: Tally,
    /// Sums at the last reset. A reset that wrote zeros into the tallies would race with their owners.
    base: Tally,
}

impl Tallies {
    /// Registers the metrics of all lists, which give the order of `iter`.
    pub fn new(lists: &[&'static [&'static dyn AnyMetric]]) -> Tallies {
        let metrics: Vec<_> = lists.iter().copied().flatten().copied().collect();
        for metric in &metrics {
            register(*metric);
        }
        Tallies { metrics, threads: RwLock::default(), shared: Tally::new(), base: Tally::new() }
    }

    /// The tally of thread `i`, made on first use. Only that thread may add to it.
    pub fn thread(&self, i: usize) -> Arc<Tally> {
        if let Some(tally) = self.threads.read().get(i) {
            return tally.clone();
        }
        let mut threads = self.threads.write();
        while threads.len() <= i {
            threads.push(Arc::new(Tally { cells: self.shared.cells.iter().map(|_| AtomicU64::new(0)).collect() }));
        }
        threads[i].clone()
    }

    /// For threads without a tally of their own: slower, safe from anywhere.
    pub fn add(&self, counter: &Counter, n: u64) {
        if let Some(cell) = self.shared.cell(&counter.slot) {
            cell.fetch_add(n, Relaxed);
        }
    }

    /// For threads without a tally of their own: moves a gauge.
    pub fn shift(&self, gauge: &Gauge, by: i64) {
        if let Some(cell) = self.shared.cell(&gauge.slot) {
            cell.fetch_add(by as u64, Relaxed);
        }
    }

    /// Over all threads, since the last reset.
    pub fn sum(&self, metric: &dyn AnyMetric) -> i64 {
        self.total(metric).wrapping_sub(self.base.get(metric))
    }

    /// Sets all counters to 0; gauges tell what is, and stay.
    pub fn reset(&self) {
        for &metric in self.metrics.iter().filter(|metric| metric.is_counter()) {
            if let Some(cell) = self.base.cell(metric.slot()) {
                cell.store(self.total(metric) as u64, Relaxed);
            }
        }
    }

    /// All metrics in the order of the lists, each with its sum.
    pub fn iter(&self) -> impl Iterator<Item = (&'static dyn AnyMetric, i64)> + '_ {
        self.metrics.iter().map(|metric| (*metric, self.sum(*metric)))
    }

    fn total(&self, metric: &dyn AnyMetric) -> i64 {
        let threads = self.threads.read();
        threads.iter().fold(self.shared.get(metric), |sum, tally| sum.wrapping_add(tally.get(metric)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static HITS: Counter = Counter::new("hits", "What was found.");
    static CLIENTS: Gauge = Gauge::new("clients", "Who is there.");
    static LOST: Counter = Counter::new("lost", "In no list.");
    static METRICS: &[&dyn AnyMetric] = &[&HITS, &CLIENTS];

    #[test]
    fn threads_sum_and_reset() {
        let tallies = Arc::new(Tallies::new(&[METRICS]));
        let handles: Vec<_> = (0..4)
            .map(|i| {
                let tallies = tallies.clone();
                std::thread::spawn(move || {
                    let tally = tallies.thread(i);
                    for _ in 0..1000 {
                        tally.add(&HITS, 2);
                        tally.shift(&CLIENTS, -1);
                    }
                    tally.set(&CLIENTS, i as i64 - 1);
                    tallies.add(&HITS, 1);
                })
            })
            .collect();
        handles.into_iter().for_each(|handle| handle.join().unwrap());
        assert_eq!((tallies.sum(&HITS), tallies.sum(&CLIENTS)), (8004, 2));
        tallies.reset();
        tallies.thread(0).add(&HITS, 5);
        tallies.shift(&CLIENTS, 1);
        let all: Vec<_> = tallies.iter().map(|(metric, sum)| (metric.name(), sum)).collect();
        assert_eq!(all, [("hits", 5), ("clients", 3)]);
    }

    #[test]
    fn servers_do_not_mix_and_the_unlisted_is_ignored() {
        let (a, b) = (Tallies::new(&[METRICS]), Tallies::new(&[METRICS]));
        a.thread(0).add(&HITS, 1);
        a.thread(0).add(&LOST, 1);
        assert_eq!((a.sum(&HITS), b.sum(&HITS), a.sum(&LOST)), (1, 0, 0));
    }
}
