//! Client-side caching: who has read which key, and who is told when it changes (CLIENT TRACKING).
//!
//! What a tracking client reads is remembered with the key's shard, under its lock; who changes the key takes the entry
//! out under the same lock and mails the invalidation before it gives the lock back. An event loop looks into its mail
//! after it has read from its sockets and before it runs what it read, so a client never gets an answer that was asked
//! for after a change was acknowledged before it got the invalidation of that change.
//! A client in broadcast mode is told of every change under its prefixes, once a command or transaction.
//! The databases are not told apart, as in Redis: a key's name is invalidated wherever it changed.

use crate::args::Args;
use crate::changes::Touched;
use crate::client::{ClientId, ClientRecord, flag};
use crate::node::Node;
use crate::run::Turn;
use crate::seams::Mail;
use crate::session::Session;
use foldhash::fast::FixedState;
use keyspace::{KeyHash, SHARDS};
use kit::opt::{Int, Opt};
use parking_lot::RwLock;
use proto::Reply;
use smallvec::SmallVec;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub static TABLE_MAX_KEYS: Opt<Int> =
    Opt::int("tracking-table-max-keys", 1_000_000, 0..=i64::MAX, "Keys tracked for clients' caches; 0: no limit.");

/// The channel that a client of RESP2 gets another client's invalidations on.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// Clients in broadcast mode by their prefixes.
type ByPrefix = BTreeMap<Box<[u8]>, Vec<Arc<ClientRecord>>>;

/// Of a node.
#[derive(Default)]
pub struct Tracking {
    /// Clients that track, in whatever mode.
    pub clients: AtomicUsize,
    pub keys: AtomicUsize,
    /// A key counts once for each client that has read it.
    pub items: AtomicUsize,
    broadcasting: AtomicUsize,
    prefixes: RwLock<ByPrefix>,
}

impl Tracking {
    /// Nobody tracks, and nothing is left of those who did.
    fn is_idle(&self) -> bool {
        self.clients.load(Relaxed) == 0 && self.keys.load(Relaxed) == 0
    }

    pub fn prefix_count(&self) -> usize {
        self.prefixes.read().len()
    }
}

/// Of a shard: who has read which of its keys. Keys of one hash share a place.
#[derive(Default)]
pub(crate) struct Tracked {
    /// The hash is seeded already.
    by_hash: HashMap<KeyHash, SmallVec<[Readers; 1]>, FixedState>,
}

struct Readers {
    key: Box<[u8]>,
    clients: SmallVec<[Arc<ClientRecord>; 2]>,
}

/// How a client tracks.
#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub struct Mode {
    pub when: When,
    pub no_loop: bool,
    /// CLIENT CACHING was said: of the next command, or transaction.
    pub caching: bool,
    /// The client gets another client's invalidations (RESP2).
    pub redirect: Option<ClientId>,
}

#[derive(Default, Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Every key that it reads.
    #[default]
    Reads,
    /// Keys of a command after CLIENT CACHING YES.
    OptIn,
    /// Every key but those of a command after CLIENT CACHING NO.
    OptOut,
    /// Every key with one of these prefixes, read or not.
    Broadcast(Vec<Box<[u8]>>),
}

impl Mode {
    fn remembers(&self) -> bool {
        match self.when {
            When::Reads => true,
            When::OptIn => self.caching,
            When::OptOut => !self.caching,
            When::Broadcast(_) => false,
        }
    }
}

/// What a prefix takes besides its text: two boxes, a list of clients, a pointer.
const PREFIX_BYTES: usize = 80;

