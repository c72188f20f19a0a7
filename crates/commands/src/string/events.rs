//! Tests of what strings and bitmaps say to who listens to keyspace events.

use crate::node;
use proto::resp_client::{Value, decode};

/// What a conversation's commands announce, as `event key`.
fn events(text: &str) -> Vec<String> {
    let mut node = node(&[("notify-keyspace-events", "KEAmn")]);
    node.converse("c9> PSUBSCRIBE __keyevent@0__:* -> *");
    node.converse(text);
    let bytes = node.client(9).reply.to_vec();
    let mut rest = &bytes[..];
    let mut heard = Vec::new();
    while let Some((Value::Array(words), used)) = decode(rest).expect("messages") {
        let [_, _, Value::Bulk(channel), Value::Bulk(key)] = &words[..] else { panic!("{words:?}") };
        let name = String::from_utf8_lossy(&channel["__keyevent@0__:".len()..]).into_owned();
        heard.push(format!("{name} {}", String::from_utf8_lossy(key)));
        rest = &rest[used..];
    }
    heard
}

#[test]
fn setting() {
    assert_eq!(events("SET k v; SET k w"), ["new k", "set k", "set k"]);
    assert_eq!(events("SET k v EX 9"), ["new k", "set k", "expire k"]);
    assert_eq!(events("SET k v XX; SET k v NX GET"), ["keymiss k", "new k", "set k"]);
    assert_eq!(events("SETEX k 9 v; PSETEX k 9 v"), ["new k", "set k", "expire k", "set k", "expire k"]);
    assert_eq!(events("SETNX k v; SETNX k w; GETSET k x"), ["new k", "set k", "set k"]);
    assert_eq!(events("MSET a 1 b 1; MSETNX a 1 c 1"), ["new a", "set a", "new b", "set b"]);
    assert_eq!(events("MSETEX 1 a 1 EX 9; MSETEX 1 a 1 NX"), ["new a", "set a", "expire a"]);
}

#[test]
fn changing() {
    assert_eq!(events("APPEND k 1; APPEND k 1"), ["new k", "append k", "append k"]);
    assert_eq!(events("INCR k; DECRBY k 3"), ["new k", "incrby k", "incrby k"]);
    assert_eq!(events("INCRBYFLOAT k 1; INCRBYFLOAT k x"), ["new k", "incrbyfloat k"]);
    assert_eq!(events("SETRANGE k 0 \"\"; SETRANGE k 0 a; SETRANGE k 0 \"\""), ["new k", "setrange k"]);
    assert_eq!(events("SETBIT k 0 1; SETBIT k 0 1"), ["new k", "setbit k"]);
    assert_eq!(events("BITFIELD k SET u8 0 1 INCRBY u8 0 1; BITFIELD k SET u8 0 2"), ["new k", "setbit k"]);
    assert_eq!(
        events("SET a 1; BITOP AND d a; BITOP AND d none; BITOP AND d none"),
        ["new a", "set a", "new d", "set d", "keymiss none", "del d", "keymiss none"]
    );
}

#[test]
fn removing() {
    assert_eq!(events("SET k v; GETDEL k; GETDEL k"), ["new k", "set k", "del k", "keymiss k"]);
    assert_eq!(events("SET k v; DELIFEQ k w; DELIFEQ k v; DELIFEQ k v"), ["new k", "set k", "del k"]);
    assert_eq!(
        events("SET k v; GETEX k; GETEX k PERSIST; GETEX k EX 9; GETEX k PERSIST; GETEX k PXAT 1"),
        ["new k", "set k", "expire k", "persist k", "del k"]
    );
}

#[test]
fn expiring_before_a_change() {
    assert_eq!(events("SET k v PXAT 1; SET k v"), ["new k", "set k", "expire k", "expired k", "new k", "set k"]);
    assert_eq!(events("SET k 5 PXAT 1; INCR k"), ["new k", "set k", "expire k", "expired k", "new k", "incrby k"]);
}
