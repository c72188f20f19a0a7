//! What everybody may know of a client: the record behind CLIENT LIST.
//!
//! A connection lives on one thread, which keeps the private part in its `Session`; what other
//! threads may ask for stands here in atomics, written by the owner only (except `kill`).

use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct ClientId(pub u64);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientKind {
    Normal,
    Replica,
    Master,
    PubSub,
}

impl ClientKind {
    pub fn name(self) -> &'static str {
        match self {
            ClientKind::Normal => "normal",
            ClientKind::Replica => "replica",
            ClientKind::Master => "master",
            ClientKind::PubSub => "pubsub",
        }
    }
}

/// Bits of `ClientRecord::flags`, with the letter CLIENT LIST shows.
pub mod flag {
    pub const MONITOR: u32 = 1 << 0;
    pub const MULTI: u32 = 1 << 1;
    pub const BLOCKED: u32 = 1 << 2;
    pub const DIRTY_CAS: u32 = 1 << 3;
    pub const CLOSE_AFTER_REPLY: u32 = 1 << 4;
    pub const CLOSE_ASAP: u32 = 1 << 5;
    pub const UNIX_SOCKET: u32 = 1 << 6;
    pub const NO_EVICT: u32 = 1 << 7;
    pub const NO_TOUCH: u32 = 1 << 8;
    pub const PUBSUB: u32 = 1 << 9;
    pub const TRACKING: u32 = 1 << 10;
    pub const REPLICA: u32 = 1 << 11;
    pub const MASTER: u32 = 1 << 12;
    pub const READONLY: u32 = 1 << 13;
    pub const AUTHENTICATED: u32 = 1 << 14;
    /// Of those that are BLOCKED: a blocking command, not a pause or a key on its way.
    pub const WAITS_FOR_KEYS: u32 = 1 << 15;
    /// The client its invalidations go to is gone.
    pub const BROKEN_REDIRECT: u32 = 1 << 16;
    /// Tracks by prefixes.
    pub const BROADCAST: u32 = 1 << 17;
    /// Is not told of its own changes.
    pub const NO_LOOP: u32 = 1 << 18;
    /// Brings in another server's data.
    pub const IMPORTS: u32 = 1 << 19;

    pub const LETTERS: &[(u32, char)] = &[
        (REPLICA, 'S'),
        (MONITOR, 'O'),
        (MASTER, 'M'),
        (PUBSUB, 'P'),
        (MULTI, 'x'),
        (BLOCKED, 'b'),
        (TRACKING, 't'),
        (BROKEN_REDIRECT, 'R'),
        (BROADCAST, 'B'),
        (IMPORTS, 'I'),
        (DIRTY_CAS, 'd'),
        (CLOSE_AFTER_REPLY, 'c'),
        (CLOSE_ASAP, 'A'),
        (UNIX_SOCKET, 'U'),
        (READONLY, 'r'),
        (NO_EVICT, 'e'),
        (NO_TOUCH, 'T'),
    ];
}

#[derive(Default, Clone)]
pub struct Names {
    pub name: String,
    pub user: String,
    pub lib_name: String,
    pub lib_ver: String,
}

pub struct ClientRecord {
    pub id: ClientId,
    pub fd: i32,
    /// Peer and own address as `ip:port`, `[ip]:port`, or `path:0`.
    pub addr: String,
    pub laddr: String,
    pub created_ms: i64,
    pub thread: AtomicUsize,
    pub names: Mutex<Names>,
    /// Asked to close by CLIENT KILL, eviction or a limit.
    pub kill: AtomicBool,
    pub flags: AtomicU32,
    pub last_ms: AtomicI64,
    pub db: AtomicUsize,
    pub subscriptions: AtomicUsize,
    pub patterns: AtomicUsize,
    pub shard_subscriptions: AtomicUsize,
    pub subscriptions_mem: AtomicUsize,
    /// Watched keys.
    pub watching: AtomicUsize,
    /// Commands queued in MULTI, -1 outside.
    pub multi: AtomicI64,
    /// Bytes read and not yet run, room left behind them.
    pub query_len: AtomicUsize,
    pub query_free: AtomicUsize,
    pub argv_mem: AtomicUsize,
    pub multi_mem: AtomicUsize,
    pub watching_mem: AtomicUsize,
    /// Prefixes that it tracks.
    pub prefixes_mem: AtomicUsize,
    /// What the rest of its reply is made from.
    pub rest_mem: AtomicUsize,
    /// Size of the fixed part of the reply buffer, and its recent peak.
    pub reply_size: AtomicUsize,
    pub reply_peak: AtomicUsize,
    /// Bytes waiting in the fixed part; chunks behind it; their memory.
    pub out_len: AtomicUsize,
    pub out_chunks: AtomicUsize,
    pub out_mem: AtomicUsize,
    pub total_mem: AtomicUsize,
    /// What it counted for when it was chosen to be closed for its memory; 0 otherwise.
    pub evicted_mem: AtomicUsize,
    pub wants_write: AtomicBool,
    /// Number of the last command in the node's table, `u32::MAX` before the first.
    pub command: AtomicU32,
    pub resp: AtomicU32,
    /// The client that gets the invalidations of this one (CLIENT TRACKING REDIRECT); 0: none.
    pub redirect: AtomicU64,
    /// Number of its user (`acl::User::number`).
    pub user_number: AtomicU64,
    pub net_in: AtomicU64,
    pub net_out: AtomicU64,
    pub commands: AtomicU64,
}

