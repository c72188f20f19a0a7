//! The shard locks a thread holds at this moment, and the world lock.
//!
//! Lock order: world, shards ascending, log. A thread that runs a batch holds its own light
//! running lock, so the world lock costs a step per thread and nothing per command.
//! Always true: guards stand in ascending order of their shard; none is taken out of order
//! except under the world lock, where nobody else waits for one, and by scripts, which only try.
//! A script thread may hold its shards for seconds. It marks them (`scripts.rs`), and who runs clients' requests gives
//! up on a marked shard after a millisecond instead of keeping all its other clients waiting (`take_one`, `take_many`).

use crate::lock_waits::Lock;
use crate::node::{Node, ShardExt};
use keyspace::{Keyspace, SHARDS, Shard, ShardGuard};
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

pub struct Held<'n> {
    node: &'n Node,
    thread: usize,
    guards: SmallVec<[(u8, ShardGuard<'n, ShardExt>); 4]>,
    world: bool,
    /// Scripts since every shard was taken.
    with_all: u32,
    /// A script thread's: marks what it holds, and waits as long as it takes.
    is_script: bool,
}

impl<'n> Held<'n> {
    pub(crate) fn new(node: &'n Node, thread: usize) -> Held<'n> {
        let is_script = (node.threads..node.helper(0)).contains(&thread);
        Held { node, thread, guards: SmallVec::new(), world: false, with_all: 0, is_script }
    }

    /// Exactly this shard; keeps the lock when the command before used the same one. False, and nothing is held, when
    /// a script has it and keeps it.
    #[inline]
    #[must_use]
    pub fn take_one(&mut self, shard: u8) -> bool {
        if self.world {
            return true;
        }
        if let [(held, _)] = self.guards.as_slice()
            && *held == shard
        {
            return true;
        }
        self.release();
        self.add(shard)
    }

    /// Is every shard held, and for the next script too? Those that want them all come one after the other, and taking
    /// them costs more than such a script (two threads of them: twice as many).
    pub(crate) fn keeps_all(&mut self) -> bool {
        if self.guards.len() < SHARDS {
            return false;
        }
        self.with_all += 1;
        self.with_all < WITH_ALL_MAX
    }

    /// These shards, ascending and without doubles; all of them or none.
    #[must_use]
    pub fn take_many(&mut self, shards: &[u8]) -> bool {
        debug_assert!(shards.is_sorted_by(|a, b| a < b));
        if self.world || self.guards.iter().map(|(shard, _)| *shard).eq(shards.iter().copied()) {
            return true;
        }
        self.release();
        let all = shards.iter().all(|&shard| self.add(shard));
        if !all {
            self.release();
        }
        all
    }

    /// Every shard: what a script does that may touch any key.
    #[must_use]
    pub(crate) fn take_all(&mut self) -> bool {
        if self.has_all() {
            return true;
        }
        self.with_all = 0;
        let all: [u8; SHARDS] = std::array::from_fn(|shard| shard as u8);
        self.take_many(&all)
    }

    /// One more shard. Above all that are held it is waited for as any other. Out of order it is only tried, for as long
    /// as somebody's command usually takes, or for `patience`: two who try wait for each other no longer than that.
    #[must_use]
    pub(crate) fn add_later(&mut self, shard: u8, patience: Duration) -> bool {
        let Err(at) = self.guards.binary_search_by_key(&shard, |(held, _)| *held) else { return true };
        if at == self.guards.len() && self.add(shard) {
            return true;
        }
        let guard = lock_soon(&self.node.keyspace, shard).or_else(|| self.wait_patiently(shard, patience));
        let Some(guard) = guard else { return false };
        if self.is_script {
            self.node.scripts.shards.set(shard);
        }
        self.guards.insert(at, (shard, guard));
        true
    }

    #[inline]
    fn add(&mut self, shard: u8) -> bool {
        let Some(guard) = lock_soon(&self.node.keyspace, shard).or_else(|| self.wait(shard)) else { return false };
        if self.is_script {
            self.node.scripts.shards.set(shard);
        }
        self.guards.push((shard, guard));
        true
    }

    #[cold]
    fn wait(&self, shard: u8) -> Option<ShardGuard<'n, ShardExt>> {
        let keyspace = &self.node.keyspace;
        self.node.wait_for_lock(self.thread, Lock::Shard, || {
            if self.is_script {
                return Some(keyspace.lock(usize::from(shard)));
            }
            let mut marked = 0;
            loop {
                let guard = keyspace.try_lock_for(usize::from(shard), Duration::from_micros(250));
                if guard.is_some() {
                    return guard;
                }
                marked += u32::from(self.node.scripts.shards.holds(shard));
                if marked >= 4 {
                    return None;
                }
            }
        })
    }

    #[cold]
    fn wait_patiently(&self, shard: u8, patience: Duration) -> Option<ShardGuard<'n, ShardExt>> {
        if patience.is_zero() {
            return None;
        }
        let wait = || self.node.keyspace.try_lock_for(usize::from(shard), patience);
        self.node.wait_for_lock(self.thread, Lock::Shard, wait)
    }

    /// One shard alone, for a moment: nobody keeps it from who runs no script for longer than a command takes.
    fn lock_alone(&self, shard: u8) -> ShardGuard<'n, ShardExt> {
        let keyspace = &self.node.keyspace;
        lock_soon(keyspace, shard)
            .unwrap_or_else(|| self.node.wait_for_lock(self.thread, Lock::Shard, || keyspace.lock(usize::from(shard))))
    }

    #[inline]
    pub fn release(&mut self) {
        if self.is_script {
            for (shard, _) in &self.guards {
                self.node.scripts.shards.clear(*shard);
            }
        }
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

    /// The shard that is held, when it is one alone.
    #[inline]
    pub(crate) fn single(&self) -> Option<&Shard<ShardExt>> {
        match self.guards.as_slice() {
            [(_, shard)] => Some(shard),
            _ => None,
        }
    }

    pub fn is_world(&self) -> bool {
        self.world
    }

    /// Whether every shard can be had: under the world lock, or because all are held.
    pub(crate) fn has_all(&self) -> bool {
        self.world || self.guards.len() == SHARDS
    }

    /// Under the world lock every shard may be taken when it is needed.
    pub(crate) fn set_world(&mut self, world: bool) {
        self.release();
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
                    self.guards.insert(at, (shard, self.node.keyspace.lock(usize::from(shard))));
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
        if self.has_all() {
            return look(self.shard(shard));
        }
        // Outside the world lock only commands without locks of their own come here, so no lock
        // is taken out of order.
        assert!(self.guards.is_empty(), "a walk over shards while shards are held");
        look(&mut self.lock_alone(shard))
    }
}

