//! What a command may do with keys: look them up, change them, say what happened.
//!
//! Every access of every command goes through here, so expiry, access clocks, hit counts, watchers,
//! dirty counts and "not in memory" are answered in one place. A key past its time is reported as
//! absent and noted; it is removed when the command is done (`after.rs`).

use crate::args::Key;
use crate::changes::{Changes, Event, KeyName, Touched};
use crate::held::Held;
use crate::node::{Node, ShardExt};
use crate::{evict, metrics, notify, options};
use keyspace::{Deadline, Entry, EntryMut, EntryRef, KeyHash, NewValue, SetDone, Shard, ValueRef};
use kit::metric::Tally;
use kit::text;
use kit::world::{Rng, UnixMs};
use proto::{Error, Reply};
use std::sync::atomic::Ordering::Relaxed;
use types::{Hash, Typed};

pub struct Db<'a, 'n> {
    pub(crate) node: &'n Node,
    pub(crate) held: &'a mut Held<'n>,
    pub(crate) changes: &'a mut Changes,
    pub(crate) tally: &'a Tally,
    pub(crate) rng: &'a mut Rng,
    /// The selected database.
    pub index: usize,
    /// One time for the whole command (for all commands of a transaction).
    pub now: UnixMs,
    pub(crate) touch: Touch,
    /// Replay and a master's stream: keys past their time stay until the log says DEL.
    pub(crate) keep_expired: bool,
}

/// How an access marks the entry's clock.
#[derive(Clone, Copy, Debug)]
pub enum Touch {
    No,
    /// Seconds, 24 bits.
    Lru(u32),
    /// Minutes, 16 bits, above a logarithmic counter of 8.
    Lfu {
        minute: u32,
        log_factor: u32,
        decay_minutes: u32,
    },
}

/// A string, as it is stored.
#[derive(Clone, Copy, Debug)]
pub enum Str<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Str<'a> {
    pub fn len(self) -> usize {
        match self {
            Str::Int(n) => text::i64_len(n),
            Str::Bytes(bytes) => bytes.len(),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Its bytes; digits are written into `digits`.
    pub fn bytes<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Str::Int(n) => text::format_i64(digits, n),
            Str::Bytes(bytes) => bytes,
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut [0; 20]).to_vec()
    }

    pub fn int(self) -> Result<i64, Error> {
        match self {
            Str::Int(n) => Ok(n),
            Str::Bytes(bytes) => text::parse_i64(bytes).ok_or(Error::NotInteger),
        }
    }

    #[inline]
    pub fn reply(self, reply: &mut Reply) {
        match self {
            Str::Int(n) => reply.bulk_int(n),
            Str::Bytes(bytes) => reply.bulk(bytes),
        }
    }
}