/// Begins to track, or goes on in another way. New prefixes are added to those there are.
pub fn start(node: &Node, session: &mut Session, mode: Mode) {
    let record = &session.record;
    if session.tracking.is_none() {
        node.tracking.clients.fetch_add(1, Relaxed);
    }
    let old = session.tracking.take();
    let mut mode = mode;
    if let When::Broadcast(new) = &mut mode.when {
        let mut prefixes = match old.map(|old| old.when) {
            Some(When::Broadcast(prefixes)) => prefixes,
            _ => {
                node.tracking.broadcasting.fetch_add(1, Relaxed);
                Vec::new()
            }
        };
        let mut table = node.tracking.prefixes.write();
        for prefix in new.drain(..) {
            if !prefixes.contains(&prefix) {
                table.entry(prefix.clone()).or_default().push(Arc::clone(record));
                prefixes.push(prefix);
            }
        }
        *new = prefixes;
        // Twice its text, and a place in the table.
        let bytes = new.iter().map(|prefix| 2 * prefix.len() + PREFIX_BYTES).sum();
        record.prefixes_mem.store(bytes, Relaxed);
    }
    record.set_flag(flag::TRACKING, true);
    record.set_flag(flag::BROKEN_REDIRECT, false);
    record.set_flag(flag::BROADCAST, matches!(mode.when, When::Broadcast(_)));
    record.set_flag(flag::NO_LOOP, mode.no_loop);
    record.redirect.store(mode.redirect.map_or(0, |id| id.0), Relaxed);
    session.tracking = Some(Box::new(mode));
}

/// Ends it. What was remembered of the client is void from now on, and forgotten when its keys change.
pub fn stop(node: &Node, session: &mut Session) {
    let Some(mode) = session.tracking.take() else { return };
    node.tracking.clients.fetch_sub(1, Relaxed);
    if let When::Broadcast(prefixes) = mode.when {
        node.tracking.broadcasting.fetch_sub(1, Relaxed);
        let mut table = node.tracking.prefixes.write();
        for prefix in prefixes {
            if let Some(clients) = table.get_mut(&prefix) {
                clients.retain(|client| client.id != session.record.id);
                if clients.is_empty() {
                    table.remove(&prefix);
                }
            }
        }
    }
    for flag in [flag::TRACKING, flag::BROKEN_REDIRECT, flag::BROADCAST, flag::NO_LOOP] {
        session.record.set_flag(flag, false);
    }
    session.record.redirect.store(0, Relaxed);
    session.record.prefixes_mem.store(0, Relaxed);
}

/// After the limit was lowered. Shards that are in use are left for whoever uses them.
pub(crate) fn trim_all(node: &Node) {
    let limit = limit(node);
    for shard in 0..SHARDS {
        if node.tracking.keys.load(Relaxed) <= limit {
            return;
        }
        if let Some(mut shard) = node.keyspace.try_lock(shard) {
            let dropped = trim(node, &mut shard.ext.tracked, limit);
            for readers in dropped {
                tell(node, &readers.clients, Some(&[&readers.key]), None, &mut Vec::new());
            }
        }
    }
}

fn limit(node: &Node) -> usize {
    match node.config.get(&TABLE_MAX_KEYS) {
        0 => usize::MAX,
        limit => usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

/// Takes keys out until the node has no more than `limit` of them.
fn trim(node: &Node, tracked: &mut Tracked, limit: usize) -> Vec<Readers> {
    let mut dropped = Vec::new();
    while node.tracking.keys.load(Relaxed) > limit
        && let Some(&hash) = tracked.by_hash.keys().next()
    {
        dropped.extend(take(node, tracked, hash));
    }
    dropped
}

fn take(node: &Node, tracked: &mut Tracked, hash: KeyHash) -> SmallVec<[Readers; 1]> {
    let Some(taken) = tracked.by_hash.remove(&hash) else { return SmallVec::new() };
    node.tracking.keys.fetch_sub(taken.len(), Relaxed);
    node.tracking.items.fetch_sub(taken.iter().map(|readers| readers.clients.len()).sum(), Relaxed);
    taken
}

/// An invalidation for these clients; those of `current` are put into `own` instead of being mailed. `None` for keys:
/// all of them.
fn tell(
    node: &Node,
    clients: &[Arc<ClientRecord>],
    keys: Option<&[&[u8]]>,
    current: Option<ClientId>,
    own: &mut Vec<Arc<[u8]>>,
) {
    let mut encoded = Encoded { keys, push: None, message: None };
    for client in clients {
        if !client.has(flag::TRACKING) {
            continue;
        }
        let redirect = client.redirect.load(Relaxed);
        let target = if redirect == 0 { Some(Arc::clone(client)) } else { node.client(ClientId(redirect)) };
        let Some(target) = target else {
            client.set_flag(flag::BROKEN_REDIRECT, true);
            if client.resp.load(Relaxed) == 3 {
                send(node, client, broken(redirect), current, own);
            }
            continue;
        };
        let bytes = if target.resp.load(Relaxed) == 3 {
            encoded.push()
        } else if redirect != 0 && target.has(flag::PUBSUB) {
            encoded.message()
        } else {
            continue; // a client of RESP2 cannot hear it
        };
        send(node, &target, bytes, current, own);
    }
}

fn send(node: &Node, to: &ClientRecord, bytes: Arc<[u8]>, current: Option<ClientId>, own: &mut Vec<Arc<[u8]>>) {
    if current == Some(to.id) {
        own.push(bytes);
    } else {
        node.send(to, Mail::Push(to.id, bytes));
    }
}

/// One invalidation in the forms it is asked for.
struct Encoded<'k> {
    keys: Option<&'k [&'k [u8]]>,
    push: Option<Arc<[u8]>>,
    message: Option<Arc<[u8]>>,
}

