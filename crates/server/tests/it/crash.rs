//! kill -9 under load: nothing that was acknowledged is missing afterwards, and no transaction is torn.
//!
//! Eight writers count, push to lists and keep pairs equal in MULTI, while the append-only file is rewritten again and again.
//! Each remembers what was acknowledged. The server is killed at a random moment and started again; then the data are
//! compared with what the writers know. `BASALT_CRASH_ROUNDS=200` makes it long.

use crate::harness::Server;
use proto::resp_client::{Decoder, Value};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

const WRITERS: usize = 8;

/// What a writer was told.
#[derive(Default)]
struct Known {
    /// INCR's last answer; of the list its length; of the pair its number.
    counter: AtomicU64,
    list: AtomicU64,
    pair: AtomicU64,
}

/// A connection that may break at any moment.
struct Link {
    stream: TcpStream,
    input: Vec<u8>,
    decoder: Decoder,
}

impl Link {
    fn open(port: u16) -> Option<Link> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Link { stream, input: Vec::new(), decoder: Decoder::default() })
    }

    /// Sends requests at once and gives their answers; None when the server has gone.
    fn ask(&mut self, lines: &[&str]) -> Option<Vec<Value>> {
        let mut out = String::new();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            out += &format!("*{}\r\n", words.len());
            words.iter().for_each(|word| out += &format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.write_all(out.as_bytes()).ok()?;
        let mut answers = Vec::new();
        while answers.len() < lines.len() {
            let (value, used) = self.decoder.feed(&self.input).expect("well formed");
            self.input.drain(..used);
            if let Some(value) = value {
                answers.push(value);
                continue;
            }
            let mut buf = [0; 4096];
            let read = self.stream.read(&mut buf).ok().filter(|read| *read > 0)?;
            self.input.extend_from_slice(&buf[..read]);
        }
        Some(answers)
    }
}

fn write(port: u16, i: usize, known: &Known, stop: &AtomicBool) -> Option<()> {
    let mut link = Link::open(port)?;
    while !stop.load(SeqCst) {
        let Value::Int(counter) = link.ask(&[&format!("INCR counter:{i}")])?[0] else { panic!("INCR failed") };
        known.counter.store(counter as u64, SeqCst);
        let next = known.list.load(SeqCst) + 1;
        let Value::Int(len) = link.ask(&[&format!("RPUSH list:{i} {next}")])?[0] else { panic!("RPUSH failed") };
        assert_eq!(len as u64, next, "the list is what it was");
        known.list.store(next, SeqCst);
        let next = known.pair.load(SeqCst) + 1;
        let answers =
            link.ask(&["MULTI", &format!("SET left:{i} {next}"), &format!("SET right:{i} {next}"), "EXEC"])?;
        assert!(matches!(&answers[3], Value::Array(all) if all.len() == 2), "{:?}", answers[3]);
        known.pair.store(next, SeqCst);
    }
    Some(())
}

fn number(link: &mut Link, line: &str) -> u64 {
    match &link.ask(&[line]).expect("it runs")[0] {
        Value::Bulk(digits) => String::from_utf8_lossy(digits).parse().expect("a number"),
        Value::Int(number) => *number as u64,
        Value::Null => 0,
        other => panic!("{line}: {other:?}"),
    }
}

/// Every number may be one further than what was acknowledged: the answer did not arrive.
fn check(port: u16, all: &[Known], round: usize) {
    let mut link = Link::open(port).expect("it runs");
    for (i, known) in all.iter().enumerate() {
        let mut fits = |what: &str, line: String, known: &AtomicU64| {
            let (acknowledged, found) = (known.load(SeqCst), number(&mut link, &line));
            assert!(
                found == acknowledged || found == acknowledged + 1,
                "round {round}: {what} {i}: {acknowledged} acknowledged, {found} found"
            );
            known.store(found, SeqCst);
            found
        };
        fits("counter", format!("GET counter:{i}"), &known.counter);
        let len = fits("list", format!("LLEN list:{i}"), &known.list);
        let left = fits("pair", format!("GET left:{i}"), &known.pair);
        assert_eq!(number(&mut link, &format!("GET right:{i}")), left, "round {round}: pair {i} is torn");
        if len > 0 {
            assert_eq!(number(&mut link, &format!("LINDEX list:{i} -1")), len, "round {round}: list {i}");
        }
    }
}

fn rounds(policy: &str, preamble: &str) {
    let rounds: usize = std::env::var("BASALT_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    let args = [
        "--appendonly",
        "yes",
        "--appendfsync",
        policy,
        "--aof-use-rdb-preamble",
        preamble,
        "--auto-aof-rewrite-percentage",
        "0",
    ];
    let mut server = Server::start(&args);
    let all: Vec<Known> = (0..WRITERS).map(|_| Known::default()).collect();
    let mut acknowledged = 0;
    for round in 0..rounds {
        let (port, stop) = (server.port, AtomicBool::new(false));
        std::thread::scope(|scope| {
            for (i, known) in all.iter().enumerate() {
                let stop = &stop;
                scope.spawn(move || write(port, i, known, stop));
            }
            scope.spawn(|| {
                let mut link = Link::open(port)?;
                while !stop.load(SeqCst) {
                    link.ask(&["BGREWRITEAOF"])?;
                    std::thread::sleep(Duration::from_millis(3));
                }
                Some(())
            });
            let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
            std::thread::sleep(Duration::from_millis(100 + u64::from(nanos / 1000 % 500)));
            server.kill();
            stop.store(true, SeqCst);
        });
        server.start_again(&args).unwrap_or_else(|log| panic!("round {round}: it does not start:\n{log}"));
        check(server.port, &all, round);
        acknowledged = all.iter().map(|known| known.counter.load(SeqCst)).sum();
    }
    println!("appendfsync {policy}: {rounds} rounds, {acknowledged} increments");
    assert!(acknowledged > rounds as u64, "it was under load");
}

#[test]
fn nothing_acknowledged_is_lost_with_everysec() {
    rounds("everysec", "yes");
}

#[test]
fn nothing_acknowledged_is_lost_with_always() {
    rounds("always", "yes");
}

#[test]
fn nothing_acknowledged_is_lost_with_a_base_of_commands() {
    rounds("everysec", "no");
}
