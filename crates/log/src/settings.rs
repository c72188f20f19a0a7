//! What the owner of a log chooses: places, policy, what is kept.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

/// `appendfsync`: when the file is synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Policy {
    /// Before an answer leaves.
    Always = 0,
    /// At most once a second, in the background.
    #[default]
    EverySecond = 1,
    /// When the system likes.
    Never = 2,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The working folder (`dir`); absolute, so that a later change of the working folder moves nothing.
    pub dir: PathBuf,
    /// `appenddirname`
    pub folder_name: String,
    /// `appendfilename`
    pub file_name: String,
    /// The rest may change at run time, see `Log::set_live`.
    pub live: Live,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Live {
    pub policy: Policy,
    /// `aof-timestamp-enabled`
    pub timestamps: bool,
    /// `no-appendfsync-on-rewrite`
    pub no_sync_on_rewrite: bool,
    /// Files that a rewrite replaced are dropped (`aof-disable-auto-gc no`).
    pub drops_history: bool,
    /// `log-retention`: replaced files are kept for restoring to a moment; 0 and 0: dropped at once.
    pub keep_secs: u64,
    pub keep_bytes: u64,
    /// `latency-monitor-threshold`: what takes so long is told (`Event::Slow`); 0: nothing is measured.
    pub slow_ms: u64,
}

impl Settings {
    pub fn new(dir: impl Into<PathBuf>) -> Settings {
        Settings {
            dir: dir.into(),
            folder_name: "appendonlydir".into(),
            file_name: "appendonly.aof".into(),
            live: Live::default(),
        }
    }
}

impl Default for Live {
    fn default() -> Live {
        Live {
            policy: Policy::default(),
            timestamps: false,
            no_sync_on_rewrite: false,
            drops_history: true,
            keep_secs: 0,
            keep_bytes: 0,
            slow_ms: 0,
        }
    }
}

/// `Live`, readable by all threads without a lock.
#[derive(Default)]
pub(crate) struct Switches {
    policy: AtomicU8,
    timestamps: AtomicBool,
    no_sync_on_rewrite: AtomicBool,
    drops_history: AtomicBool,
    keep_secs: AtomicU64,
    keep_bytes: AtomicU64,
    pub(crate) slow_ms: AtomicU64,
    pub(crate) flush_sleep_us: AtomicU64,
    /// A snapshot or a rewrite is running; told from outside.
    pub(crate) rewriting: AtomicBool,
}

impl Switches {
    pub(crate) fn new(live: &Live) -> Switches {
        let switches = Switches::default();
        switches.set(live);
        switches
    }

    pub(crate) fn set(&self, live: &Live) {
        self.policy.store(live.policy as u8, Relaxed);
        self.timestamps.store(live.timestamps, Relaxed);
        self.no_sync_on_rewrite.store(live.no_sync_on_rewrite, Relaxed);
        self.drops_history.store(live.drops_history, Relaxed);
        self.keep_secs.store(live.keep_secs, Relaxed);
        self.keep_bytes.store(live.keep_bytes, Relaxed);
        self.slow_ms.store(live.slow_ms, Relaxed);
    }

    pub(crate) fn live(&self) -> Live {
        Live {
            policy: self.policy(),
            timestamps: self.timestamps(),
            no_sync_on_rewrite: self.no_sync_on_rewrite.load(Relaxed),
            drops_history: self.drops_history.load(Relaxed),
            keep_secs: self.keep_secs.load(Relaxed),
            keep_bytes: self.keep_bytes.load(Relaxed),
            slow_ms: self.slow_ms.load(Relaxed),
        }
    }

    #[inline]
    pub(crate) fn policy(&self) -> Policy {
        match self.policy.load(Relaxed) {
            0 => Policy::Always,
            1 => Policy::EverySecond,
            _ => Policy::Never,
        }
    }

    #[inline]
    pub(crate) fn timestamps(&self) -> bool {
        self.timestamps.load(Relaxed)
    }

    /// `no-appendfsync-on-rewrite` is on and a rewrite runs: what is written counts as safe.
    pub(crate) fn sync_suspended(&self) -> bool {
        self.rewriting.load(Relaxed) && self.no_sync_on_rewrite.load(Relaxed)
    }
}
