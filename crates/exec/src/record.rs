//! What is written down of a command: slow log entries, and words with secrets taken out.

use crate::args::Args;
use crate::command::{Command, Flags};
use crate::node::Node;
use crate::run::Turn;
use crate::session::Session;
use crate::slowlog::{self, SlowEntry, SlowLog};

const REDACTED: &[u8] = b"(redacted)";

/// Keeps a command in one of the logs.
pub(crate) fn keep(
    turn: &Turn,
    log: &SlowLog,
    len_max: i64,
    session: &Session,
    command: &Command,
    args: &Args,
    amount: u64,
) {
    if command.has(Flags::SKIP_SLOWLOG) {
        return;
    }
    let node = turn.node;
    let words = redacted(node, args);
    let entry = SlowEntry {
        id: 0,
        unix_secs: turn.now.secs(),
        amount,
        words: slowlog::trimmed(words.len(), |i| &words[i]),
        addr: session.record.addr.clone(),
        name: session.record.names.lock().name.clone(),
    };
    log.add(len_max as usize, entry);
}

/// The words of a request, passwords replaced.
pub(crate) fn redacted(node: &Node, args: &Args) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = args.iter_from(0).map(<[u8]>::to_vec).collect();
    let mut hide = |i: usize| {
        if let Some(word) = words.get_mut(i) {
            *word = REDACTED.to_vec();
        }
    };
    let is = |i: usize, word: &str| args.is(i, word);
    if is(0, "AUTH") {
        (1..args.len()).for_each(&mut hide);
    } else if is(0, "HELLO") {
        if let Some(at) = (1..args.len()).find(|&i| is(i, "AUTH")) {
            hide(at + 1);
            hide(at + 2);
        }
    } else if is(0, "CONFIG") && is(1, "SET") {
        for i in (2..args.len()).step_by(2) {
            let name = String::from_utf8_lossy(args.get(i)).to_lowercase();
            if node.config.find(&name).is_some_and(|option| option.traits().sensitive) {
                hide(i + 1);
            }
        }
    } else if is(0, "ACL") && (is(1, "SETUSER") || is(1, "DELUSER") || is(1, "GETUSER")) {
        (2..args.len()).for_each(&mut hide);
    } else if is(0, "MIGRATE") {
        for i in 6..args.len() {
            if is(i, "AUTH") {
                hide(i + 1);
            } else if is(i, "AUTH2") {
                hide(i + 1);
                hide(i + 2);
            }
        }
    }
    words
}
