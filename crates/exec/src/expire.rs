//! The background sweep of keys past their time: bounded slices between batches.
//!
//! Each event-loop thread sweeps its own part of the shards. A slice ends after `SLICE_KEYS` keys or
//! `SLICE_NANOS`; until each shard was looked at the loop comes back after its next batch, so that a million keys
//! that die at one moment hold nobody up.

use crate::changes::KeyName;
use crate::node::alarm;
use crate::run::{Turn, Worker};
use crate::{latency, metrics, options};
use keyspace::SHARDS;
use std::sync::atomic::Ordering::Relaxed;

const SLICE_KEYS: u32 = 256;
// A slice may take a fifth of a millisecond: five of them fit into the time a client hardly notices.
const SLICE_NANOS: u64 = 200_000;
// Where nothing was found it may go on for longer: an idle server needs one turn a tick, on a slow machine too.
const VAIN_NANOS: u64 = 1_000_000;
/// Keys taken under one lock of a shard.
const LOCKED_KEYS: u32 = 32;
/// Index entries looked at for one key: some are void because their key went another way.
const LOOKS_MAX: u32 = 64;

/// Where a thread's sweep stands.
#[derive(Default)]
pub(crate) struct Sweep {
    next_shard: usize,
    /// Shards that the slices of this round have not come to: however slow the machine is, a round ends.
    shards_left: usize,
}

/// Is there more to do at once?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    Done,
    More,
}

impl Worker {
    /// One slice of the sweep. `More`: call again after the next batch instead of the next tick.
    pub fn sweep_expired(&mut self) -> Progress {
        let node = &self.node;
        let held_back = alarm::PAUSED | alarm::LOADING | alarm::READ_ONLY_REPLICA;
        if !node.active_expire.load(Relaxed)
            || node.config.get(&options::IMPORT_MODE)
            || node.alarms.get() & held_back != 0
        {
            return Progress::Done;
        }
        let (threads, thread) = (node.threads, self.thread);
        self.turn(|turn| {
            let begin = turn.node.clock.mono_ns();
            let progress = sweep(turn, thread, threads);
            let nanos = turn.node.clock.mono_ns().saturating_sub(begin);
            turn.scratch.tally.add(&metrics::EXPIRE_NANOS, nanos);
            let threshold = turn.node.config.get(&latency::THRESHOLD);
            turn.node.latency.note(threshold, "expire-cycle", turn.now.secs(), nanos / 1_000_000);
            progress
        })
    }
}

fn sweep(turn: &mut Turn, thread: usize, threads: usize) -> Progress {
    let begin = turn.node.clock.mono_ns();
    let mine = (0..SHARDS).filter(|shard| shard % threads == thread).count();
    let mut keys_left = SLICE_KEYS;
    if turn.scratch.sweep.shards_left == 0 {
        turn.scratch.sweep.shards_left = mine;
    }
    while turn.scratch.sweep.shards_left > 0 {
        let shard = turn.scratch.sweep.next_shard % mine * threads + thread;
        let budget = keys_left.min(LOCKED_KEYS);
        let took = sweep_shard(turn, shard, budget);
        keys_left -= took;
        if took < budget {
            turn.scratch.sweep.next_shard = (turn.scratch.sweep.next_shard + 1) % mine;
            turn.scratch.sweep.shards_left -= 1;
        }
        let limit = if keys_left == SLICE_KEYS { VAIN_NANOS } else { SLICE_NANOS };
        let over = keys_left == 0 || turn.node.clock.mono_ns() - begin > limit;
        if over && turn.scratch.sweep.shards_left > 0 {
            turn.scratch.tally.add(&metrics::EXPIRE_CAP_REACHED, u64::from(keys_left > 0));
            return Progress::More;
        }
    }
    Progress::Done
}

/// Removes up to `budget` keys of one shard; how many there were.
fn sweep_shard(turn: &mut Turn, shard: usize, budget: u32) -> u32 {
    let lazy = turn.node.config.get(&options::LAZY_EXPIRE);
    let mut took = 0;
    if !turn.held.take_one(shard as u8) {
        return 0; // a script has it
    }
    for db in 0..turn.node.databases {
        while took < budget {
            let now = turn.now;
            let mut looks = LOOKS_MAX;
            let popped = turn.held.shard(shard as u8).pop_expired(db, now, &mut looks);
            let Some((key, discarded)) = popped else { break };
            let name = KeyName { db, hash: turn.node.keyspace.hash(&key), key };
            turn.node.freer.discarded(discarded, lazy);
            turn.expired(&name, true);
            turn.append_unit();
            took += 1;
        }
        let mut looks = LOOKS_MAX;
        while took < budget && turn.sweep_fields(shard as u8, db, &mut looks) {
            took += 1;
        }
    }
    turn.tell_broadcasts();
    turn.publish_events();
    turn.scratch.changes.clear();
    turn.held.release();
    took
}
