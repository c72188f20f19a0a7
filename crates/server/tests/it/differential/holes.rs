//! The holes of the collections: elements, scores, fields, places, options.

use super::link::Words;
use super::words::{JUNK, number, pick};
use kit::world::Rng;

pub(super) fn fill(rng: &mut Rng, hole: &str, words: &mut Words) {
    let word = match hole {
        "e" => element(rng),
        "es" => return (0..=rng.below(4)).for_each(|_| words.push(element(rng))),
        "many" => {
            let count_max = if rng.one_in(8) { 400 } else { 20 };
            let (from, count) = (rng.below(3000), rng.below(count_max));
            return (0..=count).for_each(|n| words.push(format!("m{}", from + n).into_bytes()));
        }
        "int" => integer(rng),
        "ints" => return (0..=rng.below(4)).for_each(|_| words.push(integer(rng))),
        "c" => match rng.below(12) {
            0 => pick(rng, &["-1", "-5", "0", "100", "2147483647", "1000"]).into(),
            1 => pick(rng, JUNK_COUNTS).to_vec(),
            _ => rng.below(6).to_string().into_bytes(),
        },
        "end" => pick(rng, &["LEFT", "RIGHT", "left", "RIGHT", "LEFT", "RIGHT", "middle"]).into(),
        "sort" => return sort_option(rng, words),
        "restore" => match rng.below(4) {
            0 => return words.extend(["IDLETIME", "100"].map(Vec::from)),
            1 => return words.extend(["FREQ", "10"].map(Vec::from)),
            2 => "ABSTTL".into(),
            _ => pick(rng, JUNK).to_vec(),
        },
        "ttl" => pick(rng, &["0", "0", "0", "100000000", "-1", "abc"]).into(),
        "type" => pick(rng, &["list", "hash", "set", "stream", "zset", "string", "HASH", "nosuch"]).into(),
        "fld" => field(rng),
        "flds" => return (0..=rng.below(3)).for_each(|_| words.push(field(rng))),
        "fvs" => {
            for _ in 0..=rng.below(3) {
                words.push(field(rng));
                words.push(if rng.one_in(4) { number(rng) } else { element(rng) });
            }
            return;
        }
        "sc" => score(rng),
        "sms" => {
            for _ in 0..=rng.below(3) {
                words.push(score(rng));
                words.push(element(rng));
            }
            return;
        }
        "zadd" => pick(rng, &["NX", "XX", "GT", "LT", "CH", "CH", "xx", "gt", "QQ"]).into(),
        "min" => match rng.below(8) {
            0 => pick(rng, &["-inf", "+inf", "(inf", "(-inf", "inf", "(", "nan", "abc", "[1", "(abc"]).into(),
            1..3 => [b"(".to_vec(), score(rng)].concat(),
            _ => score(rng),
        },
        "agg" => pick(rng, &["SUM", "MIN", "MAX", "sum", "min", "MAX", "AVG"]).into(),
        "zk" => format!("zl{}", rng.below(2)).into_bytes(),
        "lex" => match rng.below(8) {
            0 => pick(rng, &["-", "+", "[", "(", "a", "", "-x", "+x"]).into(),
            1 | 2 => pick(rng, &["-", "+"]).into(),
            3 | 4 => [b"(".to_vec(), element(rng)].concat(),
            _ => [b"[".to_vec(), element(rng)].concat(),
        },
        "xf" => format!("xf{}", rng.below(2)).into_bytes(),
        "grp" => pick(rng, &["g1", "g2", "g3"]).into(),
        "con" => pick(rng, &["alice", "bob", "carol"]).into(),
        // No entry is left alone for so long but those whose idle time is set.
        "idle" => pick(rng, &["0", "0", "0", "500000000", "100000000000000", "-1"]).into(),
        "wait" => pick(rng, &["0", "0", "0", "100", "1000.5"]).into(),
        "waitms" => pick(rng, &["0", "0", "100000"]).into(),
        "place" => place(rng).1,
        "places" => {
            for _ in 0..=rng.below(3) {
                let (index, name) = place(rng);
                let (lon, lat) = point(index * 2 + rng.below(2));
                words.extend([lon, lat, name]);
            }
            return;
        }
        "ll" => {
            let number = 1000 + rng.below(8);
            let (lon, lat) = point(number);
            return words.extend([lon, lat]);
        }
        "lon" => pick(rng, &["179.99", "-179.99", "180.0001", "-200", "abc", "0.5", "nan", "inf"]).into(),
        "lat" => pick(rng, &["85.05", "-85.05", "86", "-90", "abc", "0.5"]).into(),
        "m" => pick(rng, &["m", "km", "mi", "ft", "KM", "m", "km", "yd"]).into(),
        "dist" => distance(rng),
        "geoadd" => pick(rng, &["NX", "XX", "CH", "ch", "GT"]).into(),
        "geowith" => pick(rng, &["WITHDIST", "WITHCOORD", "WITHHASH", "withdist", "ASC"]).into(),
        "from" => {
            if rng.one_in(2) {
                return words.extend([b"FROMMEMBER".to_vec(), place(rng).1]);
            }
            words.push(b"FROMLONLAT".to_vec());
            return fill(rng, "ll", words);
        }
        "by" => {
            if rng.one_in(2) {
                words.extend([b"BYRADIUS".to_vec(), distance(rng)]);
            } else {
                words.extend([b"BYBOX".to_vec(), distance(rng), distance(rng)]);
            }
            return fill(rng, "m", words);
        }
        other => panic!("no hole is called {other}"),
    };
    words.push(word);
}

