//! How long a request takes to parse and a reply to write, in nanoseconds, on one warm core.
//!
//! `cargo run --release -p proto --example parse_speed`. The best of some rounds is shown: other
//! work on the machine only ever adds.

use std::hint::black_box;
use std::time::Instant;

use proto::resp_client::encode_request;
use proto::{Limits, Parser, Reply, Step};

const ROUNDS: usize = 30;
const BATCH: usize = 200;

fn main() {
    let value = |len: usize| vec![b'v'; len];
    parse("GET, key of 16", &[b"GET", b"key:000000000001"]);
    parse("SET, key of 16, value of 64", &[b"SET", b"key:000000000001", &value(64)]);
    parse("SET, key of 16, value of 300", &[b"SET", b"key:000000000001", &value(300)]);
    parse("SET, key of 16, value of 4096", &[b"SET", b"key:000000000001", &value(4096)]);
    parse("MSET of 10", &[b"k123456789".as_slice(); 21]);

    write("+OK", Reply::ok);
    write(":1", |reply| reply.int(1));
    write(":123456", |reply| reply.int(123_456));
    write("null", Reply::null);
    write("bulk of 3", |reply| reply.bulk(b"abc"));
    let (v64, v300) = (value(64), value(300));
    write("bulk of 64", |reply| reply.bulk(&v64));
    write("bulk of 300", |reply| reply.bulk(&v300));
    write("array later, 20 ints", |reply| {
        let at = reply.array_later();
        (0..20).for_each(|n| reply.int(n));
        reply.array_finish(at, 20);
    });
}

fn parse(name: &str, words: &[&[u8]]) {
    let mut stream = Vec::new();
    for _ in 0..BATCH {
        encode_request(&mut stream, words);
    }
    let (mut parser, mut found) = (Parser::default(), Vec::new());
    let limits = Limits::default();
    report("parse", name, || {
        let mut from = 0;
        found.clear();
        loop {
            match parser.next(black_box(&stream), from, &mut found, black_box(&limits)) {
                Ok(Step::Request(request)) => from = request.end,
                Ok(Step::Incomplete { .. }) => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(found.len(), BATCH * words.len());
    });
}

fn write(name: &str, mut say: impl FnMut(&mut Reply)) {
    let mut reply = Reply::new();
    report("write", name, || {
        for _ in 0..BATCH {
            // One reply at a time: 200 large ones would measure the allocator.
            if reply.len() > 8192 {
                reply.clear();
            }
            say(black_box(&mut reply));
        }
    });
}

fn report(what: &str, name: &str, mut batch: impl FnMut()) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..100 {
            batch();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / (100 * BATCH) as f64);
    }
    println!("{what} {name:32} {best:6.1} ns");
}
