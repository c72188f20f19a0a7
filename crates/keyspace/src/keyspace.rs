//! All shards together: hashing, locking, looking ahead without a lock, and sums.
//!
//! A shard is locked by number; a caller that takes more than one takes them in ascending order.
//! `prefetch_*`, `len` and their like take no lock and may be a moment behind.

use std::sync::Arc;

use kit::world::Rng;
use parking_lot::{Mutex, MutexGuard};

use crate::buckets::{Gauges, Published, Retired};
use crate::hash::{KeyHash, KeyHasher, Placement, SHARDS};
use crate::shard::{Progress, Shard};
use crate::walk::WalkSink;

pub type ShardGuard<'a, X> = MutexGuard<'a, Shard<X>>;

pub struct Keyspace<X> {
    hasher: Arc<KeyHasher>,
    published: Arc<Published>,
    shards: Box<[Slot<X>]>,
}

/// Two lines, because the processor fetches lines in pairs and neighbours belong to different threads.
#[repr(align(128))]
struct Slot<X>(Mutex<Shard<X>>);

impl<X> Keyspace<X> {
    pub fn new(databases: usize, seed: u64, placement: Placement) -> Keyspace<X>
    where
        X: Default,
    {
        let hasher = Arc::new(KeyHasher::new(seed, placement));
        let retired = Arc::new(Retired::default());
        let published = Arc::new(Published::new(databases, SHARDS, retired));
        let shards = (0..SHARDS)
            .map(|index| {
                let shard = Shard::new(index, X::default(), Arc::clone(&hasher), Arc::clone(&published));
                Slot(Mutex::new(shard))
            })
            .collect();
        Keyspace { hasher, published, shards }
    }

    pub fn databases(&self) -> usize {
        self.published.databases()
    }

    pub fn placement(&self) -> Placement {
        self.hasher.placement()
    }

