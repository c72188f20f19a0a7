//! What commands do: a folder per group of COMMAND DOCS, a file per command.
//!
//! A file holds the command's row, its body and its tests; `COMMANDS` joins the groups' lists.
#![forbid(unsafe_code)]

pub mod bitmap;
pub mod cluster;
pub mod connection;
mod draws;
pub mod generic;
pub mod geo;
pub mod hash;
mod help;
pub mod hyperloglog;
pub mod list;
pub mod pubsub;
pub mod server;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
mod thresholds;
pub mod transactions;

pub use thresholds::thresholds;

use exec::Command;
use kit::opt::AnyOpt;

/// The groups' lists. The server hands them all to its node.
pub static COMMANDS: &[&[&Command]] = &[
    bitmap::COMMANDS,
    cluster::COMMANDS,
    connection::COMMANDS,
    generic::COMMANDS,
    geo::COMMANDS,
    hash::COMMANDS,
    hyperloglog::COMMANDS,
    list::COMMANDS,
    pubsub::COMMANDS,
    server::COMMANDS,
    set::COMMANDS,
    sorted_set::COMMANDS,
    stream::COMMANDS,
    string::COMMANDS,
    transactions::COMMANDS,
];

/// Options that only commands read. The executor's own stand in `exec::options`.
pub static OPTIONS: &[&dyn AnyOpt] = &[
    &hash::limits::FIELDS_MAX,
    &hash::limits::TEXT_LEN_MAX,
    &list::options::COMPRESS_DEPTH,
    &list::options::MAX_LISTPACK_SIZE,
    &server::info::latencystats::PERCENTILES,
    &stream::limits::NODE_BYTES_MAX,
    &stream::limits::NODE_ENTRIES_MAX,
    &set::limits::INTS,
    &set::limits::PACKED,
    &set::limits::PACKED_VALUE,
    &sorted_set::limits::ENTRIES,
    &sorted_set::limits::VALUE,
    &hyperloglog::value::SPARSE_MAX,
];

/// Runs a conversation (testkit's language) against a fresh node with all commands.
#[cfg(test)]
pub(crate) fn check(text: &str) {
    node(&[]).converse(text);
}

/// A fresh node with all commands and these settings.
#[cfg(test)]
pub(crate) fn node(settings: &[(&str, &str)]) -> testkit::TestNode {
    static ALL: std::sync::OnceLock<Vec<&'static Command>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| COMMANDS.iter().copied().flatten().copied().collect());
    testkit::TestNode::with_lists(all, &[OPTIONS], settings)
}

/// Puts a collection at a key of database 0, without a command.
#[cfg(test)]
pub(crate) fn put(node: &testkit::TestNode, key: &str, collection: impl Into<types::Object>) {
    let (keyspace, key) = (&node.node.keyspace, key.as_bytes());
    let (hash, entry) = (keyspace.hash(key), keyspace::Entry::with_object(key, collection.into(), None, 0));
    keyspace.lock(hash.shard()).insert(0, hash, entry);
}
