//! Random requests, out of templates.
//!
//! A template is a request with holes: `{k}` is filled with a key, `{n}` with a number … (see `fill`). Then, once in a while,
//! a word is left out, added or replaced, and the name is written in another case.
//! What would make the two servers differ by chance alone is not in the holes: deadlines that pass during the run,
//! fractions that 80-bit floats round in another way (but for the keys `float…`), offsets that take gigabytes, two
//! places at the same distance, ids that the clock makes.

use super::link::Words;
use super::templates::{COMMON, RARE, Theme};
use kit::world::Rng;
use std::collections::BTreeSet;

pub(super) const DB_COUNT: u64 = 3;

/// Payloads of DUMP kept for RESTORE.
const PAYLOADS_MAX: usize = 64;

/// Words that are wrong almost everywhere. None is a small positive number: as a time it would pass during the run, as an
/// offset between a megabyte and 512 of them it would take its time.
pub(super) const JUNK: &[&[u8]] = &[
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

pub(super) struct Talk {
    pub(super) rng: Rng,
    pub(super) theme: Theme,
    /// Names of commands that one of the servers lacks, upper case.
    lacking: BTreeSet<String>,
    /// The moment of the newest stream entry: ids rise through a run, as they do in life.
    stream_ms: u64,
    payloads: Vec<(Theme, Vec<u8>)>,
}

impl Talk {
    pub(super) fn new(seed: u64, lacking: BTreeSet<String>) -> Talk {
        Talk { rng: Rng::new(seed), theme: Theme::Strings, lacking, stream_ms: 1, payloads: Vec::new() }
    }

    /// One request, or a few that stand together.
    pub(super) fn calls(&mut self, to: &mut Vec<Words>) {
        let template = match self.rng.below(1000) {
            0 => pick(&mut self.rng, RARE),
            1..200 => pick(&mut self.rng, COMMON),
            _ => pick(&mut self.rng, self.theme.templates()),
        };
        if self.lacks(template) {
            return;
        }
        if template.contains(';') {
            let first = to.len();
            for part in template.split(';') {
                let mut words = self.filled(part);
                for word in &mut words {
                    if let [b'=', at @ b'1'..=b'9'] = word[..] {
                        *word = to[first][usize::from(at - b'0')].clone();
                    }
                }
                to.push(words);
            }
        } else {
            let mut words = self.filled(template);
            mutate(&mut self.rng, &mut words);
            to.push(words);
        }
    }

    fn lacks(&self, template: &str) -> bool {
        !self.lacking.is_empty() && template.split(' ').next().is_some_and(|name| self.lacking.contains(name))
    }

    /// As the template says, nothing left out or replaced.
    pub(super) fn filled(&mut self, template: &str) -> Words {
        let mut words = Vec::new();
        for part in template.split(' ') {
            match part.split_once('{') {
                Some(("", hole)) => fill(self, hole.trim_end_matches('}'), &mut words),
                Some((prefix, hole)) => {
                    let at = words.len();
                    fill(self, hole.trim_end_matches('}'), &mut words);
                    words[at].splice(0..0, prefix.bytes());
                }
                None => words.push(part.as_bytes().to_vec()),
            }
        }
        words
    }

    pub(super) fn key(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        // A HyperLogLog that was written to as a string is none any more: it shares no keys.
        let shares = self.theme != Theme::HyperLogLogs;
        match rng.below(24) {
            0 if shares => {
                pick::<&[u8]>(rng, &[b"", b"\0", b"a b", b"{tag}1", b"{tag}2", b"k*", b"[k]", b"\xff\r\n", b"none"])
                    .to_vec()
            }
            1 => {
                // Any score is a place, but few of them one that can be found again: those two do not meet.
                let theme = match self.theme {
                    Theme::HyperLogLogs => pick(rng, &[Theme::Lists, Theme::Hashes, Theme::Sets, Theme::Streams]),
                    _ => pick(rng, &[Theme::Lists, Theme::Hashes, Theme::Sets, Theme::Streams, Theme::Strings]),
                };
                format!("{}{}", theme.letter(), rng.below(8)).into_bytes()
            }
            _ => {
                let count = if self.theme == Theme::Strings { 22 } else { 6 };
                format!("{}{}", self.theme.letter(), rng.below(count)).into_bytes()
            }
        }
    }

    pub(super) fn keep_payload(&mut self, payload: Vec<u8>) {
        if self.payloads.len() < PAYLOADS_MAX {
            self.payloads.push((self.theme, payload));
        } else {
            let at = self.rng.index(PAYLOADS_MAX);
            self.payloads[at] = (self.theme, payload);
        }
    }

    fn payload(&mut self) -> Vec<u8> {
        let scored = |theme| matches!(theme, Theme::SortedSets | Theme::Geo);
        if self.payloads.is_empty() {
            return b"nothing".to_vec();
        }
        let at = self.rng.index(self.payloads.len());
        match &self.payloads[at] {
            (theme, _) if scored(*theme) && *theme != self.theme => b"nothing".to_vec(),
            (_, payload) => payload.clone(),
        }
    }
}

fn mutate(rng: &mut Rng, words: &mut Words) {
    // Redis 7.0 takes the name even when a later word is refused.
    let is_hello_with_name = words.len() > 2 && words[0] == b"HELLO";
    // What is refused for its timeout must not get another: nobody would end the wait.
    let may_block = words[0].starts_with(b"BL") || words[0].starts_with(b"BR") || words[0].starts_with(b"BZ");
    let may_block = may_block || words.iter().any(|word| word == b"BLOCK");
    // Its count takes all there is: nothing is left to chance.
    let takes_all = words[0] == b"SPOP";
    // A time to live that is too long overflows there, and is over.
    let restores = words[0] == b"RESTORE";
    match rng.below(60) {
        _ if is_hello_with_name || may_block || takes_all || restores => {}
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
}

fn fill(talk: &mut Talk, hole: &str, words: &mut Words) {
    match hole {
        "k" => return words.push(talk.key()),
        "payload" => return words.push(talk.payload()),
        "broken" => {
            let mut payload = talk.payload();
            let at = talk.rng.index(payload.len());
            payload[at] ^= 1 << talk.rng.below(8);
            return words.push(payload);
        }
        "nid" => {
            talk.stream_ms += talk.rng.below(3);
            let id = format!("{}-{}", talk.stream_ms, talk.rng.below(3));
            return words.push(id.into_bytes());
        }
        "ms*" => {
            talk.stream_ms += talk.rng.below(2);
            return words.push(format!("{}-*", talk.stream_ms).into_bytes());
        }
        "oid" => return words.push(old_id(&mut talk.rng, talk.stream_ms)),
        "rid" => {
            let id = old_id(&mut talk.rng, talk.stream_ms);
            let bound = pick(&mut talk.rng, &["-", "+", "", "", "(", "-"]);
            return words.push(match bound {
                "" | "(" => [bound.as_bytes(), &id].concat(),
                _ => bound.into(),
            });
        }
        "gid" => {
            let id = old_id(&mut talk.rng, talk.stream_ms);
            return words.push(if talk.rng.one_in(2) { id } else { pick(&mut talk.rng, &["$", "0"]).into() });
        }
        _ => {}
    }
    let rng = &mut talk.rng;
    let text = |text: &str| text.as_bytes().to_vec();
    let word = match hole {
        "ks" => {
            let count = 1 + rng.below(4);
            return (0..count).for_each(|_| words.push(talk.key()));
        }
        "kvs" => {
            for _ in 0..=rng.below(3) {
                words.push(talk.key());
                words.push(value(&mut talk.rng));
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
        "ms" => millis(rng),
        "at" => match rng.below(10) {
            0 => text(pick(rng, &["0", "-1", "1", "1000000000", "9223372036854775807", "9223372036854775"])),
            _ => later(rng, 4_000_000_000),
        },
        "mat" => match rng.below(10) {
            0 => text(pick(rng, &["0", "-1", "1", "1000000000000", "9223372036854775807", "-9223372036854775808"])),
            _ => later(rng, 4_000_000_000_000),
        },
        "cond" => text(pick(rng, &["NX", "XX", "GT", "LT", "nx", "xx", "gt", "lt", "NX", "XX", "GT", "LT", "QQ"])),
        "set" => return set_option(rng, words),
        "pat" => pattern(rng),
        "name" => text(pick(rng, &["alice", "bob", "", "a b", "x\n", "carol"])),
        "onoff" => text(pick(rng, &["ON", "OFF", "on", "off", "maybe"])),
        "junk" => pick(rng, JUNK).to_vec(),
        other => return super::holes::fill(rng, other, words),
    };
    words.push(word);
}

pub(super) fn pick<T: Copy>(rng: &mut Rng, of: &[T]) -> T {
    of[rng.index(of.len())]
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

pub(super) fn number(rng: &mut Rng) -> Vec<u8> {
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
        "PX" => words.push(millis(rng)),
        // A moment in the past makes Redis's SET keep a dead key, which DBSIZE counts: conversations look at it.
        "EXAT" | "PXAT" if is_junk => words.push(pick(rng, JUNK).to_vec()),
        "EXAT" => words.push(later(rng, 4_000_000_000)),
        "PXAT" => words.push(later(rng, 4_000_000_000_000)),
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

fn millis(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0 => pick(rng, &["0", "-1", "-100000", "9223372036854775807", "-9223372036854775808", "9223370000000000000"])
            .into(),
        _ => format!("{}00000", 1 + rng.below(1_000_000)).into_bytes(),
    }
}

fn later(rng: &mut Rng, from: u64) -> Vec<u8> {
    (from + rng.below(1_000_000)).to_string().into_bytes()
}

/// Of an entry that was added lately, if chance will have it.
fn old_id(rng: &mut Rng, newest: u64) -> Vec<u8> {
    let ms = newest.saturating_sub(rng.below(24));
    match rng.below(12) {
        0 => pick(rng, &["0", "0-0", "18446744073709551615-18446744073709551615", "-1", "1-", "x-1", "1-x"]).into(),
        1..4 => ms.to_string().into_bytes(),
        _ => format!("{ms}-{}", rng.below(3)).into_bytes(),
    }
}
