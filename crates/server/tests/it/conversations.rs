//! The conversations of `tests/conversations`, over a socket. `crates/commands/tests` holds the same ones in process.
//!
//! One server for a file, new connections for a chapter. A step that moves the clock sleeps.

#[path = "../../../../tests/conversations/chapters.rs"]
mod chapters;

use crate::client::{Client, Got, show};
use crate::harness::Server;
use std::collections::BTreeMap;
use std::time::Duration;
use testkit::script::{Expect, Step, fits, parse};

/// How long a client that is to wait is watched for a reply that must not come.
const PARKED_WATCH: Duration = Duration::from_millis(50);
const REPLY_MAX: Duration = Duration::from_secs(5);

fn hold(group: &str) {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let (_, text) = chapters::FILES.iter().find(|(name, _)| *name == group).expect("a file of this group");
    let mut failed = Vec::new();
    for chapter in chapters::chapters(group, text) {
        if chapter.is_newer_than_7 && server.is_redis() {
            continue;
        }
        let differ = hold_chapter(&server, &chapter.text);
        if !differ.is_empty() {
            failed.push(format!("{}\n    {}", chapter.title, differ.join("\n    ")));
        }
        clean(&server);
    }
    assert!(failed.is_empty(), "{} chapters failed:\n  {}", failed.len(), failed.join("\n  "));
}

/// What one chapter leaves behind must not meet the next one: keys, settings of the server, paused clients.
fn clean(server: &Server) {
    let mut client = server.connect();
    for line in ["CLIENT UNPAUSE", "FLUSHALL", "CONFIG RESETSTAT", "SLOWLOG RESET", "LATENCY RESET"] {
        client.ask_line(line);
    }
}

/// The steps that went otherwise. After the first one the others may be its consequences.
fn hold_chapter(server: &Server, text: &str) -> Vec<String> {
    let mut differ = Vec::new();
    let mut clients: BTreeMap<usize, Client> = BTreeMap::new();
    for step in parse(text) {
        let (number, words, expect, text) = match step {
            Step::Advance { ms } => {
                std::thread::sleep(Duration::from_millis(ms));
                continue;
            }
            Step::Hear { client, expect, text } => {
                let client = clients.entry(client).or_insert_with(|| server.connect());
                let time = if expect.is_none() { PARKED_WATCH } else { REPLY_MAX };
                match (client.reply_within(time), expect) {
                    (Got::Nothing, None) => {}
                    (Got::Reply(value), Some(expect)) if fits(&expect, &value) => {}
                    (Got::Reply(value), _) => differ.push(format!("{text}\n        got {}", show(&value))),
                    (got, _) => differ.push(format!("{text}\n        got {got:?}")),
                }
                continue;
            }
            Step::Ask { client, words, expect, text } => (client, words, expect, text),
        };
        let client = clients.entry(number).or_insert_with(|| server.connect());
        client.request(&words);
        let time = if expect == Some(Expect::Parked) { PARKED_WATCH } else { REPLY_MAX };
        match (client.reply_within(time), expect) {
            (Got::Nothing, Some(Expect::Parked)) | (Got::Reply(_), None) => {}
            (Got::Reply(value), Some(expect)) if fits(&expect, &value) && expect != Expect::Parked => {}
            (Got::Reply(value), _) => differ.push(format!("{text}\n        got {}", show(&value))),
            (got, _) => {
                differ.push(format!("{text}\n        got {got:?}"));
                return differ;
            }
        }
    }
    differ
}

macro_rules! groups {
    ($($group:ident)*) => {$(
        #[test]
        fn $group() {
            hold(stringify!($group));
        }
    )*};
}

groups!(
    bitmaps connection expiry generic hashes hyperloglogs lists numbers pubsub resp3 server sets strings transactions users
);