/// The string behind an entry, or WRONGTYPE.
pub fn string_of(value: ValueRef<'_>) -> Result<Str<'_>, Error> {
    match value {
        ValueRef::Int(n) => Ok(Str::Int(n)),
        ValueRef::Str(bytes) | ValueRef::Raw(bytes) => Ok(Str::Bytes(bytes)),
        ValueRef::Object(_) => Err(Error::WrongType),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Reads the value: hits and misses are counted, the access clock moves.
    Read,
    /// Looks at the key only: counted, clock stays.
    KeyOnly,
    /// Before a change: clock moves, nothing is counted.
    Write,
    /// Like `Write`, and the entry itself may be changed: the snapshot walk is told.
    Change,
    /// Leaves no trace.
    Peek,
}

impl<'n> Db<'_, 'n> {
    #[inline]
    fn shard(&mut self, hash: KeyHash) -> &mut Shard<ShardExt> {
        self.held.shard(hash.shard() as u8)
    }

    #[inline]
    fn find(&mut self, key: Key, look: Look) -> Result<Option<EntryMut<'_>>, Error> {
        Ok(self.find_marking(key, look)?.map(|(entry, _)| entry))
    }

    /// The entry, and the list that says which keys were changed.
    #[inline]
    pub(crate) fn find_marking(
        &mut self,
        key: Key,
        look: Look,
    ) -> Result<Option<(EntryMut<'_>, &mut Vec<Touched>)>, Error> {
        let (db, now, touch) = (self.index, self.now, self.touch);
        let shard = self.held.shard(key.hash.shard() as u8);
        // What changes an entry goes through `find_mut`, which the snapshot walk sees.
        let found = match look {
            Look::Change => shard.find_mut(db, key.hash, key.bytes),
            Look::Read | Look::KeyOnly | Look::Write | Look::Peek => shard.access(db, key.hash, key.bytes),
        };
        match found {
            Some(mut entry) => {
                let stale = entry.as_ref().deadline().is_some_and(|deadline| deadline <= now);
                let hollow = look == Look::KeyOnly && !self.keep_expired && is_hollow(self.node, entry.as_ref(), now);
                if (!stale || self.keep_expired) && !hollow {
                    match look {
                        Look::Read => {
                            self.tally.add(&metrics::KEYSPACE_HITS, 1);
                            touch_entry(&mut entry, touch, self.rng);
                        }
                        Look::KeyOnly => self.tally.add(&metrics::KEYSPACE_HITS, 1),
                        Look::Write | Look::Change => touch_entry(&mut entry, touch, self.rng),
                        Look::Peek => {}
                    }
                    return Ok(Some((entry, &mut self.changes.touched)));
                }
                if stale {
                    self.changes.expired.push(KeyName { db, hash: key.hash, key: key.bytes.into() });
                }
            }
            None => {
                if let Some(tier) = self.node.tier.get()
                    && tier.may_hold(db, key.hash, key.bytes)
                {
                    self.changes.away.push(KeyName { db, hash: key.hash, key: key.bytes.into() });
                    return Err(Error::Away);
                }
            }
        }
        if matches!(look, Look::Read | Look::KeyOnly) {
            self.tally.add(&metrics::KEYSPACE_MISSES, 1);
            let wanted = self.node.notify.load(Relaxed);
            if wanted & notify::KEY_MISS != 0 {
                push_event(self.changes, wanted, notify::KEY_MISS, "keymiss", db, key.bytes);
            }
        }
        Ok(None)
    }

    /// The entries at several keys, all at once: hits and misses are counted, one after the other, and then they
    /// can be looked at side by side. A key that stands twice is read twice.
    pub fn read_entries(&mut self, keys: &[Key]) -> Result<Vec<Option<EntryRef<'_>>>, Error> {
        let mut there = Vec::with_capacity(keys.len());
        for &key in keys {
            there.push(self.find(key, Look::Read)?.is_some());
        }
        let (db, held) = (self.index, &*self.held);
        let entry = |key: &Key| held.seen(key.hash.shard() as u8).find(db, key.hash, key.bytes);
        Ok(keys.iter().zip(there).map(|(key, there)| entry(key).filter(|_| there)).collect())
    }

    /// The entry at a key, its value about to be read.
    #[inline]
    pub fn read_entry(&mut self, key: Key) -> Result<Option<EntryRef<'_>>, Error> {
        Ok(self.find(key, Look::Read)?.map(EntryMut::into_ref))
    }

    /// The entry at a key, for what is known of it without reading the value (TTL, TYPE …).
    pub fn look(&mut self, key: Key) -> Result<Option<EntryRef<'_>>, Error> {
        Ok(self.find(key, Look::KeyOnly)?.map(EntryMut::into_ref))
    }

    /// The entry at a key, before a change.
    pub fn before_write(&mut self, key: Key) -> Result<Option<EntryRef<'_>>, Error> {
        Ok(self.find(key, Look::Write)?.map(EntryMut::into_ref))
    }

    /// The entry at a key; nothing is counted or touched (OBJECT, DEBUG).
    pub fn peek(&mut self, key: Key) -> Result<Option<EntryRef<'_>>, Error> {
        Ok(self.find(key, Look::Peek)?.map(EntryMut::into_ref))
    }

    /// As `peek`, past its time or not (DEBUG OBJECT).
    pub fn peek_even_stale(&mut self, key: Key) -> Option<EntryRef<'_>> {
        let db = self.index;
        self.shard(key.hash).find(db, key.hash, key.bytes)
    }

    pub fn exists(&mut self, key: Key) -> Result<bool, Error> {
        Ok(self.find(key, Look::Write)?.is_some())
    }

    #[inline]
    pub fn read_string(&mut self, key: Key) -> Result<Option<Str<'_>>, Error> {
        match self.find(key, Look::Read)? {
            Some(entry) => string_of(entry.into_ref().value()).map(Some),
            None => Ok(None),
        }
    }

    /// A string that is about to be changed.
    pub fn string_before_write(&mut self, key: Key) -> Result<Option<Str<'_>>, Error> {
        match self.find(key, Look::Write)? {
            Some(entry) => string_of(entry.into_ref().value()).map(Some),
            None => Ok(None),
        }
    }

    /// Sets a value whatever was there.
    #[inline]
    pub fn set(&mut self, key: Key, value: NewValue<'_>, deadline: Deadline) {
        let (db, now, clock) = (self.index, self.now, self.new_clock());
        let shard = self.held.shard(key.hash.shard() as u8);
        if matches!(deadline, Deadline::Keep)
            && !self.keep_expired
            && shard
                .find(db, key.hash, key.bytes)
                .is_some_and(|entry| entry.deadline().is_some_and(|deadline| deadline <= now))
        {
            // What is kept must not be the time of a key that is gone.
            self.expire_now(key);
        }
        let shard = self.held.shard(key.hash.shard() as u8);
        let old = shard.set(db, key.hash, key.bytes, value, deadline, clock);
        match old {
            SetDone::Inserted => self.event(notify::NEW, "new", key.bytes),
            SetDone::Replaced { deadline, object } => {
                if let Some(object) = object {
                    self.node.freer.object(object, self.node.config.get(&options::LAZY_SERVER_DEL));
                }
                if deadline.is_some_and(|deadline| deadline <= now) && !self.keep_expired {
                    self.note_expired(key);
                    self.event(notify::NEW, "new", key.bytes);
                }
            }
        }
        self.forget_in_tier(key);
        self.changed(key);
    }

    /// Changes a value in place; counts as a change. The entry must exist (look first).
    pub fn update(&mut self, key: Key) -> Option<EntryMut<'_>> {
        self.changed(key);
        let db = self.index;
        self.shard(key.hash).find_mut(db, key.hash, key.bytes)
    }

    /// A string, found once, to be read and then changed in place.
    #[inline]
    pub fn string_mut(&mut self, key: Key) -> Result<Option<StringMut<'_>>, Error> {
        let mark = self.mark(key);
        let Some((entry, touched)) = self.find_marking(key, Look::Change)? else { return Ok(None) };
        string_of(entry.value())?;
        Ok(Some(StringMut { entry, touched, unmarked: Some(mark) }))
    }

    /// An empty string without a deadline, to be filled. Counts as a change; whatever was there is gone.
    pub fn make_string(&mut self, key: Key) -> StringMut<'_> {
        self.set(key, NewValue::Raw(&[]), Deadline::None);
        let db = self.index;
        let shard = self.held.shard(key.hash.shard() as u8);
        let entry = shard.find_mut(db, key.hash, key.bytes).expect("was just made");
        StringMut { entry, touched: &mut self.changes.touched, unmarked: None }
    }

    /// Removes a key and gives what was there.
    pub fn remove(&mut self, key: Key) -> Result<Option<Entry>, Error> {
        if self.find(key, Look::Peek)?.is_none() {
            return Ok(None);
        }
        let db = self.index;
        let entry = self.shard(key.hash).remove(db, key.hash, key.bytes);
        self.forget_in_tier(key);
        self.changed(key);
        Ok(entry)
    }

    /// Removes a key; true when there was one. Large values are freed off the event loops when
    /// `lazy`.
    pub fn delete(&mut self, key: Key, lazy: bool) -> Result<bool, Error> {
        if self.find(key, Look::Peek)?.is_none() {
            return Ok(false);
        }
        self.discard(key, lazy);
        self.forget_in_tier(key);
        self.changed(key);
        Ok(true)
    }

    /// What stands at the key is freed, or left to a snapshot that has not been given it. True when there was something.
    fn discard(&mut self, key: Key, lazy: bool) -> bool {
        let db = self.index;
        let Some(discarded) = self.shard(key.hash).discard(db, key.hash, key.bytes) else { return false };
        self.node.freer.discarded(discarded, lazy);
        true
    }

    /// Puts a whole entry at its key, replacing what is there.
    pub fn insert(&mut self, key: Key, entry: Entry) -> Result<(), Error> {
        let db = self.index;
        if self.find(key, Look::Peek)?.is_some() {
            self.discard(key, self.node.config.get(&options::LAZY_SERVER_DEL));
        } else {
            self.insert_absent(key, entry);
            return Ok(());
        }
        self.shard(key.hash).insert(db, key.hash, entry);
        self.forget_in_tier(key);
        self.changed(key);
        Ok(())
    }

    /// An entry for a key that was just looked up and is not there.
    pub(crate) fn insert_absent(&mut self, key: Key, entry: Entry) {
        // A stale entry may still stand there.
        self.expire_now(key);
        self.event(notify::NEW, "new", key.bytes);
        let db = self.index;
        self.shard(key.hash).insert(db, key.hash, entry);
        self.forget_in_tier(key);
        self.changed(key);
    }

    /// Sets or clears the time a key dies at; false when there is no such key.
    pub fn set_deadline(&mut self, key: Key, deadline: Option<UnixMs>) -> Result<bool, Error> {
        if self.find(key, Look::Peek)?.is_none() {
            return Ok(false);
        }
        let db = self.index;
        self.shard(key.hash).set_deadline(db, key.hash, key.bytes, deadline);
        self.changed(key);
        Ok(true)
    }

    pub fn deadline(&mut self, key: Key) -> Result<Option<UnixMs>, Error> {
        Ok(self.find(key, Look::Peek)?.and_then(|entry| entry.as_ref().deadline()))
    }

    /// Runs `body` with another database selected.
    pub fn in_database<R>(&mut self, index: usize, body: impl FnOnce(&mut Self) -> R) -> R {
        let here = std::mem::replace(&mut self.index, index);
        let result = body(self);
        self.index = here;
        result
    }

    /// Says what happened to a key, for who listens to keyspace events.
    pub fn event(&mut self, class: u32, name: &'static str, key: &[u8]) {
        let wanted = self.node.notify.load(Relaxed);
        if wanted & class != 0 {
            push_event(self.changes, wanted, class, name, self.index, key);
        }
    }

    /// Counts as a change of this key (watchers, dirty count, log).
    #[inline]
    pub fn changed(&mut self, key: Key) {
        let mark = self.mark(key);
        self.changes.touched.push(mark);
    }

    #[inline]
    pub(crate) fn mark(&self, key: Key) -> Touched {
        Touched { db: self.index as u16, hash: key.hash, was_stale: false, quiet: false }
    }

    /// A whole database was emptied or exchanged: who waits for one of its keys looks again.
    pub fn database_changed(&mut self, index: usize) {
        self.changes.databases.push(index);
    }

    /// Each shard in turn, locked while it is looked at (commands whose reach is `Walk` or `World`).
    pub fn each_shard(&mut self, look: impl FnMut(u8, &mut Shard<ShardExt>)) {
        self.held.each_shard(look);
    }

    pub fn with_shard<R>(&mut self, shard: u8, look: impl FnOnce(&mut Shard<ShardExt>) -> R) -> R {
        self.held.with_shard(shard, look)
    }

    /// Keys in the selected database, those past their time included.
    pub fn len(&self) -> usize {
        self.node.keyspace.len(self.index)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    /// Notes a key found past its time during a walk, so that it is removed after the command.
    pub fn note_stale(&mut self, hash: KeyHash, key: &[u8]) {
        self.changes.expired.push(KeyName { db: self.index, hash, key: key.into() });
    }

    /// Is this entry past its time?
    pub fn is_stale(&self, entry: EntryRef<'_>) -> bool {
        !self.keep_expired && entry.deadline().is_some_and(|deadline| deadline <= self.now)
    }

    /// The same question as a function of its own, for use inside a walk.
    pub fn stale_test(&self) -> impl Fn(EntryRef<'_>) -> bool + use<> {
        let (now, keep_expired) = (self.now, self.keep_expired);
        move |entry| !keep_expired && entry.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Does a key whose time has come stay until the log says otherwise (replay, a master's stream)?
    pub fn keeps_expired(&self) -> bool {
        self.keep_expired
    }

    /// Marks a key as used, whatever CLIENT NO-TOUCH says; true when there is one.
    pub fn mark_used(&mut self, key: Key) -> Result<bool, Error> {
        self.touch = evict::touch(self.node, self.now);
        Ok(self.find(key, Look::Read)?.is_some())
    }

    /// The access clock of a new entry.
    pub fn new_clock(&self) -> u32 {
        match self.touch {
            Touch::No => (self.now.0 / 1000) as u32 & 0xff_ffff,
            Touch::Lru(now) => now,
            // New keys start at 5, so that they are not the first to go.
            Touch::Lfu { minute, .. } => (minute & 0xffff) << 8 | 5,
        }
    }

    fn expire_now(&mut self, key: Key) {
        if self.discard(key, true) {
            self.note_expired(key);
        }
    }

    /// A key past its time was replaced or removed already.
    fn note_expired(&mut self, key: Key) {
        if self.node.log.is_on() {
            self.changes.replaced.push(KeyName { db: self.index, hash: key.hash, key: key.bytes.into() });
        }
        self.tally.add(&metrics::EXPIRED_KEYS, 1);
        self.event(notify::EXPIRED, "expired", key.bytes);
    }

    pub(crate) fn forget_in_tier(&self, key: Key) {
        if let Some(tier) = self.node.tier.get() {
            tier.forget(self.index, key.bytes);
        }
    }
}

/// A string in its place. Reading it is free; what changes it counts as one change of its key.
pub struct StringMut<'a> {
    entry: EntryMut<'a>,
    touched: &'a mut Vec<Touched>,
    /// The mark to be set by the first change.
    unmarked: Option<Touched>,
}

impl StringMut<'_> {
    #[inline]
    pub fn value(&self) -> Str<'_> {
        string_of(self.entry.value()).expect("was looked at when it was found")
    }

    /// Another value; the deadline stays.
    #[inline]
    pub fn set(&mut self, value: NewValue<'_>) {
        self.mark();
        self.entry.set_value(value);
    }

    /// Its bytes at this length, as raw text, zero-filled where it grew.
    pub fn bytes(&mut self, len: usize) -> &mut [u8] {
        self.mark();
        self.entry.raw_bytes_mut(len)
    }

    #[inline]
    fn mark(&mut self) {
        self.touched.extend(self.unmarked.take());
    }
}

