//! What commands do: a folder per group of COMMAND DOCS, a file per command.
//!
//! A file holds the command's row, its body and its tests; `COMMANDS` joins the groups' lists.
#![forbid(unsafe_code)]

pub mod bitmap;
pub mod connection;
pub mod generic;
mod help;
pub mod pubsub;
pub mod server;
pub mod string;
pub mod transactions;

use exec::Command;
use kit::opt::AnyOpt;

/// The groups' lists. The server hands them all to its node.
pub static COMMANDS: &[&[&Command]] = &[
    bitmap::COMMANDS,
    connection::COMMANDS,
    generic::COMMANDS,
    pubsub::COMMANDS,
    server::COMMANDS,
    string::COMMANDS,
    transactions::COMMANDS,
];

/// Options that only commands read. The executor's own stand in `exec::options`.
pub static OPTIONS: &[&dyn AnyOpt] = &[&server::info::latencystats::PERCENTILES];

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