impl Encoded<'_> {
    fn push(&mut self) -> Arc<[u8]> {
        let keys = self.keys;
        let make = || {
            let mut reply = Reply::new();
            reply.set_resp3(true);
            reply.push(2);
            reply.bulk(b"invalidate");
            add_keys(&mut reply, keys);
            reply.to_vec().into()
        };
        Arc::clone(self.push.get_or_insert_with(make))
    }

    fn message(&mut self) -> Arc<[u8]> {
        let keys = self.keys;
        let make = || {
            let mut reply = Reply::new();
            reply.array(3);
            reply.bulk(b"message");
            reply.bulk(CHANNEL);
            add_keys(&mut reply, keys);
            reply.to_vec().into()
        };
        Arc::clone(self.message.get_or_insert_with(make))
    }
}

fn add_keys(reply: &mut Reply, keys: Option<&[&[u8]]>) {
    let Some(keys) = keys else { return reply.null_array() };
    reply.array(keys.len());
    keys.iter().for_each(|key| reply.bulk(key));
}

fn broken(redirect: u64) -> Arc<[u8]> {
    let mut reply = Reply::new();
    reply.set_resp3(true);
    reply.push(2);
    reply.bulk(b"tracking-redir-broken");
    reply.int(redirect as i64);
    reply.to_vec().into()
}

/// A change that clients in broadcast mode are told of at the end of the unit.
pub(crate) struct Broadcast {
    key: Box<[u8]>,
    by: Option<ClientId>,
}

impl Turn<'_, '_> {
    /// A command that only reads was run for this client: its keys are tracked.
    pub(crate) fn remember_keys(&mut self, session: &Session, args: &Args) {
        let Some(mode) = session.tracking.as_ref().filter(|mode| mode.remembers()) else { return };
        debug_assert!(session.record.has(flag::TRACKING), "{mode:?}");
        let node = self.node;
        let tracking = &node.tracking;
        for at in args.planned_keys() {
            let shard = at.hash.shard() as u8;
            let tracked = &mut self.held.shard(shard).ext.tracked;
            let key = args.get(at.word as usize);
            let readers = tracked.by_hash.entry(at.hash).or_default();
            let clients = match readers.iter_mut().find(|readers| *readers.key == *key) {
                Some(readers) => &mut readers.clients,
                None => {
                    tracking.keys.fetch_add(1, Relaxed);
                    readers.push(Readers { key: key.into(), clients: SmallVec::new() });
                    match readers.last_mut() {
                        Some(readers) => &mut readers.clients,
                        None => continue,
                    }
                }
            };
            if !clients.iter().any(|client| client.id == session.record.id) {
                clients.push(Arc::clone(&session.record));
                tracking.items.fetch_add(1, Relaxed);
            }
            if tracking.keys.load(Relaxed) > limit(node) {
                for readers in trim(node, tracked, limit(node)) {
                    tell(node, &readers.clients, Some(&[&readers.key]), self.client, &mut self.scratch.own_pushes);
                }
            }
        }
    }

