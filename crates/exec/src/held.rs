//! The shard locks a thread holds at this moment, and the world lock.
//!
//! Lock order: world, shards ascending, log. A thread that runs a batch holds its own light
//! running lock, so the world lock costs a step per thread and nothing per command.
//! Always true: guards stand in ascending order of their shard; none is taken out of order
//! except under the world lock, where nobody else waits for one.

use crate::node::ShardExt;
use keyspace::{Keyspace, SHARDS, Shard, ShardGuard};
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

pub struct Held<'n> {
    keyspace: &'n Keyspace<ShardExt>,
    guards: SmallVec<[(u8, ShardGuard<'n, ShardExt>); 4]>,
    world: bool,
}

impl<'n> Held<'n> {
    pub fn new(keyspace: &'n Keyspace<ShardExt>) -> Held<'n> {
        Held { keyspace, guards: SmallVec::new(), world: false }
    }

    /// Exactly this shard; keeps the lock when the command before used the same one.
    #[inline]
    pub fn lock_one(&mut self, shard: u8) {
        if self.world {
            return;
        }
        if let [(held, _)] = self.guards.as_slice()
            && *held == shard
        {
            return;
        }
        self.guards.clear();
        self.guards.push((shard, lock(self.keyspace, shard)));
    }

    /// These shards, ascending and without doubles.
    pub fn lock_many(&mut self, shards: &[u8]) {
        debug_assert!(shards.is_sorted_by(|a, b| a < b));
        if self.world || self.guards.iter().map(|(shard, _)| *shard).eq(shards.iter().copied()) {
            return;
        }
        self.guards.clear();
        for &shard in shards {
            self.guards.push((shard, lock(self.keyspace, shard)));
        }
    }

    pub fn release(&mut self) {
        self.guards.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.guards.is_empty()
    }

    /// The shards that are held, ascending.
    pub fn ids(&self) -> Vec<u8> {
        self.guards.iter().map(|(shard, _)| *shard).collect()
    }

    /// May `shard(shard)` be called?
    pub fn holds(&self, shard: u8) -> bool {
        self.world || self.guards.binary_search_by_key(&shard, |(held, _)| *held).is_ok()
    }

    pub fn is_world(&self) -> bool {
        self.world
    }

    /// Under the world lock every shard may be taken when it is needed.
    pub(crate) fn set_world(&mut self, world: bool) {
        self.guards.clear();
        self.world = world;
    }

    /// A shard that is held. Panics when the lock plan did not name it: a mistake of ours in a
    /// command's key specs, never a client's.
    #[inline]
    pub fn shard(&mut self, shard: u8) -> &mut Shard<ShardExt> {
        let at = match self.guards.as_slice() {
            [(held, _)] if *held == shard => 0,
            guards => match guards.binary_search_by_key(&shard, |(held, _)| *held) {
                Ok(at) => at,
                Err(at) => {
                    assert!(self.world, "shard {shard} was not planned");
                    self.guards.insert(at, (shard, self.keyspace.lock(usize::from(shard))));
                    at
                }
            },
        };
        &mut self.guards[at].1
    }

    /// A shard that `shard` gave since these locks were taken, to be looked at beside others.
    pub(crate) fn seen(&self, shard: u8) -> &Shard<ShardExt> {
        let at = self.guards.binary_search_by_key(&shard, |(held, _)| *held);
        &self.guards[at.unwrap_or_else(|_| panic!("shard {shard} was not asked for before"))].1
    }

    /// Each shard in turn: those not held are locked for the moment of the call.
    pub fn each_shard(&mut self, mut look: impl FnMut(u8, &mut Shard<ShardExt>)) {
        for shard in 0..SHARDS {
            self.with_shard(shard as u8, |it| look(shard as u8, it));
        }
    }

    /// One shard, for the moment of the call.
    pub fn with_shard<R>(&mut self, shard: u8, look: impl FnOnce(&mut Shard<ShardExt>) -> R) -> R {
        if self.world {
            return look(self.shard(shard));
        }
        // Outside the world lock only commands without locks of their own come here, so no lock
        // is taken out of order.
        assert!(self.guards.is_empty(), "a walk over shards while shards are held");
        look(&mut self.keyspace.lock(usize::from(shard)))
    }
}

/// Looks this often whether a shard is free before it goes to sleep.
const TRIES: u32 = 64;

/// A command holds its shards for one or two microseconds: shorter than it takes to give the core away and get it
/// back, which is what the mutex does after a few looks (two threads of MSETs: a sixth more of them).
#[inline]
fn lock<'n>(keyspace: &'n Keyspace<ShardExt>, shard: u8) -> ShardGuard<'n, ShardExt> {
    let shard = usize::from(shard);
    for _ in 0..TRIES {
        if let Some(guard) = keyspace.try_lock(shard) {
            return guard;
        }
        std::hint::spin_loop();
    }
    keyspace.lock(shard)
}

/// Threads that look at tables as event loops do (loading). Their numbers follow those of the event loops.
pub const HELPERS: usize = 8;

#[repr(align(128))]
struct Padded(Mutex<()>);

/// World lock: commands that need everything at one moment.
pub struct World {
    threads: Vec<Padded>,
    /// Taken by whoever has or waits for the world; threads queue here instead of racing.
    turn: Mutex<()>,
    wanted: AtomicUsize,
}

impl World {
    /// For so many event loops, and `HELPERS` threads beside them.
    pub fn new(threads: usize) -> World {
        World {
            threads: (0..threads + HELPERS).map(|_| Padded(Mutex::new(()))).collect(),
            turn: Mutex::new(()),
            wanted: AtomicUsize::new(0),
        }
    }

    /// A thread's running lock, for the time of a batch.
    pub fn enter(&self, thread: usize) -> MutexGuard<'_, ()> {
        if self.wanted.load(SeqCst) > 0 {
            drop(self.turn.lock());
        }
        self.threads[thread].0.lock()
    }

    /// Everything. The caller must not hold a running lock.
    pub fn exclusive(&self) -> WorldGuard<'_> {
        self.wanted.fetch_add(1, SeqCst);
        let turn = self.turn.lock();
        let threads = self.threads.iter().map(|thread| thread.0.lock()).collect();
        WorldGuard { _threads: threads, _turn: turn, wanted: &self.wanted }
    }
}

pub struct WorldGuard<'w> {
    _threads: Vec<MutexGuard<'w, ()>>,
    _turn: MutexGuard<'w, ()>,
    wanted: &'w AtomicUsize,
}

impl Drop for WorldGuard<'_> {
    fn drop(&mut self) {
        self.wanted.fetch_sub(1, SeqCst);
    }
}
