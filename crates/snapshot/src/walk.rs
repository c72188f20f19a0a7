//! A snapshot's walk over all keys: begins at one moment, and goes on beside the clients.
//!
//! Every shard gets a sink that writes entries as bytes of the file (`Form`) into the shard's chunk. The walking thread
//! steps through the shards, a few buckets under a lock, and sends what the sinks wrote on; who is about to change a key
//! that the walk has not reached has its bucket written first, under his own lock, and his bytes wait in `full` until
//! the walking thread comes by. So nobody who serves clients ever waits here, and memory grows by what changed.
//! A large value is not written under one lock: the sink declines it, and the walking thread writes it in parts, each under the
//! lock for some 100 us, before it goes on. What else is full waits meanwhile, because a value stands in the file in one
//! piece. Who removes or replaces such a value leaves it to the walk; clients that want to change it in place wait until it is
//! written (`exec`'s `Turn::walk_wants`); who cannot wait has the rest of it written at once.
//! Always true: each key of the moment is in exactly one chunk, and a chunk is sent once.
//! Knows nothing of files.

use crate::commands_form::Place;
use exec::Node;
use exec::node::ShardExt;
use keyspace::{EntryRef, Handing, Owed, Progress, SHARDS, Shard, ValueRef, WalkSink};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use types::rdb::Writing;

/// How an entry becomes bytes: as RDB, or as commands.
pub(crate) trait Form: Send + Sync {
    /// An error says what the form cannot hold.
    fn write(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Result<(), String>;
    /// Before entries of another database than those before.
    fn select(&self, out: &mut Vec<u8>, db: usize);
    /// The beginning of a large entry, which is written on by `Part`.
    fn begin(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Result<Part, String>;
}

/// A large value on its way out.
pub(crate) enum Part {
    Object(Writing),
    /// A string, of which so many bytes were written.
    Text(usize),
    Commands(Place),
}

impl Part {
    /// Writes on; true at the end of the value.
    pub(crate) fn step(&mut self, out: &mut Vec<u8>, entry: EntryRef<'_>, budget: usize) -> bool {
        match self {
            Part::Object(writing) => {
                let Some(object) = entry.object() else { return true };
                writing.step(&object, budget, out) == types::rdb::Progress::Done
            }
            Part::Commands(place) => place.step(out, entry, budget),
            Part::Text(done) => {
                let (ValueRef::Str(text) | ValueRef::Raw(text)) = entry.value() else { return true };
                let end = done.saturating_add(budget).min(text.len());
                out.extend_from_slice(&text[*done..end]);
                *done = end;
                end == text.len()
            }
        }
    }
}

/// Entries as bytes of the file.
#[derive(Default)]
pub(crate) struct Chunk {
    /// Of the first entry: what stands before it in the file may be of another.
    pub db_first: usize,
    pub db_last: usize,
    pub bytes: Vec<u8>,
}

/// Keys of a database at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DbCount {
    pub db: usize,
    pub keys: usize,
    pub deadlines: usize,
}

/// The data as they were when it was made, being read.
pub(crate) struct Moment {
    shared: Arc<Shared>,
    pub databases: Vec<DbCount>,
}

struct Shared {
    form: Arc<dyn Form>,
    shards: Vec<Mutex<Chunk>>,
    /// Chunks that are full, or must go before the walk comes to them.
    full: Mutex<Vec<Chunk>>,
    counts: Arc<Counts>,
    /// The shard that the walking thread is in.
    walking: AtomicUsize,
    /// The large value that is being written.
    current: Mutex<Option<Current>>,
    refusal: Mutex<Option<String>>,
}

struct Current {
    db: usize,
    key: Box<[u8]>,
    part: Part,
    /// What is to be sent next.
    bytes: Vec<u8>,
    /// Somebody could not wait, and all of it is in `bytes`.
    whole: bool,
}

/// Told in INFO.
#[derive(Default)]
pub(crate) struct Counts {
    pub keys: AtomicU64,
    pub keys_total: AtomicU64,
    /// Bytes of the entries written early because their keys were about to change.
    pub early_bytes: AtomicU64,
}

const CHUNK_BYTES: usize = 128 * 1024;
// A step holds its shard for some 20 us, as long as a few commands.
const STEP_ENTRIES: usize = 32;
/// Values of so many bytes are written in parts.
const LARGE_BYTES: usize = 1 << 20;
// 64 KiB take some 100 us when they are compressed.
const PART_BYTES: usize = 64 << 10;

impl Moment {
    /// Begins the walk. `each_shard` calls back with every shard while nothing else runs: under the world lock.
    pub(crate) fn begin(
        node: &Node,
        form: Arc<dyn Form>,
        counts: Arc<Counts>,
        each_shard: impl FnOnce(&mut dyn FnMut(&mut Shard<ShardExt>)),
    ) -> Moment {
        let count = |db| DbCount { db, keys: node.keyspace.len(db), deadlines: node.keyspace.deadline_count(db) };
        let databases: Vec<DbCount> = (0..node.databases).map(count).filter(|count| count.keys > 0).collect();
        counts.keys_total.store(databases.iter().map(|db| db.keys as u64).sum(), Relaxed);
        let shared = Arc::new(Shared {
            form,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            full: Mutex::default(),
            counts,
            walking: AtomicUsize::new(usize::MAX),
            current: Mutex::default(),
            refusal: Mutex::default(),
        });
        // From now on: nobody may come between this moment and the first step.
        node.walk_waiters.set_walking(true);
        each_shard(&mut |shard| {
            let sink = shared.sink(shard.index());
            shard.walk_begin(sink);
        });
        Moment { shared, databases }
    }