/// As a count, no large number that a server would obey.
const JUNK_COUNTS: &[&[u8]] =
    &[b"", b"abc", b"1.5", b"-9223372036854775808", b" 1", b"+1", b"01", b"9223372036854775808"];

fn element(rng: &mut Rng) -> Vec<u8> {
    match rng.below(24) {
        0 => pick::<&[u8]>(rng, &[b"", b"a b", b"*", b"\xff\xfe", b"\r\n", b"01", b"-0", b"1.5", b"+5"]).to_vec(),
        // Around 64 bytes, or what is set instead of it, encodings change.
        1 => vec![b'a' + rng.below(3) as u8; 14 + rng.below(6) as usize],
        2 => vec![b'b'; 60 + rng.below(10) as usize],
        3 => vec![b'c'; 100 + rng.below(3) as usize * 100],
        4 => number(rng),
        5..12 => integer(rng),
        _ => format!("e{}", rng.below(14)).into_bytes(),
    }
}

fn integer(rng: &mut Rng) -> Vec<u8> {
    let n = match rng.below(20) {
        0 => pick(rng, &[i64::MAX, i64::MIN, 1 << 40, -(1 << 40)]),
        1 => pick(rng, &[32767, 32768, -32768, -32769, 70_000, 2_147_483_647, 2_147_483_648]),
        _ => rng.below(24) as i64 - 8,
    };
    n.to_string().into_bytes()
}

fn field(rng: &mut Rng) -> Vec<u8> {
    match rng.below(20) {
        0 => pick::<&[u8]>(rng, &[b"", b"\0", b"1", b"-5", b"a b"]).to_vec(),
        1 => vec![b'f'; 62 + rng.below(5) as usize],
        _ => format!("f{}", rng.below(14)).into_bytes(),
    }
}

/// Sums and products of these are exact.
fn score(rng: &mut Rng) -> Vec<u8> {
    match rng.below(16) {
        0 => {
            pick(rng, &["inf", "-inf", "+inf", "Infinity", "INF", "nan", "abc", "", "1e400", " 1", "1 ", "0x10", "--1"])
                .into()
        }
        1 => pick(rng, &["1e3", "-1e3", "17179869184", "0.5", "-0.25", "1.5", "-0", "2.75", "1e20", "3e-5"]).into(),
        _ => (rng.below(16) as i64 - 5).to_string().into_bytes(),
    }
}

/// Its number and name.
fn place(rng: &mut Rng) -> (u64, Vec<u8>) {
    let index = rng.below(16);
    (index, format!("place{index}").into_bytes())
}

/// Spread over the whole map, and no two at the same distance from a third.
fn point(index: u64) -> (Vec<u8>, Vec<u8>) {
    let mut dice = Rng::new(index);
    let near = index.is_multiple_of(3);
    let (width, height) = if near { (2.0, 2.0) } else { (358.0, 168.0) };
    let (lon, lat) = (dice.f64() * width - width / 2.0, dice.f64() * height - height / 2.0);
    (format!("{lon:.6}").into_bytes(), format!("{lat:.6}").into_bytes())
}

fn distance(rng: &mut Rng) -> Vec<u8> {
    match rng.below(10) {
        0 => pick(rng, &["-1", "abc", "0", "nan", "inf", "1e300", ""]).into(),
        1..4 => (rng.below(500_000)).to_string().into_bytes(),
        _ => format!("{}.5", rng.below(9_000)).into_bytes(),
    }
}

fn sort_option(rng: &mut Rng, words: &mut Words) {
    let option: &[&str] = match rng.below(9) {
        0 => &["ASC"],
        1 => &["DESC"],
        2 => &["LIMIT", "1", "3"],
        3 => &["LIMIT", "-2", "-1"],
        4 => &["GET", "#"],
        5 => &["GET", "w_*"],
        6 => &["BY", "w_*"],
        7 => &["BY", "nosort"],
        _ => &["LIMIT", "abc"],
    };
    words.extend(option.iter().map(|word| word.as_bytes().to_vec()));
}
