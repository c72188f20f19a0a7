//! What the executor needs from the floors above, as traits given at start.
//!
//! The list stays short. The executor compiles and passes its tests with all of them stubbed.

use crate::client::ClientId;
use crate::db::Db;
use crate::pubsub::Message;
use crate::session::OwnedRequest;
pub use keyspace::KeyHash;
use log::Position;
use proto::{Error, Reply};
use std::sync::Arc;

/// Bytes and wake-ups for a client that lives on another event-loop thread.
pub trait Mailbox: Send + Sync {
    fn send(&self, mail: Mail);
}

pub enum Mail {
    /// The parked command of this client may run again.
    Resume(ClientId),
    /// CLIENT UNBLOCK: the blocking command of this client ends.
    Unblock { client: ClientId, with_error: bool },
    /// What this client waited for is there: the reply of its command, run on its behalf. It may leave when the log
    /// has taken everything up to the position.
    Served(ClientId, Reply, Position),
    /// Close this client.
    Kill(ClientId),
    /// Out-of-band bytes: MONITOR lines, invalidations.
    Push(ClientId, Arc<[u8]>),
    /// A published message, for all receivers on a thread.
    Published { to: Vec<ClientId>, message: Arc<Message> },
    /// A request from inside the server (the page of metrics), run with all rights; its reply goes to `answer`.
    Ask { request: OwnedRequest, answer: Box<dyn FnOnce(Reply) + Send> },
    /// Something changed that the loop looks at once a turn (pause ended, settings, stop).
    Nudge,
}

/// Keys that are not in memory.
pub trait Tier: Send + Sync {
    /// False when the key surely does not exist there (answered from bloom filters, no I/O).
    fn may_hold(&self, db: usize, hash: KeyHash, key: &[u8]) -> bool;
    /// Asks for a key to be brought in; `done` runs on any thread when it was, or when there is none.
    fn fetch(&self, db: usize, key: &[u8], done: Box<dyn FnOnce(Option<Fetched>) + Send>);
    /// The key was removed or replaced: what the tier holds is void.
    fn forget(&self, db: usize, key: &[u8]);
    /// All keys of a database were removed. Called with the world locked.
    fn forget_database(&self, db: usize);
    /// Two databases change places. Called with the world locked.
    fn swap_databases(&self, a: usize, b: usize);
}

/// A key that came from the tier.
pub struct Fetched {
    pub value: Vec<u8>,
    pub deadline: Option<kit::world::UnixMs>,
}

/// Who owns a slot (cluster). `None` while cluster mode is off.
pub trait Router: Send + Sync {
    /// An error is the redirection (MOVED, ASK, CROSSSLOT …) that the client gets.
    fn route(&self, hashes: &[KeyHash], write: bool, asking: bool) -> Result<(), proto::Error>;
}

/// Saving and loading, which threads of their own do: SAVE and its kin, DEBUG RELOAD, the end of the process, INFO.
pub trait Saver: Send + Sync {
    /// Begins what a command asks for, at this moment: the world is locked. Gives the command's status; that of a
    /// `Start::Save` comes when `done` is called.
    fn start(&self, db: &mut Db, start: Start, done: Option<Saved>) -> Result<&'static str, Error>;
    /// Writes the snapshot and waits for it; the world is locked meanwhile. Not from an event loop.
    fn save_last(&self) -> Result<(), String>;
    /// DEBUG RELOAD and LOADAOF: done soon, while everybody waits.
    fn reload(&self, reload: Reload, done: Saved);
    /// FLUSHALL has removed so many keys: a snapshot that is being written shows what nobody wants any more, and where there
    /// are save points the empty data are saved. The world is locked.
    fn all_removed(&self, db: &mut Db, count: u64, done: Option<Saved>) -> AllRemoved;
    /// After CONFIG SET appendonly: true when `done` will be called once the log is on or off as the option says, or its error
    /// says why it cannot be turned on (the option is back at `no` then).
    fn log_settles(&self, done: Saved) -> bool;
    /// The process ends and nobody runs commands any more: no file that is half written stays behind, the log is
    /// closed.
    fn clean_up(&self);
    fn report(&self) -> SaveReport;
}

/// What FLUSHALL comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AllRemoved {
    /// It counts as changes, like any other command.
    Counts,
    /// The empty data will be saved: there is nothing that a save point would have to wait for.
    SavedLater,
    /// The same, now: `done` will be called.
    BeingSaved,
}

/// What becomes of it.
pub type Saved = Box<dyn FnOnce(Result<(), String>) + Send>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    Save,
    /// BGSAVE; with `schedule` it may wait for something else to end.
    Background {
        schedule: bool,
    },
    /// BGSAVE CANCEL.
    Cancel,
    /// BGREWRITEAOF.
    Rewrite,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reload {
    /// `merge`: keys that are there already are replaced.
    Snapshot { save: bool, flush: bool, merge: bool },
    /// The append-only file.
    Log,
}

/// INFO persistence, but for what the log itself knows. Times in seconds; -1: not yet, or not now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SaveReport {
    pub async_loading: bool,
    /// While data are loaded.
    pub loading: Option<LoadReport>,
    pub keys_done: u64,
    pub keys_total: u64,
    /// Bytes kept because their keys changed before the snapshot came to them: now, and the most seen.
    pub early_bytes: u64,
    pub early_bytes_peak: u64,
    pub saving: bool,
    pub save_scheduled: bool,
    pub last_save_ok: bool,
    pub last_save_secs: i64,
    pub current_save_secs: i64,
    pub saves: u64,
    pub last_early_bytes: u64,
    pub keys_expired: u64,
    pub keys_loaded: u64,
    pub rewriting: bool,
    pub rewrite_scheduled: bool,
    pub last_rewrite_ok: bool,
    pub last_rewrite_secs: i64,
    pub current_rewrite_secs: i64,
    pub rewrites: u64,
    pub rewrite_failures: u64,
    pub last_rewrite_early_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    pub start_secs: i64,
    pub total_bytes: u64,
    pub loaded_bytes: u64,
    /// Memory that the writer of the file used, as it says.
    pub used_mem: u64,
    pub seconds: i64,
}

/// What SHUTDOWN and signals ask of the process.
pub trait Process: Send + Sync {
    /// Begins to stop; returns when the request was taken. A refusal comes later, through `refused`.
    fn stop(&self, stop: Stop);
    /// SHUTDOWN ABORT: false when no shutdown is under way that could still be stopped.
    fn abort(&self) -> bool;
}

pub struct Stop {
    /// SAVE or NOSAVE; None: as the save points say.
    pub save: Option<bool>,
    pub now: bool,
    pub force: bool,
    pub refused: Option<Box<dyn FnOnce() + Send>>,
}
