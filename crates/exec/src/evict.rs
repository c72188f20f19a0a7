//! Eviction: which key goes when memory is above its limit.
//!
//! Every Redis policy, by sampling: a few keys of a random shard are scored, the best sixteen
//! candidates of all samples so far are kept in a pool, and the best of the pool goes.

use crate::changes::KeyName;
use crate::db::{Touch, lfu_decayed};
use crate::node::Node;
use crate::run::Turn;
use crate::{metrics, notify, options};
use keyspace::{Discarded, EntryRef, KeyHash, SHARDS};
use kit::opt::{Choice, Int, Opt};
use kit::world::UnixMs;

pub static POLICY: Opt<Choice> = Opt::choice(
    "maxmemory-policy",
    Policy::NoEviction as i64,
    &[
        ("volatile-lru", Policy::VolatileLru as i64),
        ("volatile-lfu", Policy::VolatileLfu as i64),
        ("volatile-random", Policy::VolatileRandom as i64),
        ("volatile-ttl", Policy::VolatileTtl as i64),
        ("allkeys-lru", Policy::AllKeysLru as i64),
        ("allkeys-lfu", Policy::AllKeysLfu as i64),
        ("allkeys-random", Policy::AllKeysRandom as i64),
        ("noeviction", Policy::NoEviction as i64),
    ],
    "Which keys are removed when maxmemory is reached.",
);
pub static SAMPLES: Opt<Int> = Opt::int("maxmemory-samples", 5, 1..=64, "Keys looked at for each key that is evicted.");
pub static TENACITY: Opt<Int> = Opt::int(
    "maxmemory-eviction-tenacity",
    10,
    0..=100,
    "How long one command may spend on evictions: 0 least, 10 half a millisecond, 100 without limit.",
);
pub static LFU_LOG_FACTOR: Opt<Int> = Opt::int(
    "lfu-log-factor",
    10,
    0..=i32::MAX as i64,
    "The higher, the more accesses it takes to saturate the counter.",
);
pub static LFU_DECAY_TIME: Opt<Int> =
    Opt::int("lfu-decay-time", 1, 0..=i32::MAX as i64, "Minutes without access after which the counter loses one.");

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i64)]
pub enum Policy {
    VolatileLru = 0,
    VolatileLfu = 1,
    VolatileRandom = 2,
    VolatileTtl = 3,
    AllKeysLru = 4,
    AllKeysLfu = 5,
    AllKeysRandom = 6,
    NoEviction = 7,
}

impl Policy {
    pub fn of(node: &Node) -> Policy {
        match node.config.get(&POLICY) {
            0 => Policy::VolatileLru,
            1 => Policy::VolatileLfu,
            2 => Policy::VolatileRandom,
            3 => Policy::VolatileTtl,
            4 => Policy::AllKeysLru,
            5 => Policy::AllKeysLfu,
            6 => Policy::AllKeysRandom,
            _ => Policy::NoEviction,
        }
    }

    pub fn is_lfu(self) -> bool {
        matches!(self, Policy::VolatileLfu | Policy::AllKeysLfu)
    }

    /// Does it go by when or how often a key was used?
    pub fn reads_clocks(self) -> bool {
        self.is_lfu() || matches!(self, Policy::VolatileLru | Policy::AllKeysLru)
    }

    fn is_volatile(self) -> bool {
        matches!(self, Policy::VolatileLru | Policy::VolatileLfu | Policy::VolatileRandom | Policy::VolatileTtl)
    }
}

/// How accesses mark entries now.
pub(crate) fn touch(node: &Node, now: UnixMs) -> Touch {
    if Policy::of(node).is_lfu() {
        Touch::Lfu {
            minute: (now.0 / 60_000) as u32 & 0xffff,
            log_factor: node.config.get(&LFU_LOG_FACTOR) as u32,
            decay_minutes: node.config.get(&LFU_DECAY_TIME) as u32,
        }
    } else {
        Touch::Lru((now.0 / 1000) as u32 & 0xff_ffff)
    }
}