/// Whoever took every shard gives them back after so many scripts.
const WITH_ALL_MAX: u32 = 64;

/// Looks this often whether a shard is free before it goes to sleep.
const TRIES: u32 = 64;

/// A command holds its shards for one or two microseconds: shorter than it takes to give the core away and get it
/// back, which is what the mutex does after a few looks (two threads of MSETs: a sixth more of them).
#[inline]
fn lock_soon(keyspace: &Keyspace<ShardExt>, shard: u8) -> Option<ShardGuard<'_, ShardExt>> {
    for _ in 0..TRIES {
        if let Some(guard) = keyspace.try_lock(usize::from(shard)) {
            return Some(guard);
        }
        std::hint::spin_loop();
    }
    None
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

/// Threads that look at tables as event loops do, while the server loads; `Node::helper` has their numbers.
pub const HELPERS: usize = 8;

#[repr(align(128))]
struct Padded(Mutex<()>);

/// World lock: commands that need everything at one moment.
pub struct World {
    /// Event loops first, then the threads for scripts, then helpers.
    threads: Vec<Padded>,
    loops: usize,
    /// Taken by whoever has or waits for the world; threads queue here instead of racing.
    turn: Mutex<()>,
    wanted: AtomicUsize,
}

impl World {
    /// Of so many event loops, and as many threads for scripts.
    pub fn new(loops: usize, script_threads: usize) -> World {
        World {
            threads: (0..loops + script_threads + HELPERS).map(|_| Padded(Mutex::new(()))).collect(),
            loops,
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

    /// The same when it can be had at once.
    #[inline]
    pub(crate) fn try_enter(&self, thread: usize) -> Option<MutexGuard<'_, ()>> {
        if self.wanted.load(SeqCst) > 0 {
            return None;
        }
        self.threads[thread].0.try_lock()
    }

    /// Everything. The caller must not hold a running lock, and must be able to wait: a script may take seconds. The
    /// event loops go on meanwhile: they are asked for theirs when the scripts have ended.
    pub fn exclusive(&self) -> WorldGuard<'_> {
        let turn = self.turn.lock();
        let (loops, scripts) = self.threads.split_at(self.loops);
        let scripts = scripts.iter().map(|thread| thread.0.lock()).collect();
        self.wait_for_loops(turn, scripts, loops)
    }

    /// The same for who must not wait long: none when a script does not end, or somebody waits for one.
    pub fn try_exclusive(&self) -> Option<WorldGuard<'_>> {
        const PATIENCE: Duration = Duration::from_millis(1);
        let turn = self.turn.try_lock_for(2 * PATIENCE)?;
        let (loops, scripts) = self.threads.split_at(self.loops);
        let scripts = scripts.iter().map(|thread| thread.0.try_lock_for(PATIENCE)).collect::<Option<Vec<_>>>()?;
        Some(self.wait_for_loops(turn, scripts, loops))
    }

    fn wait_for_loops<'w>(
        &'w self,
        turn: MutexGuard<'w, ()>,
        mut held: Vec<MutexGuard<'w, ()>>,
        loops: &'w [Padded],
    ) -> WorldGuard<'w> {
        self.wanted.fetch_add(1, SeqCst);
        held.extend(loops.iter().map(|thread| thread.0.lock()));
        WorldGuard { _threads: held, _turn: turn, wanted: &self.wanted }
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
