//! How a command runs: gates, lock plan, context, parking, transactions, follow-up.
//!
//! `run.rs` is the one door to the data; everything else here serves it. Command bodies live in the
//! crates above, sockets far above; `seams.rs` lists what is asked of those floors.
#![deny(unsafe_code)] // allowed in `chores` for one call

pub mod acl;
mod after;
pub mod args;
mod away;
pub mod block;
pub mod changes;
mod chores;
pub mod client;
pub mod client_line;
mod collections;
pub mod command;
pub mod compat;
pub mod ctx;
pub mod db;
pub mod errors;
pub mod evict;
pub mod evict_clients;
mod expire;
mod fields;
pub mod free;
pub mod gates;
pub mod held;
mod held_answers;
pub mod help;
pub mod keys;
pub mod latency;
pub mod links;
mod lock;
pub mod lock_waits;
pub mod memory;
pub mod metrics;
pub mod monitor;
pub mod node;
pub mod notify;
pub mod options;
pub mod pause;
mod plan;
mod prefetch;
pub mod pubsub;
mod record;
pub mod rest;
mod run;
pub mod sample;
pub mod script;
pub mod scripts;
pub mod seams;
pub mod session;
pub mod slowlog;
pub mod stats;
pub mod table;
pub mod tracking;
mod transaction;
pub mod version;
pub mod walk_waiters;
pub mod watch;

pub use args::{Args, Key};
pub use collections::{Guard, View};
pub use command::{
    Arg, ArgKind, Arity, Begin, Categories, Command, Find, Flags, Group, KeyAccess, KeySpec, LOOK, READ, REPLACE,
    Reach, UPDATE,
};
pub use ctx::Ctx;
pub use db::{Db, Str, StringMut};
pub use expire::Progress;
pub use keyspace::{Deadline, NewValue};
pub use node::{Node, Parts};
pub use proto::Error;
pub use run::{Job, Worker};
