//! Decodes the entries of a piece and inserts them.

use super::progress::Loading;
use super::{LoadError, Piece, Shared};
use crate::file::nap_of;
use crate::opcodes;
use crate::options;
use exec::Node;
use exec::evict::Policy;
use keyspace::{Entry, KeyHash, NewValue};
use kit::world::UnixMs;
use std::sync::atomic::Ordering::Relaxed;
use types::rdb::{self, Reading, Slice, Source, Text, Value};

/// So many entries are decoded before they are inserted: their buckets are fetched all at once.
const BATCH: usize = 64;

pub(super) struct Inserter<'s, 'n> {
    shared: &'s Shared<'n>,
    thread: usize,
    now: UnixMs,
    is_lfu: bool,
    /// Keys come one by one, with a wait between (`key-load-delay`).
    is_slow: bool,
    reading: Reading,
    ready: Vec<Ready>,
    key: Vec<u8>,
    scratch: Vec<u8>,
    text: Vec<u8>,
}

struct Ready {
    db: usize,
    hash: KeyHash,
    entry: Entry,
    /// Where it stands in the file.
    at: u64,
}

/// What stands before a key.
#[derive(Default, Clone, Copy)]
struct Marks {
    deadline: Option<i64>,
    idle_secs: Option<u64>,
    freq: Option<u8>,
}

impl<'s, 'n> Inserter<'s, 'n> {
    pub(super) fn new(shared: &'s Shared<'n>, thread: usize) -> Inserter<'s, 'n> {
        // Fields past their time stay, and are swept with their events afterwards.
        let (now, with_crc) = (None, shared.with_crc);
        Inserter {
            shared,
            thread,
            now: shared.node.now(),
            is_lfu: Policy::of(shared.node).is_lfu(),
            is_slow: shared.node.config.get(&options::LOAD_DELAY) != 0,
            reading: Reading::new(shared.how.thresholds, shared.family, now, !with_crc),
            ready: Vec::with_capacity(BATCH),
            key: Vec::new(),
            scratch: Vec::new(),
            text: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, piece: &Piece) -> Result<(), LoadError> {
        let mut source = Slice::new(&piece.bytes);
        while !source.rest().is_empty() {
            self.one(piece, &mut source)?;
            if self.ready.len() == BATCH || self.is_slow {
                self.flush()?;
                self.dawdle();
            }
        }
        self.flush()?;
        self.shared.loading.add(piece.bytes.len() as u64);
        Ok(())
    }

    fn one(&mut self, piece: &Piece, source: &mut Slice) -> Result<(), LoadError> {
        let at = piece.start + source.offset();
        let bad = |error| LoadError::of(error, piece.start, None);
        let mut marks = Marks::default();
        let type_byte = loop {
            match source.byte().map_err(bad)? {
                opcodes::DEADLINE_MS => marks.deadline = Some(i64::from_le_bytes(source.array().map_err(bad)?)),
                opcodes::DEADLINE_SECS => {
                    let secs = i32::from_le_bytes(source.array().map_err(bad)?);
                    marks.deadline = Some(i64::from(secs) * 1000);
                }
                opcodes::IDLE => marks.idle_secs = Some(rdb::read_len(source).map_err(bad)?),
                opcodes::FREQ => marks.freq = Some(source.byte().map_err(bad)?),
                type_byte => break type_byte,
            }
        };
        self.key.clear();
        let key = rdb::read_string(source, &mut self.scratch).map_err(bad)?;
        self.key.extend_from_slice(key.bytes(&mut [0; 20]));
        let bad = |error| LoadError::of(error, piece.start, Some(&self.key));
        let expired = marks.deadline.is_some_and(|deadline| deadline < self.now.0) && !self.shared.how.is_base;
        let (deadline, clock) = (marks.deadline.map(UnixMs), self.clock(marks));
        let entry = if type_byte == rdb::STRING {
            match rdb::read_string(source, &mut self.text).map_err(bad)? {
                Text::Int(number) => Entry::new(&self.key, NewValue::Int(number), deadline, clock),
                Text::Bytes(bytes) => match kit::text::parse_i64(bytes) {
                    Some(number) => Entry::new(&self.key, NewValue::Int(number), deadline, clock),
                    None => Entry::new(&self.key, NewValue::Str(bytes), deadline, clock),
                },
            }
        } else {
            match rdb::read(type_byte, source, &mut self.reading).map_err(bad)? {
                Value::Object(object) => Entry::with_object(&self.key, object, deadline, clock),
                Value::Bytes(bytes) => Entry::new(&self.key, NewValue::Str(&bytes), deadline, clock),
                Value::Int(number) => Entry::new(&self.key, NewValue::Int(number), deadline, clock),
                Value::Expired => {
                    self.shared.loading.keys_expired.fetch_add(1, Relaxed);
                    return Ok(());
                }
                Value::Empty => {
                    if self.shared.loading.keys_empty.fetch_add(1, Relaxed) < 10 {
                        kit::notice!("rdbLoadObject skipping empty key: {}", String::from_utf8_lossy(&self.key));
                    }
                    return Ok(());
                }
            }
        };
        if expired {
            self.shared.loading.keys_expired.fetch_add(1, Relaxed);
            return Ok(());
        }
        let hash = self.shared.node.keyspace.hash(&self.key);
        self.ready.push(Ready { db: piece.db, hash, entry, at });
        Ok(())
    }

    /// The access clock, from what the file says of it and what is asked of it here.
    fn clock(&self, marks: Marks) -> u32 {
        let secs = self.now.secs();
        let minute = (secs / 60) as u32 & 0xffff;
        match (self.is_lfu, marks.freq, marks.idle_secs) {
            (true, freq, _) => minute << 8 | u32::from(freq.unwrap_or(5)),
            (false, _, idle) => (secs - idle.unwrap_or(0).min(i64::MAX as u64 / 2) as i64) as u32 & 0xff_ffff,
        }
    }

    fn flush(&mut self) -> Result<(), LoadError> {
        let keyspace = &self.shared.node.keyspace;
        // Tables are looked at without their shards' locks: as event loops do it, under a running lock.
        let _running = self.shared.node.world.enter(self.thread);
        for ready in &self.ready {
            keyspace.prefetch_bucket(ready.db, ready.hash);
        }
        let count = self.ready.len() as u64;
        for Ready { db, hash, entry, at } in self.ready.drain(..) {
            let mut shard = keyspace.lock(hash.shard());
            if shard.find(db, hash, entry.as_ref().key()).is_some() {
                if !self.shared.how.merge {
                    let key = Some(entry.as_ref().key().to_vec());
                    return Err(LoadError { offset: at, key, what: "RDB has duplicated key".into() });
                }
                drop(shard.discard(db, hash, entry.as_ref().key()));
            }
            shard.insert(db, hash, entry);
        }
        self.shared.loading.keys_loaded.fetch_add(count, Relaxed);
        Ok(())
    }

    /// Tests make it slow (`key-load-delay`), and fast again.
    fn dawdle(&self) {
        if self.is_slow {
            dawdle(self.shared.node, self.shared.loading);
        }
    }
}

/// After each key that was loaded.
pub(crate) fn dawdle(node: &Node, loading: &Loading) {
    let delay = node.config.get(&options::LOAD_DELAY);
    if delay != 0 && !loading.stop.load(Relaxed) {
        std::thread::sleep(nap_of(delay, 1));
    }
}