const POOL_MAX: usize = 16;

/// The best candidates so far, worst first.
#[derive(Default)]
pub(crate) struct Pool {
    candidates: Vec<Candidate>,
}

struct Candidate {
    /// The higher, the sooner it goes.
    score: u64,
    name: KeyName,
}

impl Pool {
    fn offer(&mut self, score: u64, db: usize, hash: KeyHash, key: &[u8]) {
        let full = self.candidates.len() == POOL_MAX;
        if full && self.candidates[0].score >= score {
            return;
        }
        if self.candidates.iter().any(|known| known.name.hash == hash && known.name.db == db) {
            return;
        }
        if full {
            self.candidates.remove(0);
        }
        let at = self.candidates.partition_point(|known| known.score < score);
        let name = KeyName { db, hash, key: key.into() };
        self.candidates.insert(at, Candidate { score, name });
    }
}

/// Evicts until memory is below its limit, or as much has gone as it was above it: clients that track the keys, subscribers
/// and replicas are told of each, and if keys went for those messages too, that would bring more of them. True when it
/// is; false when nothing can go. When only the time for one command is over, the command may run and the next one goes on.
pub(crate) fn make_room(turn: &mut Turn) -> bool {
    let node = turn.node;
    let policy = Policy::of(node);
    if policy == Policy::NoEviction || node.config.get(&options::IMPORT_MODE) {
        return false;
    }
    let begin = node.clock.mono_ns();
    let time_max = tenacity_nanos(node.config.get(&TENACITY));
    let goal = missing(node);
    let (mut evicted, mut freed) = (0u64, 0u64);
    loop {
        if missing(node) == 0 || freed >= goal {
            return true;
        }
        let Some(name) = choose(turn, policy) else {
            // The last that can go is what tables without keys still have.
            drop_empty_tables(turn);
            node.memory.publish(&mut turn.scratch.mem_published);
            return node.memory.excess() <= waiting(node);
        };
        if let Some(bytes) = evict(turn, &name) {
            evicted += 1;
            freed += bytes;
        }
        node.memory.publish(&mut turn.scratch.mem_published);
        if evicted.is_multiple_of(16) && node.clock.mono_ns() - begin > time_max {
            return true;
        }
    }
}

/// Bytes above the limit that nothing will bring down: what waits to be freed (FLUSHALL, large values that were evicted just now)
/// costs no more keys. A little of it does, so that a small limit is kept.
fn missing(node: &Node) -> u64 {
    node.memory.excess().saturating_sub(waiting(node).saturating_sub(WAITING_STRICT))
}

/// Not more than half the limit, so that memory has a bound should nobody come to free it.
fn waiting(node: &Node) -> u64 {
    let half = node.memory.limit.load(std::sync::atomic::Ordering::Relaxed) / 2;
    half.min((node.freer.pending_bytes() + node.keyspace.retired()) as u64)
}

const WAITING_STRICT: u64 = 1 << 20;

fn drop_empty_tables(turn: &mut Turn) {
    for shard in 0..SHARDS {
        let shard = shard as u8;
        if turn.held.take_one(shard) {
            (0..turn.node.databases).for_each(|db| turn.held.shard(shard).drop_empty(db));
        }
    }
    turn.held.release();
}

fn tenacity_nanos(tenacity: i64) -> u64 {
    match tenacity {
        0..=10 => 50_000 * tenacity as u64,
        11..100 => (500_000.0 * 1.15_f64.powi((tenacity - 10) as i32)) as u64,
        _ => u64::MAX,
    }
}

