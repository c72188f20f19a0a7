//! When do two replies say the same?

use super::allowed::allowed;
use super::link::Words;
use proto::resp_client::Value;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Same,
    /// Both are right, but from here on the servers hold different values.
    Parted,
    Different,
}

/// Do the two replies to this request say the same, or differ as they may?
pub(super) fn judge(words: &Words, ours: &Value, theirs: &Value) -> Verdict {
    let is_queued_here = *ours == Value::Simple("QUEUED".into());
    let rule = Rule::of(words);
    if rule.fits(ours, theirs) || (tells_scores(words) && rule.fits(&shortest(ours), &shortest(theirs))) {
        return Verdict::Same;
    }
    if let Some(allowed) = allowed(words, ours, theirs) {
        return if is_queued_here || allowed.parts { Verdict::Parted } else { Verdict::Same };
    }
    match (ours, theirs) {
        // Redis adds in 80-bit floats.
        (Value::Bulk(ours), Value::Bulk(theirs))
            if words[0].to_ascii_lowercase().ends_with(b"incrbyfloat") && nearly(ours, theirs) =>
        {
            Verdict::Parted
        }
        // Redis's texts end at a NUL of the word they quote.
        (Value::Error(_), Value::Error(_)) if words.iter().any(|word| word.contains(&0)) => Verdict::Same,
        // For Redis's numbers a word ends at a NUL.
        (Value::Error(_), _) if words.iter().any(|word| word.contains(&0)) => Verdict::Parted,
        _ => Verdict::Different,
    }
}

/// Since 7.2 a score is told in as few digits as make it, before with seventeen.
fn tells_scores(words: &Words) -> bool {
    let name = words[0].to_ascii_lowercase();
    name.starts_with(b"z") || name.starts_with(b"bz") || name.starts_with(b"geo")
}

/// The reply with its fractions written in one way.
fn shortest(value: &Value) -> Value {
    match value {
        // Where a small set forgets the sign of a zero, and where it has become a large one before, is Redis's affair.
        Value::Bulk(bytes) if bytes == b"-0" => Value::Bulk(b"0".to_vec()),
        Value::Bulk(bytes) if bytes.contains(&b'.') || bytes.contains(&b'e') || bytes.len() > 16 => {
            match std::str::from_utf8(bytes).ok().and_then(|text| text.parse::<f64>().ok()) {
                Some(number) => Value::Bulk(number.to_string().into_bytes()),
                None => value.clone(),
            }
        }
        Value::Array(values) => Value::Array(values.iter().map(shortest).collect()),
        Value::Map(pairs) => Value::Map(pairs.iter().map(|(key, value)| (shortest(key), shortest(value))).collect()),
        other => other.clone(),
    }
}

/// How the replies of a command are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    Exact,
    /// An array whose order nobody promises.
    Unordered,
    /// The same, of names with their values.
    Pairs,
    /// Cursor and keys: a server may give fewer at a time. So many values belong together.
    Scan(usize),
    /// The two servers were asked at different moments: so much apart.
    Near(i64),
    /// Random, or the server's own affair: only its kind counts.
    Kind,
    /// Random elements: as many.
    Random,
    /// Sorted texts: for Redis each ends at its first NUL, and equal ones come in any order.
    Texts,
    /// Of two at one place, the farthest of all that are asked for, either may be left out.
    Nearest,
    /// What XINFO and XPENDING tell: idle times may be apart, and 8.0 tells more.
    Story,
}

