//! Where Basalt differs from Redis 7.0.15 on purpose, and why.

use crate::client::show;
use proto::resp_client::Value;

/// A difference that is meant.
pub(super) struct Allowed {
    commands: &'static [&'static str],
    /// A word the request has; empty: any.
    word: &'static str,
    /// How the replies begin, as `show` writes them: ours, Redis 7.0's.
    ours: &'static str,
    theirs: &'static str,
    why: &'static str,
    /// From here on the servers hold different values.
    pub(super) parts: bool,
}

const SAME: Allowed = Allowed { commands: &[], word: "", ours: "", theirs: "", why: "", parts: false };

const ALLOWED: &[Allowed] = &[
    Allowed {
        commands: &["bitcount", "bitpos"],
        ours: "-ERR",
        theirs: ":",
        why: "8.0 looks at the words of the request before it looks for the key",
        ..SAME
    },
    Allowed {
        commands: &["command"],
        ours: "-ERR Invalid",
        theirs: "-ERR wrong number of arguments for 'command|getkeys' command",
        why: "COMMAND GETKEYS takes one word less since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["command"],
        ours: "+QUEUED",
        theirs: "-ERR wrong number of arguments for 'command|getkeys' command",
        why: "the same inside MULTI",
        ..SAME
    },
    Allowed {
        commands: &["object"],
        ours: "\"int\"",
        theirs: "\"raw\"",
        why: "a SETBIT or BITFIELD that changes no bit leaves our string as it was, and makes a raw one of Redis's",
        ..SAME
    },
    Allowed { commands: &["object"], ours: "\"embstr\"", theirs: "\"raw\"", why: "the same", ..SAME },
    Allowed {
        commands: &["object"],
        ours: ":2147483647",
        theirs: ":1",
        why: "the same: Redis's number is none any more",
        ..SAME
    },
    Allowed {
        commands: &["object"],
        ours: ":1",
        theirs: ":2",
        why: "inside EXEC, Redis's queue still holds a value that the same transaction has set",
        ..SAME
    },
    Allowed {
        commands: &["scan", "sscan", "hscan", "zscan"],
        ours: "-ERR invalid cursor",
        theirs: "",
        why: "8.0 takes no negative cursor and none above 2^64",
        ..SAME
    },
    Allowed {
        commands: &["object"],
        ours: "\"listpack\"",
        theirs: "\"quicklist\"",
        why: "small lists are listpacks since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["object"],
        ours: "\"listpack\"",
        theirs: "\"hashtable\"",
        why: "small sets are listpacks since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["xread", "xreadgroup"],
        ours: "-ERR Unbalanced",
        theirs: "-ERR Unbalanced",
        why: "since 7.2 the text names the command and what an ID may be",
        ..SAME
    },
    Allowed {
        commands: &["zrank", "zrevrank"],
        ours: "-ERR syntax error",
        theirs: "-ERR wrong number of arguments",
        why: "may have WITHSCORE since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["zrank", "zrevrank"],
        ours: "+QUEUED",
        theirs: "-ERR wrong number of arguments",
        why: "the same inside MULTI",
        ..SAME
    },
    Allowed {
        commands: &["lpos", "lrem"],
        ours: "-ERR value is out of range, value must between",
        theirs: "",
        why: "the smallest RANK and count are refused since 7.2",
        parts: true,
        ..SAME
    },
    Allowed {
        commands: &["bitcount", "bitpos"],
        ours: "-ERR",
        theirs: "-WRONGTYPE",
        why: "8.0 looks at the words of the request before it looks for the key",
        ..SAME
    },
    Allowed {
        commands: &["xsetid"],
        ours: "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        theirs: "+OK",
        why: "refused since 7.2",
        parts: true,
        ..SAME
    },
    Allowed {
        commands: &["xgroup"],
        ours: ":0",
        theirs: ":1",
        why: "XREADGROUP makes its consumer even when there is nothing to read since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["xsetid"],
        ours: "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        theirs: "-ERR The ID specified in XSETID is smaller",
        why: "asked first since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["xreadgroup"],
        word: "18446744073709551615-18446744073709551615",
        ours: "",
        theirs: "",
        why: "the largest ID is Redis's own sign for `>`; here nothing is behind it",
        parts: true,
    },
    Allowed {
        commands: &["command"],
        ours: "-ERR Invalid arguments",
        theirs: "[",
        why: "Redis reads the number of keys up to the first byte that is no digit",
        ..SAME
    },
    Allowed {
        commands: &["xreadgroup"],
        ours: "-NOGROUP",
        theirs: "-UNBLOCKED",
        why: "who waits for a group that goes away is told so in these words since 7.2",
        ..SAME
    },
    Allowed {
        commands: &["blpop", "brpop", "blmove", "brpoplpush", "blmpop", "bzpopmin", "bzpopmax", "bzmpop"],
        ours: "-WRONGTYPE",
        theirs: "[",
        why: "who waits runs the whole command again since 7.2, and another of its keys may have become something else",
        parts: true,
        ..SAME
    },
    Allowed {
        commands: &["object"],
        ours: "\"listpack\"",
        theirs: "\"skiplist\"",
        why: "Redis's SORT leaves a small sorted set in its large form",
        ..SAME
    },
    Allowed {
        commands: &["xautoclaim"],
        ours: "[",
        theirs: "-ERR Insufficient memory",
        why: "Redis wants memory for COUNT entries beforehand",
        parts: true,
        ..SAME
    },
    Allowed {
        commands: &["object"],
        ours: "\"hashtable\"",
        theirs: "\"listpack\"",
        why: "Redis's RESTORE takes a listpack as it is when it has few elements, however long they are",
        ..SAME
    },
    Allowed { commands: &["object"], ours: "\"skiplist\"", theirs: "\"listpack\"", why: "the same", ..SAME },
    Allowed {
        commands: &["sort", "sort_ro"],
        ours: "",
        theirs: "-ERR One or more scores can't be converted into double",
        why: "Redis looks at an errno that something else has set before",
        parts: true,
        ..SAME
    },
    Allowed {
        commands: &["sort", "sort_ro"],
        ours: "-ERR One or more scores can't be converted into double",
        theirs: "",
        why: "a weight with a NUL in it ends there for Redis",
        parts: true,
        ..SAME
    },
    Allowed {
        commands: &["xreadgroup"],
        ours: "-NOGROUP",
        theirs: "-NOGROUP the consumer group this client was blocked on",
        why: "who waits for a group that goes away is told so in other words since 7.2",
        ..SAME
    },
];

/// Why this difference is none; `None`: it is one.
pub(super) fn allowed(words: &[Vec<u8>], ours: &Value, theirs: &Value) -> Option<&'static Allowed> {
    let name = String::from_utf8_lossy(&words[0]).to_ascii_lowercase();
    let (ours, theirs) = (show(ours), show(theirs));
    let fits = |allowed: &&Allowed| {
        allowed.commands.contains(&name.as_str())
            && (allowed.word.is_empty() || words.iter().any(|word| word == allowed.word.as_bytes()))
            && ours.starts_with(allowed.ours)
            && theirs.starts_with(allowed.theirs)
    };
    ALLOWED.iter().find(fits)
}

#[test]
fn every_difference_has_a_reason() {
    assert!(ALLOWED.iter().all(|allowed| !allowed.why.is_empty()));
}
