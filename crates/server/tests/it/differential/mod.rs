//! The same random commands to Basalt and to Redis 7.0, every reply compared.
//!
//! Three connections to each server take turns with pipelined batches, so transactions and watches are broken by others.
//! Between batches both servers are asked for all they hold. After a difference both are emptied and the run goes on:
//! one run shows several mistakes. It fails in the end with seed, step, command and both replies.
//! `BASALT_DIFF_CALLS=n` for more calls, `BASALT_DIFF_SEED=n` for others, `BASALT_DIFF_AUDIT=1` looks at everything after
//! every batch, to find where two states parted. What may differ, and why: `compare.rs`.

mod compare;
mod words;

use crate::client::{Client, encode, show};
use crate::harness::Server;
use compare::{Verdict, judge};
use kit::text::quote;
use kit::world::Rng;
use proto::resp_client::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const CALLS_DEFAULT: u64 = 100_000;
const CONNECTIONS: usize = 3;
const BATCH_LEN_MAX: u64 = 64;
/// Batches between two looks at everything.
const BATCHES_PER_AUDIT: u64 = 25;
/// Enough to see a pattern; further ones only repeat.
const DIFFERENCES_MAX: usize = 12;
/// Calls shown before one that differed, if they name its key.
const HISTORY_LEN: usize = 400;
const HISTORY_SHOWN: usize = 10;

#[test]
fn answers_as_redis_does() {
    let from_env = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let Some(redis) = Server::start_redis(&[]) else { return };
    let basalt = Server::start(&["--io-threads", "2"]);
    let seed = from_env("BASALT_DIFF_SEED").unwrap_or(1);
    let calls = from_env("BASALT_DIFF_CALLS").unwrap_or(CALLS_DEFAULT);
    let mut run = Run::new(&basalt, &redis, seed);
    run.batches_per_audit = from_env("BASALT_DIFF_AUDIT").unwrap_or(BATCHES_PER_AUDIT);
    while run.step < calls && run.differences.len() < DIFFERENCES_MAX {
        run.batch();
    }
    assert!(run.differences.is_empty(), "{} differences:\n{}", run.differences.len(), run.differences.join("\n"));
}

struct Run<'s> {
    servers: [&'s Server; 2],
    seed: u64,
    rng: Rng,
    step: u64,
    batch_count: u64,
    batches_per_audit: u64,
    pairs: Vec<Pair>,
    floats: Floats,
    /// Latest calls, for the report.
    history: VecDeque<String>,
    /// What was found, by the command's name: one of each is enough.
    seen: BTreeSet<String>,
    differences: Vec<String>,
}

/// The same connection to both servers.
struct Pair {
    clients: [Client; 2],
    /// What EXEC will answer to.
    queued: Vec<Vec<Vec<u8>>>,
}

impl Pair {
    fn new(servers: [&Server; 2]) -> Pair {
        Pair { clients: servers.map(Server::connect), queued: Vec::new() }
    }
}

/// The keys `float…`: Redis's 80-bit sums differ from ours in the last digits, and then their values do.
#[derive(Default)]
struct Floats {
    /// From here to the end of the batch, which removes them, nothing about them is compared.
    parted: bool,
}

impl Floats {
    fn judge(&mut self, words: &[Vec<u8>], ours: &Value, theirs: &Value) -> Verdict {
        let is_float = words.get(1).is_some_and(|key| key.starts_with(b"float"));
        if is_float && self.parted {
            return Verdict::Same;
        }
        let verdict = judge(words, ours, theirs);
        if is_float && verdict == Verdict::Parted {
            self.parted = true;
            return Verdict::Same;
        }
        verdict
    }
}

