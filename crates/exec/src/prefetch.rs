//! Fetches early what requests will read inside one large collection.
//!
//! The plan fetches the buckets and entries of keys (`plan.rs`), without a lock. What is inside a collection may only be
//! looked at under its shard's lock, and that is held between two requests to the same key: the elements that the next
//! few will look up are fetched together, so that their misses overlap. HSET, HGET and SADD into a million elements,
//! pipelined, became a quarter cheaper by it; requests to many keys pay a comparison for each eight.

use crate::args::KeyAt;
use crate::plan::{Plan, UNKNOWN, word};
use crate::run::{Job, Turn, words_of};
use keyspace::{KeyHash, View};
use smallvec::SmallVec;

/// Requests whose elements are fetched together.
pub(crate) const AHEAD: usize = 8;

/// The next requests of a window, of which the one before was just run.
#[inline]
pub(crate) fn elements(turn: &Turn, jobs: &[Job], plans: &[(usize, usize, Plan)], keys: &[KeyAt]) {
    if let Some(shard) = turn.held.single()
        && let Some([key]) = plans.first().map(|(_, _, plan)| plan.keys(keys))
        && key.hash.shard() == shard.index()
    {
        fetch(turn, jobs, plans, keys);
    }
}

fn fetch(turn: &Turn, jobs: &[Job], plans: &[(usize, usize, Plan)], keys: &[KeyAt]) {
    let Some(shard) = turn.held.single() else { return };
    let mut collections: SmallVec<[View; AHEAD]> = SmallVec::new();
    let mut elements: SmallVec<[(usize, &[u8]); AHEAD]> = SmallVec::new();
    let mut last: Option<(usize, KeyHash, bool)> = None;
    for (job, request, plan) in plans {
        let (job, [key]) = (&jobs[*job], plan.keys(keys)) else { continue };
        if plan.command == UNKNOWN || key.hash.shard() != shard.index() {
            continue;
        }
        let at = usize::from(turn.node.commands.command(plan.command).element);
        let words = words_of(job, &job.requests[*request]);
        let (1.., Some(element)) = (at, words.get(at)) else { continue };
        let (db, hash) = (job.session.db, key.hash);
        let found = match last {
            Some((its_db, its_hash, found)) if (its_db, its_hash) == (db, hash) => found,
            _ => {
                let entry = shard.find(db, hash, word(job.input, words[key.word as usize]));
                let collection = entry.and_then(|entry| entry.object());
                let found = collection.is_some();
                collections.extend(collection);
                found
            }
        };
        last = Some((db, hash, found));
        if found {
            elements.push((collections.len() - 1, word(job.input, *element)));
        }
    }
    for pass in 0..types::object::PREFETCH_PASSES {
        elements.iter().for_each(|(collection, element)| collections[*collection].prefetch(element, pass));
    }
}
