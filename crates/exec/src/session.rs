//! The private part of a client: what its own thread keeps and its commands change.

use crate::block::Waiter;
use crate::client::{ClientRecord, flag};
use crate::pubsub::Subscriptions;
use kit::world::UnixMs;
use log::Position;
use proto::Word;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub struct Session {
    pub record: Arc<ClientRecord>,
    pub db: usize,
    pub authenticated: bool,
    pub user: Arc<str>,
    pub multi: Option<Box<Multi>>,
    pub watch: Option<Box<Watching>>,
    /// None when it listens to nothing.
    pub subscriptions: Option<Box<Subscriptions>>,
    pub reply_mode: ReplyMode,
    pub no_touch: bool,
    pub monitor: bool,
    pub close: Close,
    pub parked: Option<Box<Parked>>,
    /// READONLY and ASKING of a cluster client.
    pub readonly: bool,
    pub asking: bool,
    /// Set while a transaction or script runs: commands that would wait answer at once.
    pub deny_blocking: bool,
    /// Not a client of flesh: replay, a master's stream, tests. Skips auth, limits and pauses.
    pub internal: bool,
    /// The log being replayed: keys past their time stay until the log says so.
    pub replay: bool,
    /// Its replies may leave when the log has taken everything up to here.
    pub logged: Position,
    /// Runs a waiting client's command in its place; parking it means: it goes on waiting.
    pub stand_in: bool,
}

impl Session {
    pub fn new(record: Arc<ClientRecord>, authenticated: bool) -> Session {
        let session = Session {
            record,
            db: 0,
            authenticated: false,
            user: Arc::from("default"),
            multi: None,
            watch: None,
            subscriptions: None,
            reply_mode: ReplyMode::On,
            no_touch: false,
            monitor: false,
            close: Close::No,
            parked: None,
            readonly: false,
            asking: false,
            deny_blocking: false,
            internal: false,
            replay: false,
            logged: 0,
            stand_in: false,
        };
        let mut session = session;
        session.set_authenticated(authenticated);
        session
    }

    /// A stand-in for a client that waits: its command is run by another thread.
    pub(crate) fn on_behalf_of(record: Arc<ClientRecord>, db: usize, user: Arc<str>) -> Session {
        let mut session = Session::new(Arc::clone(&record), true);
        session.db = db;
        session.user = user;
        session.stand_in = true;
        session
    }

    pub fn set_authenticated(&mut self, yes: bool) {
        self.authenticated = yes;
        self.record.set_flag(flag::AUTHENTICATED, yes);
    }

    pub fn select(&mut self, db: usize) {
        self.db = db;
        self.record.db.store(db, Relaxed);
    }

    pub fn close_after_reply(&mut self) {
        if self.close == Close::No {
            self.close = Close::AfterReply;
            self.record.set_flag(flag::CLOSE_AFTER_REPLY, true);
        }
    }

    /// May its next request run?
    pub fn is_open(&self) -> bool {
        self.close == Close::No && self.parked.is_none()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    No,
    AfterReply,
    Now,
}

/// CLIENT REPLY.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReplyMode {
    On,
    Off,
    /// SKIP was called: the next command is not answered.
    SkipNext,
    /// This is that command.
    Skip,
}

/// A request that outlives the input buffer it came in.
#[derive(Clone, Debug)]
pub struct OwnedRequest {
    pub buf: Box<[u8]>,
    pub words: Box<[Word]>,
}

impl OwnedRequest {
    pub fn copy(buf: &[u8], words: &[Word]) -> OwnedRequest {
        let mut own = Vec::with_capacity(words.iter().map(|word| word.len as usize).sum());
        let words = words
            .iter()
            .map(|word| {
                let start = own.len() as u32;
                own.extend_from_slice(&buf[word.start as usize..(word.start + word.len) as usize]);
                Word { start, len: word.len }
            })
            .collect();
        OwnedRequest { buf: own.into_boxed_slice(), words }
    }

    pub fn from_words<T: AsRef<[u8]>>(list: &[T]) -> OwnedRequest {
        let mut buf = Vec::new();
        let words = list
            .iter()
            .map(|word| {
                let word = word.as_ref();
                let start = buf.len() as u32;
                buf.extend_from_slice(word);
                Word { start, len: word.len() as u32 }
            })
            .collect();
        OwnedRequest { buf: buf.into_boxed_slice(), words }
    }

    pub fn word(&self, i: usize) -> &[u8] {
        let word = self.words[i];
        &self.buf[word.start as usize..(word.start + word.len) as usize]
    }

    pub fn mem_bytes(&self) -> usize {
        self.buf.len() + self.words.len() * size_of::<Word>()
    }
}

/// An open MULTI.
#[derive(Default)]
pub struct Multi {
    pub queued: Vec<Queued>,
    /// A command was refused while queueing: EXEC will abort.
    pub dirty: bool,
    pub mem_bytes: usize,
}

pub struct Queued {
    pub command: u16,
    pub request: OwnedRequest,
}

/// The keys a client watches.
pub struct Watching {
    pub token: Arc<WatchToken>,
    pub keys: Vec<Arc<WatchedKey>>,
}

/// Shared with the shards: whoever changes a watched key sets it.
#[derive(Default)]
pub struct WatchToken {
    pub dirty: AtomicBool,
}

/// Shared with the key's shard.
pub struct WatchedKey {
    pub db: usize,
    pub hash: keyspace::KeyHash,
    pub key: Box<[u8]>,
    /// It was past its time when WATCH came (or SWAPDB brought such a key): its removal is no change.
    pub was_stale: AtomicBool,
}

/// A command that waits to be run (again).
pub struct Parked {
    pub command: u16,
    pub request: OwnedRequest,
    pub why: Why,
    /// Gives up then (blocking commands) or runs again (pause).
    pub deadline: Option<UnixMs>,
    /// Its place in the lists of the keys it waits for.
    pub waiter: Option<Arc<Waiter>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// CLIENT PAUSE.
    Paused,
    /// A key is being brought in from the tier.
    Away,
    /// Waits for something to happen to its keys.
    Blocked,
    /// Something is being done for it off the event loops (FLUSHALL SYNC); its reply comes by mail.
    Working,
}
