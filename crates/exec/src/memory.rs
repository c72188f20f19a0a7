//! How much memory the process uses, and what of it counts against `maxmemory`.
//!
//! Every thread publishes the difference of what it allocated and freed (two counters that
//! jemalloc keeps per thread); the sum is what is in use, exact at the end of each batch and never
//! off by more than what the batches of this moment allocated.

use kit::opt::{Int, Opt};
use log::Log;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

pub static MAXMEMORY: Opt<Int> = Opt::int(
    "maxmemory",
    0,
    0..=i64::MAX,
    "Bytes of memory the server may use, 0 for no limit. Default: the container's limit, else none.",
)
.memory();

pub struct Memory {
    used: AtomicI64,
    peak: AtomicU64,
    peak_unix_ms: AtomicI64,
    startup: AtomicU64,
    log: Arc<Log>,
    /// Buffers of clients: as of the last tick, or while they have a limit of the last turn of each thread. What threads
    /// add and take away may arrive out of order: below 0 for a moment.
    clients: AtomicI64,
    /// `maxmemory-clients` in bytes; 0 for none.
    pub clients_limit: AtomicU64,
    /// They are above it, and nobody can be closed: the next tick looks again.
    pub clients_stuck: AtomicBool,
    pub(crate) evicting_clients: Mutex<()>,
    /// The limit that holds now.
    pub limit: AtomicU64,
    /// What the start made of the container's limit when `maxmemory` was not given; 0 otherwise.
    /// CONFIG REWRITE leaves that out, so that the file works in a larger container too.
    pub limit_of_container: AtomicU64,
}

impl Memory {
    pub(crate) fn new(log: Arc<Log>) -> Memory {
        Memory {
            used: AtomicI64::new(0),
            peak: AtomicU64::new(0),
            peak_unix_ms: AtomicI64::new(0),
            startup: AtomicU64::new(0),
            log,
            clients: AtomicI64::new(0),
            clients_limit: AtomicU64::new(0),
            clients_stuck: AtomicBool::new(false),
            evicting_clients: Mutex::new(()),
            limit: AtomicU64::new(0),
            limit_of_container: AtomicU64::new(0),
        }
    }

    /// What is not data's to pay for: the log's buffers, which hold what is not synced yet and are short-lived.
    pub fn not_counted(&self) -> u64 {
        self.log.memory_bytes()
    }

    /// Takes over what a thread allocated since it last published. `last` is that thread's.
    pub fn publish(&self, last: &mut i64) {
        let net = kit::alloc::thread_net();
        if net != *last {
            self.used.fetch_add(net - *last, Relaxed);
            *last = net;
        }
    }

    /// What the process used before the first thread published.
    pub fn set_base(&self, bytes: u64) {
        self.used.store(bytes as i64, Relaxed);
        self.startup.store(bytes, Relaxed);
    }

    pub fn used(&self) -> u64 {
        self.used.load(Relaxed).max(0) as u64
    }

    /// The peak is looked at once a tick and by INFO.
    pub fn note_peak(&self, now_ms: i64) {
        let used = self.used();
        if self.peak.fetch_max(used, Relaxed) < used {
            self.peak_unix_ms.store(now_ms, Relaxed);
        }
    }

    pub fn peak(&self) -> u64 {
        self.peak.load(Relaxed).max(self.used())
    }

    pub fn peak_unix_ms(&self) -> i64 {
        self.peak_unix_ms.load(Relaxed)
    }

    pub fn startup(&self) -> u64 {
        self.startup.load(Relaxed)
    }

    /// Bytes above the limit; 0 when below or without one. Clients that have more than their own limit allows are
    /// closed for it: no key goes for what they have too much.
    pub fn excess(&self) -> u64 {
        match self.limit.load(Relaxed) {
            0 => 0,
            limit => {
                let not_counted = self.not_counted() + self.clients_above_limit();
                self.used().saturating_sub(not_counted).saturating_sub(limit)
            }
        }
    }

    /// Buffers of all clients.
    pub fn clients(&self) -> u64 {
        self.clients.load(Relaxed).max(0) as u64
    }

    pub fn shift_clients(&self, bytes: i64) {
        self.clients.fetch_add(bytes, Relaxed);
    }

    fn clients_above_limit(&self) -> u64 {
        match self.clients_limit.load(Relaxed) {
            0 => 0,
            limit => self.clients().saturating_sub(limit),
        }
    }

    /// Is it time to close clients?
    #[inline]
    pub fn clients_excess(&self) -> bool {
        self.clients_above_limit() > 0 && !self.clients_stuck.load(Relaxed)
    }
}
