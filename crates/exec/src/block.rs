//! Clients that wait for something to happen to keys (BLPOP, XREAD BLOCK …).
//!
//! A waiting client stands in the list of each of its keys, in order of arrival, under the key's
//! shard lock. Whoever makes a key ready serves the clients that wait for it at once, oldest first,
//! before it gives the locks back: nobody else can take the element. The waiting command is run
//! again on its client's behalf, its reply is mailed to the client's thread.
//! The locks such a command needs are taken before the write that may wake it (`widen_for_waiters`),
//! so nothing is ever locked out of order.
//! Always true: who wants to run or to end a waiting command claims it first; only one succeeds.

use crate::acl::{self, Identity};
use crate::args::Args;
use crate::changes::KeyName;
use crate::client::{ClientRecord, flag};
use crate::ctx::ParkOn;
use crate::db::Db;
use crate::node::Node;
use crate::plan;
use crate::run::Turn;
use crate::seams::Mail;
use crate::session::{OwnedRequest, Session};
use keyspace::{EntryRef, KeyHash};
use proto::Reply;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// Would the waiting command find what it waits for in this entry (or in its absence)?
pub type Ready = fn(Option<EntryRef<'_>>) -> bool;

pub(crate) type Waiting = HashMap<(u16, KeyHash), VecDeque<Arc<Waiter>>>;

/// What a body waits for.
pub struct WaitFor {
    pub keys: Vec<KeyName>,
    pub ready: Ready,
}

/// A command that waits for keys.
pub struct Waiter {
    record: Arc<ClientRecord>,
    command: u16,
    request: OwnedRequest,
    db: usize,
    resp3: bool,
    user: Identity,
    wait: WaitFor,
    /// Shards of all keys of the command, those it would write to included.
    shards: Vec<u8>,
    claimed: AtomicBool,
}

impl Waiter {
    /// True for exactly one caller: it runs the command, or ends it.
    fn claim(&self) -> bool {
        self.claimed.compare_exchange(false, true, AcqRel, Acquire).is_ok()
    }

    /// It found nothing after all and goes on waiting.
    fn give_back(&self) {
        self.claimed.store(false, Release);
    }

    fn places(&self) -> impl Iterator<Item = (u8, (u16, KeyHash))> + '_ {
        self.wait.keys.iter().map(|name| (name.hash.shard() as u8, (name.db as u16, name.hash)))
    }
}

/// Keys that somebody waits for, and those of them whose going away would end a wait too. Each shard in turn.
pub fn count_keys(db: &mut Db) -> (usize, usize) {
    let (mut keys, mut also_gone) = (0, 0);
    if db.node.clients.waiting_for_keys.load(Relaxed) > 0 {
        db.each_shard(|_, shard| {
            keys += shard.ext.waiting.len();
            let ends = |list: &&VecDeque<Arc<Waiter>>| list.iter().any(|waiter| (waiter.wait.ready)(None));
            also_gone += shard.ext.waiting.values().filter(ends).count();
        });
    }
    (keys, also_gone)
}

/// Ends a wait from the client's side (time over, CLIENT UNBLOCK, disconnect). False when somebody
/// is serving it this moment: the reply is on its way.
pub(crate) fn end(node: &Node, waiter: &Arc<Waiter>) -> bool {
    if !waiter.claim() {
        return false;
    }
    for (shard, place) in waiter.places() {
        forget(&mut node.keyspace.lock(usize::from(shard)).ext.waiting, place, waiter);
    }
    node.clients.waiting_for_keys.fetch_sub(1, Relaxed);
    true
}

fn forget(waiting: &mut Waiting, place: (u16, KeyHash), waiter: &Arc<Waiter>) {
    if let Some(list) = waiting.get_mut(&place) {
        list.retain(|other| !Arc::ptr_eq(other, waiter));
        if list.is_empty() {
            waiting.remove(&place);
        }
    }
}