    /// Nobody will walk.
    pub(crate) fn give_up(self, node: &Node) {
        node.keyspace.walk_cancel();
        end(node);
    }

    /// Walks to the end. `pause` is called between steps, with no lock held and the number of keys of the step; the walk is given up
    /// when it or `send` says false.
    pub(crate) fn walk(
        self,
        node: &Node,
        pause: &mut dyn FnMut(u64) -> bool,
        send: &mut dyn FnMut(Chunk) -> bool,
        slow: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        let outcome = self.walk_shards(node, pause, send, slow);
        if outcome.is_err() {
            node.keyspace.walk_cancel();
        }
        end(node);
        outcome
    }

    fn walk_shards(
        &self,
        node: &Node,
        pause: &mut dyn FnMut(u64) -> bool,
        send: &mut dyn FnMut(Chunk) -> bool,
        slow: &dyn Fn() -> bool,
    ) -> Result<(), Stopped> {
        let shared = &*self.shared;
        for shard in 0..SHARDS {
            loop {
                let keys = shared.counts.keys.load(Relaxed);
                shared.walking.store(shard, Relaxed);
                let progress = node.keyspace.walk_step(shard, if slow() { 1 } else { STEP_ENTRIES });
                shared.walking.store(usize::MAX, Relaxed);
                shared.send_full(send)?;
                self.write_owed(node, shard, pause, send)?;
                if !pause(shared.counts.keys.load(Relaxed) - keys) {
                    return Err(Stopped::Asked);
                }
                if progress == Progress::Done {
                    break;
                }
            }
            let rest = std::mem::take(&mut *shared.shards[shard].lock());
            if !rest.bytes.is_empty() && !send(rest) {
                return Err(Stopped::Asked);
            }
        }
        shared.send_full(send)
    }
}

impl Moment {
    /// The large values that the shard's walk has come upon.
    fn write_owed(
        &self,
        node: &Node,
        shard: usize,
        pause: &mut dyn FnMut(u64) -> bool,
        send: &mut dyn FnMut(Chunk) -> bool,
    ) -> Result<(), Stopped> {
        let shared = &*self.shared;
        loop {
            let owed = node.keyspace.lock(shard).owed_step(&mut |db, entry| shared.part(db, entry));
            // What somebody else has finished is in `current` as well.
            let is_whole = matches!(owed, Owed::Whole(_));
            if let Some(chunk) = shared.take_part(is_whole)
                && !send(chunk)
            {
                return Err(Stopped::Asked);
            }
            match owed {
                Owed::None => return Ok(()),
                Owed::More => {}
                Owed::Whole(left) => {
                    node.walk_waiters.wake(node);
                    drop(left); // the shard is not locked
                }
            }
            if !pause(u64::from(is_whole)) {
                return Err(Stopped::Asked);
            }
        }
    }
}

impl Drop for Moment {
    fn drop(&mut self) {
        // The sinks that are left know nobody who wants their bytes.
        self.shared.full.lock().clear();
    }
}

fn end(node: &Node) {
    node.walk_waiters.set_walking(false);
    node.walk_waiters.wake(node);
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// Whoever sends or pauses said so.
    Asked,
    /// An entry cannot be written: why.
    Refused(String),
}

impl Shared {
    fn sink(self: &Arc<Self>, shard: usize) -> WalkSink {
        let shared = Arc::clone(self);
        Box::new(move |db, entry, handing| match handing {
            Handing::May if entry.value_bytes() >= LARGE_BYTES => false,
            Handing::Must if shared.finish(db, entry) => true,
            Handing::May | Handing::Must => {
                shared.take(shard, db, entry);
                true
            }
        })
    }

