//! Calls that cannot stand in a batch: clients that wait for another's, elements taken by chance, values dumped.

use super::Run;
use super::link::{Link, Words, split, value};
use super::templates::Theme;
use super::words::pick;
use crate::client::{field, show, text_of};
use proto::resp_client::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A wait that ends by itself ends in this time, on a busy machine too.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Who did it, in the history: none of the connections that take turns.
const CONTROL: usize = 9;

fn ask_both(links: &mut [Link; 2], words: &Words) -> [Value; 2] {
    links.each_mut().map(|link| link.ask(words))
}

fn words(parts: &[&[u8]]) -> Words {
    parts.iter().map(|part| part.to_vec()).collect()
}

impl Run<'_> {
    /// One or two clients wait for elements, another one's batch may bring some, and who still waits then is freed.
    pub(super) fn clients_that_wait(&mut self) {
        self.talk.theme = pick(&mut self.talk.rng, &[Theme::Lists, Theme::SortedSets, Theme::Streams]);
        let actor = self.talk.rng.index(self.pairs.len());
        let mut waiters: Vec<usize> = (0..self.pairs.len()).filter(|number| *number != actor).collect();
        if self.talk.rng.one_in(3) {
            waiters.remove(self.talk.rng.index(waiters.len()));
        }
        let mut calls = Vec::new();
        for &number in &waiters {
            self.run_calls(number, vec![split("DISCARD"), split("SELECT 0")]);
            let template = pick(&mut self.talk.rng, self.talk.theme.blocking());
            let call = self.talk.filled(template);
            self.pairs[number].links.iter_mut().for_each(|link| link.send_all(std::slice::from_ref(&call)));
            calls.push(call);
            self.until_they_wait(&waiters[..calls.len()]);
        }
        // Elsewhere, what it does would seldom be for those who wait.
        let mut batch = vec![split("SELECT 0")];
        let count = 1 + self.talk.rng.index(12);
        while batch.len() < count {
            self.talk.calls(&mut batch);
        }
        if !self.run_calls(actor, batch) {
            return;
        }
        for (&number, call) in waiters.iter().zip(calls) {
            let mode = pick(&mut self.talk.rng, &["", " ERROR", " TIMEOUT"]);
            let ids = self.pairs[number].links.each_ref().map(|link| link.id);
            let freed: Vec<Value> = (self.control.iter_mut().zip(ids))
                .map(|(link, id)| link.ask_line(&format!("CLIENT UNBLOCK {id}{mode}")))
                .collect();
            let replies = self.pairs[number].links.each_mut().map(|link| link.replies(1));
            // 7.0 wakes it for an entry that is gone again, and answers with none.
            let woke_for_nothing = [b"*0\r\n".as_slice(), b"%0\r\n"].iter().any(|end| replies[1].get(0).ends_with(end));
            if freed == [Value::Int(1), Value::Int(0)] && woke_for_nothing {
                return self.begin_anew();
            }
            if freed[0] != freed[1] {
                let [ours, theirs] = replies.each_ref().map(|replies| show(&replies.values()[0]));
                let what = format!(
                    "{number}> waits with {}, and CLIENT UNBLOCK{mode} says\n    basalt {} (answered {ours})\n    redis  {} (answered {theirs})",
                    super::text(&call),
                    show(&freed[0]),
                    show(&freed[1])
                );
                return self.differs(&format!("waiting {}", String::from_utf8_lossy(&call[0])), "", &what);
            }
            let [ours, theirs] = replies;
            let both_answer = ours.get(0).starts_with(b"*-1") == theirs.get(0).starts_with(b"*-1");
            if call[0] == b"XREAD" && ours.get(0) != theirs.get(0) && both_answer && freed[0] == Value::Int(0) {
                // 7.0 answers with the stream that woke it, 7.2 and later with all that have something by then.
                return self.begin_anew();
            }
            let first_key = |reply: &[u8]| match value(reply) {
                Value::Array(parts) => parts.into_iter().next(),
                other => Some(other),
            };
            let pops =
                matches!(call[0].as_slice(), b"BLPOP" | b"BRPOP" | b"BLMPOP" | b"BZPOPMIN" | b"BZPOPMAX" | b"BZMPOP");
            if pops && both_answer && first_key(ours.get(0)) != first_key(theirs.get(0)) {
                // In 7.0 the key that was ready first wins, in 7.2 and later the first one of the request.
                return self.begin_anew();
            }
            self.waits = true;
            let goes_on = self.check(number, call, ours.get(0), theirs.get(0));
            self.waits = false;
            if !goes_on {
                return;
            }
        }
        self.compare_events();
    }

    /// Until each of these waits or has its answer, on both servers.
    fn until_they_wait(&mut self, waiters: &[usize]) {
        for side in 0..2 {
            let until = Instant::now() + WAIT_MAX;
            loop {
                let mut left = waiters.len();
                for &number in waiters {
                    if self.pairs[number].links[side].has_reply_within(Duration::ZERO) {
                        left -= 1;
                    }
                }
                let info = text_of(&self.control[side].ask_line("INFO clients"));
                let blocked = field(&info, "blocked_clients:", '\n').and_then(|count| count.parse::<usize>().ok());
                if blocked.expect("INFO tells it") >= left {
                    break;
                }
                assert!(Instant::now() < until, "a client neither waits nor is answered: {info}");
            }
        }
    }

    /// Members taken by chance: as many as asked for, members all of them, none twice unless asked for so.
    pub(super) fn elements_by_chance(&mut self) {
        let theme = pick(&mut self.talk.rng, &[Theme::Sets, Theme::Hashes, Theme::SortedSets]);
        self.talk.theme = theme;
        let key = self.talk.key();
        let count = self.talk.rng.below(24) as i64 - 8;
        let (all, some): (&[u8], &[u8]) = match theme {
            Theme::Sets => (b"SMEMBERS", b"SRANDMEMBER"),
            Theme::Hashes => (b"HKEYS", b"HRANDFIELD"),
            _ => (b"ZRANGE", b"ZRANDMEMBER"),
        };
        let all: Words = match theme {
            Theme::SortedSets => words(&[all, &key, b"0", b"-1"]),
            _ => words(&[all, &key]),
        };
        let some = words(&[some, &key, count.to_string().as_bytes()]);
        let members = ask_both(&mut self.control, &all);
        let chosen = ask_both(&mut self.control, &some);
        for (members, chosen) in members.iter().zip(&chosen) {
            let (Value::Array(members), Value::Array(chosen)) = (members, chosen) else {
                if !matches!((members, chosen), (Value::Error(_), Value::Error(_))) {
                    let what = format!("{} of {} -> {}", super::text(&some), show(members), show(chosen));
                    self.differs("by chance", &super::quote(&key), &what);
                    return;
                }
                continue;
            };
            let members: BTreeSet<String> = members.iter().map(|member| format!("{member:?}")).collect();
            let distinct: BTreeSet<String> = chosen.iter().map(|member| format!("{member:?}")).collect();
            let len = if count < 0 && !members.is_empty() {
                count.unsigned_abs() as usize
            } else {
                members.len().min(count.unsigned_abs() as usize)
            };
            if !distinct.is_subset(&members) || (count >= 0 && distinct.len() != chosen.len()) || chosen.len() != len {
                let what = format!("{} of {members:?} -> {chosen:?}", super::text(&some));
                self.differs("by chance", &super::quote(&key), &what);
                return;
            }
        }
        if theme == Theme::Sets && self.control[0].ask(&words(&[b"TYPE", &key])) == Value::Simple("set".into()) {
            self.pop_by_chance(&key, count.unsigned_abs());
        }
    }

    /// Each server pops others: afterwards ours is made to hold what Redis does.
    fn pop_by_chance(&mut self, key: &[u8], count: u64) {
        let as_set = |value: &Value| -> BTreeSet<Vec<u8>> {
            let Value::Array(members) = value else { panic!("no members: {value:?}") };
            members.iter().map(text_bytes).collect()
        };
        let before = ask_both(&mut self.control, &words(&[b"SMEMBERS", key])).map(|value| as_set(&value));
        let popped = ask_both(&mut self.control, &words(&[b"SPOP", key, count.to_string().as_bytes()]));
        let after = ask_both(&mut self.control, &words(&[b"SMEMBERS", key])).map(|value| as_set(&value));
        let popped = popped.map(|value| as_set(&value));
        for side in 0..2 {
            let expect: BTreeSet<Vec<u8>> = before[side].difference(&popped[side]).cloned().collect();
            let len = before[side].len().min(count as usize);
            if expect != after[side] || popped[side].len() != len || !popped[side].is_subset(&before[side]) {
                let what = format!("SPOP {count} of {:?}: {:?} leaves {:?}", before[side], popped[side], after[side]);
                return self.differs("spop by chance", &super::quote(key), &what);
            }
        }
        // First the ones too few, so that the key never goes.
        for member in popped[0].difference(&popped[1]) {
            self.control[0].ask(&words(&[b"SADD", key, member]));
        }
        for member in popped[1].difference(&popped[0]) {
            self.control[0].ask(&words(&[b"SREM", key, member]));
        }
        // A set that loses most of its members is made anew of the others: its encoding is a matter of chance too.
        ask_both(&mut self.control, &words(&[b"SUNIONSTORE", key, key]));
        self.skip_events();
    }

    /// What one server dumped, both must take back: Redis's payload here and there, ours here.
    pub(super) fn a_dump(&mut self) {
        if self.lacking.contains("DUMP") || self.lacking.contains("RESTORE") {
            return;
        }
        self.talk.theme = pick(&mut self.talk.rng, &Theme::ALL);
        let (key, taken, own) = (self.talk.key(), self.talk.key(), self.talk.key());
        let payloads = ask_both(&mut self.control, &words(&[b"DUMP", &key]));
        let (ours, theirs) = match &payloads {
            [Value::Bulk(ours), Value::Bulk(theirs)] => (ours, theirs),
            [Value::Null, Value::Null] => return,
            [ours, theirs] => {
                let what =
                    format!("DUMP {}\n    basalt {}\n    redis  {}", super::quote(&key), show(ours), show(theirs));
                return self.differs("dump", &super::quote(&key), &what);
            }
        };
        let taken_by_both = ask_both(&mut self.control, &words(&[b"RESTORE", &taken, b"0", theirs, b"REPLACE"]));
        let [link, their_link] = &mut self.control;
        let taken_back = [
            link.ask(&words(&[b"RESTORE", &own, b"0", ours, b"REPLACE"])),
            their_link.ask(&words(&[b"RESTORE", &own, b"0", theirs, b"REPLACE"])),
        ];
        let ok = Value::Simple("OK".into());
        for (replies, whose) in [(&taken_by_both, "Redis's payload"), (&taken_back, "each its own payload")] {
            if replies[0] != ok || replies[1] != ok {
                let what = format!(
                    "RESTORE of {whose} of {}\n    basalt {}\n    redis  {}\n    payload {}",
                    super::quote(&key),
                    show(&replies[0]),
                    show(&replies[1]),
                    super::quote(if whose.starts_with('R') { theirs } else { ours })
                );
                return self.differs("restore", &super::quote(&key), &what);
            }
        }
        let told = [words(&[b"RESTORE", &taken, b"of", &key]), words(&[b"RESTORE", &own, b"each its own of", &key])];
        self.history.extend(told.map(|words| (CONTROL, words, b"+OK\r\n".to_vec())));
        self.talk.keep_payload(theirs.clone());
        self.skip_events();
    }
}

fn text_bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Bulk(bytes) => bytes.clone(),
        other => panic!("no text: {other:?}"),
    }
}
