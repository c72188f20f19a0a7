//! A shard: one lock's worth of every database, and all that belongs to its keys.
//!
//! The only door to the tables. Whatever changes a key, present or to come, passes `before_change`, which
//! serves the snapshot walk; whatever changes a deadline tells the expiry index.
//! Keys that have expired are still here until somebody removes them: what time it is, and so whether a
//! key is to be seen, is the caller's business.

use std::sync::Arc;

use kit::world::{Rng, UnixMs};
use types::Object;

use crate::buckets::Published;
use crate::dbs::Dbs;
use crate::entry::{Entry, EntryMut, EntryRef, NewValue};
use crate::expire::ExpiryIndex;
use crate::hash::{KeyHash, KeyHasher};
use crate::inner_expire::InnerIndex;
use crate::table::Table;
use crate::table_stats::TableStats;
use crate::walk::{DbWalk, Owed, ShardWalk, WalkSink};

/// What a step that was given a budget says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    Done,
    More,
}

/// What `set` does with the key's deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deadline {
    Keep,
    None,
    At(UnixMs),
}

impl Deadline {
    fn after(self, before: Option<UnixMs>) -> Option<UnixMs> {
        match self {
            Deadline::Keep => before,
            Deadline::None => None,
            Deadline::At(deadline) => Some(deadline),
        }
    }
}

/// What `set` did.
#[derive(Debug)]
pub enum SetDone {
    Inserted,
    /// With the deadline that stood there before, and the collection if it was one: the caller frees it.
    Replaced {
        deadline: Option<UnixMs>,
        object: Option<Object>,
    },
}

/// What `discard` did with the entry.
#[derive(Debug)]
pub enum Discarded {
    /// The caller frees it.
    Entry(Entry),
    /// A snapshot has not been given all of it yet, and keeps it until then.
    LeftToWalk,
}

impl Discarded {
    /// What is to be freed now.
    pub fn entry(self) -> Option<Entry> {
        match self {
            Discarded::Entry(entry) => Some(entry),
            Discarded::LeftToWalk => None,
        }
    }
}

pub struct Shard<X> {
    /// The executor's: watchers, parked clients, and the like.
    pub ext: X,
    index: usize,
    dbs: Dbs,
    walk: Option<Box<ShardWalk>>,
    hasher: Arc<KeyHasher>,
    published: Arc<Published>,
}

pub(crate) struct Db {
    table: Table,
    expiry: ExpiryIndex,
    /// Collections whose elements have deadlines: when there were any.
    inner: Option<Box<InnerIndex>>,
    /// While a walk has not handed over all of this table.
    walk: Option<Box<DbWalk>>,
}

impl<X> Shard<X> {
    pub(crate) fn new(index: usize, ext: X, hasher: Arc<KeyHasher>, published: Arc<Published>) -> Shard<X> {
        Shard { ext, index, dbs: Dbs::default(), walk: None, hasher, published }
    }

    /// Its number, which is also the top byte of the hashes of its keys.
    pub fn index(&self) -> usize {
        self.index
    }

    // ---- keys ------------------------------------------------------------------------------------------

