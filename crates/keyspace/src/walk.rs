//! The snapshot walk: every entry as it was at one moment, while writes go on.
//!
//! The walk goes over positions (see `hash.rs`). Who is about to change a key hands the whole bucket of the
//! key to the sink first, unless the walk has passed there or the bucket was handed over before; and that
//! interval of positions is remembered as done. So the sink gets each entry of the start exactly once, as
//! it was, memory grows by what changed, and no writer waits for more than one bucket.
//!
//! Large values are another matter: handing over a hash of 200 MB would hold its shard for its whole length. The sink may
//! decline an entry (`Handing::May`). Its key is **owed** then: passed by the walk, but its value still has to be
//! handed over, in parts, by whoever steps the walk (`owed_step`), with the shard's lock given back between the parts. Who
//! removes or replaces an owed value leaves it to the walk (`leave`), which frees it when it is handed over: nobody waits and
//! nothing is copied. Who wants to change it in place asks first (`want`) and comes again later; who does not ask, because
//! he cannot wait (a script), has the sink take the rest at once (`Handing::Must`).
//!
//! The state of the walk belongs to a database's table, not to its number: SWAPDB takes it along, and
//! FLUSHDB leaves the table with the walk, which frees it as it goes.
//! Knows nothing of files or of the log: what the sink does with an entry is not its business.

use std::collections::{BTreeMap, VecDeque};

use crate::entry::{Entry, EntryRef};
use crate::hash::KeyHash;
use crate::shard::Progress;
use crate::table::{POSITION_END, Table};

/// Gets the number that the database had at the start, and an entry. False declines it.
pub type WalkSink = Box<dyn FnMut(usize, EntryRef<'_>, Handing) -> bool + Send>;

/// How an entry is offered to the sink.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handing {
    /// It may decline: the entry is offered again, by `Shard::owed_step`.
    May,
    /// It changes now: the sink takes it, or the rest of it.
    Must,
}

/// What `Shard::owed_step` did.
#[derive(Debug)]
pub enum Owed {
    /// No large value waits.
    None,
    /// A part was handed over, and there is more of this value.
    More,
    /// A value is complete. What was left to the walk is to be freed when the shard is not locked any more.
    Whole(Option<Entry>),
}

/// A key that was passed, whose value was not handed over whole.
struct OwedKey {
    hash: KeyHash,
    key: Box<[u8]>,
    /// Parts were handed over: it stays the first.
    begun: bool,
    /// It was removed: what stands at the key by now is another matter.
    left: Option<Entry>,
}

impl OwedKey {
    fn is_at(&self, hash: KeyHash, key: &[u8]) -> bool {
        self.left.is_none() && self.hash.position() == hash.position() && *self.key == *key
    }
}

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
    owed: VecDeque<OwedKey>,
}

impl DbWalk {
    pub(crate) fn new(label: usize) -> DbWalk {
        DbWalk { label, position: 0, done: BTreeMap::new(), owed: VecDeque::new() }
    }

    /// Everything was handed over.
    fn is_through(&self) -> bool {
        self.position >= POSITION_END && self.owed.is_empty()
    }

    /// A key at this position is about to change.
    pub(crate) fn before_change(&mut self, table: &Table, position: u32, sink: &mut WalkSink) {
        self.hand_over_first(table, position, sink);
        if !self.owed.is_empty() {
            self.settle(table, position, sink);
        }
    }

    /// Is this key's value owed? Then it may be removed with `leave`.
    pub(crate) fn owes(&mut self, table: &Table, hash: KeyHash, key: &[u8], sink: &mut WalkSink) -> bool {
        self.hand_over_first(table, hash.position(), sink);
        self.owed.iter().any(|owed| owed.is_at(hash, key))
    }

    /// An entry that was taken out of its table. Gives it back if it is not owed.
    pub(crate) fn leave(&mut self, hash: KeyHash, entry: Entry) -> Option<Entry> {
        match self.owed.iter_mut().find(|owed| owed.is_at(hash, entry.as_ref().key())) {
            Some(owed) => {
                owed.left = Some(entry);
                None
            }
            None => Some(entry),
        }
    }

    /// Bytes of what was left to the walk.
    pub(crate) fn left_bytes(&self) -> usize {
        self.owed.iter().filter_map(|owed| Some(owed.left.as_ref()?.as_ref().alloc_bytes())).sum()
    }

    /// The walk is given up: what was left to it.
    pub(crate) fn into_left(self) -> impl Iterator<Item = Entry> {
        self.owed.into_iter().filter_map(|owed| owed.left)
    }

    /// The bucket at this position will change.
    pub(crate) fn hand_over_first(&mut self, table: &Table, position: u32, sink: &mut WalkSink) {
        if !self.covers(u64::from(position)) && table.bucket_count() > 0 {
            let (start, end) = table.interval(position);
            self.hand_over(table, position, start, end, sink);
            self.mark(start, end);
        }
    }