    #[inline]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        self.hasher.hash(key)
    }

    #[inline]
    pub fn lock(&self, shard: usize) -> ShardGuard<'_, X> {
        self.shards[shard].0.lock()
    }

    #[inline]
    pub fn try_lock(&self, shard: usize) -> Option<ShardGuard<'_, X>> {
        self.shards[shard].0.try_lock()
    }

    /// Waits at most this long.
    pub fn try_lock_for(&self, shard: usize, patience: std::time::Duration) -> Option<ShardGuard<'_, X>> {
        self.shards[shard].0.try_lock_for(patience)
    }

    // ---- without a lock --------------------------------------------------------------------------------

    /// Brings the key's bucket into the cache. First of the two steps, for a whole batch.
    #[inline]
    pub fn prefetch_bucket(&self, db: usize, hash: KeyHash) {
        self.published.prefetch_bucket(db, hash);
    }

    /// Reads the bucket and brings the entry that may be the key's into the cache.
    #[inline]
    pub fn prefetch_entry(&self, db: usize, hash: KeyHash) {
        self.published.prefetch_entry(db, hash);
    }

    /// Keys of a database, expired ones that nobody has removed yet counted.
    pub fn len(&self, db: usize) -> usize {
        self.sum(db, |gauges| gauges.len())
    }

    pub fn is_empty(&self, db: usize) -> bool {
        self.len(db) == 0
    }

    /// Keys of a database that have a deadline.
    pub fn deadline_count(&self, db: usize) -> usize {
        self.sum(db, |gauges| gauges.deadlines())
    }

    /// Keys of a database whose collection has elements with deadlines (hashes).
    pub fn inner_deadline_count(&self, db: usize) -> usize {
        self.sum(db, Gauges::inner_deadlines)
    }

    pub fn shard_len(&self, db: usize, shard: usize) -> usize {
        self.published.gauges(db, shard).map_or(0, Gauges::len)
    }

    /// A shard, more likely the more keys of the database it has. None when there are none.
    pub fn random_shard(&self, db: usize, rng: &mut Rng) -> Option<usize> {
        let lens: [usize; SHARDS] = std::array::from_fn(|shard| self.shard_len(db, shard));
        let sum: usize = lens.iter().sum();
        if sum == 0 {
            return None;
        }
        let mut throw = rng.below(sum as u64) as usize;
        lens.iter().position(|&len| {
            let here = throw < len;
            throw = throw.saturating_sub(len);
            here
        })
    }

    /// Bytes of all entries. Tables around them are in `memory_bytes`.
    pub fn entry_bytes(&self) -> usize {
        (0..self.databases()).map(|db| self.sum(db, Gauges::entry_bytes)).sum()
    }

    fn sum(&self, db: usize, gauge: impl Fn(&Gauges) -> usize) -> usize {
        (0..SHARDS).filter_map(|shard| self.published.gauges(db, shard)).map(gauge).sum()
    }

    // ---- memory ----------------------------------------------------------------------------------------

    /// Bytes of everything here. Locks one shard after the other: not to be called with a shard locked.
    pub fn memory_bytes(&self) -> usize {
        let shards: usize = (0..SHARDS).map(|shard| self.lock(shard).bytes()).sum();
        shards + self.retired() + size_of_val(&*self.shards)
    }

    /// Bytes that wait for `free_retired`.
    pub fn retired(&self) -> usize {
        self.published.retired().bytes()
    }

    /// Frees the table memory that was replaced by growing, shrinking and FLUSHDB.
    ///
    /// # Safety
    /// No other thread is inside one of the methods above that take no lock (`prefetch_*`, `len` and their
    /// like), and calls to them are ordered before or after this one by a lock or the like. The executor
    /// calls it with the world lock held, when no thread is inside a batch.
    #[allow(unsafe_code, reason = "passes the promise on to `Retired::free_all`, where it is told in full")]
    pub unsafe fn free_retired(&self) {
        // SAFETY: the caller's promise is the one that `free_all` asks for.
        unsafe { self.published.retired().free_all() }
    }

    // ---- snapshot --------------------------------------------------------------------------------------

    /// Starts a walk in all shards at one moment, in which `at_moment` runs: nobody else holds a shard then.
    /// `sink_of` makes the sink of each shard. Must not be called with a shard locked.
    pub fn walk_begin<R>(
        &self,
        mut sink_of: impl FnMut(usize) -> WalkSink,
        at_moment: impl FnOnce(&mut [ShardGuard<'_, X>]) -> R,
    ) -> R {
        let mut guards: Vec<_> = (0..SHARDS).map(|shard| self.lock(shard)).collect();
        for guard in &mut guards {
            let sink = sink_of(guard.index());
            guard.walk_begin(sink);
        }
        at_moment(&mut guards)
    }

    /// Locks the shard and hands over about `budget` entries of it.
    pub fn walk_step(&self, shard: usize, budget: usize) -> Progress {
        self.lock(shard).walk_step(budget)
    }

    pub fn walk_cancel(&self) {
        for shard in 0..SHARDS {
            let left = self.lock(shard).walk_cancel();
            drop(left); // not under the lock
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::*;
    use crate::entry::NewValue;
    use crate::shard::Deadline;
    use kit::world::UnixMs;

    fn key(number: u64) -> Vec<u8> {
        format!("key:{number}").into_bytes()
    }

    fn set(space: &Keyspace<()>, db: usize, number: u64, deadline: Deadline) {
        let key = key(number);
        let hash = space.hash(&key);
        space.lock(hash.shard()).set(db, hash, &key, NewValue::Int(number as i64), deadline, 0);
    }

    #[test]
    fn sums_over_its_shards() {
        for placement in [Placement::ByHash, Placement::BySlot] {
            let space: Keyspace<()> = Keyspace::new(16, 1, placement);
            for number in 0..3000 {
                let deadline = if number % 3 == 0 { Deadline::At(UnixMs(5)) } else { Deadline::None };
                set(&space, (number % 2) as usize * 15, number, deadline);
            }
            let lens = [0, 1, 15].map(|db| (space.len(db), space.deadline_count(db)));
            assert_eq!(lens, [(1500, 500), (0, 0), (1500, 500)]);
            assert!(space.is_empty(7) && space.memory_bytes() > space.entry_bytes());
            let mut rng = Rng::new(1);
            assert_eq!(space.random_shard(1, &mut rng), None);
            let shards: BTreeSet<_> = (0..20_000).map(|_| space.random_shard(0, &mut rng)).collect();
            assert!(shards.len() > 240 && shards.iter().all(|shard| space.shard_len(0, shard.expect("keys")) > 0));
            for shard in 0..SHARDS {
                space.lock(shard).swap_dbs(0, 1);
                space.lock(shard).take_db(15);
            }
            assert_eq!([0, 1, 15].map(|db| space.len(db)), [0, 1500, 0]);
        }
    }

    #[test]
    fn the_first_keys_cost_little() {
        for (db, one_max, all_max) in [(0, 256, 160), (9, 384, 320)] {
            let space: Keyspace<()> = Keyspace::new(16, 1, Placement::ByHash);
            let empty = space.memory_bytes();
            set(&space, db, 1, Deadline::None);
            let one = space.memory_bytes() - empty - space.entry_bytes();
            assert!(one <= one_max, "{one} bytes around the first key of database {db}");
            (2..2000).for_each(|number| set(&space, db, number, Deadline::None));
            let all = (space.memory_bytes() - empty - space.entry_bytes()) / SHARDS;
            assert!(all <= all_max + 13 * 8, "{all} bytes around 8 keys in a shard of database {db}");
            for number in 1..2000 {
                let (key, hash) = (key(number), space.hash(&key(number)));
                let mut shard = space.lock(hash.shard());
                drop(shard.remove(db, hash, &key));
                shard.drop_empty(db);
                assert_eq!(shard.is_unused(db), shard.len(db) == 0);
            }
            assert_eq!(space.memory_bytes() - space.retired(), empty, "nothing is left of database {db}");
        }
    }

    #[test]
    fn starts_a_walk_at_one_moment() {
        let space: Keyspace<()> = Keyspace::new(2, 1, Placement::ByHash);
        (0..5000).for_each(|number| set(&space, 1, number, Deadline::None));
        let got = Arc::new(Mutex::new(BTreeSet::new()));
        let sink_of = |_| {
            let got = Arc::clone(&got);
            let sink: WalkSink = Box::new(move |db, entry, _| got.lock().insert((db, entry.value().as_int())));
            sink
        };
        let locked = space.walk_begin(sink_of, |guards| guards.iter().filter(|shard| shard.walk_active()).count());
        assert_eq!(locked, SHARDS);
        (2500..9000).for_each(|number| set(&space, 1, number, Deadline::None));
        for shard in 0..SHARDS {
            while space.walk_step(shard, 10) == Progress::More {}
        }
        assert!(*got.lock() == (0..5000).map(|number| (1, Some(number))).collect());
        assert_eq!(Arc::strong_count(&got), 1, "the sinks are gone");
    }

    /// Run it under the address sanitizer to see more than that it does not crash.
    #[test]
    fn prefetching_beside_every_change() {
        let space: Keyspace<()> = Keyspace::new(2, 1, Placement::ByHash);
        for round in 0..4 {
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                for thread in 0..2 {
                    let (space, stop) = (&space, &stop);
                    scope.spawn(move || {
                        let mut rng = Rng::new(thread);
                        while !stop.load(Relaxed) {
                            let hash = space.hash(&key(rng.below(60_000)));
                            space.prefetch_bucket(thread as usize, hash);
                            space.prefetch_entry(thread as usize, hash);
                            space.len(thread as usize);
                        }
                    });
                }
                let mut rng = Rng::new(round);
                for number in 0..60_000 {
                    set(&space, 0, number, Deadline::At(UnixMs(number as i64)));
                    if rng.one_in(200) {
                        let mut shard = space.lock(rng.below(SHARDS as u64) as usize);
                        shard.swap_dbs(0, 1);
                        drop(shard.take_db(rng.below(2) as usize));
                    }
                }
                for shard in 0..SHARDS {
                    for db in 0..2 {
                        while space.lock(shard).pop_expired(db, UnixMs(1_000_000), &mut 100).is_some() {}
                    }
                }
                stop.store(true, Relaxed);
            });
            assert!(space.is_empty(0) && space.is_empty(1) && space.retired() > 0);
            // SAFETY: the scope has joined all threads but this.
            #[allow(unsafe_code)]
            unsafe {
                space.free_retired();
            }
            assert_eq!(space.retired(), 0);
        }
    }
}
