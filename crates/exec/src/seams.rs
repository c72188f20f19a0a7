//! What the executor needs from the floors above, as traits given at start.
//!
//! The list stays short. The executor compiles and passes its tests with all of them stubbed.

use crate::client::ClientId;
use crate::pubsub::Message;
pub use keyspace::KeyHash;
use proto::Reply;
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
    /// What this client waited for is there: the reply of its command, run on its behalf.
    Served(ClientId, Reply),
    /// Close this client.
    Kill(ClientId),
    /// Out-of-band bytes: MONITOR lines, invalidations.
    Push(ClientId, Arc<[u8]>),
    /// A published message, for all receivers on a thread.
    Published { to: Vec<ClientId>, message: Arc<Message> },
    /// Something changed that the loop looks at once a turn (pause ended, settings, stop).
    Nudge,
}

/// The one log. Called under the shard locks, so its order agrees with the order on every key.
pub trait Log: Send + Sync {
    /// One unit: all of its commands are there after a crash, or none.
    fn append(&self, unit: &Unit);
}

/// What one command, transaction or script did, as the commands that reproduce it.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Database and words of each command.
    pub commands: Vec<(usize, Vec<Vec<u8>>)>,
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

/// Saving: SHUTDOWN's save, save points.
pub trait Saver: Send + Sync {
    fn save(&self) -> Result<(), String>;
}

/// What SHUTDOWN and signals ask of the process.
pub trait Process: Send + Sync {
    /// Begins to stop; returns when the request was taken.
    fn stop(&self, force: bool);
}
