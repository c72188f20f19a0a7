//! When do two replies say the same? And where Basalt differs on purpose.

use proto::resp_client::Value;

/// A difference that is meant.
struct Allowed {
    commands: &'static [&'static str],
    /// How the replies begin, as `show` writes them: ours, Redis 7.0's.
    ours: &'static str,
    theirs: &'static str,
    why: &'static str,
}

const ALLOWED: &[Allowed] = &[
    Allowed {
        commands: &["bitcount", "bitpos"],
        ours: "-ERR",
        theirs: ":",
        why: "8.0 looks at the words of the request before it looks for the key",
    },
    Allowed {
        commands: &["command"],
        ours: "-ERR Invalid",
        theirs: "-ERR wrong number of arguments for 'command|getkeys' command",
        why: "COMMAND GETKEYS takes one word less since 7.2",
    },
    Allowed {
        commands: &["command"],
        ours: "+QUEUED",
        theirs: "-ERR wrong number of arguments for 'command|getkeys' command",
        why: "the same inside MULTI",
    },
    Allowed {
        commands: &["object"],
        ours: "\"int\"",
        theirs: "\"raw\"",
        why: "a SETBIT or BITFIELD that changes no bit leaves our string as it was, and makes a raw one of Redis's",
    },
    Allowed { commands: &["object"], ours: "\"embstr\"", theirs: "\"raw\"", why: "the same" },
    Allowed {
        commands: &["object"],
        ours: ":2147483647",
        theirs: ":1",
        why: "the same: Redis's number is none any more",
    },
    Allowed {
        commands: &["object"],
        ours: ":1",
        theirs: ":2",
        why: "inside EXEC, Redis's queue still holds a value that the same transaction has set",
    },
    Allowed {
        commands: &["scan"],
        ours: "-ERR invalid cursor",
        theirs: "",
        why: "8.0 takes no negative cursor and none above 2^64",
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// Both are right, but from here on the servers hold different values.
    Parted,
    Different,
}

/// Do the two replies to this request say the same, or differ as they may?
pub(super) fn judge(words: &[Vec<u8>], ours: &Value, theirs: &Value) -> Verdict {
    let is_queued_here = *ours == Value::Simple("QUEUED".into());
    if Rule::of(words).fits(ours, theirs) {
        return Verdict::Same;
    }
    if allowed(words, ours, theirs).is_some() {
        return if is_queued_here { Verdict::Parted } else { Verdict::Same };
    }
    match (ours, theirs) {
        // Redis adds in 80-bit floats.
        (Value::Bulk(ours), Value::Bulk(theirs))
            if words[0].eq_ignore_ascii_case(b"incrbyfloat") && nearly(ours, theirs) =>
        {
            Verdict::Parted
        }
        // Redis's texts end at a NUL of the word they quote.
        (Value::Error(_), Value::Error(_)) if words.iter().any(|word| word.contains(&0)) => Verdict::Same,
        _ => Verdict::Different,
    }
}

/// Why this difference is none; `None`: it is one.
fn allowed(words: &[Vec<u8>], ours: &Value, theirs: &Value) -> Option<&'static str> {
    let name = String::from_utf8_lossy(&words[0]).to_ascii_lowercase();
    let (ours, theirs) = (crate::client::show(ours), crate::client::show(theirs));
    let fits = |allowed: &&Allowed| {
        allowed.commands.contains(&name.as_str())
            && ours.starts_with(allowed.ours)
            && theirs.starts_with(allowed.theirs)
    };
    ALLOWED.iter().find(fits).map(|allowed| allowed.why)
}

/// How the replies of a command are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Exact,
    /// An array whose order nobody promises.
    Unordered,
    /// Cursor and keys: a server may give fewer at a time.
    Scan,
    /// The two servers were asked at different moments: so much apart.
    Near(i64),
    /// Random, or the server's own affair: only its kind counts.
    Kind,
}

