//! How far the loading is, for INFO and for whoever wants it to stop.

use exec::seams::LoadReport;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub(crate) struct Loading {
    active: AtomicBool,
    start_ms: AtomicI64,
    total_bytes: AtomicU64,
    loaded_bytes: AtomicU64,
    used_mem: AtomicU64,
    /// Of the last RDB that was loaded.
    pub keys_loaded: AtomicU64,
    pub keys_expired: AtomicU64,
    pub keys_empty: AtomicU64,
    pub stop: AtomicBool,
}

impl Loading {
    pub(crate) fn begin(&self, now_ms: i64, total_bytes: u64) {
        self.start_ms.store(now_ms, Relaxed);
        self.total_bytes.store(total_bytes, Relaxed);
        self.loaded_bytes.store(0, Relaxed);
        self.used_mem.store(0, Relaxed);
        self.active.store(true, Relaxed);
    }

    /// A new RDB begins, in the same loading.
    pub(crate) fn begin_snapshot(&self) {
        for count in [&self.keys_loaded, &self.keys_expired, &self.keys_empty] {
            count.store(0, Relaxed);
        }
    }

    pub(crate) fn add(&self, bytes: u64) {
        self.loaded_bytes.fetch_add(bytes, Relaxed);
    }

    pub(crate) fn set(&self, bytes: u64) {
        self.loaded_bytes.store(bytes, Relaxed);
    }

    pub(crate) fn set_used_mem(&self, bytes: u64) {
        self.used_mem.store(bytes, Relaxed);
    }

    pub(crate) fn end(&self) {
        self.active.store(false, Relaxed);
    }

    pub(crate) fn report(&self, now_ms: i64) -> Option<LoadReport> {
        let start_ms = self.start_ms.load(Relaxed);
        self.active.load(Relaxed).then(|| LoadReport {
            start_secs: start_ms / 1000,
            total_bytes: self.total_bytes.load(Relaxed),
            loaded_bytes: self.loaded_bytes.load(Relaxed),
            used_mem: self.used_mem.load(Relaxed),
            seconds: (now_ms - start_ms) / 1000,
        })
    }
}