/// Gives the bytes that went, or will when they were handed to the thread that frees.
fn evict(turn: &mut Turn, name: &KeyName) -> Option<u64> {
    let begin = turn.node.clock.mono_ns();
    if !turn.held.take_one(name.hash.shard() as u8) {
        return None;
    }
    let discarded = turn.held.shard(name.hash.shard() as u8).discard(name.db, name.hash, &name.key);
    let bytes = discarded.as_ref().map(|it| match it {
        Discarded::Entry(entry) => entry.as_ref().value_bytes() as u64,
        Discarded::LeftToWalk => 0, // nothing goes before the snapshot has it
    });
    if let Some(discarded) = discarded {
        turn.node.freer.discarded(discarded, turn.node.config.get(&options::LAZY_EVICTION));
        turn.scratch.tally.add(&metrics::EVICTED_KEYS, 1);
        turn.removed(name, false);
        turn.event(notify::EVICTED, "evicted", name);
        turn.append_unit();
        turn.tell_broadcasts();
        turn.publish_events();
    }
    turn.held.release();
    let ms = (turn.node.clock.mono_ns() - begin) / 1_000_000;
    let threshold = turn.node.config.get(&crate::latency::THRESHOLD);
    turn.node.latency.note(threshold, "eviction-del", turn.now.secs(), ms);
    bytes
}

/// The next key to go, or none when no key may.
fn choose(turn: &mut Turn, policy: Policy) -> Option<KeyName> {
    let samples = turn.node.config.get(&SAMPLES).max(1) as usize;
    let first = turn.scratch.rng.below(SHARDS as u64) as usize;
    // Usually the first shard has keys; a nearly empty keyspace may need a look at all of them.
    for i in 0..SHARDS {
        let shard = (first + i) % SHARDS;
        sample(turn, shard, policy, samples);
        while let Some(best) = turn.scratch.pool.candidates.pop() {
            if still_fits(turn, &best.name, policy) {
                return Some(best.name);
            }
        }
    }
    None
}

fn sample(turn: &mut Turn, shard: usize, policy: Policy, samples: usize) {
    let now = turn.now;
    let decay = turn.node.config.get(&LFU_DECAY_TIME) as u32;
    for db in 0..turn.node.databases {
        if !turn.held.take_one(shard as u8) {
            return; // a script has it
        }
        let scratch = &mut *turn.scratch;
        let (pool, rng) = (&mut scratch.pool, &mut scratch.rng);
        let shard = turn.held.shard(shard as u8);
        if shard.len(db) == 0 {
            continue;
        }
        let noise = rng.next_u64();
        let keyspace = &turn.node.keyspace;
        let mut offer = |entry: EntryRef| {
            let hash = keyspace.hash(entry.key());
            let score = score(policy, entry, now, decay, noise ^ hash.0);
            pool.offer(score, db, hash, entry.key());
        };
        if policy.is_volatile() {
            shard.sample_deadlines(db, rng, samples, &mut offer);
        } else {
            shard.sample(db, rng, samples, &mut offer);
        }
    }
    turn.held.release();
}

fn still_fits(turn: &mut Turn, name: &KeyName, policy: Policy) -> bool {
    if !turn.held.take_one(name.hash.shard() as u8) {
        return false;
    }
    let entry = turn.held.shard(name.hash.shard() as u8).find(name.db, name.hash, &name.key);
    let fits = entry.is_some_and(|entry| !policy.is_volatile() || entry.deadline().is_some());
    turn.held.release();
    fits
}

fn score(policy: Policy, entry: EntryRef, now: UnixMs, decay: u32, noise: u64) -> u64 {
    match policy {
        Policy::VolatileLru | Policy::AllKeysLru => u64::from(idle_secs(entry.clock(), now)),
        Policy::VolatileLfu | Policy::AllKeysLfu => {
            let minute = (now.0 / 60_000) as u32;
            255 - u64::from(lfu_decayed(entry.clock(), minute, decay))
        }
        Policy::VolatileTtl => u64::MAX - entry.deadline().map_or(u64::MAX, |deadline| deadline.0.max(0) as u64),
        Policy::VolatileRandom | Policy::AllKeysRandom => noise,
        Policy::NoEviction => 0,
    }
}

/// Seconds since the last access, from a clock of 24 bits.
pub fn idle_secs(clock: u32, now: UnixMs) -> u32 {
    ((now.0 / 1000) as u32).wrapping_sub(clock) & 0xff_ffff
}
