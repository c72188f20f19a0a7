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
        (0..SHARDS).for_each(|shard| self.lock(shard).walk_cancel());
    }
}