impl Rule {
    fn of(words: &Words) -> Rule {
        let lower = |at: usize| words.get(at).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        let has = |option: &[u8]| words.iter().any(|word| word.eq_ignore_ascii_case(option));
        let name = lower(0);
        match name.as_slice() {
            b"keys" | b"smembers" | b"sinter" | b"sunion" | b"sdiff" | b"hkeys" | b"hvals" | b"spop" => Rule::Unordered,
            b"hgetall" => Rule::Pairs,
            b"scan" if lower(1) == b"0" => Rule::Scan(1),
            b"sscan" if lower(2) == b"0" => Rule::Scan(1),
            b"hscan" | b"zscan" if lower(2) == b"0" => Rule::Scan(2),
            b"ttl" | b"expiretime" => Rule::Near(10),
            b"pttl" | b"pexpiretime" => Rule::Near(10_000),
            // Small numbers are one shared value in Redis, with one time of access.
            b"object" if lower(1) == b"idletime" => Rule::Kind,
            // Cursors are a server's own; payloads have a version.
            b"randomkey" | b"scan" | b"sscan" | b"hscan" | b"zscan" | b"hello" | b"time" | b"lastsave" | b"dump"
            | b"slowlog" => Rule::Kind,
            b"client" if lower(1) == b"id" => Rule::Kind,
            b"srandmember" | b"hrandfield" | b"zrandmember" => Rule::Random,
            b"geosearch" | b"georadius" | b"georadius_ro" | b"georadiusbymember" | b"georadiusbymember_ro" => {
                if has(b"ANY") {
                    Rule::Random
                } else if has(b"COUNT") {
                    Rule::Nearest
                } else {
                    // The order by distance is not promised for two members at one place.
                    Rule::Unordered
                }
            }
            // By what is the same for all, or with texts that are equal, any order is right.
            b"sort" | b"sort_ro" if has(b"BY") && has(b"LIMIT") => Rule::Random,
            b"sort" | b"sort_ro" if has(b"BY") => Rule::Unordered,
            b"sort" | b"sort_ro" if has(b"ALPHA") && !has(b"LIMIT") => Rule::Texts,
            b"xinfo" | b"xpending" => Rule::Story,
            _ => Rule::Exact,
        }
    }

    fn fits(self, ours: &Value, theirs: &Value) -> bool {
        if ours == theirs {
            return true;
        }
        match (self, ours, theirs) {
            (Rule::Unordered, Value::Array(ours), Value::Array(theirs)) => sorted(ours, 1) == sorted(theirs, 1),
            (Rule::Texts, Value::Array(ours), Value::Array(theirs)) => {
                let has_nul = |value: &Value| matches!(value, Value::Bulk(bytes) if bytes.contains(&0));
                ours.iter().any(has_nul) && sorted(ours, 1) == sorted(theirs, 1)
            }
            (Rule::Unordered, Value::Set(ours), Value::Set(theirs)) => sorted(ours, 1) == sorted(theirs, 1),
            (Rule::Pairs, Value::Array(ours), Value::Array(theirs)) => sorted(ours, 2) == sorted(theirs, 2),
            (Rule::Pairs, Value::Map(ours), Value::Map(theirs)) => {
                let sorted = |pairs: &[(Value, Value)]| {
                    let mut all: Vec<String> = pairs.iter().map(|pair| format!("{pair:?}")).collect();
                    all.sort();
                    all
                };
                sorted(ours) == sorted(theirs)
            }
            (Rule::Scan(width), Value::Array(ours), Value::Array(theirs)) => scans_agree(ours, theirs, width),
            (Rule::Near(distance), Value::Int(ours), Value::Int(theirs)) if *ours >= 0 && *theirs >= 0 => {
                ours.abs_diff(*theirs) <= distance.unsigned_abs()
            }
            (Rule::Kind, Value::Array(_) | Value::Map(_), Value::Array(_) | Value::Map(_)) => true,
            (Rule::Random, Value::Array(ours), Value::Array(theirs)) => ours.len() == theirs.len(),
            (Rule::Kind | Rule::Random, Value::Error(_), _) | (Rule::Kind | Rule::Random, _, Value::Error(_)) => false,
            (Rule::Kind | Rule::Random, ours, theirs) => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
            (Rule::Nearest, Value::Array(ours), Value::Array(theirs)) => {
                let missing = ours.iter().filter(|our| !theirs.contains(our)).count();
                ours.len() == theirs.len() && missing <= 1
            }
            (Rule::Story, ours, theirs) => stories_agree(ours, theirs),
            _ => false,
        }
    }
}

/// Without the empty key: for Redis no pattern but a single `*` matches it, not even `**`.
fn sorted(values: &[Value], width: usize) -> Vec<String> {
    let empty = Value::Bulk(Vec::new());
    let groups = values.chunks(width).filter(|group| group[0] != empty);
    let mut all: Vec<String> = groups.map(|group| format!("{group:?}")).collect();
    all.sort();
    all
}

