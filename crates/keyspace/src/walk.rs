//! The snapshot walk: every entry as it was at one moment, while writes go on.
//!
//! The walk goes over positions (see `hash.rs`). Who is about to change a key hands the whole bucket of the
//! key to the sink first, unless the walk has passed there or the bucket was handed over before; and that
//! interval of positions is remembered as done. So the sink gets each entry of the start exactly once, as
//! it was, memory grows by what changed, and no writer waits for more than one bucket.
//!
//! The state of the walk belongs to a database's table, not to its number: SWAPDB takes it along, and
//! FLUSHDB leaves the table with the walk, which frees it as it goes.
//! Knows nothing of files or of the log: what the sink does with an entry is not its business.

use std::collections::BTreeMap;

use crate::entry::EntryRef;
use crate::shard::Progress;
use crate::table::{POSITION_END, Table};

/// Gets the number that the database had at the start, and an entry.
pub type WalkSink = Box<dyn FnMut(usize, EntryRef<'_>) + Send>;

/// Of one shard, while a walk is under way.
pub(crate) struct ShardWalk {
    pub(crate) sink: WalkSink,
    /// Tables that were taken away (FLUSHDB) before the walk was through with them.
    pub(crate) orphans: Vec<(Table, DbWalk)>,
}

/// Of one table, from the start until all of it was handed over.
pub(crate) struct DbWalk {
    /// The number of the database at the start.
    label: usize,
    /// Everything before it was handed over.
    position: u64,
    /// Intervals beyond `position` that were handed over early: start to end, neither touching nor overlapping.
    done: BTreeMap<u64, u64>,
}

impl DbWalk {
    pub(crate) fn new(label: usize) -> DbWalk {
        DbWalk { label, position: 0, done: BTreeMap::new() }
    }

    /// A key at this position is about to change.
    pub(crate) fn before_change(&mut self, table: &Table, position: u32, sink: &mut WalkSink) {
        if !self.covers(u64::from(position)) && table.bucket_count() > 0 {
            let (start, end) = table.interval(position);
            self.hand_over(table, position, start, end, sink);
            self.mark(start, end);
        }
    }

    /// Hands over buckets until about `budget` entries and buckets were looked at.
    pub(crate) fn step(&mut self, table: &Table, budget: &mut usize, sink: &mut WalkSink) -> Progress {
        while table.bucket_count() > 0 {
            self.skip_done();
            let Ok(position) = u32::try_from(self.position) else { break };
            if *budget == 0 {
                return Progress::More;
            }
            let (start, end) = table.interval(position);
            let seen = self.hand_over(table, position, start, end, sink);
            self.position = end;
            *budget = budget.saturating_sub(seen + 1);
        }
        Progress::Done
    }

    fn hand_over(&self, table: &Table, position: u32, start: u64, end: u64, sink: &mut WalkSink) -> usize {
        let mut seen = 0;
        // A bucket may have been handed over in part when it was two buckets, before a merge.
        let partly = self.position > start || self.done.range(..end).next_back().is_some_and(|(_, &done)| done > start);
        table.scan(u64::from(position), &mut |entry| {
            seen += 1;
            if !partly || !self.covers(u64::from(table.position_of(entry.key()))) {
                sink(self.label, entry);
            }
        });
        seen
    }

    fn covers(&self, position: u64) -> bool {
        position < self.position || self.done.range(..=position).next_back().is_some_and(|(_, &end)| position < end)
    }

    /// Adds an interval, and joins it with those it touches.
    fn mark(&mut self, mut start: u64, mut end: u64) {
        while let Some((&other, &other_end)) = self.done.range(..=end).next_back()
            && other_end >= start
        {
            self.done.remove(&other);
            start = start.min(other);
            end = end.max(other_end);
        }
        self.done.insert(start, end);
    }

    /// Moves over what was handed over early, and forgets it.
    fn skip_done(&mut self) {
        while let Some(first) = self.done.first_entry() {
            if *first.key() > self.position {
                break;
            }
            self.position = self.position.max(first.remove());
        }
    }
}

impl ShardWalk {
    /// The tables that lost their database: walked, then freed, within the budget.
    pub(crate) fn step_orphans(&mut self, budget: &mut usize) -> Progress {
        while let Some((table, walk)) = self.orphans.last_mut() {
            if walk.position < POSITION_END && walk.step(table, budget, &mut self.sink) == Progress::More {
                return Progress::More;
            }
            walk.position = POSITION_END;
            if *budget == 0 {
                return Progress::More;
            }
            let before = table.len() + table.bucket_count();
            let more = table.drop_step(*budget);
            *budget = budget.saturating_sub(before - table.len() - table.bucket_count());
            if more {
                return Progress::More;
            }
            self.orphans.pop();
        }
        Progress::Done
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use kit::world::{Rng, UnixMs};
    use parking_lot::Mutex;
    use types::{List, Typed};

    use crate::entry::{Entry, EntryRef, NewValue};
    use crate::shard::tests::{DBS, hash, key, shard};
    use crate::shard::{Deadline, Progress, Shard};

    type Row = (Vec<u8>, Option<UnixMs>);
    type Rows = BTreeMap<(usize, Vec<u8>), Row>;

    fn row(entry: EntryRef<'_>) -> Row {
        let value = match entry.object() {
            Some(object) => format!("{:?}", *object).into_bytes(),
            None => entry.value().text(&mut Default::default()).to_vec(),
        };
        (value, entry.deadline())
    }

    fn all(shard: &Shard<()>) -> Rows {
        let mut rows = Rows::new();
        for db in 0..DBS {
            shard.for_each(db, &mut |entry| {
                rows.insert((db, entry.key().to_vec()), row(entry));
            });
        }
        rows
    }

    /// One change of a random kind. `trend` of 10 inserts only, 0 removes only.
    fn change(shard: &mut Shard<()>, rng: &mut Rng, keys: u64, trend: u64) {
        let (db, name) = (rng.below(2) as usize, key(rng.below(keys)));
        let hash = hash(shard, &name);
        let now = UnixMs(rng.below(100_000) as i64);
        match rng.below(100) {
            0..50 if rng.below(10) >= trend => drop(shard.remove(db, hash, &name)),
            0..50 => {
                let value = rng.next_u64().to_string();
                let deadline = [Deadline::Keep, Deadline::None, Deadline::At(now)][rng.below(3) as usize];
                shard.set(db, hash, &name, NewValue::Str(value.as_bytes()), deadline, 1);
            }
            50..60 => drop(shard.set_deadline(db, hash, &name, Some(now))),
            60..70 => {
                let Some(mut entry) = shard.find_mut(db, hash, &name) else {
                    let entry = Entry::with_object(&name, List::new().into(), rng.one_in(2).then_some(now), 1);
                    return shard.insert(db, hash, entry);
                };
                if entry.as_ref().object().is_none() {
                    entry.raw_bytes_mut(30).fill(b'x');
                } else if let Some(mut object) = entry.object_mut() {
                    List::from_mut(&mut object).expect("only lists").push(&rng.next_u64().to_le_bytes());
                }
            }
            70..80 => drop(shard.pop_expired(db, UnixMs(now.0 / 8), &mut 3)),
            80 if rng.one_in(20) => drop(shard.take_db(db)),
            81 if rng.one_in(5) => shard.swap_dbs(rng.below(DBS as u64) as usize, rng.below(DBS as u64) as usize),
            _ => drop(shard.touch(db, hash, &name, 7)),
        }
    }

    #[test]
    fn hands_over_exactly_what_was_there_at_the_start() {
        for seed in 0..150 {
            let mut rng = Rng::new(seed);
            let mut shard = shard(seed);
            let keys = [40, 400, 3000][seed as usize % 3];
            for _ in 0..rng.below(keys * 6) {
                change(&mut shard, &mut rng, keys, 9);
            }
            let want = all(&shard);
            let got = Arc::new(Mutex::new(Vec::new()));
            let sink = Arc::clone(&got);
            shard.walk_begin(Box::new(move |db, entry| sink.lock().push(((db, entry.key().to_vec()), row(entry)))));
            // Half of the walks see the tables grow, half see them shrink.
            let trend = if rng.one_in(2) { 9 } else { 1 };
            loop {
                for _ in 0..rng.below(60) {
                    change(&mut shard, &mut rng, keys, trend);
                }
                if shard.walk_step(1 + rng.below(20) as usize) == Progress::Done {
                    break;
                }
            }
            assert!(!shard.walk_active());
            let got = std::mem::take(&mut *got.lock());
            assert_eq!(got.len(), want.len(), "seed {seed}: each entry once");
            assert!(got.into_iter().collect::<Rows>() == want, "seed {seed}: each entry as it was");
            shard.check();
        }
    }

    #[test]
    fn a_cancelled_walk_gives_its_tables_back() {
        let mut shard = shard(1);
        for number in 0..1000 {
            shard.set(0, hash(&shard, &key(number)), &key(number), NewValue::Int(1), Deadline::None, 0);
        }
        shard.walk_begin(Box::new(|_, _| ()));
        let mut taken = shard.take_db(0).expect("there were keys");
        assert_eq!((taken.len(), taken.memory_bytes(), taken.drop_step(1)), (1000, 0, false), "the walk has them");
        assert!(shard.bytes() > 1000);
        shard.walk_cancel();
        assert_eq!(shard.bytes(), 0);
    }

    #[test]
    fn walks_a_step_at_a_time() {
        let mut shard = shard(1);
        for number in 0..10_000 {
            shard.set(0, hash(&shard, &key(number)), &key(number), NewValue::Int(1), Deadline::None, 0);
        }
        shard.walk_begin(Box::new(|_, _| ()));
        let steps = std::iter::from_fn(|| (shard.walk_step(100) == Progress::More).then_some(())).count();
        assert!((90..130).contains(&steps), "{steps} steps of 100 for 10000 keys");
    }
}
