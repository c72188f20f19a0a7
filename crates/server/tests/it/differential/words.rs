//! Random requests, out of templates.
//!
//! A template is a request with holes: `{k}` is filled with a key, `{n}` with a number … (see `fill`). Then, once in a while,
//! a word is left out, added or replaced, and the name is written in another case.
//! What would make the two servers differ by chance alone is not in the holes: deadlines that pass during the run,
//! fractions that 80-bit floats round in another way (but for the keys `float…`), offsets that take gigabytes.

use kit::world::Rng;

pub(super) const DB_COUNT: u64 = 3;

/// Chosen with equal chance: what stands twice comes twice as often.
const TEMPLATES: &[&str] = &[
    // strings
    "SET {k} {v}",
    "SET {k} {v}",
    "SET {k} {v}",
    "SET {k} {v}",
    "SET {k} {n}",
    "SET {k} {n}",
    "SET {k} {v} {set}",
    "SET {k} {v} {set}",
    "SET {k} {v} {set} {set}",
    "SET {k} {v} {set} {set}",
    "SET {k} {v} {set} {set} {set}",
    "SET {k} {f}",
    "GET {k}",
    "GET {k}",
    "GET {k}",
    "GETSET {k} {v}",
    "GETDEL {k}",
    "SETNX {k} {v}",
    "SETEX {k} {s} {v}",
    "PSETEX {k} {ms} {v}",
    "GETEX {k}",
    "GETEX {k} {set}",
    "GETEX {k} PERSIST",
    "GETEX {k} EXAT {at}",
    "GETEX {k} PXAT {mat}",
    "GETEX {k} {set} {set}",
    "MGET {ks}",
    "MSET {kvs}",
    "MSETNX {kvs}",
    "APPEND {k} {v}",
    "APPEND {k} {v}",
    "STRLEN {k}",
    "GETRANGE {k} {i} {i}",
    "GETRANGE {k} {i} {i}",
    "SUBSTR {k} {i} {i}",
    "SETRANGE {k} {o} {v}",
    "SETRANGE {k} {o} {v}",
    "INCR {k}",
    "DECR {k}",
    "INCRBY {k} {n}",
    "DECRBY {k} {n}",
    "INCRBY {k} {n}",
    "INCRBYFLOAT {k} {f}",
    "INCRBYFLOAT {k} {f}",
    "INCRBYFLOAT {fk} {g}",
    "SET {fk} {g}",
    "GET {fk}",
    "SET {lk} {lv}",
    "SET {lk} {lv}",
    "LCS {lk} {lk}",
    "LCS {lk} {lk} LEN",
    "LCS {lk} {lk} IDX",
    "LCS {lk} {lk} IDX WITHMATCHLEN",
    "LCS {lk} {lk} IDX MINMATCHLEN {i}",
    "LCS {lk} {lk} MINMATCHLEN {i} IDX WITHMATCHLEN",
    "LCS {lk} {k0} LEN",
    // bitmaps
    "SETBIT {k} {b} {bit}",
    "SETBIT {k} {b} {bit}",
    "GETBIT {k} {b}",
    "GETBIT {k} {b}",
    "BITCOUNT {k}",
    "BITCOUNT {k} {i} {i}",
    "BITCOUNT {k} {i} {i} {unit}",
    "BITPOS {k} {bit}",
    "BITPOS {k} {bit} {i}",
    "BITPOS {k} {bit} {i} {i}",
    "BITPOS {k} {bit} {i} {i} {unit}",
    "BITOP {op} {k} {ks}",
    "BITOP {op} {k} {ks}",
    "BITOP NOT {k} {k}",
    "BITFIELD {k} GET {ty} {fo}",
    "BITFIELD {k} SET {ty} {fo} {bn}",
    "BITFIELD {k} INCRBY {ty} {fo} {n}",
    "BITFIELD {k} OVERFLOW {over} INCRBY {ty} {fo} {n} GET {ty} {fo}",
    "BITFIELD {k} OVERFLOW {over} SET {ty} {fo} {bn} OVERFLOW {over} INCRBY {ty} {fo} {n}",
    "BITFIELD {k} SET {ty} {fo} {bn} SET {ty} {fo} {bn} GET {ty} {fo}",
    "BITFIELD_RO {k} GET {ty} {fo}",
    "BITFIELD_RO {k} GET {ty} {fo} SET u8 0 1",
    "BITFIELD {k}",
    // keys
    "DEL {k}",
    "DEL {ks}",
    "UNLINK {ks}",
    "EXISTS {ks}",
    "TOUCH {ks}",
    "TYPE {k}",
    "RENAME {k} {k}",
    "RENAMENX {k} {k}",
    "COPY {k} {k}",
    "COPY {k} {k} REPLACE",
    "COPY {k} {k} DB {db}",
    "COPY {k} {k} DB {db} REPLACE",
    "MOVE {k} {db}",
    "RANDOMKEY",
    "DBSIZE",
    "KEYS *",
    "KEYS {pat}",
    "KEYS {pat}",
    "SCAN 0 COUNT 1000",
    "SCAN 0 MATCH {pat} COUNT 1000",
    "SCAN 0 COUNT 1000 TYPE string",
    "SCAN 0 COUNT 1000 TYPE zset",
    "SCAN {junk}",
    "OBJECT ENCODING {k}",
    "OBJECT ENCODING {k}",
    "OBJECT REFCOUNT {k}",
    "OBJECT IDLETIME {k}",
    "OBJECT FREQ {k}",
    // time
    "EXPIRE {k} {s}",
    "EXPIRE {k} {s} {cond}",
    "EXPIRE {k} {s} {cond} {cond}",
    "PEXPIRE {k} {ms}",
    "PEXPIRE {k} {ms} {cond}",
    "EXPIREAT {k} {at}",
    "EXPIREAT {k} {at} {cond}",
    "PEXPIREAT {k} {mat}",
    "PEXPIREAT {k} {mat} {cond}",
    "TTL {k}",
    "PTTL {k}",
    "EXPIRETIME {k}",
    "PEXPIRETIME {k}",
    "PERSIST {k}",
    // transactions
    "MULTI",
    "MULTI",
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC",
    "DISCARD",
    "WATCH {ks}",
    "WATCH {k}",
    "WATCH {k}",
    "UNWATCH",
    // connection, server
    "SELECT {db}",
    "PING",
    "PING {v}",
    "ECHO {v}",
    "CLIENT SETNAME {name}",
    "CLIENT GETNAME",
    "CLIENT ID",
    "CLIENT NO-EVICT {onoff}",
    "HELLO 3",
    "HELLO 2",
    "RESET",
    "HELLO 2 SETNAME {name}",
    "HELLO {junk}",
    "COMMAND GETKEYS SET {k} {v}",
    "COMMAND GETKEYS MSET {kvs}",
    "COMMAND GETKEYS MGET {ks}",
    "COMMAND GETKEYS BITOP {op} {k} {ks}",
    "COMMAND GETKEYS {junk} {k}",
    "SWAPDB {db} {db}",
    "NOSUCH {v} {v}",
    "AUTH {junk} {junk} {junk}",
    "CLIENT {junk}",
    "OBJECT {junk} {k}",
    "SLOWLOG {junk}",
];

