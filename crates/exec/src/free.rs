//! Frees large things off the event loops.
//!
//! UNLINK, FLUSHALL ASYNC, expiry and eviction hand over what they detached; a thread frees it in
//! small steps with pauses between, so that it never takes a core from the loops for long.
//! Without the thread (tests) things are freed at once.

use keyspace::{DetachedDb, Discarded, Entry};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use types::Object;

/// Smaller values are freed faster than they are handed over.
const LAZY_BYTES_MIN: usize = 64 * 1024;
/// Likewise those of fewer allocations.
const LAZY_EFFORT_MIN: usize = 64;

enum Garbage {
    Entry(Entry),
    Object(Object),
    Db(DetachedDb),
    /// Nothing to free: everything that was handed over before this has been freed.
    Then(Done),
}

type Done = Box<dyn FnOnce() + Send>;

/// With the bytes it takes.
type Handed = (Garbage, usize);

#[derive(Default)]
pub struct Freer {
    queue: OnceLock<Sender<Handed>>,
    pending: AtomicUsize,
    pending_bytes: AtomicUsize,
    /// All that ever came, `pending` included.
    handed: AtomicU64,
    /// What `freed` leaves out: `handed` when it last began anew.
    before: AtomicU64,
}

impl Freer {
    /// What is not left to a snapshot.
    pub fn discarded(&self, discarded: Discarded, lazy: bool) {
        if let Some(entry) = discarded.entry() {
            self.entry(entry, lazy);
        }
    }

    pub fn entry(&self, entry: Entry, lazy: bool) {
        if !lazy || self.queue.get().is_none() {
            return;
        }
        let it = entry.as_ref();
        if it.alloc_bytes() >= LAZY_BYTES_MIN || it.object().is_some_and(|object| is_large(&object)) {
            let bytes = it.value_bytes();
            self.hand_over(Garbage::Entry(entry), 1, bytes);
        }
    }

    /// A collection whose entry has another value already.
    pub fn object(&self, object: Object, lazy: bool) {
        if lazy && self.queue.get().is_some() && is_large(&object) {
            let bytes = object.mem_bytes();
            self.hand_over(Garbage::Object(object), 1, bytes);
        }
    }

    pub fn db(&self, db: DetachedDb, lazy: bool) {
        let count = db.len();
        if lazy {
            let bytes = db.memory_bytes();
            self.hand_over(Garbage::Db(db), count, bytes);
        } else {
            free_db(db);
        }
    }

    /// Objects that wait to be freed.
    pub fn pending(&self) -> usize {
        self.pending.load(Relaxed)
    }

    /// Objects that were freed, of those that came since `count_anew`.
    pub fn freed(&self) -> u64 {
        // In this order: one that comes in between is not taken for one that was freed.
        let handed = self.handed.load(Relaxed);
        handed.saturating_sub(self.pending() as u64).saturating_sub(self.before.load(Relaxed))
    }

    pub fn count_anew(&self) {
        self.before.store(self.handed.load(Relaxed), Relaxed);
    }

    /// These were freed by someone else.
    pub fn count_freed(&self, count: usize) {
        self.handed.fetch_add(count as u64, Relaxed);
    }

    /// Bytes of what was handed over and is still in use. Not below that by more than what the thread frees at this moment.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes.load(Relaxed)
    }

    /// Is there a thread that frees?
    pub fn has_thread(&self) -> bool {
        self.queue.get().is_some()
    }

    /// Calls `done`, on the freeing thread, when all that was handed over before has been freed.
    pub fn then(&self, done: impl FnOnce() + Send + 'static) {
        self.hand_over(Garbage::Then(Box::new(done)), 0, 0);
    }

    fn hand_over(&self, garbage: Garbage, count: usize, bytes: usize) {
        self.pending.fetch_add(count, Relaxed);
        self.handed.fetch_add(count as u64, Relaxed);
        self.pending_bytes.fetch_add(bytes, Relaxed);
        let refused = match self.queue.get() {
            Some(queue) => queue.send((garbage, bytes)).err().map(|error| error.0),
            None => Some((garbage, bytes)),
        };
        if let Some((garbage, bytes)) = refused {
            self.free(garbage, || {});
            self.pending_bytes.fetch_sub(bytes, Relaxed);
        }
    }

    /// The receiving end; the thread that frees calls `run` with it.
    pub fn open(&self) -> Option<FreerQueue> {
        let (sender, receiver) = channel();
        self.queue.set(sender).ok().map(|()| FreerQueue(receiver))
    }

    /// Body of the freeing thread; ends when the node is gone.
    pub fn run(&self, queue: &FreerQueue) {
        while let Ok((garbage, bytes)) = queue.0.recv() {
            self.free(garbage, || std::thread::sleep(STEP_PAUSE));
            self.pending_bytes.fetch_sub(bytes, Relaxed);
        }
    }

    fn free(&self, garbage: Garbage, mut pause: impl FnMut()) {
        match garbage {
            Garbage::Entry(entry) => {
                drop(entry);
                self.no_longer_pending(1);
            }
            Garbage::Then(done) => done(),
            Garbage::Object(object) => {
                drop(object);
                self.no_longer_pending(1);
            }
            Garbage::Db(mut db) => {
                let mut left = db.len();
                while db.drop_step(STEP_ENTRIES) {
                    let gone = left.min(STEP_ENTRIES); // about
                    self.no_longer_pending(gone);
                    left -= gone;
                    pause();
                }
                self.no_longer_pending(left);
            }
        }
    }

    fn no_longer_pending(&self, count: usize) {
        self.pending.fetch_sub(count, Relaxed);
    }
}

// 1024 entries take some 100 us: the loops wait no longer than that for the core.
const STEP_ENTRIES: usize = 1024;
const STEP_PAUSE: Duration = Duration::from_micros(50);

pub struct FreerQueue(Receiver<Handed>);

impl FreerQueue {
    /// As `Freer::run`, without keeping the node alive. What was freed is no longer in use at once, step by step.
    pub fn run(&self, node: &std::sync::Weak<crate::node::Node>) {
        let mut published = kit::alloc::thread_net();
        while let Ok((garbage, bytes)) = self.0.recv() {
            let Some(node) = node.upgrade() else { return };
            node.freer.free(garbage, || {
                node.memory.publish(&mut published);
                std::thread::sleep(STEP_PAUSE);
            });
            node.memory.publish(&mut published);
            // Not before it is out of use: who is short of memory counts on one of the two.
            node.freer.pending_bytes.fetch_sub(bytes, Relaxed);
        }
    }
}

fn is_large(object: &Object) -> bool {
    object.effort() > LAZY_EFFORT_MIN || object.mem_bytes() >= LAZY_BYTES_MIN
}

fn free_db(mut db: DetachedDb) {
    while db.drop_step(usize::MAX) {}
}