    #[inline]
    pub fn find(&self, db: usize, hash: KeyHash, key: &[u8]) -> Option<EntryRef<'_>> {
        self.check_place(hash);
        self.dbs.get(db)?.table.find(hash, key)
    }

    /// For changing the value. Only to mark the key as used, `touch` is cheaper while a snapshot is made.
    #[inline]
    pub fn find_mut(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'_>> {
        self.before_change(db, hash);
        self.dbs.get_mut(db)?.table.find_mut(hash, key)
    }

    /// The entry at a key for a READ that moves its access clock by what the clock was: of `EntryMut` only
    /// `set_clock` may be used, everything else would go unseen by a snapshot walk.
    #[inline]
    pub fn access(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'_>> {
        self.check_place(hash);
        self.dbs.get_mut(db)?.table.find_mut(hash, key)
    }

    /// Sets the access clock and gives the entry to be read. No change in the eyes of a snapshot.
    #[inline]
    pub fn touch(&mut self, db: usize, hash: KeyHash, key: &[u8], clock: u32) -> Option<EntryRef<'_>> {
        self.check_place(hash);
        let mut entry = self.dbs.get_mut(db)?.table.find_mut(hash, key)?;
        entry.set_clock(clock);
        Some(entry.into_ref())
    }

    /// Inserts the key or puts another value in its place, with one lookup.
    pub fn set(
        &mut self,
        db: usize,
        hash: KeyHash,
        key: &[u8],
        value: NewValue<'_>,
        deadline: Deadline,
        clock: u32,
    ) -> SetDone {
        if let Some(before) = self.leave_to_walk(db, hash, key) {
            self.add(db, hash, Entry::new(key, value, deadline.after(before), clock));
            return SetDone::Replaced { deadline: before, object: None };
        }
        self.before_change(db, hash);
        if let Some(Db { table, expiry, .. }) = self.dbs.get_mut(db)
            && let Some(mut entry) = table.find_mut(hash, key)
        {
            let before = entry.deadline();
            let after = deadline.after(before);
            let object = entry.rewrite(value, after, clock);
            if after != before
                && let Some(after) = after
            {
                expiry.note(table, hash, before, after);
            }
            return SetDone::Replaced { deadline: before, object };
        }
        self.add(db, hash, Entry::new(key, value, deadline.after(None), clock));
        SetDone::Inserted
    }

    /// Adds an entry whose key is not there.
    pub fn insert(&mut self, db: usize, hash: KeyHash, entry: Entry) {
        self.before_change(db, hash);
        self.add(db, hash, entry);
    }

    /// Removes a key whose value nobody wants any more.
    pub fn discard(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<Discarded> {
        if self.leave_to_walk(db, hash, key).is_some() {
            return Some(Discarded::LeftToWalk);
        }
        self.remove(db, hash, key).map(Discarded::Entry)
    }

    /// Removes a key and gives its entry. Where that is only freed, `discard` is better.
    pub fn remove(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<Entry> {
        self.before_change(db, hash);
        // Its entry in the expiry index stays, and is thrown away when it comes up.
        self.dbs.get_mut(db)?.table.remove(hash, key)
    }

    /// False when there is no such key.
    pub fn set_deadline(&mut self, db: usize, hash: KeyHash, key: &[u8], deadline: Option<UnixMs>) -> bool {
        self.before_change(db, hash);
        let Some(Db { table, expiry, .. }) = self.dbs.get_mut(db) else { return false };
        let Some(mut entry) = table.find_mut(hash, key) else { return false };
        let before = entry.deadline();
        entry.set_deadline(deadline);
        if let Some(deadline) = deadline {
            expiry.note(table, hash, before, deadline);
        }
        true
    }

    // ---- expiry ----------------------------------------------------------------------------------------

    /// Takes out one key whose deadline has come: its name, and what is to be freed. Each look costs one of `budget`; None
    /// with a budget left means that nothing is due. Deadlines are seen up to 15 ms late.
    pub fn pop_expired(&mut self, db: usize, now: UnixMs, budget: &mut u32) -> Option<(Box<[u8]>, Discarded)> {
        while *budget > 0 {
            let low = self.dbs.get(db)?.expiry.due(now)?;
            *budget -= 1;
            // The low bits lead to the same bucket as the whole hash.
            self.before_expiry_at(db, low.reverse_bits());
            let Db { table, expiry, walk, .. } = self.dbs.get_mut(db)?;
            if let Some(entry) = table.remove_due(low, now) {
                let key: Box<[u8]> = entry.as_ref().key().into();
                let entry = match walk {
                    Some(walk) => walk.leave(table.hash_of(&key), entry),
                    None => Some(entry),
                };
                return Some((key, entry.map_or(Discarded::LeftToWalk, Discarded::Entry)));
            }
            expiry.pass(table);
        }
        None
    }

    /// Elements of the collection at a key were given deadlines.
    pub fn note_inner_deadline(&mut self, db: usize, hash: KeyHash, key: &[u8]) {
        let Some(Db { table, inner, .. }) = self.dbs.get_mut(db) else { return };
        if let Some(deadline) = table.find(hash, key).and_then(EntryRef::inner_deadline) {
            inner.get_or_insert_default().note(table, hash, deadline);
        }
    }

    /// A collection with elements whose deadline has come; the caller removes them. Each look costs one of `budget`;
    /// None with a budget left means that nothing is due. Deadlines are seen up to 15 ms late.
    pub fn due_inner(&mut self, db: usize, now: UnixMs, budget: &mut u32) -> Option<EntryRef<'_>> {
        let Db { table, inner, .. } = self.dbs.get_mut(db)?;
        inner.as_mut()?.due(table, now, budget)
    }

    /// Keys of a database whose collection has elements with deadlines.
    pub fn inner_deadline_count(&self, db: usize) -> usize {
        self.dbs.get(db).and_then(|db| db.table.gauges()).map_or(0, |gauges| gauges.inner_deadlines())
    }

    /// When it is worth while to call `pop_expired`.
    pub fn next_deadline(&self, db: usize) -> Option<UnixMs> {
        self.dbs.get(db)?.expiry.next_deadline()
    }

    /// Calls `f` with up to `count` keys with deadlines; the same may come twice. Gives their number.
    pub fn sample_deadlines(&self, db: usize, rng: &mut Rng, count: usize, f: &mut dyn FnMut(EntryRef<'_>)) -> usize {
        let Some(Db { table, expiry, .. }) = self.dbs.get(db) else { return 0 };
        (0..count).filter_map(|_| expiry.random(table, rng)).map(f).count()
    }

    // ---- all keys of a database ------------------------------------------------------------------------

    pub fn len(&self, db: usize) -> usize {
        self.dbs.get(db).map_or(0, |db| db.table.len())
    }

    pub fn deadline_count(&self, db: usize) -> usize {
        self.dbs.get(db).map_or(0, |db| db.table.deadline_count())
    }

    /// Calls `f` with the entries of one bucket and gives the next position, below 2^32; None at the end.
    /// Who begins at 0 and goes on to None has seen every key that was there all the time.
    pub fn scan(&self, db: usize, position: u64, f: &mut dyn FnMut(EntryRef<'_>)) -> Option<u64> {
        self.dbs.get(db)?.table.scan(position, f)
    }

    pub fn random(&self, db: usize, rng: &mut Rng) -> Option<EntryRef<'_>> {
        self.dbs.get(db)?.table.random(rng)
    }

    /// Calls `f` with up to `count` different keys from a random place. Gives their number.
    pub fn sample(&self, db: usize, rng: &mut Rng, count: usize, f: &mut dyn FnMut(EntryRef<'_>)) -> usize {
        self.dbs.get(db).map_or(0, |db| db.table.sample(rng, count, f))
    }

    pub fn for_each(&self, db: usize, f: &mut dyn FnMut(EntryRef<'_>)) {
        if let Some(db) = self.dbs.get(db) {
            db.table.for_each(f);
        }
    }

    pub fn stats(&self, db: usize) -> TableStats {
        self.dbs.get(db).map(|db| db.table.stats()).unwrap_or_default()
    }

    /// Bytes that a database takes here beyond its entries: of its table, of its expiry index.
    pub fn overhead_bytes(&self, db: usize) -> (usize, usize) {
        self.dbs.get(db).map_or((0, 0), |db| (db.table.own_bytes(), db.expiry.memory_bytes()))
    }

    /// Bytes of all entries, tables and expiry indexes of this shard.
    pub fn bytes(&self) -> usize {
        let orphans = self.walk.iter().flat_map(|walk| &walk.orphans);
        let orphans = orphans.map(|(table, walk)| table.memory_bytes() + walk.left_bytes());
        self.dbs.own_bytes() + self.dbs.iter().map(|(_, db)| db.memory_bytes()).chain(orphans).sum::<usize>()
    }

    /// Empties a database at once; what was in it is freed by `DetachedDb::drop_step`. None when it had no
    /// keys. When a snapshot has not passed the keys yet, they are freed by the snapshot walk.
    pub fn take_db(&mut self, db: usize) -> Option<DetachedDb> {
        let Db { table, walk, .. } = self.dbs.take(db)?;
        self.publish(db);
        let len = table.len();
        let table = match (&mut self.walk, walk) {
            (Some(shard_walk), Some(walk)) => {
                shard_walk.orphans.push((table, *walk));
                None
            }
            (_, _) => Some(table),
        };
        (len > 0).then_some(DetachedDb { table, len })
    }

    /// Lets go what a database without keys still has here. For those who are short of memory: a key that comes and goes
    /// should find its place again.
    pub fn drop_empty(&mut self, db: usize) {
        if self.walk.is_none() && self.dbs.get(db).is_some_and(|db| db.table.is_empty()) {
            drop(self.take_db(db));
        }
    }

    pub fn swap_dbs(&mut self, a: usize, b: usize) {
        assert!(a.max(b) < self.published.databases(), "there are no databases {a} and {b}");
        self.dbs.swap(a, b);
        self.publish(a);
        self.publish(b);
    }

    // ---- snapshot --------------------------------------------------------------------------------------

    /// From now on `sink` gets every entry that is here now, as it is now. Ends a walk under way.
    pub fn walk_begin(&mut self, sink: WalkSink) {
        drop(self.walk_cancel());
        self.walk = Some(Box::new(ShardWalk { sink, orphans: Vec::new() }));
        for (label, db) in self.dbs.iter_mut() {
            if !db.table.is_empty() {
                db.walk = Some(Box::new(DbWalk::new(label)));
            }
        }
    }

    /// Hands over about `budget` entries. Done when this shard's part is complete and the sink dropped.
    pub fn walk_step(&mut self, mut budget: usize) -> Progress {
        let Some(shard_walk) = &mut self.walk else { return Progress::Done };
        for (_, db) in self.dbs.iter_mut() {
            if let Some(walk) = &mut db.walk {
                if walk.step(&db.table, &mut budget, &mut shard_walk.sink) == Progress::More {
                    return Progress::More;
                }
                db.walk = None;
            }
        }
        if shard_walk.step_orphans(&mut budget) == Progress::More {
            return Progress::More;
        }
        self.walk = None;
        Progress::Done
    }

    /// One part of a large value that the sink declined: `part` gets the entry, and says whether it is complete now. Between
    /// two calls the shard may be unlocked; the value does not change before it is complete, unless the sink is told
    /// to take the rest.
    pub fn owed_step(&mut self, part: &mut dyn FnMut(usize, EntryRef<'_>) -> bool) -> Owed {
        for (_, db) in self.dbs.iter_mut() {
            if let Some(walk) = &mut db.walk {
                match walk.owed_step(&db.table, part) {
                    Owed::None => {}
                    owed => return owed,
                }
            }
        }
        self.walk.as_mut().map_or(Owed::None, |walk| walk.owed_step_of_orphans(part))
    }

    /// Must a change of this key wait until the walk was given its value, because that is large? It will be the next then.
    pub fn walk_wants(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> bool {
        let Some(shard_walk) = &mut self.walk else { return false };
        match self.dbs.get_mut(db) {
            Some(Db { table, walk: Some(walk), .. }) => walk.want(table, hash, key, &mut shard_walk.sink),
            Some(_) | None => false,
        }
    }

    pub fn walk_active(&self) -> bool {
        self.walk.is_some()
    }

    /// Gives up a walk; the sink is dropped. Gives what was left to the walk, to be freed without the lock.
    pub fn walk_cancel(&mut self) -> Vec<Entry> {
        self.walk = None;
        self.dbs.iter_mut().filter_map(|(_, db)| db.walk.take()).flat_map(|walk| walk.into_left()).collect()
    }

    // ---- inside ----------------------------------------------------------------------------------------

    /// Every change of a key that is or will be at `hash` passes here first.
    #[inline]
    fn before_change(&mut self, db: usize, hash: KeyHash) {
        self.check_place(hash);
        self.before_change_at(db, hash.position());
    }

    fn before_expiry_at(&mut self, db: usize, position: u32) {
        if let Some(shard_walk) = &mut self.walk
            && let Some(Db { table, walk: Some(walk), .. }) = self.dbs.get_mut(db)
        {
            walk.hand_over_first(table, position, &mut shard_walk.sink);
        }
    }

    /// Takes the key's entry away if a walk has not been given all of it, and leaves it to the walk: its deadline.
    #[inline]
    fn leave_to_walk(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<Option<UnixMs>> {
        if self.walk.is_some() { self.leave_if_owed(db, hash, key) } else { None }
    }

    #[cold]
    fn leave_if_owed(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<Option<UnixMs>> {
        let shard_walk = self.walk.as_mut()?;
        let Some(Db { table, walk: Some(walk), .. }) = self.dbs.get_mut(db) else { return None };
        if !walk.owes(table, hash, key, &mut shard_walk.sink) {
            return None;
        }
        let entry = table.remove(hash, key)?;
        let deadline = entry.as_ref().deadline();
        let back = walk.leave(hash, entry);
        debug_assert!(back.is_none(), "it was owed");
        Some(deadline)
    }

    #[inline]
    fn before_change_at(&mut self, db: usize, position: u32) {
        if self.walk.is_some() {
            self.hand_over_first(db, position);
        }
    }

    #[cold]
    fn hand_over_first(&mut self, db: usize, position: u32) {
        if let Some(shard_walk) = &mut self.walk
            && let Some(Db { table, walk: Some(walk), .. }) = self.dbs.get_mut(db)
        {
            walk.before_change(table, position, &mut shard_walk.sink);
        }
    }

    fn add(&mut self, db: usize, hash: KeyHash, entry: Entry) {
        assert!(db < self.published.databases(), "there is no database {db}");
        let Self { dbs, hasher, published, index, .. } = self;
        let Db { table, expiry, inner, .. } = dbs.get_or_make(db, || Db::new(hasher, published));
        let (deadline, inner_deadline) = (entry.as_ref().deadline(), entry.as_ref().inner_deadline());
        table.insert(hash, entry, &mut |header| published.publish(db, *index, Some(header)));
        if let Some(deadline) = deadline {
            expiry.note(table, hash, None, deadline);
        }
        if let Some(deadline) = inner_deadline {
            inner.get_or_insert_default().note(table, hash, deadline);
        }
    }

    fn publish(&self, db: usize) {
        self.published.publish(db, self.index, self.dbs.get(db).and_then(|db| db.table.header()));
    }

    #[inline]
    fn check_place(&self, hash: KeyHash) {
        debug_assert!(hash.shard() == self.index, "{hash:?} does not belong to shard {}", self.index);
    }

    #[cfg(test)]
    pub(crate) fn check(&self) {
        for (number, db) in self.dbs.iter() {
            db.expiry.check(&db.table);
            db.table.check();
            assert!(self.published.is_published(number, self.index, db.table.header()), "database {number}");
        }
    }

    #[cfg(test)]
    pub(crate) fn is_unused(&self, db: usize) -> bool {
        self.dbs.get(db).is_none() && self.published.is_published(db, self.index, None)
    }

    #[cfg(test)]
    pub(crate) fn index_len(&self, db: usize) -> usize {
        self.dbs.get(db).map_or(0, |db| db.expiry.len())
    }
}

impl Db {
    fn new(hasher: &Arc<KeyHasher>, published: &Published) -> Db {
        Db {
            table: Table::new(Arc::clone(hasher), Arc::clone(published.retired())),
            expiry: ExpiryIndex::default(),
            inner: None,
            walk: None,
        }
    }

    fn memory_bytes(&self) -> usize {
        let left = self.walk.as_ref().map_or(0, |walk| walk.left_bytes());
        let inner = self.inner.as_ref().map_or(0, |inner| inner.memory_bytes());
        self.table.memory_bytes() + self.expiry.memory_bytes() + inner + left
    }
}

/// The keys of a database that was emptied. Dropping it frees all at once; `drop_step` does it in pieces.
pub struct DetachedDb {
    /// None when a snapshot walk needs the keys and frees them itself.
    table: Option<Table>,
    len: usize,
}

impl DetachedDb {
    /// How many keys there were.
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Frees about `count` keys. True while there is more.
    pub fn drop_step(&mut self, count: usize) -> bool {
        self.table.as_mut().is_some_and(|table| table.drop_step(count))
    }

    /// Bytes that are still to be freed.
    pub fn memory_bytes(&self) -> usize {
        self.table.as_ref().map_or(0, Table::memory_bytes)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    use super::*;
    use crate::buckets::Retired;
    use crate::entry::ValueRef;
    use crate::hash::Placement;

    pub(crate) const DBS: usize = 3;

    pub(crate) fn shard(seed: u64) -> Shard<()> {
        let retired = Arc::new(Retired::default());
        let hasher = Arc::new(KeyHasher::new(seed, Placement::ByHash));
        Shard::new(0, (), hasher, Arc::new(Published::new(DBS, 1, retired)))
    }

    /// The key's hash, bent so that all keys belong to shard 0.
    pub(crate) fn hash(shard: &Shard<()>, key: &[u8]) -> KeyHash {
        KeyHash(shard.hasher.hash(key).0 << 8 >> 8)
    }

    pub(crate) fn key(number: u64) -> Vec<u8> {
        format!("key:{number}").into_bytes()
    }

    type Twin = Vec<BTreeMap<Vec<u8>, (i64, Option<UnixMs>)>>;

    fn compare(shard: &Shard<()>, twin: &Twin, note: &str) {
        for (db, twin) in twin.iter().enumerate() {
            let mut ours = BTreeMap::new();
            shard.for_each(db, &mut |entry| {
                let ValueRef::Int(value) = entry.value() else { panic!("only numbers were set") };
                ours.insert(entry.key().to_vec(), (value, entry.deadline()));
            });
            assert!(ours == *twin, "{note}, database {db}");
            assert_eq!(shard.len(db), twin.len());
            assert_eq!(shard.deadline_count(db), twin.values().filter(|(_, deadline)| deadline.is_some()).count());
            let gauges = shard.published.gauges(db, 0);
            assert_eq!(gauges.map_or(0, |gauges| gauges.len()), twin.len(), "what is published");
        }
        shard.check();
    }

    #[test]
    fn agrees_with_a_twin() {
        for seed in 0..60 {
            let (mut rng, mut shard, mut twin) = (Rng::new(seed), shard(seed), vec![BTreeMap::new(); DBS]);
            let keys = [8, 100, 2000][seed as usize % 3];
            let mut now = 1_700_000_000_000;
            for step in 0..6000 {
                let (db, key) = (rng.below(DBS as u64) as usize, key(rng.below(keys)));
                let hash = hash(&shard, &key);
                let deadline = UnixMs(now + rng.below(2000) as i64 - 200);
                match rng.below(100) {
                    0..45 => {
                        let value = rng.next_u64() as i64;
                        let old = twin[db].get(&key).copied();
                        let (asked, deadline) = match rng.below(3) {
                            0 => (Deadline::Keep, old.and_then(|(_, deadline)| deadline)),
                            1 => (Deadline::None, None),
                            _ => (Deadline::At(deadline), Some(deadline)),
                        };
                        let done = shard.set(db, hash, &key, NewValue::Int(value), asked, 3);
                        assert_eq!(matches!(done, SetDone::Replaced { .. }), old.is_some());
                        twin[db].insert(key, (value, deadline));
                    }
                    45..65 => {
                        let removed = shard.remove(db, hash, &key).map(|entry| entry.as_ref().deadline());
                        assert_eq!(removed, twin[db].remove(&key).map(|(_, deadline)| deadline));
                    }
                    65..80 => {
                        let deadline = rng.one_in(2).then_some(deadline);
                        let found = twin[db].get_mut(&key).map(|row| row.1 = deadline).is_some();
                        assert_eq!(shard.set_deadline(db, hash, &key, deadline), found);
                    }
                    80..97 => {
                        now += rng.below(30) as i64;
                        let mut budget = 1000;
                        while let Some((key, _)) = shard.pop_expired(db, UnixMs(now), &mut budget) {
                            let (_, deadline) = twin[db].remove(&*key).expect("a key that exists");
                            assert!(deadline.expect("a deadline") <= UnixMs(now));
                        }
                        // Exact but for the unit of the index, and never early.
                        let missed = twin[db].values().filter_map(|(_, deadline)| *deadline).min();
                        assert!(missed.is_none_or(|missed| missed.0 > now - 16), "seed {seed} step {step}");
                        let next = shard.next_deadline(db);
                        assert!(missed.is_none_or(|missed| next.expect("an entry").0 - 15 <= missed.0));
                    }
                    97 if rng.one_in(10) => {
                        let taken = shard.take_db(db).map_or(0, |taken| taken.len());
                        assert_eq!(taken, std::mem::take(&mut twin[db]).len());
                    }
                    98 => {
                        let other = rng.below(DBS as u64) as usize;
                        shard.swap_dbs(db, other);
                        twin.swap(db, other);
                    }
                    _ => {
                        let found = shard.find(db, hash, &key).map(|entry| (entry.value(), entry.deadline()));
                        assert_eq!(
                            found,
                            twin[db].get(&key).map(|&(value, deadline)| (ValueRef::Int(value), deadline))
                        );
                    }
                }
                if step % 500 == 0 {
                    compare(&shard, &twin, &format!("seed {seed} step {step}"));
                }
            }
            compare(&shard, &twin, &format!("seed {seed} at the end"));
        }
    }

    #[test]
    fn a_detached_database_is_freed_in_steps() {
        let mut shard = shard(5);
        for number in 0..5000 {
            shard.set(0, hash(&shard, &key(number)), &key(number), NewValue::Int(1), Deadline::None, 0);
        }
        assert!(shard.take_db(1).is_none());
        let mut taken = shard.take_db(0).expect("there were keys");
        assert_eq!((taken.len(), shard.len(0), shard.bytes()), (5000, 0, 0));
        assert!(shard.take_db(0).is_none());
        let mut steps = 1;
        while taken.drop_step(100) {
            steps += 1;
        }
        assert!((40..80).contains(&steps), "{steps} steps");
        assert_eq!(taken.memory_bytes(), 0);
        assert!(shard.published.retired().bytes() > 0, "readers may still look at its lines");
    }

    /// Small enough for Miri, which sees what the processor forgives.
    #[test]
    fn a_table_grows_beside_looks_without_a_lock() {
        let mut shard = shard(1);
        let hashes: Vec<KeyHash> = (0..600).map(|number| hash(&shard, &key(number))).collect();
        let (published, grown) = (Arc::clone(&shard.published), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut most = 0;
                while !grown.load(Relaxed) {
                    for &hash in hashes.iter().step_by(23) {
                        published.prefetch_bucket(1, hash);
                        published.prefetch_entry(1, hash);
                    }
                    let len = published.gauges(1, 0).map_or(0, |gauges| gauges.len());
                    assert!(len >= most, "{len} after {most}: the gauges move with the directory");
                    most = len;
                }
            });
            for (number, &hash) in hashes.iter().enumerate() {
                shard.set(1, hash, &key(number as u64), NewValue::Int(1), Deadline::None, 0);
            }
            grown.store(true, Relaxed);
        });
        shard.check();
        // The three headers that it outgrew.
        assert_eq!((shard.len(1), published.retired().bytes()), (600, 64 + 128 + 256));
    }

    #[test]
    fn samples_keys_with_deadlines() {
        let (mut shard, mut rng) = (shard(5), Rng::new(5));
        for number in 0..1000 {
            let deadline = if number % 10 == 0 { Deadline::At(UnixMs(1_000_000)) } else { Deadline::None };
            shard.set(0, hash(&shard, &key(number)), &key(number), NewValue::Int(1), deadline, 0);
        }
        let mut seen = std::collections::HashSet::new();
        let count = shard.sample_deadlines(0, &mut rng, 2000, &mut |entry| {
            assert!(entry.has_deadline());
            seen.insert(entry.key().to_vec());
        });
        assert_eq!((count, seen.len()), (2000, 100));
        assert_eq!(shard.sample_deadlines(1, &mut rng, 5, &mut |_| ()), 0);
    }
}