/// Once in a thousand: they would leave nothing to work on.
const RARE: &[&str] = &["FLUSHALL", "FLUSHDB", "FLUSHDB ASYNC", "FLUSHALL SYNC", "FLUSHALL {junk}"];

/// Words that are wrong almost everywhere. None is a small positive number: as a time it would pass during the run, as an
/// offset between a megabyte and 512 of them it would take its time.
const JUNK: &[&[u8]] = &[
    b"",
    b"abc",
    b"1.5",
    b"-1",
    b"0",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775808",
    b"-9223372036854775809",
    b" 1",
    b"1 ",
    b"+1",
    b"01",
    b"1e3",
    b"0x10",
    b"nan",
    b"inf",
    b"\0",
    b"NX",
    b"GET",
    b"k1",
    b"99999999999999",
    b"a b",
    b"\r\n",
    b"-0",
    b"18446744073709551616",
    b"\xff\xfe",
];

pub(super) fn call(rng: &mut Rng) -> Vec<Vec<u8>> {
    let template = if rng.one_in(1000) { pick(rng, RARE) } else { pick(rng, TEMPLATES) };
    let mut words = Vec::new();
    for part in template.split(' ') {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(hole) => fill(rng, hole, &mut words),
            None => words.push(part.as_bytes().to_vec()),
        }
    }
    // Redis 7.0 takes the name even when a later word is refused.
    let is_hello_with_name = words.len() > 2 && words[0] == b"HELLO";
    match rng.below(60) {
        _ if is_hello_with_name => {}
        0 if words.len() > 1 => {
            let at = 1 + rng.index(words.len() - 1);
            words.remove(at);
        }
        1 => words.push(pick(rng, JUNK).to_vec()),
        2 if words.len() > 1 => {
            let at = 1 + rng.index(words.len() - 1);
            words[at] = pick(rng, JUNK).to_vec();
        }
        3 => words[0].make_ascii_lowercase(),
        4 => words.iter_mut().step_by(2).for_each(|word| word.make_ascii_lowercase()),
        _ => {}
    }
    words
}

