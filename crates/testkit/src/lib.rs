//! For tests only: a node in process under a simulated clock, and conversations with it.
//!
//! A conversation is text: `SET k v -> +OK; GET k -> v`. The same text runs in process (here) and
//! over a socket (`tests/`), so a rewrite keeps the tests. `script.rs` has the grammar.
//! Takes the command list as an argument: a test inside `commands` must not link a second copy.

pub mod node;
pub mod script;

pub use node::{Client, TestNode};

/// Runs a conversation against a fresh node with these commands; panics with the step that differs.
pub fn converse(commands: &'static [&'static exec::Command], text: &str) {
    TestNode::new(commands).converse(text);
}
