//! What follows from a command: the removal of keys found past their time, the log, watchers,
//! dirty counts, keyspace events. Runs under the command's locks.

use crate::args::Args;
use crate::changes::{Effect, Event, KeyName, Touched};
use crate::command::Command;
use crate::notify;
use crate::run::Turn;
use crate::session::Session;
use crate::{metrics, options, pubsub};
use std::sync::atomic::Ordering::Relaxed;

impl Turn<'_, '_> {
    pub(crate) fn follow_up(&mut self, session: &Session, args: &Args, command: &Command, nested: bool) {
        // Most commands only read.
        if self.scratch.changes.is_empty() {
            return;
        }
        // A walk holds no shard by now: each is taken for its key, and what happened to the key is in
        // the log before the shard is free again.
        let walked = self.held.is_empty() && !self.held.is_world();
        for name in std::mem::take(&mut self.scratch.changes.expired) {
            let removed = self.remove_expired(&name, false);
            if removed && walked {
                self.append_unit();
            }
        }
        for name in std::mem::take(&mut self.scratch.changes.replaced) {
            self.scratch.unit.push(name.db, [&b"DEL"[..], &name.key].into_iter());
        }
        if !self.scratch.changes.fields.is_empty() {
            // The body met them before it did its own, and the key goes last: so come the events.
            let own = std::mem::take(&mut self.scratch.changes.events);
            self.remove_stale_fields();
            let found = std::mem::take(&mut self.scratch.changes.events);
            let (keys, fields): (Vec<Event>, Vec<Event>) = found.into_iter().partition(|event| event.name == "del");
            self.scratch.changes.events.extend(fields.into_iter().chain(own).chain(keys));
        }
        let touched = std::mem::take(&mut self.scratch.changes.touched);
        self.wake_watchers(&touched);
        self.invalidate_touched(&touched, args);
        let changed = touched.iter().filter(|touched| !touched.was_stale).count() as u64;
        let dirty = self.scratch.changes.dirty_in_all.unwrap_or(changed + self.scratch.changes.dirty_extra);
        if dirty > 0 {
            self.scratch.dirty += dirty;
        }
        // What is replayed stands in the log already.
        if self.node.log.is_on() && !session.replay {
            self.note_effect(session, args, command, dirty > 0);
            if !nested {
                self.append_unit();
            }
        }
        self.scratch.changes.touched = touched;
        self.note_ready();
        self.publish_events();
        self.scratch.changes.clear();
    }

    /// What the command did, into the unit.
    fn note_effect(&mut self, session: &Session, args: &Args, command: &Command, dirty: bool) {
        let unit = &mut self.scratch.unit;
        match self.scratch.changes.effect {
            Effect::AsCalled if !dirty || !command.is_write() => {}
            Effect::AsCalled | Effect::AsCalledAlways => unit.push(session.db, (0..args.len()).map(|i| args.get(i))),
            Effect::Instead => unit.append(&self.scratch.changes.instead),
        }
    }

    /// Hands what was gathered to the log, as one unit.
    pub(crate) fn append_unit(&mut self) {
        if self.scratch.unit.is_empty() {
            return;
        }
        if self.node.log.is_on() {
            self.scratch.logged = self.node.log.append(&self.scratch.unit);
        }
        self.scratch.unit.clear();
    }

    /// Removes a key if it is (still) past its time. Its shard is held, or none but the one of the
    /// key before it.
    pub(crate) fn remove_expired(&mut self, name: &KeyName, swept: bool) -> bool {
        // While writes are held back nothing is removed, so that a failover finds equal data.
        if self.node.holds_expired(self.now) {
            return false;
        }
        let now = self.now;
        let shard = name.hash.shard() as u8;
        if !self.held.holds(shard) && !self.held.take_one(shard) {
            return false;
        }
        let shard = self.held.shard(shard);
        let stale = shard
            .find(name.db, name.hash, &name.key)
            .is_some_and(|entry| entry.deadline().is_some_and(|deadline| deadline <= now));
        if !stale {
            return false;
        }
        if let Some(discarded) = shard.discard(name.db, name.hash, &name.key) {
            self.node.freer.discarded(discarded, self.node.config.get(&options::LAZY_EXPIRE));
        }
        self.expired(name, swept);
        true
    }

    /// Counts, logs and announces a key that was removed because its time had come.
    pub(crate) fn expired(&mut self, name: &KeyName, swept: bool) {
        self.scratch.tally.add(&metrics::EXPIRED_KEYS, 1);
        if swept {
            self.scratch.tally.add(&metrics::EXPIRED_SWEPT, 1);
        }
        self.removed(name, true);
        self.event(notify::EXPIRED, "expired", name);
    }

    /// A key left without a command: the log gets a DEL, watchers are told.
    pub(crate) fn removed(&mut self, name: &KeyName, was_stale: bool) {
        if self.node.log.is_on() {
            self.scratch.unit.push(name.db, [&b"DEL"[..], &name.key].into_iter());
        }
        self.scratch.dirty += 1;
        self.wake_watchers(&[Touched { db: name.db as u16, hash: name.hash, was_stale, quiet: false }]);
        self.note_left(name);
        self.invalidate(name.hash, Some(&name.key), None);
    }

    pub(crate) fn event(&mut self, class: u32, event: &'static str, name: &KeyName) {
        let wanted = self.node.notify.load(Relaxed);
        if wanted & class != 0 && wanted & (notify::KEYSPACE | notify::KEYEVENT) != 0 {
            let event = Event { class, name: event, db: name.db, key: name.key.clone() };
            self.scratch.changes.events.push(event);
        }
    }

    pub(crate) fn publish_events(&mut self) {
        let events = std::mem::take(&mut self.scratch.changes.events);
        for event in &events {
            pubsub::announce(self.node, event);
        }
    }

    pub(crate) fn wake_watchers(&mut self, touched: &[Touched]) {
        if self.node.clients.watching.load(Relaxed) == 0 {
            return;
        }
        for touched in touched {
            let watchers = &mut self.held.shard(touched.hash.shard() as u8).ext.watchers;
            let Some(list) = watchers.get(&(touched.db, touched.hash)) else { continue };
            for watcher in list {
                if !(touched.was_stale && watcher.key.was_stale.load(Relaxed)) {
                    watcher.token.dirty.store(true, Relaxed);
                }
            }
        }
    }
}
