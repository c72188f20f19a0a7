//! The same random commands over all types to Basalt and to Redis 7.0, every reply compared.
//!
//! Three connections to each server take turns with pipelined batches, so transactions and watches are broken by others.
//! Between batches both servers are asked for all they hold, clients wait for each other's elements (`scenes.rs`), and in
//! some eras the keyspace events are compared too. An era begins with empty servers and other thresholds of encodings.
//! After a difference both are emptied and the run goes on: one run shows several mistakes. It fails in the end with
//! seed, step, command and both replies. What may differ, and why: `allowed.rs`.
//! `BASALT_DIFF_CALLS=n` for more calls, `BASALT_DIFF_SEED=n` for others, `BASALT_DIFF_AUDIT=1` looks at everything after
//! every batch, to find where two states parted, `BASALT_DIFF_THEME=lists` keeps to one type.

mod allowed;
mod audit;
mod compare;
mod holes;
mod link;
mod scenes;
mod templates;
mod words;

use crate::client::show;
use crate::harness::Server;
use compare::{Verdict, judge};
use kit::text::quote;
use link::{Link, Words, value};
use proto::resp_client::Value;
use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;
use templates::Theme;
use words::{Talk, pick};

const CALLS_DEFAULT: u64 = 1_000_000;
const CONNECTIONS: usize = 3;
const BATCH_LEN_MAX: u64 = 200;
/// Batches between two looks at everything, and calls in an era.
const BATCHES_PER_AUDIT: u64 = 25;
const CALLS_PER_ERA: u64 = 20_000;
/// Enough to see a pattern; further ones only repeat.
const DIFFERENCES_MAX: usize = 12;
/// Calls shown before one that differed, if they name its key.
const HISTORY_LEN: usize = 2_000;
const HISTORY_SHOWN: usize = 30;
/// Letters of a reply or call.
const SHOWN_MAX: usize = 900;

#[test]
fn answers_as_redis_does() {
    let from_env = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let debug = ["--enable-debug-command", "yes", "--appendonly", "no"];
    let Some(redis) = Server::start_redis(&debug) else { return };
    let basalt = Server::start(&[&debug[..], &["--io-threads", "2"]].concat());
    let seed = from_env("BASALT_DIFF_SEED").unwrap_or(1);
    let calls = from_env("BASALT_DIFF_CALLS").unwrap_or(CALLS_DEFAULT);
    let mut run = Run::new(&basalt, &redis, seed);
    run.batches_per_audit = from_env("BASALT_DIFF_AUDIT").unwrap_or(BATCHES_PER_AUDIT);
    run.only = std::env::var("BASALT_DIFF_THEME").ok().map(|name| {
        let found = Theme::ALL.iter().find(|theme| format!("{theme:?}").eq_ignore_ascii_case(&name));
        *found.unwrap_or_else(|| panic!("themes are {:?}", Theme::ALL))
    });
    let started = Instant::now();
    while run.step < calls && run.differences.len() < DIFFERENCES_MAX {
        run.turn();
    }
    let (seconds, parted) = (started.elapsed().as_secs_f64(), run.parted_count);
    println!(
        "seed {seed}: {} calls in {seconds:.1} s, began anew {parted} times after a difference that is meant",
        run.step
    );
    assert!(run.differences.is_empty(), "{} differences:\n{}", run.differences.len(), run.differences.join("\n"));
}

struct Run<'s> {
    servers: [&'s Server; 2],
    seed: u64,
    talk: Talk,
    only: Option<Theme>,
    step: u64,
    era_end: u64,
    batch_count: u64,
    batches_per_audit: u64,
    pairs: Vec<Pair>,
    /// For questions between the batches.
    control: [Link; 2],
    /// Who hear the keyspace events, in eras that have them.
    ears: Option<[Link; 2]>,
    floats: Floats,
    /// Latest calls, for the report: who, what, Redis's answer.
    history: VecDeque<(usize, Words, Vec<u8>)>,
    /// What was found, by the command's name: one of each is enough.
    seen: BTreeSet<String>,
    differences: Vec<String>,
    lacking: BTreeSet<String>,
    /// How often the states parted as they may, and the run began anew.
    parted_count: u64,
    /// The reply looked at is of a client that waited for others.
    waits: bool,
}

/// The same connection to both servers.
struct Pair {
    links: [Link; 2],
    /// What EXEC will answer to.
    queued: Vec<Words>,
}

impl Pair {
    fn new(servers: [&Server; 2]) -> Pair {
        Pair { links: servers.map(Link::new), queued: Vec::new() }
    }
}

/// The keys `float…`: Redis's 80-bit sums differ from ours in the last digits, and then their values do.
#[derive(Default)]
struct Floats {
    /// From here to the end of the batch, which removes them, nothing about them is compared.
    parted: bool,
}