    /// Does a large value stand at this key that has to be handed over before it may change? Then it is the next one.
    pub(crate) fn want(&mut self, table: &Table, hash: KeyHash, key: &[u8], sink: &mut WalkSink) -> bool {
        self.hand_over_first(table, hash.position(), sink);
        let Some(at) = self.owed.iter().position(|owed| owed.is_at(hash, key)) else { return false };
        let first = usize::from(self.owed.front().is_some_and(|owed| owed.begun));
        if at > first
            && let Some(owed) = self.owed.remove(at)
        {
            self.owed.insert(first, owed);
        }
        true
    }

    /// Owed values that change now.
    #[cold]
    fn settle(&mut self, table: &Table, position: u32, sink: &mut WalkSink) {
        let label = self.label;
        self.owed.retain(|owed| {
            if owed.left.is_some() || owed.hash.position() != position {
                return true;
            }
            if let Some(entry) = table.find(owed.hash, &owed.key) {
                sink(label, entry, Handing::Must);
            }
            false
        });
    }

    /// One part of the first owed value: `part` gets it, and says whether it is complete.
    pub(crate) fn owed_step(&mut self, table: &Table, part: &mut dyn FnMut(usize, EntryRef<'_>) -> bool) -> Owed {
        let Some(owed) = self.owed.front_mut() else { return Owed::None };
        owed.begun = true;
        // It is in one of the two places: whoever removes it settles it first, or leaves it here.
        let entry = owed.left.as_ref().map(Entry::as_ref).or_else(|| table.find(owed.hash, &owed.key));
        let whole = entry.is_none_or(|entry| part(self.label, entry));
        if !whole {
            return Owed::More;
        }
        Owed::Whole(self.owed.pop_front().and_then(|owed| owed.left))
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
        self.position = POSITION_END;
        if self.owed.is_empty() { Progress::Done } else { Progress::More }
    }

    fn hand_over(&mut self, table: &Table, position: u32, start: u64, end: u64, sink: &mut WalkSink) -> usize {
        let (mut seen, mut declined) = (0, Vec::new());
        // A bucket may have been handed over in part when it was two buckets, before a merge.
        let partly = self.position > start || self.done.range(..end).next_back().is_some_and(|(_, &done)| done > start);
        table.scan(u64::from(position), &mut |entry| {
            seen += 1;
            let is_new = !partly || !self.covers(u64::from(table.hash_of(entry.key()).position()));
            if is_new && !sink(self.label, entry, Handing::May) {
                let (hash, key) = (table.hash_of(entry.key()), entry.key().into());
                declined.push(OwedKey { hash, key, begun: false, left: None });
            }
        });
        self.owed.extend(declined);
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
            if !walk.is_through() {
                return Progress::More;
            }
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

impl ShardWalk {
    pub(crate) fn owed_step_of_orphans(&mut self, part: &mut dyn FnMut(usize, EntryRef<'_>) -> bool) -> Owed {
        let owing = self.orphans.iter_mut().find(|(_, walk)| !walk.owed.is_empty());
        owing.map_or(Owed::None, |(table, walk)| walk.owed_step(table, part))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use kit::world::{Rng, UnixMs};
    use parking_lot::Mutex;
    use types::{List, Typed};

    use super::{Handing, Owed};
    use crate::entry::{Entry, EntryRef, NewValue};
    use crate::shard::tests::{DBS, hash, key, shard};
    use crate::shard::{Deadline, Discarded, Progress, SetDone, Shard};

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
            0..50 if rng.below(10) >= trend => match rng.one_in(2) {
                true => drop(shard.remove(db, hash, &name)),
                false => drop(shard.discard(db, hash, &name)),
            },
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
            shard.walk_begin(Box::new(move |db, entry, _| {
                sink.lock().push(((db, entry.key().to_vec()), row(entry)));
                true
            }));
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
    fn large_values_are_handed_over_in_parts() {
        let mut waited_in_all = 0;
        for seed in 0..60 {
            let mut rng = Rng::new(seed);
            let mut shard = shard(seed);
            let keys = [40, 400, 2000][seed as usize % 3];
            for _ in 0..rng.below(keys * 6) {
                change(&mut shard, &mut rng, keys, 9);
            }
            let want = all(&shard);
            // Rows, and how many parts of an entry were taken.
            let got = Arc::new(Mutex::new((Vec::new(), BTreeMap::new())));
            let sink = Arc::clone(&got);
            shard.walk_begin(Box::new(move |db, entry, handing| {
                let is_large = entry.key().last().is_some_and(|byte| byte % 3 == 0);
                let (rows, parts) = &mut *sink.lock();
                if is_large && handing == Handing::May {
                    return false;
                }
                parts.remove(entry.key());
                rows.push(((db, entry.key().to_vec()), row(entry)));
                true
            }));
            let mut waited = 0;
            loop {
                for _ in 0..rng.below(40) {
                    let name = key(rng.below(keys));
                    let (db, hash) = (rng.below(2) as usize, hash(&shard, &name));
                    // Who asks first goes away; who cannot wait changes it all the same.
                    if rng.one_in(2) && shard.walk_wants(db, hash, &name) {
                        waited += 1;
                        continue;
                    }
                    change(&mut shard, &mut rng, keys, 5);
                }
                let part = |db: usize, entry: EntryRef<'_>| {
                    let (rows, parts) = &mut *got.lock();
                    let count = parts.entry(entry.key().to_vec()).or_insert(0);
                    *count += 1;
                    if *count < 3 {
                        return false;
                    }
                    parts.remove(entry.key());
                    rows.push(((db, entry.key().to_vec()), row(entry)));
                    true
                };
                if rng.one_in(2) {
                    drop(shard.owed_step(&mut { part }));
                } else if shard.walk_step(1 + rng.below(20) as usize) == Progress::Done {
                    break;
                }
            }
            let (rows, parts) = std::mem::take(&mut *got.lock());
            assert!(parts.is_empty(), "seed {seed}: {parts:?}");
            waited_in_all += waited;
            assert_eq!(rows.len(), want.len(), "seed {seed}: each entry once");
            assert!(rows.into_iter().collect::<Rows>() == want, "seed {seed}: each entry as it was");
            shard.check();
        }
        assert!(waited_in_all > 0);
    }

    #[test]
    fn what_is_removed_or_replaced_is_left_to_the_walk() {
        let mut shard = shard(1);
        let (one, two, three) = (key(1), key(2), key(3));
        let at = |shard: &Shard<()>, name: &[u8]| hash(shard, name);
        for (name, value) in [(&one, &b"first"[..]), (&two, b"second"), (&three, b"third")] {
            let (place, deadline) = (at(&shard, name), Deadline::At(UnixMs(5)));
            shard.set(0, place, name, NewValue::Str(value), deadline, 0);
        }
        let want = all(&shard);
        let bytes = shard.bytes();
        let must = Arc::new(Mutex::new(0));
        let taken_at_once = Arc::clone(&must);
        shard.walk_begin(Box::new(move |_, _, handing| {
            *taken_at_once.lock() += i32::from(handing == Handing::Must);
            false
        }));
        let places = [at(&shard, &one), at(&shard, &two), at(&shard, &three)];
        assert!(matches!(shard.discard(0, places[0], &one), Some(Discarded::LeftToWalk)));
        let replaced = shard.set(0, places[1], &two, NewValue::Str(b"new"), Deadline::Keep, 0);
        assert!(matches!(replaced, SetDone::Replaced { deadline: Some(UnixMs(5)), object: None }));
        let mut expired = Vec::new();
        while let Some((name, discarded)) = shard.pop_expired(0, UnixMs(1_000_000), &mut 100) {
            expired.push((name.to_vec(), matches!(discarded, Discarded::LeftToWalk)));
        }
        expired.sort();
        assert_eq!(
            expired,
            [(two.clone(), false), (three.clone(), true)],
            "the new value is nobody's but the caller's"
        );
        // A new value at a key whose old one is with the walk is free to be changed, and to be removed.
        shard.set(0, places[0], &one, NewValue::Str(b"again"), Deadline::None, 0);
        assert!(!shard.walk_wants(0, places[0], &one));
        assert!(shard.find_mut(0, places[0], &one).is_some());
        assert!(shard.bytes() >= bytes, "what the walk has is counted");
        let (mut got, mut freed, mut parts) = (Rows::new(), 0, 0);
        while shard.walk_step(10) == Progress::More {
            let owed = shard.owed_step(&mut |db, entry| {
                parts += 1;
                got.insert((db, entry.key().to_vec()), row(entry));
                parts % 3 == 0
            });
            freed += usize::from(matches!(owed, Owed::Whole(Some(_))));
        }
        assert!(got == want, "{got:?}");
        assert_eq!((freed, parts, *must.lock()), (3, 9, 0));
        assert_eq!(shard.find(0, places[0], &one).map(|entry| entry.value().len()), Some(5));
        assert_eq!(shard.len(0), 1);
        shard.check();

        // Given up: nothing of it stays.
        shard.walk_begin(Box::new(|_, _, _| false));
        assert!(matches!(shard.discard(0, places[0], &one), Some(Discarded::LeftToWalk)));
        assert_eq!(shard.walk_cancel().len(), 1);
        assert!(shard.discard(0, places[0], &one).is_none());
    }

    #[test]
    fn a_cancelled_walk_gives_its_tables_back() {
        let mut shard = shard(1);
        for number in 0..1000 {
            shard.set(0, hash(&shard, &key(number)), &key(number), NewValue::Int(1), Deadline::None, 0);
        }
        shard.walk_begin(Box::new(|_, _, _| true));
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
        shard.walk_begin(Box::new(|_, _, _| true));
        let steps = std::iter::from_fn(|| (shard.walk_step(100) == Progress::More).then_some(())).count();
        assert!((90..130).contains(&steps), "{steps} steps of 100 for 10000 keys");
    }
}