impl Turn<'_, '_> {
    /// Puts a client into the lists of the keys it waits for. Their shards are held.
    pub(crate) fn enlist(
        &mut self,
        session: &Session,
        reply: &Reply,
        args: &Args,
        request: &OwnedRequest,
        number: u16,
        park: &mut ParkOn,
    ) -> Option<Arc<Waiter>> {
        let wait = park.keys.take()?;
        let mut shards = Vec::new();
        let mut planned: Vec<u8> = args.planned_keys().iter().map(|at| at.hash.shard() as u8).collect();
        planned.extend(wait.keys.iter().map(|name| name.hash.shard() as u8));
        planned.sort_unstable();
        planned.dedup();
        shards.append(&mut planned);
        let waiter = Arc::new(Waiter {
            record: Arc::clone(&session.record),
            command: number,
            request: request.clone(),
            db: session.db,
            resp3: reply.is_resp3(),
            user: session.user.clone(),
            wait,
            shards,
            claimed: AtomicBool::new(false),
        });
        for (shard, place) in waiter.places() {
            let list = self.held.shard(shard).ext.waiting.entry(place).or_default();
            // BLPOP k k waits once.
            if !list.back().is_some_and(|last| Arc::ptr_eq(last, &waiter)) {
                list.push_back(Arc::clone(&waiter));
            }
        }
        self.node.clients.waiting_for_keys.fetch_add(1, Relaxed);
        Some(waiter)
    }

    /// Before a command that may make keys ready: locks what the commands waiting in the held shards
    /// would need, and what those waiting there would need, and so on.
    /// False, and nothing is held, when a script has some of them.
    #[must_use]
    pub(crate) fn widen_for_waiters(&mut self) -> bool {
        if self.node.clients.waiting_for_keys.load(Relaxed) == 0 || self.held.is_world() {
            return true;
        }
        loop {
            let mut wanted = self.wanted_by_waiters();
            if wanted.is_empty() {
                return true;
            }
            wanted.extend(self.held.ids());
            wanted.sort_unstable();
            if !self.held.take_many(&wanted) {
                return false;
            }
        }
    }

