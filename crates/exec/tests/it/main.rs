//! The executor with commands of its own: parking, keys that are not in memory, panics, locks
//! across threads. What real commands do is tested beside them.

mod away;
mod batch;
mod block;
mod collections;
mod commands;
mod panics;
mod pubsub;
mod strings;
mod sweep;
mod threads;
