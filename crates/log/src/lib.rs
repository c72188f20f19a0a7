//! The one log: append-only file, replication stream and change feed at once.
//!
//! Takes bytes and gives positions; knows nothing of keys, clients or shards. The executor appends units under the
//! shard locks, so the order here agrees with the order on every key.
//!
//! A **position** counts the bytes of the stream of commands (SELECT, MULTI and EXEC included; annotation lines, which
//! only a file has, are not counted): it is the replication offset.

mod unit;

pub use unit::Unit;

use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Release};

pub type Position = u64;

/// Shared by all threads of a node.
#[derive(Default)]
pub struct Log {
    on: AtomicBool,
    /// Somebody reads along as it grows: replicas, the change feed, tests.
    followed: AtomicBool,
    acknowledged: AtomicU64,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    position: Position,
    units: Vec<Unit>,
}

impl Log {
    /// A log that is off: nobody wants to know what changes.
    pub fn off() -> Log {
        Log::default()
    }

    /// A log that keeps every unit in memory, for tests.
    pub fn in_memory() -> Log {
        let log = Log::default();
        log.on.store(true, Release);
        log.followed.store(true, Release);
        log
    }

    /// Whether changes are wanted at all. One load: asked after each command.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Acquire)
    }

    /// Whether somebody reads along, who also wants what changes no data (PUBLISH). A file alone need not have that.
    #[inline]
    pub fn is_followed(&self) -> bool {
        self.on.load(Acquire) && self.followed.load(Acquire)
    }

    /// Appends a unit, framed by MULTI and EXEC when it is of several commands, with SELECT before it when the
    /// database is another one than before. Called under the shard locks: copies and returns. The answer to the client
    /// may leave when `acknowledged` has reached the position that this gives.
    pub fn append(&self, unit: &Unit) -> Position {
        let mut inner = self.inner.lock();
        inner.position += unit.commands().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        inner.units.push(unit.clone());
        self.acknowledged.store(inner.position, Release);
        inner.position
    }

    /// Called by an event loop when it has run a batch, holding no lock, before the answers leave: hands what was
    /// appended to the kernel (`everysec`, `no`) or to the thread that syncs (`always`).
    pub fn flush(&self, _upto: Position) {}

    /// Answers to writes up to here may leave.
    #[inline]
    pub fn acknowledged(&self) -> Position {
        self.acknowledged.load(Acquire)
    }

    /// Of a log in memory: every unit so far.
    pub fn units(&self) -> Vec<Unit> {
        self.inner.lock().units.clone()
    }
}
