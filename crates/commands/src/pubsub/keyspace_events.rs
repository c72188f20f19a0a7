//! Tests of keyspace events on their way to subscribers. Which event a command says is tested with it.

use crate::{check, node};

#[test]
fn two_kinds_of_channel() {
    for (classes, heard) in [
        ("KA", "<- [pmessage * __keyspace@0__:k set]"),
        ("EA", "<- [pmessage * __keyevent@0__:set k]"),
        ("KEA", "<- [pmessage * __keyspace@0__:k set]; <- [pmessage * __keyevent@0__:set k]"),
        ("KEg", "<- silence"),
        ("A", "<- silence"),
        ("", "<- silence"),
    ] {
        let mut node = node(&[("notify-keyspace-events", classes)]);
        node.converse(&format!("PSUBSCRIBE * -> *; c2> SET k v -> +OK; {heard}; <- silence"));
    }
}

#[test]
fn switched_on_and_off() {
    check(
        "SUBSCRIBE __keyevent@3__:set -> *; c2> SELECT 3; c2> SET k v; <- silence
         c2> CONFIG SET notify-keyspace-events E$ -> +OK; c2> SET k v -> +OK; <- [message __keyevent@3__:set k]
         c2> CONFIG SET notify-keyspace-events \"\" -> +OK; c2> SET k v -> +OK; <- silence",
    );
}

#[test]
fn in_the_order_of_the_changes() {
    let mut node = node(&[("notify-keyspace-events", "EA")]);
    node.converse(
        "PSUBSCRIBE __keyevent@0__:* -> *
         c2> SET a 1 EX 100; c2> EXPIRE a 10; c2> RENAME a b; c2> PERSIST b; c2> DEL b none",
    );
    for event in ["set a", "expire a", "expire a", "rename_from a", "rename_to b", "persist b", "del b"] {
        let (name, key) = event.split_once(' ').unwrap();
        node.converse(&format!("<- [pmessage __keyevent@0__:* __keyevent@0__:{name} {key}]"));
    }
    node.converse("<- silence");
}

#[test]
fn of_a_transaction() {
    let mut node = node(&[("notify-keyspace-events", "K$g")]);
    node.converse(
        "SUBSCRIBE __keyspace@0__:k -> *; c2> MULTI; c2> SET k 1; c2> INCR k; c2> GET k; c2> DEL k; c2> EXEC",
    );
    for name in ["set", "incrby", "del"] {
        node.converse(&format!("<- [message __keyspace@0__:k {name}]"));
    }
    node.converse("<- silence");
}

#[test]
fn expired() {
    let mut node = node(&[("notify-keyspace-events", "Ex")]);
    node.converse("SUBSCRIBE __keyevent@0__:expired -> *; c2> SET k v PX 100; c2> SET l v PX 100");
    // One is found by a command, the other by the sweep.
    node.clock.advance_ms(200);
    node.converse("c2> GET k -> nil; <- [message __keyevent@0__:expired k]; <- silence");
    node.advance(200);
    node.converse("<- [message __keyevent@0__:expired l]; <- silence");
}

#[test]
fn fields_past_their_time_before_what_the_command_does() {
    let mut node = node(&[("notify-keyspace-events", "Kgh"), ("enable-debug-command", "yes")]);
    node.converse("DEBUG SET-ACTIVE-EXPIRE 0; HSET h a 1; HSETEX h PX 10 FIELDS 1 b 2; ~20ms; c2> PSUBSCRIBE * -> *");
    node.converse(
        "HGETEX h EX 100 FIELDS 2 a b -> [1 nil]; c2> <- [pmessage * * hexpired]; c2> <- [pmessage * * hexpire]",
    );
    node.converse("HSETEX h PX 10 FIELDS 1 b 2; c2> <- [pmessage * * hset]; c2> <- [pmessage * * hexpire]; ~20ms");
    node.converse("HGETDEL h FIELDS 2 a b -> [1 nil]; c2> <- [pmessage * * hexpired]; c2> <- [pmessage * * hdel]");
    node.converse("c2> <- [pmessage * * del]; c2> <- silence");
}

#[test]
fn evicted() {
    let mut node = node(&[("notify-keyspace-events", "Ee"), ("maxmemory-policy", "allkeys-lru")]);
    node.node.memory.set_base(1 << 20);
    node.converse("SUBSCRIBE __keyevent@0__:evicted -> *; c2> SET k v -> +OK; c2> CONFIG SET maxmemory 1");
    node.converse("c2> GET k -> nil; <- [message __keyevent@0__:evicted k]; <- silence");
}

#[test]
fn evicted_though_nobody_asks() {
    let mut node = node(&[("notify-keyspace-events", "Ee"), ("maxmemory-policy", "allkeys-lru")]);
    node.node.memory.set_base(1 << 20);
    node.converse("SUBSCRIBE __keyevent@0__:evicted -> *; c2> SET k v -> +OK; c2> CONFIG SET maxmemory 1");
    node.worker.chores();
    node.deliver();
    node.converse("<- [message __keyevent@0__:evicted k]; <- silence");
}

#[test]
fn new_and_missed() {
    let mut node = node(&[("notify-keyspace-events", "Enm")]);
    node.converse("PSUBSCRIBE * -> *; c2> GET k; c2> SET k v; c2> SET k w");
    node.converse("<- [pmessage * __keyevent@0__:keymiss k]; <- [pmessage * __keyevent@0__:new k]; <- silence");
}

/// A client of RESP3 hears of its own changes after their replies.
#[test]
fn of_oneself() {
    let mut node = node(&[("notify-keyspace-events", "E$")]);
    node.converse("HELLO 3; SUBSCRIBE __keyevent@0__:set -> *; SET k v -> +OK; <- [message __keyevent@0__:set k]");
    node.converse("CLIENT REPLY OFF; SET k v; <- [message __keyevent@0__:set k]");
}