impl Rule {
    fn of(words: &[Vec<u8>]) -> Rule {
        let lower = |at: usize| words.get(at).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        match lower(0).as_slice() {
            b"keys" => Rule::Unordered,
            b"scan" if lower(1) == b"0" => Rule::Scan,
            b"ttl" | b"expiretime" => Rule::Near(10),
            b"pttl" | b"pexpiretime" => Rule::Near(10_000),
            // Small numbers are one shared value in Redis, with one time of access.
            b"object" if lower(1) == b"idletime" => Rule::Kind,
            // Cursors are a server's own.
            b"randomkey" | b"scan" | b"hello" | b"time" | b"lastsave" => Rule::Kind,
            b"client" if lower(1) == b"id" => Rule::Kind,
            _ => Rule::Exact,
        }
    }

    fn fits(self, ours: &Value, theirs: &Value) -> bool {
        match (self, ours, theirs) {
            (Rule::Unordered, Value::Array(ours), Value::Array(theirs)) => sorted(ours) == sorted(theirs),
            (Rule::Scan, Value::Array(ours), Value::Array(theirs)) => scans_agree(ours, theirs),
            (Rule::Near(distance), Value::Int(ours), Value::Int(theirs)) if *ours >= 0 && *theirs >= 0 => {
                ours.abs_diff(*theirs) <= distance.unsigned_abs()
            }
            (Rule::Kind, Value::Array(_) | Value::Map(_), Value::Array(_) | Value::Map(_)) => true,
            (Rule::Kind, Value::Error(_), _) | (Rule::Kind, _, Value::Error(_)) => ours == theirs,
            (Rule::Kind, ours, theirs) => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
            _ => ours == theirs,
        }
    }
}

/// Without the empty key: for Redis no pattern but a single `*` matches it, not even `**`.
fn sorted(values: &[Value]) -> Vec<String> {
    let empty = Value::Bulk(Vec::new());
    let mut all: Vec<String> =
        values.iter().filter(|value| **value != empty).map(|value| format!("{value:?}")).collect();
    all.sort();
    all
}

fn scans_agree(ours: &[Value], theirs: &[Value]) -> bool {
    let ([our_cursor, Value::Array(ours)], [their_cursor, Value::Array(theirs)]) = (ours, theirs) else { return false };
    let done = Value::Bulk(b"0".to_vec());
    match (*our_cursor == done, *their_cursor == done) {
        (true, true) => sorted(ours) == sorted(theirs),
        // The whole walks are compared between the batches.
        (false, true) => ours.iter().all(|key| theirs.contains(key)),
        (true, false) => theirs.iter().all(|key| ours.contains(key)),
        (false, false) => true,
    }
}

fn nearly(ours: &[u8], theirs: &[u8]) -> bool {
    let number = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<f64>().ok());
    match (number(ours), number(theirs)) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-12 * ours.abs().max(theirs.abs()).max(1.0),
        _ => false,
    }
}

#[test]
fn sees_differences() {
    let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let keys = |names: &[&str]| Value::Array(names.iter().map(|name| Value::Bulk(name.as_bytes().to_vec())).collect());
    let rule = |line: &str| Rule::of(&words(line));
    assert!(rule("KEYS *").fits(&keys(&["a", "b"]), &keys(&["b", "a"])));
    assert!(!rule("KEYS *").fits(&keys(&["a"]), &keys(&["b"])));
    assert!(!rule("MGET a b").fits(&keys(&["a", "b"]), &keys(&["b", "a"])));
    assert!(rule("TTL k").fits(&Value::Int(100), &Value::Int(99)));
    assert!(!rule("TTL k").fits(&Value::Int(-1), &Value::Int(-2)));
    assert!(!rule("TTL k").fits(&Value::Int(0), &Value::Int(-1)));
    let sums = [&b"0.3"[..], b"0.30000000000000001", b"0.31"].map(|text| Value::Bulk(text.to_vec()));
    assert_eq!(judge(&words("INCRBYFLOAT k 1"), &sums[0], &sums[1]), Verdict::Parted);
    assert_eq!(judge(&words("INCRBYFLOAT k 1"), &sums[0], &sums[2]), Verdict::Different);
    assert_eq!(judge(&words("GET k"), &sums[0], &sums[1]), Verdict::Different);
    assert_eq!(allowed(&words("GET k"), &Value::Null, &Value::Int(1)), None);
    assert!(ALLOWED.iter().all(|allowed| !allowed.why.is_empty()));
}
