//! Much of it: many connections, large values, long pipelines, readers that wait.

use super::{Guarded, Secure};
use crate::client::{encode, field, simple, text_of};
use crate::harness::within;
use proto::resp_client::Value;
use std::time::{Duration, Instant};

#[test]
fn two_hundred_at_once() {
    let guarded = Guarded::start(&["--io-threads", "2"]);
    let trust = guarded.client();
    let mut clients: Vec<Secure> = (0..200).map(|_| Secure::start(&trust, guarded.port)).collect();
    // All handshakes are under way at the same time.
    std::thread::scope(|scope| {
        for (number, clients) in clients.chunks_mut(25).enumerate() {
            scope.spawn(move || {
                for (i, client) in clients.iter_mut().enumerate() {
                    client.send(format!("INCR counter\r\nECHO {number}-{i}\r\n").as_bytes());
                }
                for (i, client) in clients.iter_mut().enumerate() {
                    assert!(matches!(client.reply(), Value::Int(_)));
                    assert_eq!(client.reply(), Value::Bulk(format!("{number}-{i}").into_bytes()));
                }
            });
        }
    });
    assert_eq!(clients[0].ask_line("GET counter"), Value::Bulk(b"200".to_vec()));
    let info = text_of(&clients[0].ask_line("INFO clients"));
    assert_eq!(field(&info, "connected_clients:", '\n').as_deref(), Some("200"));
    let list = text_of(&clients[0].ask_line("CLIENT LIST"));
    let mem = |line: &str| field(line, "tot-mem=", ' ').and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX);
    assert!(list.lines().skip(1).all(|line| mem(line) < 40_000), "an idle connection owns no buffer: {list}");
    drop(clients);
    let mut admin = guarded.server.connect();
    assert!(within(Duration::from_secs(5), || {
        let info = text_of(&admin.ask_line("INFO clients"));
        field(&info, "connected_clients:", '\n').as_deref() == Some("1")
    }));
}

#[test]
fn sixty_four_megabytes() {
    let guarded = Guarded::start(&[]);
    let mut client = guarded.connect();
    let value: Vec<u8> = (0..64 << 20).map(|i: u32| (i ^ i >> 11) as u8).collect();
    assert_eq!(client.ask(&[&b"SET"[..], b"big", &value]), simple("OK"));
    assert_eq!(client.ask_line("STRLEN big"), Value::Int(64 << 20));
    assert!(client.ask_line("GET big") == Value::Bulk(value), "it comes back as it went");
}

#[test]
fn a_hundred_thousand_in_one_pipeline() {
    const COUNT: usize = 100_000;
    let guarded = Guarded::start(&[]);
    let mut client = guarded.connect();
    let mut bytes = Vec::new();
    for i in 0..COUNT {
        encode(&mut bytes, &["SET", &format!("k{}", i % 1000), &i.to_string()]);
        encode(&mut bytes, &["ECHO", &i.to_string()]);
    }
    client.send(&bytes);
    for i in 0..COUNT {
        assert_eq!(client.reply(), simple("OK"));
        assert_eq!(client.reply(), Value::Bulk(i.to_string().into_bytes()));
    }
}

#[test]
fn who_reads_late_gets_all() {
    let guarded = Guarded::start(&[]);
    let mut slow = guarded.connect();
    let value = "0123456789".repeat(100_000);
    slow.ask(&["SET", "k", &value]);
    slow.ask(&["CLIENT", "SETNAME", "slow"]);
    slow.send("GET k\r\n".repeat(20).as_bytes());
    let mut admin = guarded.server.connect();
    let unread = |admin: &mut crate::client::Client| {
        let list = text_of(&admin.ask_line("CLIENT LIST"));
        let line = list.lines().find(|line| line.contains("name=slow")).expect("it is there").to_owned();
        field(&line, "omem=", ' ').and_then(|n| n.parse::<usize>().ok()).expect("a number")
    };
    assert!(within(Duration::from_secs(5), || unread(&mut admin) > 1_000_000), "what waits is counted");
    for _ in 0..20 {
        assert!(slow.reply() == Value::Bulk(value.clone().into_bytes()));
    }
    assert!(within(Duration::from_secs(5), || unread(&mut admin) == 0));
    // And who does not read at all is closed.
    assert_eq!(admin.ask(&["CONFIG", "SET", "client-output-buffer-limit", "normal 5mb 0 0"]), simple("OK"));
    slow.send("GET k\r\n".repeat(20).as_bytes());
    assert!(guarded.logs("closed for overcoming of output buffer limits"));
}

#[test]
fn in_order_while_connections_move() {
    const PER_ROUND: u64 = 200;
    let guarded = Guarded::start(&["--io-threads", "2"]);
    let until = Instant::now() + Duration::from_millis(1500);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mut clients: Vec<Secure> = (0..4).map(|_| guarded.connect()).collect();
            std::thread::spawn(move || {
                let mut asked = 0;
                while Instant::now() < until {
                    let mut bytes = Vec::new();
                    for number in asked..asked + PER_ROUND {
                        encode(&mut bytes, &["ECHO", &number.to_string()]);
                    }
                    clients.iter_mut().for_each(|client| client.send(&bytes));
                    for client in &mut clients {
                        for number in asked..asked + PER_ROUND {
                            assert_eq!(client.reply(), Value::Bulk(number.to_string().into_bytes()));
                        }
                    }
                    asked += PER_ROUND;
                }
                asked
            })
        })
        .collect();
    let asked: Vec<u64> = threads.into_iter().map(|thread| thread.join().expect("in order")).collect();
    assert!(asked.iter().all(|asked| *asked > PER_ROUND), "everybody was served: {asked:?}");
}