/// A hash of which all fields are past their time is as good as gone: the sweep takes it at its next tick. Whoever
/// turned the sweep off wants to see it.
fn is_hollow(node: &Node, entry: EntryRef<'_>, now: UnixMs) -> bool {
    entry.has_inner_deadlines()
        && node.active_expire.load(Relaxed)
        && entry.object().is_some_and(|object| Hash::from_ref(&object).is_some_and(|hash| hash.is_all_due(now.0)))
}

fn push_event(changes: &mut Changes, wanted: u32, class: u32, name: &'static str, db: usize, key: &[u8]) {
    if wanted & (notify::KEYSPACE | notify::KEYEVENT) != 0 {
        changes.events.push(Event { class, name, db, key: key.into() });
    }
}

#[inline]
fn touch_entry(entry: &mut EntryMut<'_>, touch: Touch, rng: &mut Rng) {
    match touch {
        Touch::No => {}
        Touch::Lru(now) => {
            if entry.as_ref().clock() != now {
                entry.set_clock(now);
            }
        }
        Touch::Lfu { minute, log_factor, decay_minutes } => {
            let old = entry.as_ref().clock();
            let counter = lfu_decayed(old, minute, decay_minutes);
            let counter = lfu_grown(counter, log_factor, rng);
            entry.set_clock((minute & 0xffff) << 8 | counter);
        }
    }
}

/// The access counter after the minutes without access took their part.
pub fn lfu_decayed(clock: u32, minute: u32, decay_minutes: u32) -> u32 {
    let (then, counter) = (clock >> 8, clock & 0xff);
    let passed = (minute & 0xffff).wrapping_sub(then) & 0xffff;
    match decay_minutes {
        0 => counter,
        decay => counter.saturating_sub(passed / decay),
    }
}

/// Morris counting: the higher the count, the rarer it grows.
fn lfu_grown(counter: u32, log_factor: u32, rng: &mut Rng) -> u32 {
    if counter >= 255 {
        return 255;
    }
    let above = f64::from(counter.saturating_sub(5));
    let chance = 1.0 / (above * f64::from(log_factor) + 1.0);
    if rng.f64() < chance { counter + 1 } else { counter }
}
