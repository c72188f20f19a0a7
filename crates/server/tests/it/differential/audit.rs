//! Do both servers hold the same? Every key of every database, its type, encoding, deadline and whole value.

use super::compare::{Verdict, judge};
use super::link::{Link, Words, split, value};
use super::words::DB_COUNT;
use kit::text::quote;
use kit::world::Rng;
use proto::resp_client::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The first key that the two servers hold differently, and how.
pub(super) fn state_difference(links: &mut [Link; 2], rng: &mut Rng) -> Option<(String, String)> {
    for db in 0..DB_COUNT {
        links.iter_mut().for_each(|link| _ = link.ask_line(&format!("SELECT {db}")));
        let count = 1 + rng.below(60);
        let [ours, theirs] = links.each_mut().map(|link| scan(link, count));
        if let Some(key) = ours.symmetric_difference(&theirs).next() {
            let holder = if ours.contains(key) { "basalt" } else { "redis" };
            return Some((quote(key), format!("SCAN of db {db}: only {holder} has {}", quote(key))));
        }
        let types: Vec<Words> = ours.iter().map(|key| vec![b"TYPE".to_vec(), key.clone()]).collect();
        if let found @ Some(_) = first_difference(links, db, &types) {
            return found;
        }
        let kinds = links[1].ask_all(&types).values();
        let mut calls = Vec::new();
        for (key, kind) in ours.iter().zip(&kinds) {
            let Value::Simple(kind) = kind else { panic!("TYPE answers {kind:?}") };
            for line in lines_about(kind) {
                calls.push(
                    split(line).into_iter().map(|word| if word == b"{k}" { key.clone() } else { word }).collect(),
                );
            }
        }
        if let found @ Some(_) = first_difference(links, db, &calls) {
            return found;
        }
    }
    None
}

fn lines_about(kind: &str) -> &'static [&'static str] {
    match kind {
        "string" => &["GET {k}", "OBJECT ENCODING {k}", "PEXPIRETIME {k}"],
        "list" => &["LRANGE {k} 0 -1", "LLEN {k}", "OBJECT ENCODING {k}", "PEXPIRETIME {k}"],
        "hash" => &["HGETALL {k}", "HLEN {k}", "OBJECT ENCODING {k}", "PEXPIRETIME {k}"],
        "set" => &["SMEMBERS {k}", "SCARD {k}", "OBJECT ENCODING {k}", "PEXPIRETIME {k}"],
        "zset" => &["ZRANGE {k} 0 -1 WITHSCORES", "ZCARD {k}", "OBJECT ENCODING {k}", "PEXPIRETIME {k}"],
        "stream" => &["XRANGE {k} - +", "XINFO STREAM {k} FULL COUNT 0", "XINFO GROUPS {k}", "PEXPIRETIME {k}"],
        // Expired between SCAN and here? Nothing expires in this test.
        other => panic!("a key of type {other:?}"),
    }
}

fn first_difference(links: &mut [Link; 2], db: u64, calls: &[Words]) -> Option<(String, String)> {
    let [ours, theirs] = links.each_mut().map(|link| link.ask_all(calls));
    for ((words, ours), theirs) in calls.iter().zip(ours.iter()).zip(theirs.iter()) {
        if ours == theirs {
            continue;
        }
        let (ours, theirs) = (value(ours), value(theirs));
        if judge(words, &ours, &theirs) != Verdict::Same {
            let key = if matches!(words[0].as_slice(), b"OBJECT" | b"XINFO") { &words[2] } else { &words[1] };
            let both = super::both(&ours, &theirs);
            return Some((quote(key), format!("{} of db {db}\n    {both}", super::text(words))));
        }
    }
    None
}

/// All keys of the database, by whole turns of SCAN.
fn scan(link: &mut Link, count: u64) -> BTreeSet<Vec<u8>> {
    let mut keys = BTreeSet::new();
    let mut cursor = b"0".to_vec();
    let mut visits: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    loop {
        let words: Words = vec![b"SCAN".to_vec(), cursor, b"COUNT".to_vec(), count.to_string().into_bytes()];
        let reply = link.ask(&words);
        let Value::Array(parts) = &reply else { panic!("SCAN answers {reply:?}") };
        let [Value::Bulk(next), Value::Array(found)] = parts.as_slice() else { panic!("SCAN answers {reply:?}") };
        for key in found {
            let Value::Bulk(key) = key else { panic!("a key: {key:?}") };
            keys.insert(key.clone());
        }
        cursor = next.clone();
        if cursor == b"0" {
            return keys;
        }
        let again = visits.entry(cursor.clone()).or_insert(0);
        *again += 1;
        assert_eq!(*again, 1, "SCAN turns in a circle at cursor {}", quote(&cursor));
    }
}
