//! Fields of hashes that have deadlines of their own: found past their time by a body, or by the sweep.
//!
//! A body that reads such a field answers as if it were not there and notes it; it is removed when the command is
//! done, as a key is. A body that replaces one says so, and the log gets the HDEL before the command: its replay
//! leaves fields past their time in place. Whatever removes fields here: the log gets an HDEL of each, there is one
//! event `hexpired`, and the key goes with its last field (event `del`).

use crate::args::Key;
use crate::changes::{KeyName, StaleField, Touched};
use crate::db::Db;
use crate::run::Turn;
use crate::{metrics, notify, options};
use types::{Hash, Typed};

/// Fields that the sweep removes from one hash under one lock.
const SWEPT_FIELDS: usize = 64;

impl Db<'_, '_> {
    /// Deadlines of fields up to this moment (Unix milliseconds) have come. None has while the log says what goes.
    #[inline]
    pub fn fields_now(&self) -> i64 {
        if self.keep_expired { i64::MIN } else { self.now.0 }
    }

    /// A field past its time was met: it is removed after the command.
    pub fn note_stale_field(&mut self, key: Key, field: &[u8]) {
        self.push_stale_field(key, field, false);
    }

    /// A field past its time was replaced by the body.
    pub fn field_expired(&mut self, key: Key, field: &[u8]) {
        self.push_stale_field(key, field, true);
    }

    fn push_stale_field(&mut self, key: Key, field: &[u8], replaced: bool) {
        let name = KeyName { db: self.index, hash: key.hash, key: key.bytes.into() };
        self.changes.fields.push(StaleField { name, field: field.into(), replaced });
    }

    /// Fields of the hash at a key were given deadlines: the sweep will look after them.
    pub fn field_deadlines_set(&mut self, key: Key) {
        let db = self.index;
        self.held.shard(key.hash.shard() as u8).note_inner_deadline(db, key.hash, key.bytes);
    }
}

impl Turn<'_, '_> {
    /// What the body noted: removes what is still there, tells the log.
    pub(crate) fn remove_stale_fields(&mut self) {
        let stale = std::mem::take(&mut self.scratch.changes.fields);
        let held_back = self.node.holds_expired(self.now);
        let mut from = 0;
        while let Some(first) = stale.get(from) {
            let same = stale[from..].iter().take_while(|field| field.name == first.name).count();
            let name = &first.name;
            let mut gone: Vec<Box<[u8]>> = Vec::new();
            for StaleField { field, replaced, .. } in &stale[from..from + same] {
                if *replaced || (!held_back && self.remove_field(name, field)) {
                    gone.push(field.clone());
                }
            }
            self.fields_gone(name, gone);
            from += same;
        }
    }

    fn remove_field(&mut self, name: &KeyName, field: &[u8]) -> bool {
        let now = self.now.0;
        self.change_hash(name, |hash| hash.get(field).is_some_and(|pair| pair.is_due(now)) && hash.remove(field))
            .unwrap_or(false)
    }

    fn change_hash<R>(&mut self, name: &KeyName, change: impl FnOnce(&mut Hash) -> R) -> Option<R> {
        let shard = self.held.shard(name.hash.shard() as u8);
        let mut object = shard.find_mut(name.db, name.hash, &name.key)?.object_mut()?;
        Hash::from_mut(&mut object).map(change)
    }

    /// The next hash of a shard, which is held, with fields past their time: removes some of them. False when there
    /// is none. Each look costs one of `looks`.
    pub(crate) fn sweep_fields(&mut self, shard: u8, db: usize, looks: &mut u32) -> bool {
        let now = self.now;
        let Some(entry) = self.held.shard(shard).due_inner(db, now, looks) else { return false };
        let key: Box<[u8]> = entry.key().into();
        let name = KeyName { db, hash: self.node.keyspace.hash(&key), key };
        let (mut gone, mut budget) = (Vec::new(), SWEPT_FIELDS);
        self.change_hash(&name, |hash| hash.remove_due(now.0, &mut budget, &mut |field| gone.push(field.into())));
        self.fields_gone(&name, gone);
        self.append_unit();
        true
    }

    /// Counts, logs and announces fields that are gone because their time had come.
    fn fields_gone(&mut self, name: &KeyName, fields: Vec<Box<[u8]>>) {
        if fields.is_empty() {
            return;
        }
        self.scratch.tally.add(&metrics::EXPIRED_FIELDS, fields.len() as u64);
        self.scratch.dirty += fields.len() as u64;
        if self.node.log.is_on() {
            for field in fields {
                self.scratch.unit.push(name.db, [&b"HDEL"[..], &name.key, &field].into_iter());
            }
        }
        self.wake_watchers(&[Touched { db: name.db as u16, hash: name.hash, was_stale: false, quiet: true }]);
        self.invalidate(name.hash, Some(&name.key), None);
        self.event(notify::HASH, "hexpired", name);
        let shard = self.held.shard(name.hash.shard() as u8);
        let entry = shard.find(name.db, name.hash, &name.key);
        if entry.and_then(|entry| entry.object()).is_some_and(|object| object.is_empty()) {
            if let Some(entry) = shard.remove(name.db, name.hash, &name.key) {
                self.node.freer.entry(entry, self.node.config.get(&options::LAZY_EXPIRE));
            }
            self.event(notify::GENERIC, "del", name);
        }
    }
}
