//! Alive: every event loop answers. Ready: clients would be served, writers too.

use crate::ask;
use crate::http::Answer;
use exec::node::{Node, alarm};

pub(crate) fn alive(node: &Node) -> Answer {
    match silent_loop(node) {
        Some(thread) => Answer::text(503, format!("event loop {thread} does not answer\n")),
        None => Answer::text(200, "alive\n"),
    }
}

pub(crate) fn ready(node: &Node) -> Answer {
    if let Some(thread) = silent_loop(node) {
        return Answer::text(503, format!("event loop {thread} does not answer\n"));
    }
    let alarms = node.alarms.get();
    let reasons = [
        (alarm::LOADING, "loading the data set from disk"),
        (alarm::DISK, "writes are refused: the disk does not take them"),
        (alarm::STALE_REPLICA, "the master is away and stale data is not served"),
        (alarm::BUSY_SCRIPT, "a script is taking long"),
    ];
    match reasons.iter().find(|(bit, _)| alarms & bit != 0) {
        Some((_, reason)) => Answer::text(503, format!("{reason}\n")),
        None => Answer::text(200, "ready\n"),
    }
}

fn silent_loop(node: &Node) -> Option<usize> {
    (0..node.threads).find(|&thread| ask(node, thread, &["PING"]).is_none())
}