fn scans_agree(ours: &[Value], theirs: &[Value], width: usize) -> bool {
    let ([our_cursor, Value::Array(ours)], [their_cursor, Value::Array(theirs)]) = (ours, theirs) else { return false };
    let done = Value::Bulk(b"0".to_vec());
    match (*our_cursor == done, *their_cursor == done) {
        (true, true) => sorted(ours, width) == sorted(theirs, width),
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

/// The parts of what XINFO tells that are Redis's inside, and those that 7.2 and 8.0 added.
/// How many entries a group has read and how far it lags behind is estimated in another way since 7.2.6.
const INSIDE: &[&str] = &["radix-tree-keys", "radix-tree-nodes", "lag", "entries-read"];
const ADDED: &[&str] = &["inactive", "active-time"];
const IDLE: &[&str] = &["idle", "seen-time", "inactive", "active-time"];
/// Longer than a run keeps an entry.
const IDLE_APART_MS: u64 = 600_000;

fn stories_agree(ours: &Value, theirs: &Value) -> bool {
    if ours == theirs {
        return true;
    }
    if let (Some(ours), Some(theirs)) = (fields(ours), fields(theirs)) {
        let names_fit = ours
            .iter()
            .all(|(name, _)| ADDED.contains(&name.as_str()) || theirs.iter().any(|(other, _)| other == name));
        return names_fit
            && theirs.iter().all(|(name, their)| {
                if INSIDE.contains(&name.as_str()) {
                    return true;
                }
                let Some((_, our)) = ours.iter().find(|(other, _)| other == name) else { return false };
                match (name.as_str(), our, their) {
                    // Since 7.2 a consumer is seen whenever it asks, before when it got something. A stream that is restored
                    // may have been seen long ago.
                    ("seen-time", Value::Int(our), Value::Int(their)) if our > their => true,
                    ("idle", Value::Int(our), Value::Int(their)) if our < their => true,
                    (name, _, _) if IDLE.contains(&name) => is_near(our, their),
                    ("consumers", Value::Int(our), Value::Int(their)) => our >= their,
                    _ => stories_agree(our, their),
                }
            });
    }
    if let (Some(ours), Some(theirs)) = (consumers(ours), consumers(theirs)) {
        let told_of_too =
            |their: &Consumer| ours.iter().any(|our| our.name == their.name && stories_agree(our.all, their.all));
        let may_be_more = |our: &Consumer| our.is_idle || theirs.iter().any(|their| our.name == their.name);
        return theirs.iter().all(told_of_too) && ours.iter().all(may_be_more);
    }
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            // [id, consumer, idle time or moment, deliveries], and the same without the consumer.
            let idle_at = match ours.as_slice() {
                [Value::Bulk(_), Value::Bulk(_), Value::Int(_), Value::Int(_)] => Some(2),
                [Value::Bulk(_), Value::Int(_), Value::Int(_)] => Some(1),
                _ => None,
            };
            ours.iter().zip(theirs).enumerate().all(|(at, (our, their))| {
                if Some(at) == idle_at { is_near(our, their) } else { stories_agree(our, their) }
            })
        }
        _ => false,
    }
}

struct Consumer<'a> {
    name: &'a Value,
    /// Nothing is pending.
    is_idle: bool,
    all: &'a Value,
}

/// Since 7.2 XREADGROUP makes its consumer even when there is nothing to read, so ours may be more.
fn consumers(value: &Value) -> Option<Vec<Consumer<'_>>> {
    let Value::Array(all) = value else { return None };
    let of = |all| {
        let told = fields(all)?;
        let get = |name: &str| told.iter().find(|(other, _)| other == name).map(|(_, value)| *value);
        get("idle").or(get("seen-time"))?;
        let is_idle = *get("pel-count").or(get("pending"))? == Value::Int(0);
        Some(Consumer { name: get("name")?, is_idle, all })
    };
    all.iter().map(of).collect()
}

fn is_near(ours: &Value, theirs: &Value) -> bool {
    matches!((ours, theirs), (Value::Int(ours), Value::Int(theirs)) if ours.abs_diff(*theirs) < IDLE_APART_MS)
}