    /// Keys of a command changed.
    pub(crate) fn invalidate_touched(&mut self, touched: &[Touched], args: &Args) {
        if self.node.tracking.is_idle() {
            return;
        }
        for touched in touched {
            let at = args.planned_keys().iter().find(|at| at.hash == touched.hash);
            self.invalidate(touched.hash, at.map(|at| args.get(at.word as usize)), self.client);
        }
        if !self.scratch.changes.databases.is_empty() {
            self.invalidate_everything();
        }
    }

    /// A key changed, or left without a command (`by` nobody).
    pub(crate) fn invalidate(&mut self, hash: KeyHash, key: Option<&[u8]>, by: Option<ClientId>) {
        let node = self.node;
        if node.tracking.is_idle() {
            return;
        }
        if node.tracking.keys.load(Relaxed) > 0 {
            let taken = take(node, &mut self.held.shard(hash.shard() as u8).ext.tracked, hash);
            for mut readers in taken {
                // One who has gone over to broadcasts is told of its prefixes only, not of what it read before.
                readers.clients.retain(|client| {
                    !(client.has(flag::BROADCAST) || by == Some(client.id) && client.has(flag::NO_LOOP))
                });
                tell(node, &readers.clients, Some(&[&readers.key]), self.client, &mut self.scratch.own_pushes);
            }
        }
        if node.tracking.broadcasting.load(Relaxed) > 0
            && let Some(key) = key
        {
            self.scratch.broadcast.push(Broadcast { key: key.into(), by });
        }
    }

    /// Databases were emptied or exchanged: nobody's copy of anything is good any more.
    fn invalidate_everything(&mut self) {
        let node = self.node;
        self.held.each_shard(|_, shard| {
            let hashes: Vec<KeyHash> = shard.ext.tracked.by_hash.keys().copied().collect();
            for hash in hashes {
                take(node, &mut shard.ext.tracked, hash);
            }
        });
        let clients: Vec<_> = node.clients.all().into_iter().filter(|client| client.has(flag::TRACKING)).collect();
        tell(node, &clients, None, self.client, &mut self.scratch.own_pushes);
    }

    /// The end of a command or transaction: those who want to know of all keys with a prefix are told.
    pub(crate) fn tell_broadcasts(&mut self) {
        if self.scratch.broadcast.is_empty() {
            return;
        }
        let changes = std::mem::take(&mut self.scratch.broadcast);
        let node = self.node;
        for (prefix, clients) in node.tracking.prefixes.read().iter() {
            let mut all: Vec<&[u8]> = Vec::new();
            let mut of_others: Vec<(&[u8], Option<ClientId>)> = Vec::new();
            for change in changes.iter().filter(|change| change.key.starts_with(prefix)) {
                if !all.contains(&&*change.key) {
                    all.push(&change.key);
                }
                of_others.push((&change.key, change.by));
            }
            if all.is_empty() {
                continue;
            }
            let (loops, no_loops): (Vec<_>, Vec<_>) =
                clients.iter().cloned().partition(|client| !client.has(flag::NO_LOOP));
            tell(node, &loops, Some(&all), self.client, &mut self.scratch.own_pushes);
            for client in no_loops {
                let theirs = |key: &&&[u8]| of_others.iter().any(|(of, by)| of == *key && *by != Some(client.id));
                let keys: Vec<&[u8]> = all.iter().filter(theirs).copied().collect();
                if !keys.is_empty() {
                    tell(node, &[client], Some(&keys), self.client, &mut self.scratch.own_pushes);
                }
            }
        }
    }

    /// The invalidations that belong to the client whose request is being run.
    pub(crate) fn take_own_pushes(&mut self, reply: &mut Reply) {
        for bytes in self.scratch.own_pushes.drain(..) {
            reply.raw(&bytes);
        }
    }
}