impl Floats {
    fn judge(&mut self, words: &Words, ours: &Value, theirs: &Value) -> Verdict {
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
        let servers = [basalt, redis];
        let mut control = servers.map(Link::new);
        let lacking = lacking(&mut control);
        let mut run = Run {
            servers,
            seed,
            talk: Talk::new(seed, lacking.clone()),
            only: None,
            step: 0,
            era_end: 0,
            batch_count: 0,
            batches_per_audit: BATCHES_PER_AUDIT,
            pairs: Vec::new(),
            control,
            ears: None,
            floats: Floats::default(),
            history: VecDeque::new(),
            seen: BTreeSet::new(),
            differences: Vec::new(),
            lacking,
            parted_count: 0,
            waits: false,
        };
        run.begin_anew();
        run
    }

    /// An empty keyspace, new connections, other thresholds.
    fn begin_anew(&mut self) {
        self.pairs = (0..CONNECTIONS).map(|_| Pair::new(self.servers)).collect();
        self.ears = None;
        self.control = self.servers.map(Link::new);
        let rng = &mut self.talk.rng;
        let mut settings = vec!["FLUSHALL".to_string()];
        let few = pick(rng, &["4", "8", "128"]);
        for name in ["hash-max-listpack-entries", "zset-max-listpack-entries", "set-max-intset-entries"] {
            settings.push(format!("CONFIG SET {name} {few}"));
        }
        let short = pick(rng, &["16", "64"]);
        for name in ["hash-max-listpack-value", "zset-max-listpack-value"] {
            settings.push(format!("CONFIG SET {name} {short}"));
        }
        settings.push(format!("CONFIG SET list-max-listpack-size {}", pick(rng, &["-2", "4", "-1"])));
        settings.push(format!("CONFIG SET list-compress-depth {}", pick(rng, &["0", "1"])));
        settings.push(format!("CONFIG SET hll-sparse-max-bytes {}", pick(rng, &["3000", "100", "0"])));
        let events = if rng.one_in(2) { "KEA" } else { "" };
        settings.push(format!("CONFIG SET notify-keyspace-events {events}"));
        for line in &settings {
            self.control.iter_mut().for_each(|link| _ = link.ask_line(line));
        }
        if !events.is_empty() {
            let mut ears = self.servers.map(Link::new);
            ears.iter_mut().for_each(|link| _ = link.ask_line("PSUBSCRIBE __keyevent*"));
            ears.iter_mut().for_each(|link| _ = link.ask_line("SUBSCRIBE now"));
            self.ears = Some(ears);
        }
        self.history.clear();
        self.floats.parted = false;
        self.era_end = self.step + CALLS_PER_ERA;
    }

    fn turn(&mut self) {
        if self.step >= self.era_end {
            self.audit();
            self.begin_anew();
        }
        if self.only.is_none() {
            match self.talk.rng.below(60) {
                0..3 => return self.clients_that_wait(),
                3..5 => return self.elements_by_chance(),
                5 => return self.a_dump(),
                _ => {}
            }
        }
        self.talk.theme = self.only.unwrap_or_else(|| pick(&mut self.talk.rng, &Theme::ALL));
        self.batch();
    }

    fn batch(&mut self) {
        let number = self.talk.rng.index(CONNECTIONS);
        let count = 1 + self.talk.rng.below(BATCH_LEN_MAX) as usize;
        let mut calls = Vec::with_capacity(count);
        while calls.len() < count {
            self.talk.calls(&mut calls);
        }
        if !self.run_calls(number, calls) {
            return;
        }
        if std::mem::take(&mut self.floats.parted) {
            for db in 0..words::DB_COUNT {
                for line in [format!("SELECT {db}"), "DEL float0 float1 float2".to_string(), "SELECT 0".to_string()] {
                    self.control.iter_mut().for_each(|link| _ = link.ask_line(&line));
                }
            }
            self.skip_events();
        } else {
            self.compare_events();
        }
        self.batch_count += 1;
        if self.batch_count.is_multiple_of(self.batches_per_audit) {
            self.audit();
        }
    }

    /// Whether the run may go on from here.
    fn run_calls(&mut self, number: usize, calls: Vec<Words>) -> bool {
        let links = &mut self.pairs[number].links;
        links.iter_mut().for_each(|link| link.send_all(&calls));
        let [ours, theirs] = links.each_mut().map(|link| link.replies(calls.len()));
        for ((words, ours), theirs) in calls.into_iter().zip(ours.iter()).zip(theirs.iter()) {
            self.step += 1;
            if !self.check(number, words, ours, theirs) {
                return false;
            }
        }
        true
    }