    /// Shards not held that commands waiting in the held ones need; ascending.
    pub(crate) fn wanted_by_waiters(&mut self) -> Vec<u8> {
        let held = self.held.ids();
        let mut wanted = Vec::new();
        for &shard in &held {
            let waiting = &self.held.shard(shard).ext.waiting;
            wanted.extend(waiting.values().flatten().flat_map(|waiter| waiter.shards.iter().copied()));
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted.retain(|shard| !held.contains(shard));
        wanted
    }

    /// Notes which of the changed keys somebody waits for.
    pub(crate) fn note_ready(&mut self) {
        if self.node.clients.waiting_for_keys.load(Relaxed) == 0 {
            return;
        }
        for i in 0..self.scratch.changes.touched.len() {
            let touched = self.scratch.changes.touched[i];
            if touched.quiet {
                continue;
            }
            let place = (touched.db, touched.hash);
            let waiting = &self.held.shard(touched.hash.shard() as u8).ext.waiting;
            if waiting.contains_key(&place) && !self.scratch.ready.contains(&place) {
                self.scratch.ready.push_back(place);
            }
        }
        for db in std::mem::take(&mut self.scratch.changes.databases) {
            let ready = &mut self.scratch.ready;
            self.held.each_shard(|_, shard| {
                ready.extend(shard.ext.waiting.keys().filter(|(of, _)| usize::from(*of) == db));
            });
        }
    }

    /// A key left without a command (its time came, it was evicted) and its shard is held, maybe alone: whoever was
    /// waiting for that (XREADGROUP) is served when the turn is done and other locks can be taken.
    pub(crate) fn note_left(&mut self, name: &KeyName) {
        if self.node.clients.waiting_for_keys.load(Relaxed) == 0 {
            return;
        }
        let place = (name.db as u16, name.hash);
        let waiting = &self.held.shard(name.hash.shard() as u8).ext.waiting;
        if waiting.get(&place).is_some_and(|list| list.iter().any(|waiter| (waiter.wait.ready)(None))) {
            self.scratch.left.push(place);
        }
    }

    pub(crate) fn serve_left(&mut self) {
        while let Some(place) = self.scratch.left.pop() {
            if !self.held.take_one(place.1.shard() as u8) || !self.widen_for_waiters() {
                // A script has it: at the end of the next turn.
                self.scratch.left.push(place);
                break;
            }
            self.scratch.ready.push_back(place);
            self.serve_ready();
        }
        self.held.release();
    }

    /// Serves the clients that wait for keys which became ready, oldest first. Under the locks of the
    /// command that made them ready.
    pub(crate) fn serve_ready(&mut self) {
        if !self.scratch.ready.is_empty() {
            // A transaction has one time and may have taken long: what it made can be past its deadline.
            self.now = self.node.clock.unix_ms();
        }
        while let Some(place) = self.scratch.ready.pop_front() {
            let list = self.held.shard(place.1.shard() as u8).ext.waiting.get(&place);
            let waiters: Vec<Arc<Waiter>> = list.into_iter().flatten().cloned().collect();
            for waiter in waiters {
                if self.is_ready(place, &waiter) && waiter.claim() {
                    self.serve(&waiter);
                }
            }
        }
    }

    fn is_ready(&mut self, place: (u16, KeyHash), waiter: &Waiter) -> bool {
        let now = self.now;
        let named = |name: &&KeyName| name.hash == place.1 && name.db == usize::from(place.0);
        let Some(name) = waiter.wait.keys.iter().find(named) else { return false };
        let entry = self.held.shard(place.1.shard() as u8).find(name.db, name.hash, &name.key);
        (waiter.wait.ready)(entry.filter(|entry| entry.deadline().is_none_or(|deadline| deadline > now)))
    }

    /// Runs a claimed command on its client's behalf.
    fn serve(&mut self, waiter: &Arc<Waiter>) {
        let mut session = Session::on_behalf_of(Arc::clone(&waiter.record), waiter.db, waiter.user.clone());
        let mut reply = Reply::new();
        reply.set_resp3(waiter.resp3);
        let (buf, words) = (&waiter.request.buf, &waiter.request.words);
        let mut keys = Vec::new();
        let plan = plan::plan(self.node, waiter.db, buf, words, &mut keys);
        let node = self.node;
        let hasher = |key: &[u8]| node.keyspace.hash(key);
        let mut args = Args::new(buf, words, &keys, &hasher);
        args.name_words = usize::from(plan.name_words);
        self.rerun = true;
        let client = self.client.replace(waiter.record.id);
        let own_pushes = std::mem::take(&mut self.scratch.own_pushes);
        // The user may have lost the right while it waited.
        match acl::admit(node, &mut session, waiter.command, &args) {
            Ok(()) => self.call(&mut session, &mut reply, &args, waiter.command, false),
            Err(error) => self.reply_refused(&mut reply, waiter.command, &error),
        }
        let pushes = std::mem::replace(&mut self.scratch.own_pushes, own_pushes);
        self.client = client;
        self.rerun = false;
        let again = match session.parked {
            None => Mail::Served(waiter.record.id, reply, self.scratch.logged),
            // Nothing there after all: it goes on waiting, in its old place.
            Some(parked) if parked.why == crate::session::Why::Blocked => return waiter.give_back(),
            // A key is away: the client's own thread takes it from here.
            Some(_) => Mail::Resume(waiter.record.id),
        };
        for (shard, place) in waiter.places() {
            forget(&mut self.held.shard(shard).ext.waiting, place, waiter);
        }
        self.node.clients.waiting_for_keys.fetch_sub(1, Relaxed);
        // Its own thread sees to the rest; from now on CLIENT UNBLOCK comes too late.
        waiter.record.set_flag(flag::WAITS_FOR_KEYS, false);
        self.node.send(&waiter.record, again);
        for bytes in pushes {
            self.node.send(&waiter.record, Mail::Push(waiter.record.id, bytes));
        }
    }
}
