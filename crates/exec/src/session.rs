//! The private part of a client: what its own thread keeps and its commands change.

use crate::acl::Identity;
use crate::block::Waiter;
use crate::client::{ClientRecord, flag};
use crate::pubsub::Subscriptions;
use crate::tracking::Mode;
use kit::world::UnixMs;
use log::Position;
use proto::Word;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub struct Session {
    pub record: Arc<ClientRecord>,
    pub db: usize,
    pub authenticated: bool,
    /// Whose rules hold; `acl::Acl` has all users.
    pub user: Identity,
    pub multi: Option<Box<Multi>>,
    pub watch: Option<Box<Watching>>,
    /// None when it listens to nothing.
    pub subscriptions: Option<Box<Subscriptions>>,
    pub reply_mode: ReplyMode,
    pub no_touch: bool,
    /// CLIENT TRACKING.
    pub tracking: Option<Box<Mode>>,
    pub monitor: bool,
    pub close: Close,
    pub parked: Option<Box<Parked>>,
    /// While it is parked: what is still to be made of its reply.
    pub rest: Option<crate::rest::Rest>,
    /// READONLY and ASKING of a cluster client.
    pub readonly: bool,
    /// CLIENT CAPA redirect: its library understands -REDIRECT.
    pub redirects: bool,
    /// CLIENT IMPORT-SOURCE.
    pub imports: bool,
    pub asking: bool,
    /// Set while a transaction or script runs: commands that would wait answer at once.
    pub deny_blocking: bool,
    /// Not a client of flesh: replay, a master's stream, tests. Skips auth, limits and pauses.
    pub internal: bool,
    /// What a body left for its next run, and the number of its command.
    pub(crate) carry: Option<(u16, Box<dyn Any + Send>)>,
    /// The log being replayed: keys past their time stay until the log says so.
    pub replay: bool,
    /// Its replies may leave when the log has taken everything up to here.
    pub logged: Position,
    /// Runs a waiting client's command in its place; parking it means: it goes on waiting.
    pub stand_in: bool,
}

impl Session {
    /// Somebody inside the server, who may do everything; a client that connects is `of` a user.
    pub fn new(record: Arc<ClientRecord>, authenticated: bool) -> Session {
        Session::of(record, Identity::internal(), authenticated)
    }

    pub fn of(record: Arc<ClientRecord>, user: Identity, authenticated: bool) -> Session {
        let session = Session {
            record,
            db: 0,
            authenticated: false,
            user,
            multi: None,
            watch: None,
            subscriptions: None,
            reply_mode: ReplyMode::On,
            no_touch: false,
            tracking: None,
            monitor: false,
            close: Close::No,
            parked: None,
            rest: None,
            readonly: false,
            redirects: false,
            imports: false,
            asking: false,
            deny_blocking: false,
            internal: false,
            carry: None,
            replay: false,
            logged: 0,
            stand_in: false,
        };
        let mut session = session;
        session.set_authenticated(authenticated);
        session
    }

    /// A stand-in for a client that waits: its command is run by another thread.
    pub(crate) fn on_behalf_of(record: Arc<ClientRecord>, db: usize, user: Identity) -> Session {
        let mut session = Session::of(Arc::clone(&record), user, true);
        session.db = db;
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
    /// A SELECT may be among them: which database a later one runs in is not known before.
    pub selects: bool,
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
    /// Looks again when its deadline comes, and parks anew if it must (WAITAOF).
    Looks,
    /// Something is being done for it off the event loops (FLUSHALL SYNC); its reply comes by mail.
    Working,
}