    /// Whether the run may go on from here.
    fn check(&mut self, number: usize, words: Words, ours: &[u8], theirs: &[u8]) -> bool {
        let pair = &mut self.pairs[number];
        let verdict = if ours == theirs {
            Verdict::Same
        } else {
            let (ours, theirs) = (value(ours), value(theirs));
            let (mut decisive, mut verdict) = ((&words, &ours, &theirs), Verdict::Same);
            match (&ours, &theirs) {
                (Value::Array(ours), Value::Array(theirs)) if words[0].eq_ignore_ascii_case(b"exec") => {
                    if ours.len() != theirs.len() || ours.len() != pair.queued.len() {
                        verdict = Verdict::Different;
                    }
                    for ((words, ours), theirs) in pair.queued.iter().zip(ours).zip(theirs) {
                        if verdict == Verdict::Same {
                            (decisive, verdict) = ((words, ours, theirs), self.floats.judge(words, ours, theirs));
                        }
                    }
                }
                _ => verdict = self.floats.judge(&words, &ours, &theirs),
            }
            let (culprit, our, their) = decisive;
            let culprit = culprit.clone();
            if verdict == Verdict::Different && self.watches_differ(&words, &ours, &theirs) {
                verdict = Verdict::Parted;
            }
            if verdict == Verdict::Different {
                // Inside EXEC it is the queued command that went otherwise.
                let inside = if culprit == words { String::new() } else { format!("in {}: ", text(&words)) };
                let name = String::from_utf8_lossy(&culprit[0]).to_lowercase();
                let key = culprit.get(1).map_or(String::new(), |word| quote(word));
                let both = both(our, their);
                let what = format!("{number}> {inside}{}\n    {both}", shorten(&text(&culprit)));
                let key = if self.waits { String::new() } else { key };
                self.differs(&name, &key, &what);
                return false;
            }
            verdict
        };
        if verdict == Verdict::Parted {
            self.parted_count += 1;
            self.begin_anew();
            return false;
        }
        let pair = &mut self.pairs[number];
        if ours == b"+QUEUED\r\n" {
            pair.queued.push(words.clone());
        } else {
            let is_ended = match words[0].to_ascii_lowercase().as_slice() {
                b"exec" => true,
                b"discard" | b"reset" => ours.starts_with(b"+"),
                _ => false,
            };
            if is_ended {
                pair.queued.clear();
            }
        }
        self.history.push_back((number, words, theirs.to_vec()));
        if self.history.len() > HISTORY_LEN {
            self.history.pop_front();
        }
        true
    }

    fn differs(&mut self, name: &str, key: &str, what: &str) {
        if self.seen.insert(name.to_string()) {
            let mut text = format!("seed {} step {}: {what}\n", self.seed, self.step);
            let mut keys = vec![key.to_string()];
            if name == "exec" {
                keys = self.watched();
            }
            // The servers may have parted before, unseen.
            if !name.starts_with("audit") {
                let mut links = self.servers.map(Link::new);
                if let Some((key, what)) = audit::state_difference(&mut links, &mut self.talk.rng) {
                    text.push_str(&format!("    they hold different things (the batch has run to its end): {what}\n"));
                    keys.push(key);
                }
            }
            for key in keys {
                text.push_str(&format!("    calls before it with {key}:\n"));
                let lines = self.history.iter().rev().map(|(number, words, reply)| {
                    format!("{number}> {} -> {}", self::text(words), show(&value(reply)))
                });
                let shown_max = if name == "exec" { HISTORY_LEN } else { HISTORY_SHOWN };
                let lines: Vec<String> = lines.filter(|line| line.contains(&key)).take(shown_max).collect();
                lines.iter().rev().for_each(|line| text.push_str(&format!("      {}\n", shorten(line))));
            }
            eprintln!("{text}");
            self.differences.push(text);
        }
        self.begin_anew();
    }

    /// What the client that was asked last watches.
    fn watched(&self) -> Vec<String> {
        let who = self.history.back().map(|(number, ..)| *number);
        let own = self.history.iter().rev().filter(|(number, ..)| Some(*number) == who);
        let ends = |words: &Words| words[0].eq_ignore_ascii_case(b"exec") || words[0].eq_ignore_ascii_case(b"discard");
        let since = own.take_while(|(_, words, reply)| !ends(words) || reply.starts_with(b"-ERR"));
        let watches = since.filter(|(_, words, _)| words[0].eq_ignore_ascii_case(b"watch"));
        watches.flat_map(|(_, words, _)| words[1..].iter().map(|key| quote(key))).collect()
    }

