//! WATCH: which clients want to know whether a key changed before their EXEC.
//!
//! A watcher stands in the key's shard, under the shard's lock, and holds a token it shares with its
//! client. Keys are told apart by their hash alone: two keys of one 64-bit hash would break a
//! transaction without need, once in many lifetimes.

use crate::args::Key;
use crate::client::flag;
use crate::db::Db;
use crate::held::Held;
use crate::node::{Node, Watcher};
use crate::session::{Multi, Session, WatchedKey, Watching};
use keyspace::EntryRef;
use kit::world::UnixMs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// What a watched key takes besides its name: `WatchedKey` and two pointers to it, a `Watcher`, a place in the shard's
/// map.
const WATCH_BYTES: usize = 192;

/// Begins to watch a key (its shard is held).
pub fn watch(db: &mut Db, session: &mut Session, key: Key) {
    let index = db.index;
    let entry = db.held.shard(key.hash.shard() as u8).find(index, key.hash, key.bytes);
    let was_stale = entry.is_some_and(|entry| db_stale(entry.deadline(), db.now));
    let watching = session.watch.get_or_insert_with(|| Box::new(Watching { token: Arc::default(), keys: Vec::new() }));
    if watching.keys.iter().any(|known| known.db == index && *known.key == *key.bytes) {
        return;
    }
    if watching.keys.is_empty() {
        db.node.clients.watching.fetch_add(1, Relaxed);
    }
    let token = Arc::clone(&watching.token);
    let was_stale = AtomicBool::new(was_stale);
    let watched = Arc::new(WatchedKey { db: index, hash: key.hash, key: key.bytes.into(), was_stale });
    watching.keys.push(Arc::clone(&watched));
    let record = &session.record;
    record.watching.store(watching.keys.len(), Relaxed);
    record.watching_mem.store(record.watching_mem.load(Relaxed) + WATCH_BYTES + key.bytes.len(), Relaxed);
    let watchers = &mut db.held.shard(key.hash.shard() as u8).ext.watchers;
    watchers.entry((index as u16, key.hash)).or_default().push(Watcher { token, key: watched });
}

fn db_stale(deadline: Option<UnixMs>, now: UnixMs) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

/// Was a watched key changed, or did its time come? The shards of the keys are held.
pub(crate) fn is_broken(watching: &Watching, held: &mut Held, now: UnixMs) -> bool {
    watching.token.dirty.load(Relaxed)
        || watching.keys.iter().any(|key| {
            let entry = held.shard(key.hash.shard() as u8).find(key.db, key.hash, &key.key);
            !key.was_stale.load(Relaxed) && entry.is_some_and(|entry| db_stale(entry.deadline(), now))
        })
}

/// A whole database is about to be emptied, or another is about to take its place: whoever watches a
/// key that is there now or will be then is told. A key past its time counts as none, as ever.
/// For commands that hold the world, before they change anything.
pub fn database_leaves(db: &mut Db, index: usize, successor: Option<usize>) {
    if db.node.clients.watching.load(Relaxed) == 0 {
        return;
    }
    let now = db.now;
    db.each_shard(|_, shard| {
        let shard = &*shard;
        let watched_here = shard.ext.watchers.iter().filter(|((db, _), _)| usize::from(*db) == index);
        for ((_, hash), list) in watched_here {
            for Watcher { token, key } in list {
                let before = Presence::of(shard.find(index, *hash, &key.key), now);
                let after = successor.and_then(|successor| shard.find(successor, *hash, &key.key));
                match (before, Presence::of(after, now)) {
                    (Presence::Missing, Presence::Missing) => {}
                    (_, Presence::Missing) if key.was_stale.load(Relaxed) => key.was_stale.store(false, Relaxed),
                    (_, Presence::Stale) if key.was_stale.load(Relaxed) => {}
                    (Presence::Missing, Presence::Stale) => key.was_stale.store(true, Relaxed),
                    (_, _) => token.dirty.store(true, Relaxed),
                }
            }
        }
    });
}

#[derive(Clone, Copy)]
enum Presence {
    Missing,
    Stale,
    Live,
}

impl Presence {
    fn of(entry: Option<EntryRef<'_>>, now: UnixMs) -> Presence {
        match entry {
            None => Presence::Missing,
            Some(entry) if db_stale(entry.deadline(), now) => Presence::Stale,
            Some(_) => Presence::Live,
        }
    }
}

/// Forgets all watched keys. Takes their shards one by one: the caller holds none.
pub fn unwatch_all(node: &Node, session: &mut Session) {
    if let Some(watching) = stop_watching(node, session) {
        for key in &watching.keys {
            let mut shard = node.keyspace.lock(key.hash.shard());
            forget(&mut shard.ext.watchers, key, &watching);
        }
    }
}

/// The same for shards that are held.
fn unwatch_held(node: &Node, session: &mut Session, held: &mut Held) {
    if let Some(watching) = stop_watching(node, session) {
        for key in &watching.keys {
            forget(&mut held.shard(key.hash.shard() as u8).ext.watchers, key, &watching);
        }
    }
}

fn stop_watching(node: &Node, session: &mut Session) -> Option<Box<Watching>> {
    let watching = session.watch.take()?;
    session.record.watching.store(0, Relaxed);
    session.record.watching_mem.store(0, Relaxed);
    session.record.set_flag(flag::DIRTY_CAS, false);
    node.clients.watching.fetch_sub(1, Relaxed);
    Some(watching)
}

type Watchers = std::collections::HashMap<(u16, keyspace::KeyHash), Vec<Watcher>>;

fn forget(watchers: &mut Watchers, key: &WatchedKey, watching: &Watching) {
    let place = (key.db as u16, key.hash);
    if let Some(list) = watchers.get_mut(&place) {
        list.retain(|watcher| !Arc::ptr_eq(&watcher.token, &watching.token));
        if list.is_empty() {
            watchers.remove(&place);
        }
    }
}

/// Opens MULTI.
pub fn begin_multi(node: &Node, session: &mut Session) {
    session.multi = Some(Box::default());
    session.record.set_flag(flag::MULTI, true);
    session.record.multi.store(0, Relaxed);
    node.clients.in_multi.fetch_add(1, Relaxed);
}

/// Closes MULTI and forgets the watched keys (DISCARD, a refused EXEC). The caller holds no shard.
pub fn end_multi(node: &Node, session: &mut Session) {
    unwatch_all(node, session);
    close_multi(node, session);
}

/// Closes MULTI for EXEC, which holds the shards of the watched keys, and gives what was queued.
pub(crate) fn take_multi(node: &Node, session: &mut Session, held: &mut Held) -> Option<Multi> {
    unwatch_held(node, session, held);
    close_multi(node, session)
}

fn close_multi(node: &Node, session: &mut Session) -> Option<Multi> {
    let multi = session.multi.take()?;
    session.record.set_flag(flag::MULTI, false);
    session.record.multi.store(-1, Relaxed);
    session.record.multi_mem.store(0, Relaxed);
    node.clients.in_multi.fetch_sub(1, Relaxed);
    Some(*multi)
}
