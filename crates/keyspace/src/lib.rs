//! The keys: tables, shards, expiry, and the walk that makes snapshots without a fork.
//!
//! `Keyspace` has 256 `Shard`s, each under one mutex; a shard has a `Table` and an expiry index for every
//! database; a table leads from a `KeyHash` to an `Entry`, which is a key and its value in one allocation.
//! Knows nothing of commands, clients, clocks or replies.
//!
//! SAFETY, in one sentence: everything is changed under a shard's mutex, and what threads look at without
//! it (directories and bucket words, all atomics) is freed only in `Keyspace::free_retired`; the long form
//! is in `buckets.rs`. `unsafe` stands in `entry`, `collection`, `raw`, `buckets` and `table`.
#![deny(unsafe_code)]

#[allow(unsafe_code)]
mod buckets;
#[allow(unsafe_code)]
mod collection;
mod dbs;
#[allow(unsafe_code)]
mod entry;
mod expire;
mod hash;
mod inner_expire;
mod keyspace;
#[allow(unsafe_code)]
mod raw;
mod shard;
#[allow(unsafe_code)]
mod table;
mod table_stats;
mod walk;

pub use collection::{ObjectMut, ObjectRef, View};
pub use entry::{CLOCK_MAX, Digits, EMB_LEN_MAX, Entry, EntryMut, EntryRef, Kind, LEN_MAX, NewValue, ValueRef};
pub use hash::{KeyHash, Placement, SHARDS, SLOTS, Slot};
pub use keyspace::{Keyspace, ShardGuard};
pub use kit::world::UnixMs;
pub use shard::{Deadline, DetachedDb, Discarded, Progress, SetDone, Shard};
pub use table::POSITION_END;
pub use table_stats::TableStats;
pub use walk::{Handing, Owed, WalkSink};