    /// Was the transaction given up by one server only, as it may be? In Redis LTRIM breaks a WATCH even when it removes
    /// nothing; here changes of a stream's groups and ids break it too, and PFDEBUG that changes an encoding,
    /// and a BITFIELD that fails and still makes its string longer.
    fn watches_differ(&self, words: &Words, ours: &Value, theirs: &Value) -> bool {
        let is_null = |value: &Value| matches!(value, Value::Null | Value::NullArray);
        if !words[0].eq_ignore_ascii_case(b"exec") {
            return false;
        }
        let breaks: &[&[u8]] = match (is_null(ours), is_null(theirs)) {
            (false, true) => &[b"ltrim"],
            (true, false) => {
                &[b"xgroup", b"xreadgroup", b"xack", b"xclaim", b"xautoclaim", b"xsetid", b"pfdebug", b"bitfield"]
            }
            _ => return false,
        };
        let watched = self.watched();
        self.history.iter().any(|(_, words, _)| {
            breaks.contains(&words[0].to_ascii_lowercase().as_slice())
                && words.iter().any(|word| watched.contains(&quote(word)))
        })
    }

    /// Everything both hold: keys as SCAN finds them, values, encodings, deadlines.
    fn audit(&mut self) {
        let mut links = self.servers.map(Link::new);
        if let Some((key, what)) = audit::state_difference(&mut links, &mut self.talk.rng) {
            let kind = what.split(' ').next().unwrap_or_default().to_string();
            self.differs(&format!("audit by {kind}"), &key, &what);
        }
    }

    fn compare_events(&mut self) {
        let Some([ours, theirs]) = self.events() else { return };
        if let Some(at) = (0..ours.len().max(theirs.len())).find(|&at| ours.get(at) != theirs.get(at)) {
            let name = |event: Option<&Vec<u8>>| event.map_or("nothing".into(), |event| show(&value(event)));
            let (ours, theirs) = (name(ours.get(at)), name(theirs.get(at)));
            let what = format!("event {at}\n    basalt {ours}\n    redis  {theirs}");
            let key = theirs.rsplit(' ').next().unwrap_or_default().trim_end_matches(']').to_string();
            self.differs(&format!("event {ours} {theirs}"), &key, &what);
        }
    }

    fn skip_events(&mut self) {
        self.events();
    }

    /// What both servers have told until now; `None` in eras without.
    fn events(&mut self) -> Option<[Vec<Vec<u8>>; 2]> {
        let ears = self.ears.as_mut()?;
        self.control.iter_mut().for_each(|link| _ = link.ask_line("PUBLISH now end"));
        Some(ears.each_mut().map(|link| {
            let mut events = Vec::new();
            loop {
                let event = link.replies(1).get(0).to_vec();
                if event.starts_with(b"*3\r\n$7\r\nmessage") {
                    return events;
                }
                // Since 7.2 XREADGROUP makes its consumer even when there is nothing to read.
                if ![b"xgroup-createconsumer".as_slice(), b"xgroup-delconsumer"]
                    .iter()
                    .any(|name| event.windows(name.len()).any(|part| part == *name))
                {
                    events.push(event);
                }
            }
        }))
    }
}

/// Commands that one of the two does not have, upper case.
fn lacking(links: &mut [Link; 2]) -> BTreeSet<String> {
    let [ours, theirs] = links.each_mut().map(|link| match link.ask_line("COMMAND LIST") {
        Value::Array(names) => {
            names.iter().map(|name| crate::client::text_of(name).to_uppercase()).collect::<BTreeSet<String>>()
        }
        other => panic!("COMMAND LIST answers {other:?}"),
    });
    ours.symmetric_difference(&theirs).cloned().collect()
}

/// Both replies; of long ones what is around the first difference.
fn both(ours: &Value, theirs: &Value) -> String {
    let (ours, theirs) = (without_moments(&show(ours)), without_moments(&show(theirs)));
    let mut from = ours.bytes().zip(theirs.bytes()).take_while(|(our, their)| our == their).count().saturating_sub(200);
    while !ours.is_char_boundary(from) || !theirs.is_char_boundary(from) {
        from -= 1;
    }
    let from = if ours.len().max(theirs.len()) < SHOWN_MAX { 0 } else { from };
    format!("basalt {}\n    redis  {}", shorten(&ours[from..]), shorten(&theirs[from..]))
}

/// Moments and idle times differ always, and hide what matters.
fn without_moments(text: &str) -> String {
    let mut parts = text.split(' ').peekable();
    let mut kept = Vec::new();
    while let Some(part) = parts.next() {
        match part {
            "\"active-time\"" | "\"inactive\"" => _ = parts.next(),
            _ if part.starts_with(":1") && part.len() > 13 => kept.push(":moment"),
            part => kept.push(part),
        }
    }
    kept.join(" ")
}

fn text(words: &Words) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

fn shorten(line: &str) -> String {
    if line.len() <= SHOWN_MAX {
        line.to_string()
    } else {
        format!("{} …", &line[..line.floor_char_boundary(SHOWN_MAX)])
    }
}