impl ClientRecord {
    pub fn new(id: ClientId, fd: i32, addr: String, laddr: String, now_ms: i64) -> ClientRecord {
        ClientRecord {
            id,
            fd,
            addr,
            laddr,
            created_ms: now_ms,
            thread: AtomicUsize::new(0),
            names: Mutex::new(Names { user: "default".into(), ..Names::default() }),
            kill: AtomicBool::new(false),
            flags: AtomicU32::new(0),
            last_ms: AtomicI64::new(now_ms),
            db: AtomicUsize::new(0),
            subscriptions: AtomicUsize::new(0),
            patterns: AtomicUsize::new(0),
            shard_subscriptions: AtomicUsize::new(0),
            subscriptions_mem: AtomicUsize::new(0),
            watching: AtomicUsize::new(0),
            multi: AtomicI64::new(-1),
            query_len: AtomicUsize::new(0),
            query_free: AtomicUsize::new(0),
            argv_mem: AtomicUsize::new(0),
            multi_mem: AtomicUsize::new(0),
            watching_mem: AtomicUsize::new(0),
            prefixes_mem: AtomicUsize::new(0),
            rest_mem: AtomicUsize::new(0),
            reply_size: AtomicUsize::new(0),
            reply_peak: AtomicUsize::new(0),
            out_len: AtomicUsize::new(0),
            out_chunks: AtomicUsize::new(0),
            out_mem: AtomicUsize::new(0),
            total_mem: AtomicUsize::new(0),
            evicted_mem: AtomicUsize::new(0),
            wants_write: AtomicBool::new(false),
            command: AtomicU32::new(u32::MAX),
            resp: AtomicU32::new(2),
            redirect: AtomicU64::new(0),
            user_number: AtomicU64::new(0),
            net_in: AtomicU64::new(0),
            net_out: AtomicU64::new(0),
            commands: AtomicU64::new(0),
        }
    }

    pub fn has(&self, flag: u32) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    pub fn set_flag(&self, flag: u32, on: bool) {
        if self.has(flag) == on {
            return;
        }
        if on {
            self.flags.fetch_or(flag, Relaxed);
        } else {
            self.flags.fetch_and(!flag, Relaxed);
        }
    }

    /// Sits on this machine: a unix socket or a loopback address.
    pub fn is_local(&self) -> bool {
        self.has(flag::UNIX_SOCKET) || is_loopback(&self.addr)
    }

    pub fn kind(&self) -> ClientKind {
        let flags = self.flags.load(Relaxed);
        if flags & flag::MASTER != 0 {
            ClientKind::Master
        } else if flags & flag::REPLICA != 0 && flags & flag::MONITOR == 0 {
            ClientKind::Replica
        } else if flags & flag::PUBSUB != 0 {
            ClientKind::PubSub
        } else {
            ClientKind::Normal
        }
    }
}

/// Of an address as CLIENT LIST shows it: `127.0.0.1:5000`, `[::1]:5000`.
fn is_loopback(addr: &str) -> bool {
    addr.parse::<std::net::SocketAddr>().is_ok_and(|addr| addr.ip().to_canonical().is_loopback())
}

/// All connected clients, by id.
#[derive(Default)]
pub struct Clients {
    by_id: RwLock<BTreeMap<ClientId, Arc<ClientRecord>>>,
    last_id: AtomicU64,
    pub blocked: AtomicUsize,
    /// Of those, the ones that stand in lists of keys.
    pub waiting_for_keys: AtomicUsize,
    pub monitors: AtomicUsize,
    pub watching: AtomicUsize,
    pub in_multi: AtomicUsize,
}

impl Clients {
    pub fn next_id(&self) -> ClientId {
        ClientId(self.last_id.fetch_add(1, Relaxed) + 1)
    }

    pub fn add(&self, record: Arc<ClientRecord>) {
        self.by_id.write().insert(record.id, record);
    }

    pub fn remove(&self, id: ClientId) {
        self.by_id.write().remove(&id);
    }

    /// Removes it and does something for the last time it can be found. False when it had gone already.
    pub(crate) fn take_out(&self, id: ClientId, last: impl FnOnce(&ClientRecord)) -> bool {
        let mut by_id = self.by_id.write();
        let Some(record) = by_id.remove(&id) else { return false };
        last(&record);
        true
    }

    pub fn get(&self, id: ClientId) -> Option<Arc<ClientRecord>> {
        self.by_id.read().get(&id).cloned()
    }

    pub fn len(&self) -> usize {
        self.by_id.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is this client connected and not asked to close?
    pub fn has(&self, id: ClientId) -> bool {
        self.by_id.read().contains_key(&id)
    }

    /// All records, oldest first.
    pub fn all(&self) -> Vec<Arc<ClientRecord>> {
        self.by_id.read().values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine() {
        for addr in ["127.0.0.1:5000", "127.8.9.1:1", "[::1]:5000", "[::ffff:127.0.0.1]:80"] {
            assert!(is_loopback(addr), "{addr}");
        }
        for addr in ["10.0.0.1:5000", "[::2]:5000", "[::ffff:10.0.0.1]:80", "", "/tmp/sock:0", "127.0.0.1.evil:1"] {
            assert!(!is_loopback(addr), "{addr}");
        }
        let record = ClientRecord::new(ClientId(1), 5, "/tmp/socket:0".into(), "/tmp/socket:0".into(), 0);
        assert!(!record.is_local());
        record.set_flag(flag::UNIX_SOCKET, true);
        assert!(record.is_local());
    }
}