impl<'s> Run<'s> {
    fn new(basalt: &'s Server, redis: &'s Server, seed: u64) -> Run<'s> {
        let mut run = Run {
            servers: [basalt, redis],
            seed,
            rng: Rng::new(seed),
            step: 0,
            batch_count: 0,
            batches_per_audit: BATCHES_PER_AUDIT,
            pairs: Vec::new(),
            floats: Floats::default(),
            history: VecDeque::new(),
            seen: BTreeSet::new(),
            differences: Vec::new(),
        };
        run.begin_anew();
        run
    }

    fn begin_anew(&mut self) {
        self.pairs = (0..CONNECTIONS).map(|_| Pair::new(self.servers)).collect();
        self.servers.iter().for_each(|server| _ = server.connect().ask_line("FLUSHALL"));
        self.history.clear();
        self.floats.parted = false;
    }

    fn batch(&mut self) {
        let number = self.rng.index(CONNECTIONS);
        let len = 1 + self.rng.below(BATCH_LEN_MAX);
        let calls: Vec<Vec<Vec<u8>>> = (0..len).map(|_| words::call(&mut self.rng)).collect();
        let mut bytes = Vec::new();
        calls.iter().for_each(|words| encode(&mut bytes, words));
        let replies = {
            let clients = &mut self.pairs[number].clients;
            clients.iter_mut().for_each(|client| client.send(&bytes));
            clients.each_mut().map(|client| (0..len).map(|_| client.reply()).collect::<Vec<_>>())
        };
        let [ours, theirs] = replies;
        for ((words, ours), theirs) in calls.iter().zip(&ours).zip(&theirs) {
            self.step += 1;
            if !self.check(number, words, ours, theirs) {
                return;
            }
        }
        if std::mem::take(&mut self.floats.parted) {
            for client in &mut self.servers.map(Server::connect) {
                for db in 0..words::DB_COUNT {
                    client.ask(&["SELECT", &db.to_string()]);
                    client.ask_line("DEL float0 float1 float2");
                }
            }
        }
        self.batch_count += 1;
        if self.batch_count.is_multiple_of(self.batches_per_audit) {
            self.audit();
        }
    }

    /// Whether the run may go on from here.
    fn check(&mut self, number: usize, words: &[Vec<u8>], ours: &Value, theirs: &Value) -> bool {
        let pair = &mut self.pairs[number];
        let queued = Value::Simple("QUEUED".into());
        let name = words[0].to_ascii_lowercase();
        let (mut decisive, mut verdict) = ((words.to_vec(), ours, theirs), Verdict::Same);
        match (ours, theirs) {
            (Value::Array(ours), Value::Array(theirs)) if name == b"exec" => {
                if ours.len() != theirs.len() || ours.len() != pair.queued.len() {
                    verdict = Verdict::Different;
                }
                for ((words, ours), theirs) in pair.queued.iter().zip(ours).zip(theirs) {
                    if verdict == Verdict::Same {
                        (decisive, verdict) = ((words.clone(), ours, theirs), self.floats.judge(words, ours, theirs));
                    }
                }
            }
            _ if *ours == queued && *theirs == queued => pair.queued.push(words.to_vec()),
            _ => verdict = self.floats.judge(words, ours, theirs),
        }
        let is_ended = match name.as_slice() {
            b"exec" => true,
            b"discard" | b"reset" => matches!(ours, Value::Simple(_)),
            _ => false,
        };
        if is_ended {
            pair.queued.clear();
        }
        let line = format!("{number}> {} -> {}", text(words), show(theirs));
        match verdict {
            Verdict::Same => {}
            Verdict::Parted => {
                self.begin_anew();
                return false;
            }
            Verdict::Different => {
                // Inside EXEC it is the queued command that went otherwise.
                let (culprit, ours, theirs) = decisive;
                let inside = if culprit == words { String::new() } else { format!("in {}: ", text(words)) };
                let name = String::from_utf8_lossy(&culprit[0]).to_lowercase();
                let key = culprit.get(1).map_or(String::new(), |word| quote(word));
                let both = format!("basalt {}\n    redis  {}", show(ours), show(theirs));
                self.differs(&name, &key, &format!("{number}> {inside}{}\n    {both}", text(&culprit)));
                return false;
            }
        }
        self.history.push_back(line);
        if self.history.len() > HISTORY_LEN {
            self.history.pop_front();
        }
        true
    }

    fn differs(&mut self, name: &str, key: &str, what: &str) {
        if self.seen.insert(name.to_string()) {
            let mut text = format!("seed {} step {}: {what}\n", self.seed, self.step);
            let mut keys = vec![key.to_string()];
            // The servers may have parted before, unseen.
            if let Some((key, what)) = self.state_difference().filter(|_| !name.starts_with("audit")) {
                text.push_str(&format!("    they hold different things (the batch has run to its end): {what}\n"));
                keys.push(key);
            }
            for key in keys {
                text.push_str(&format!("    calls before it with {key}:\n"));
                let about_key = |line: &&String| line.contains(&key);
                let lines: Vec<&String> = self.history.iter().rev().filter(about_key).take(HISTORY_SHOWN).collect();
                lines.iter().rev().for_each(|line| text.push_str(&format!("      {}\n", shorten(line))));
            }
            self.differences.push(text);
        }
        self.begin_anew();
    }

    /// Everything both hold: keys as SCAN finds them, values, encodings, deadlines.
    fn audit(&mut self) {
        if let Some((key, what)) = self.state_difference() {
            let kind = what.split(' ').next().unwrap_or_default().to_string();
            self.differs(&format!("audit by {kind}"), &key, &what);
        }
    }

    /// The first key that the two servers hold differently, and how.
    fn state_difference(&mut self) -> Option<(String, String)> {
        for db in 0..words::DB_COUNT {
            let mut clients = self.servers.map(Server::connect);
            clients.iter_mut().for_each(|client| _ = client.ask(&["SELECT", &db.to_string()]));
            let count = (1 + self.rng.below(30)).to_string();
            let [ours, theirs] = clients.each_mut().map(|client| scan(client, &count));
            if let Some(key) = ours.symmetric_difference(&theirs).next() {
                let holder = if ours.contains(key) { "basalt" } else { "redis" };
                return Some((quote(key), format!("SCAN of db {db}: only {holder} has {}", quote(key))));
            }
            for key in &ours {
                for words in [&["GET"][..], &["OBJECT", "ENCODING"], &["PEXPIRETIME"]] {
                    let name = words.join(" ");
                    let mut words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
                    words.push(key.clone());
                    let [ours, theirs] = clients.each_mut().map(|client| client.ask(&words));
                    if judge(&words, &ours, &theirs) != Verdict::Same {
                        let both = format!("basalt {}\n    redis  {}", show(&ours), show(&theirs));
                        return Some((quote(key), format!("{name} {} of db {db}\n    {both}", quote(key))));
                    }
                }
            }
        }
        None
    }
}

/// All keys of the database, by whole turns of SCAN.
fn scan(client: &mut Client, count: &str) -> BTreeSet<Vec<u8>> {
    let mut keys = BTreeSet::new();
    let mut cursor = b"0".to_vec();
    let mut visits: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
    loop {
        let reply = client.ask(&[b"SCAN".as_slice(), &cursor, b"COUNT", count.as_bytes()]);
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

fn text(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn shorten(line: &str) -> String {
    const SHOWN_MAX: usize = 300;
    if line.len() <= SHOWN_MAX {
        line.to_string()
    } else {
        format!("{} …", &line[..line.floor_char_boundary(SHOWN_MAX)])
    }
}