fn fill(rng: &mut Rng, hole: &str, words: &mut Vec<Vec<u8>>) {
    let text = |text: &str| text.as_bytes().to_vec();
    let word = match hole {
        "k" => key(rng),
        "k0" => text("none"),
        "ks" => return (0..=rng.below(3)).for_each(|_| words.push(key(rng))),
        "kvs" => {
            for _ in 0..=rng.below(3) {
                words.push(key(rng));
                words.push(value(rng));
            }
            return;
        }
        "v" => value(rng),
        "lk" => format!("lcs{}", rng.below(3)).into_bytes(),
        "lv" => (0..rng.below(60)).map(|_| b"abcd"[rng.index(4)]).collect(),
        "fk" => format!("float{}", rng.below(3)).into_bytes(),
        "g" => text(pick(
            rng,
            &[
                "0.1",
                "0.2",
                "-0.3",
                "3.14159",
                "1e17",
                "-1e17",
                "5e-5",
                "1e300",
                "-1e300",
                "123456789.123456789",
                "0.000001",
                "1e-20",
            ],
        )),
        "f" => text(pick(
            rng,
            &[
                "1",
                "-1",
                "0",
                "0.5",
                "-0.25",
                "1e3",
                "2.5e2",
                "100000.75",
                "-0.0",
                "17179869184",
                "+5",
                ".5",
                "5.",
                "0x10",
            ],
        )),
        "n" => number(rng),
        // Saturating a value below -2^62, Redis's own arithmetic overflows and takes the wrong end.
        "bn" => match String::from_utf8(number(rng)).ok().and_then(|text| text.parse::<i64>().ok()) {
            Some(n) => (n.max(-(1 << 61))).to_string().into_bytes(),
            None => text("9223372036854775808"),
        },
        "i" => match rng.below(12) {
            0 => text(pick(rng, &["9223372036854775807", "-9223372036854775808", "4294967296", "-4294967297"])),
            _ => (rng.below(40) as i64 - 20).to_string().into_bytes(),
        },
        "o" => match rng.below(20) {
            0 => text(pick(rng, &["536870912", "-1", "9223372036854775807", "4294967296"])),
            1 => rng.below(3000).to_string().into_bytes(),
            _ => rng.below(40).to_string().into_bytes(),
        },
        "b" => match rng.below(20) {
            0 => text(pick(rng, &["4294967296", "-1", "9223372036854775807"])),
            1 => rng.below(20_000).to_string().into_bytes(),
            _ => rng.below(300).to_string().into_bytes(),
        },
        "bit" => text(pick(rng, &["0", "1", "0", "1", "0", "1", "0", "1", "2", "-1"])),
        "fo" => match rng.below(20) {
            0 => text(pick(rng, &["-1", "4294967296", "#-1", "#4294967296", "#", "#x"])),
            1..=6 => format!("#{}", rng.below(8)).into_bytes(),
            _ => rng.below(200).to_string().into_bytes(),
        },
        "ty" => match rng.below(20) {
            0 => text(pick(rng, &["u64", "i65", "u0", "i0", "x8", "u", "8", "u-1", "U8"])),
            1 => text(pick(rng, &["i64", "u63", "i1", "u1"])),
            _ => format!("{}{}", pick(rng, &["u", "i"]), 1 + rng.below(63)).into_bytes(),
        },
        "over" => text(pick(rng, &["WRAP", "SAT", "FAIL", "wrap", "sat", "fail", "WRAP", "SAT", "FAIL", "no"])),
        "op" => text(pick(rng, &["AND", "OR", "XOR", "and", "or", "xor", "NOT", "AND", "OR", "XOR", "NOP"])),
        "unit" => text(pick(rng, &["BYTE", "BIT", "byte", "bit", "BYTE", "BIT", "bits"])),
        "db" => match rng.below(20) {
            0 => text(pick(rng, &["16", "-1", "x", "9223372036854775807", "4294967296"])),
            _ => rng.below(DB_COUNT).to_string().into_bytes(),
        },
        "s" => seconds(rng),
        "ms" => match rng.below(10) {
            0 => text(pick(
                rng,
                &["0", "-1", "-100000", "9223372036854775807", "-9223372036854775808", "9223370000000000000"],
            )),
            _ => format!("{}00000", 1 + rng.below(1_000_000)).into_bytes(),
        },
        "at" => match rng.below(10) {
            0 => text(pick(rng, &["0", "-1", "1", "1000000000", "9223372036854775807", "9223372036854775"])),
            _ => return fill(rng, "at later", words),
        },
        "at later" => (4_000_000_000 + rng.below(1_000_000)).to_string().into_bytes(),
        "mat" => match rng.below(10) {
            0 => text(pick(rng, &["0", "-1", "1", "1000000000000", "9223372036854775807", "-9223372036854775808"])),
            _ => return fill(rng, "mat later", words),
        },
        "mat later" => (4_000_000_000_000 + rng.below(1_000_000_000)).to_string().into_bytes(),
        "cond" => text(pick(rng, &["NX", "XX", "GT", "LT", "nx", "xx", "gt", "lt", "NX", "XX", "GT", "LT", "QQ"])),
        "set" => return set_option(rng, words),
        "pat" => pattern(rng),
        "name" => text(pick(rng, &["alice", "bob", "", "a b", "x\n", "carol"])),
        "onoff" => text(pick(rng, &["ON", "OFF", "on", "off", "maybe"])),
        "junk" => pick(rng, JUNK).to_vec(),
        other => panic!("no hole is called {other}"),
    };
    words.push(word);
}

fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.index(of.len())]
}

fn key(rng: &mut Rng) -> Vec<u8> {
    match rng.below(20) {
        0 => pick::<&[u8]>(rng, &[b"", b"\0", b"a b", b"{tag}1", b"{tag}2", b"k*", b"[k]", b"\xff\r\n", b"none"])
            .to_vec(),
        _ => format!("k{}", rng.below(22)).into_bytes(),
    }
}

fn value(rng: &mut Rng) -> Vec<u8> {
    match rng.below(12) {
        0 | 1 => number(rng),
        2 => pick::<&[u8]>(
            rng,
            &[b"", b"0.5", b"-2.25", b"1e3", b"01", b"+1", b" 1", b"1 ", b"-0", b"007", b"0x10", b"inf", b"nan"],
        )
        .to_vec(),
        3 => (0..rng.below(80)).map(|_| (rng.next_u64() & 0xff) as u8).collect(),
        // Around 44 bytes the encoding changes.
        4 => vec![b'x'; (40 + rng.below(10)) as usize],
        5 => vec![pick(rng, &[0xff, 0, 0x0f, b'a']); rng.below(30) as usize],
        6 => vec![b'y'; rng.below(1500) as usize],
        _ => (0..rng.below(12)).map(|_| b"abcdefgh"[rng.index(8)]).collect(),
    }
}

fn number(rng: &mut Rng) -> Vec<u8> {
    let text = match rng.below(10) {
        0 => pick(
            rng,
            &[
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775806",
                "9223372036854775808",
                "-9223372036854775809",
                "5000000000",
                "-5000000000",
            ],
        )
        .to_string(),
        1 => pick(rng, &["127", "128", "-128", "-129", "255", "256", "32767", "65535", "9999", "10000"]).to_string(),
        2 => (rng.next_u64() as i64 >> rng.below(24)).to_string(),
        _ => (rng.below(200) as i64 - 100).to_string(),
    };
    // An offset may be made of it when a word before it was left out.
    match text.parse::<i64>() {
        Ok(n) if (100_000..4_300_000_000).contains(&n) => b"77".to_vec(),
        _ => text.into_bytes(),
    }
}

/// Far apart from each other: GT and LT must not depend on which millisecond it was.
fn seconds(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0 => pick(
            rng,
            &["0", "-1", "-100", "9223372036854775807", "9223372036854775", "-9223372036854775808", "9223370000000000"],
        )
        .as_bytes()
        .to_vec(),
        _ => format!("{}00", 1 + rng.below(1_000_000)).into_bytes(),
    }
}

fn set_option(rng: &mut Rng, words: &mut Vec<Vec<u8>>) {
    let option =
        pick(rng, &["NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT", "nx", "get", "ex", "PERSIST", "QQ"]);
    words.push(option.as_bytes().to_vec());
    let is_junk = rng.one_in(4);
    match option {
        "EX" | "ex" => words.push(seconds(rng)),
        "PX" => fill(rng, "ms", words),
        // A moment in the past makes Redis's SET keep a dead key, which DBSIZE counts: conversations look at it.
        "EXAT" | "PXAT" if is_junk => words.push(pick(rng, JUNK).to_vec()),
        "EXAT" => fill(rng, "at later", words),
        "PXAT" => fill(rng, "mat later", words),
        _ => {}
    }
}

fn pattern(rng: &mut Rng) -> Vec<u8> {
    const PARTS: &[&str] = &[
        "*", "?", "k", "1", "2", "[12]", "[^1]", "[1-5]", "[5-1]", "\\*", "\\", "[", "[k", "]", "{tag}", "**", "[\\1]",
        "[^", "[]", "[a-", "k1",
    ];
    let mut all = Vec::new();
    for _ in 0..=rng.below(4) {
        all.extend_from_slice(pick(rng, PARTS).as_bytes());
    }
    all
}
