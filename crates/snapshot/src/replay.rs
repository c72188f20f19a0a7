//! Runs what was logged: the log's files when the server starts, and for DEBUG LOADAOF.
//!
//! The log's loader gives whole units; a batch of them runs as the requests of one client would, so that cache misses
//! overlap. Nobody else changes anything meanwhile, so a unit needs no frame. What is replayed is not logged again, and keys past their time stay
//! until the log says that they went.

use crate::keeper::Snapshots;
use crate::load::{self, How};
use crate::options;
use exec::client::ClientRecord;
use exec::session::Session;
use exec::{Job, Node, Worker};
use log::{Batch, LoadSink};
use proto::{Reply, Request, Word};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub(crate) struct Replay<'s> {
    snapshots: &'s Snapshots,
    node: Arc<Node>,
    how: How,
    worker: Worker,
    session: Session,
    reply: Reply,
    words: Vec<Word>,
    requests: Vec<Request>,
    /// Of the files before, in bytes.
    done: u64,
}

impl<'s> Replay<'s> {
    pub(crate) fn new(snapshots: &'s Snapshots, node: &Arc<Node>) -> Replay<'s> {
        let worker = Worker::new(Arc::clone(node), node.helper(0));
        let record = ClientRecord::new(node.clients.next_id(), -1, String::new(), String::new(), node.now().0);
        let mut session = Session::new(Arc::new(record), true);
        session.internal = true;
        session.replay = true;
        session.deny_blocking = true;
        Replay {
            snapshots,
            node: Arc::clone(node),
            how: How { is_base: true, ..snapshots.how(node) },
            worker,
            session,
            reply: Reply::new(),
            words: Vec::new(),
            requests: Vec::new(),
            done: 0,
        }
    }

    /// Runs what was gathered, all of one database.
    fn run(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.requests.is_empty() {
            return Ok(());
        }
        let mut jobs = [Job {
            session: &mut self.session,
            reply: &mut self.reply,
            input: bytes,
            words: &self.words,
            requests: &self.requests,
            reply_bytes_max: usize::MAX,
            done: 0,
        }];
        self.worker.run(&mut jobs);
        let done = jobs[0].done;
        let count = self.requests.len();
        self.reply.clear();
        self.words.clear();
        self.requests.clear();
        if done < count || self.session.parked.is_some() {
            return Err("A command that waits".into());
        }
        Ok(())
    }
}

impl LoadSink for Replay<'_> {
    fn rdb(&mut self, path: &Path) -> Result<u64, String> {
        let loading = &self.snapshots.loading;
        let loaded = load::load(&self.node, loading, path, self.how).map_err(|error| error.to_string())?;
        kit::notice!(
            "Done loading RDB, keys loaded: {}, keys expired: {}, empty keys skipped: {}.",
            loading.keys_loaded.load(Relaxed),
            loading.keys_expired.load(Relaxed),
            loading.keys_empty.load(Relaxed)
        );
        Ok(loaded)
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), String> {
        if self.snapshots.loading.stop.load(Relaxed) {
            return Err("Stopped".into());
        }
        let bytes = batch.bytes();
        for command in batch.units().flatten() {
            let db = command.db as usize;
            if db >= self.node.databases {
                return Err(format!("Database {db}, of only {},", self.node.databases));
            }
            if db != self.session.db {
                self.run(bytes)?;
                self.session.select(db);
            }
            let first_word = self.words.len() as u32;
            self.words
                .extend(batch.ranges(command).map(|range| Word { start: range.start as u32, len: range.len() as u32 }));
            let word_count = self.words.len() as u32 - first_word;
            let name = batch.words(command).next().unwrap_or_default();
            if self.node.commands.find(name).is_none() {
                return Err(format!("Unknown command '{}'", String::from_utf8_lossy(name)));
            }
            if self.node.config.get(&options::LOAD_DELAY) != 0 {
                load::entries::dawdle(&self.node, &self.snapshots.loading);
            }
            self.requests.push(Request { first_word, word_count, start: 0, end: 0 });
        }
        self.run(bytes)
    }

    fn progress(&mut self, bytes: u64) {
        self.snapshots.loading.set(bytes.max(self.done));
        self.done = self.done.max(bytes);
    }
}
