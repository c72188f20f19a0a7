//! Many connections on several threads, moving while they work.

use crate::harness::{Client, bulk, eventually, request, serve};
use exec::seams::Mail;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Sets and gets a key of its own in pipelines until told to stop; every answer is checked.
fn work(client: &mut Client, number: usize, stop: &AtomicBool) {
    let key = format!("key:{number}");
    for round in 0.. {
        let (mut requests, mut replies) = (Vec::new(), Vec::new());
        for idx in 0..20 {
            let value = format!("{number}:{round}:{idx}");
            requests.extend(request(&[b"SET", key.as_bytes(), value.as_bytes()]));
            requests.extend(request(&[b"GET", key.as_bytes()]));
            replies.extend_from_slice(b"+OK\r\n");
            replies.extend(bulk(value.as_bytes()));
        }
        client.ask(&requests, &replies);
        if stop.load(Relaxed) {
            return;
        }
    }
}

#[test]
fn connections_spread_under_load_and_gather_in_quiet() {
    let server = serve(&[("io-threads", "3")]);
    let stop = AtomicBool::new(false);
    let (server, stop) = (&server, &stop);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..16)
            .map(|number| {
                scope.spawn(move || {
                    let mut client = server.connect();
                    work(&mut client, number, stop);
                    client
                })
            })
            .collect();
        let threads = || -> BTreeSet<usize> {
            server.node.clients.all().iter().map(|record| record.thread.load(Relaxed)).collect()
        };
        eventually("they spread", || threads().len() > 1);
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Relaxed);
        let mut clients: Vec<Client> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        eventually("they gather", || threads() == BTreeSet::from([0]));
        clients.iter_mut().for_each(|client| client.ask("PING\r\n", "+PONG\r\n"));
    });
}

#[test]
fn messages_stay_in_order_while_connections_move() {
    let server = serve(&[("io-threads", "2")]);
    let stop = AtomicBool::new(false);
    let (server, stop) = (&server, &stop);
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || work(&mut server.connect(), number, stop));
        }
        let mut listener = server.connect();
        listener.ask("PING\r\n", "+PONG\r\n");
        let record = server.record(&listener);
        scope.spawn(move || {
            let mut moves = 0;
            let mut last = record.thread.load(Relaxed);
            let begin = Instant::now();
            let mut sent = 0u32;
            while sent < 200_000 && begin.elapsed() < Duration::from_millis(1500) {
                let line: Arc<[u8]> = format!("{sent:08}").into_bytes().into();
                server.node.send(&record, Mail::Push(record.id, line));
                sent += 1;
                moves += usize::from(std::mem::replace(&mut last, record.thread.load(Relaxed)) != last);
                if sent.is_multiple_of(64) {
                    std::thread::sleep(Duration::from_micros(200));
                }
            }
            let end: Arc<[u8]> = b"99999999".to_vec().into();
            server.node.send(&record, Mail::Push(record.id, end));
            println!("{sent} messages, {moves} moves");
        });
        let mut expected = 0u32;
        loop {
            let mut line = [0; 8];
            std::io::Read::read_exact(&mut listener.stream, &mut line).unwrap();
            let number: u32 = std::str::from_utf8(&line).unwrap().parse().unwrap();
            if number == 99_999_999 {
                break;
            }
            assert_eq!(number, expected);
            expected += 1;
        }
        stop.store(true, Relaxed);
    });
}

/// Every listener, wherever it is at the moment, hears everything and in order.
#[test]
fn published_messages_reach_all_while_connections_move() {
    const LISTENERS: usize = 6;
    const PUBLISHERS: usize = 3;
    let server = serve(&[("io-threads", "3")]);
    let stop = AtomicBool::new(false);
    let (server, stop) = (&server, &stop);
    std::thread::scope(|scope| {
        for number in 0..8 {
            scope.spawn(move || work(&mut server.connect(), number, stop));
        }
        let mut listeners: Vec<Client> = (0..LISTENERS).map(|_| server.connect()).collect();
        listeners.iter_mut().for_each(|listener| listener.ask("LISTEN a\r\n", "+OK\r\n"));
        for number in 0..PUBLISHERS {
            scope.spawn(move || {
                let mut client = server.connect();
                let begin = Instant::now();
                let mut sent = 0;
                let mut say = |text: String| {
                    client.ask(request(&[b"SAY", b"a", text.as_bytes()]), format!(":{LISTENERS}\r\n"));
                };
                while begin.elapsed() < Duration::from_millis(1500) {
                    say(format!("{number}:{sent:06}"));
                    sent += 1;
                }
                say(format!("{number}:999999"));
            });
        }
        for listener in &mut listeners {
            let mut expected = [0; PUBLISHERS];
            let mut ended = 0;
            while ended < PUBLISHERS {
                let mut bytes = [0; "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$8\r\n0:000000\r\n".len()];
                std::io::Read::read_exact(&mut listener.stream, &mut bytes).unwrap();
                let text = std::str::from_utf8(&bytes).unwrap().lines().last().unwrap();
                let (publisher, number) = text.split_once(':').unwrap();
                let (publisher, number): (usize, u32) = (publisher.parse().unwrap(), number.parse().unwrap());
                if number == 999_999 {
                    ended += 1;
                    continue;
                }
                assert_eq!(number, expected[publisher]);
                expected[publisher] += 1;
            }
        }
        stop.store(true, Relaxed);
    });
}

#[test]
fn a_thousand_connections() {
    let server = serve(&[("maxclients", "2000")]);
    let mut clients: Vec<Client> = (0..1000).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| client.send("PING\r\n"));
    clients.iter_mut().for_each(|client| client.expect("+PONG\r\n"));
    assert_eq!(server.node.clients.len(), 1000);
    drop(clients);
    eventually("all are gone", || server.node.clients.is_empty());
}