    /// Under the shard's lock, on the walking thread: one part of a large value. True when it is complete.
    fn part(&self, db: usize, entry: EntryRef<'_>) -> bool {
        let mut slot = self.current.lock();
        if slot.as_ref().is_some_and(|current| current.whole) {
            return false; // somebody has finished the one before: that is sent first
        }
        if slot.is_none() {
            let mut bytes = Vec::new();
            let part = match self.form.begin(&mut bytes, entry) {
                Ok(part) => part,
                Err(why) => {
                    self.refusal.lock().get_or_insert(why);
                    return true;
                }
            };
            *slot = Some(Current { db, key: entry.key().into(), part, bytes, whole: false });
            self.counts.keys.fetch_add(1, Relaxed);
        }
        let Some(current) = &mut *slot else { return true };
        current.whole = current.part.step(&mut current.bytes, entry, PART_BYTES);
        current.whole
    }

    /// Under the shard's lock: the rest of the value that is being written, if it is this one.
    fn finish(&self, db: usize, entry: EntryRef<'_>) -> bool {
        let mut slot = self.current.lock();
        let Some(current) = slot.as_mut().filter(|it| it.db == db && *it.key == *entry.key() && !it.whole) else {
            return false;
        };
        while !current.part.step(&mut current.bytes, entry, usize::MAX) {}
        current.whole = true;
        true
    }

    /// What was written of the large value since the last time.
    fn take_part(&self, whole: bool) -> Option<Chunk> {
        let mut slot = self.current.lock();
        let current = slot.as_mut()?;
        let chunk = Chunk { db_first: current.db, db_last: current.db, bytes: std::mem::take(&mut current.bytes) };
        if whole || current.whole {
            *slot = None;
        }
        (!chunk.bytes.is_empty()).then_some(chunk)
    }

    /// Under the shard's lock.
    fn take(&self, shard: usize, db: usize, entry: EntryRef<'_>) {
        let mut chunk = self.shards[shard].lock();
        let before = chunk.bytes.len();
        if before == 0 {
            chunk.db_first = db;
        } else if chunk.db_last != db {
            self.form.select(&mut chunk.bytes, db);
        }
        chunk.db_last = db;
        if let Err(why) = self.form.write(&mut chunk.bytes, entry) {
            self.refusal.lock().get_or_insert(why);
        }
        self.counts.keys.fetch_add(1, Relaxed);
        if self.walking.load(Relaxed) != shard {
            self.counts.early_bytes.fetch_add(entry.value_bytes() as u64, Relaxed);
        }
        if chunk.bytes.len() >= CHUNK_BYTES {
            let full = std::mem::take(&mut *chunk);
            self.full.lock().push(full);
        }
    }

    fn send_full(&self, send: &mut dyn FnMut(Chunk) -> bool) -> Result<(), Stopped> {
        if let Some(why) = self.refusal.lock().take() {
            return Err(Stopped::Refused(why));
        }
        let full = std::mem::take(&mut *self.full.lock());
        if full.into_iter().all(send) { Ok(()) } else { Err(Stopped::Asked) }
    }
}