/// Names and values, in either protocol.
fn fields(value: &Value) -> Option<Vec<(String, &Value)>> {
    let name = |value: &Value| match value {
        Value::Bulk(bytes) if bytes.first().is_some_and(u8::is_ascii_lowercase) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
        _ => None,
    };
    match value {
        Value::Map(pairs) => pairs.iter().map(|(key, value)| Some((name(key)?, value))).collect(),
        Value::Array(values) if values.len() >= 6 && values.len().is_multiple_of(2) => {
            values.chunks(2).map(|pair| Some((name(&pair[0])?, &pair[1]))).collect()
        }
        _ => None,
    }
}

#[test]
fn sees_differences() {
    let words = |line: &str| super::link::split(line);
    let keys = |names: &[&str]| Value::Array(names.iter().map(|name| Value::Bulk(name.as_bytes().to_vec())).collect());
    let rule = |line: &str| Rule::of(&words(line));
    assert!(rule("KEYS *").fits(&keys(&["a", "b"]), &keys(&["b", "a"])));
    assert!(!rule("KEYS *").fits(&keys(&["a"]), &keys(&["b"])));
    assert!(!rule("MGET a b").fits(&keys(&["a", "b"]), &keys(&["b", "a"])));
    assert!(rule("HGETALL h").fits(&keys(&["f", "1", "g", "2"]), &keys(&["g", "2", "f", "1"])));
    assert!(!rule("HGETALL h").fits(&keys(&["f", "1", "g", "2"]), &keys(&["f", "2", "g", "1"])));
    assert!(rule("SRANDMEMBER s 2").fits(&keys(&["a", "b"]), &keys(&["c", "d"])));
    assert!(!rule("SRANDMEMBER s 2").fits(&keys(&["a", "b"]), &keys(&["c"])));
    assert!(rule("TTL k").fits(&Value::Int(100), &Value::Int(99)));
    assert!(!rule("TTL k").fits(&Value::Int(-1), &Value::Int(-2)));
    assert!(!rule("TTL k").fits(&Value::Int(0), &Value::Int(-1)));
    let sums = [&b"0.3"[..], b"0.30000000000000001", b"0.31"].map(|text| Value::Bulk(text.to_vec()));
    assert_eq!(judge(&words("INCRBYFLOAT k 1"), &sums[0], &sums[1]), Verdict::Parted);
    assert_eq!(judge(&words("INCRBYFLOAT k 1"), &sums[0], &sums[2]), Verdict::Different);
    assert_eq!(judge(&words("GET k"), &sums[0], &sums[1]), Verdict::Different);
    assert!(allowed(&words("GET k"), &Value::Null, &Value::Int(1)).is_none());
    assert!(rule("SORT s ALPHA").fits(&keys(&["", "\0", "a"]), &keys(&["\0", "", "a"])));
    assert!(!rule("SORT s ALPHA").fits(&keys(&["b", "a"]), &keys(&["a", "b"])));
    assert!(!rule("SORT s ALPHA").fits(&keys(&["", "\0", "a"]), &keys(&["\0", "", "b"])));
    let consumer = |seen: i64, count: i64| {
        let text = |text: &str| Value::Bulk(text.into());
        let told = [text("name"), text("bob"), text("pending"), Value::Int(count), text("idle"), Value::Int(seen)];
        Value::Array(vec![Value::Array(told.to_vec())])
    };
    assert!(rule("XINFO CONSUMERS x g").fits(&consumer(5, 1), &consumer(5_000_000, 1)));
    assert!(!rule("XINFO CONSUMERS x g").fits(&consumer(5_000_000, 1), &consumer(5, 1)));
    assert!(!rule("XINFO CONSUMERS x g").fits(&consumer(5, 1), &consumer(5_000_000, 2)));
    let pending = |idle: i64, count: i64| {
        let text = |text: &str| Value::Bulk(text.into());
        Value::Array(vec![Value::Array(vec![text("1-1"), text("bob"), Value::Int(idle), Value::Int(count)])])
    };
    assert!(rule("XPENDING x g - + 9").fits(&pending(5, 1), &pending(9, 1)));
    assert!(!rule("XPENDING x g - + 9").fits(&pending(5, 1), &pending(5, 2)));
    assert!(!rule("XPENDING x g - + 9").fits(&pending(5, 1), &pending(5_000_000, 1)));
}
