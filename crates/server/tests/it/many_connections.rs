//! Many connections at once: all are served, listed, killed, and each gets its answers in the order of its questions,
//! also while connections move from one thread to another.

use crate::client::{Client, encode, field, simple, text_of};
use crate::harness::{Server, within};
use proto::resp_client::Value;
use std::io::Write;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 500;

fn connected(client: &mut Client) -> usize {
    let info = text_of(&client.ask_line("INFO clients"));
    field(&info, "connected_clients:", '\n').expect("a field of INFO").parse().expect("a number")
}

#[test]
fn five_hundred() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut watcher = server.connect();
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    // All ask, then all are answered.
    for (i, client) in clients.iter_mut().enumerate() {
        client.request(&["CLIENT", "SETNAME", &format!("n{i}")]);
        client.request(&["INCR", "counter"]);
        client.request(&["ECHO", &i.to_string()]);
    }
    let mut counts = Vec::new();
    for (i, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.reply(), simple("OK"));
        let Value::Int(count) = client.reply() else { panic!("INCR answers a number") };
        counts.push(count);
        assert_eq!(client.reply(), Value::Bulk(i.to_string().into_bytes()));
    }
    counts.sort_unstable();
    assert!(counts.iter().copied().eq(1..=CONNECTIONS as i64), "every INCR counted once");

    assert_eq!(connected(&mut watcher), CONNECTIONS + 1);
    let list = text_of(&watcher.ask_line("CLIENT LIST"));
    assert_eq!(list.lines().count(), CONNECTIONS + 1);
    let ids: std::collections::BTreeSet<&str> = list.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(ids.len(), CONNECTIONS + 1, "every client has its own id");
    for (i, client) in clients.iter_mut().enumerate().step_by(50) {
        let line = text_of(&client.ask_line("CLIENT INFO"));
        assert_eq!(field(&line, "name=", ' ').as_deref(), Some(format!("n{i}").as_str()));
        assert!(list.contains(&format!(" name=n{i} ")));
        let addr = client.stream.local_addr().expect("our end").to_string();
        assert_eq!(field(&line, "addr=", ' '), Some(addr));
    }

    // By id, by address, then all others.
    let id_of = |client: &mut Client| match client.ask_line("CLIENT ID") {
        Value::Int(id) => id,
        other => panic!("{other:?}"),
    };
    let id = id_of(&mut clients[0]);
    assert_eq!(watcher.ask_line(&format!("CLIENT KILL ID {id}")), Value::Int(1));
    assert!(clients[0].is_closed_within(Duration::from_secs(5)));
    let addr = clients[1].stream.local_addr().expect("our end");
    assert_eq!(watcher.ask_line(&format!("CLIENT KILL {addr}")), simple("OK"));
    assert!(clients[1].is_closed_within(Duration::from_secs(5)));
    assert_eq!(watcher.ask_line(&format!("CLIENT KILL ID {id}")), Value::Int(0));
    assert_eq!(watcher.ask_line("CLIENT KILL TYPE normal SKIPME yes"), Value::Int(CONNECTIONS as i64 - 2));
    for client in &mut clients[2..] {
        assert!(client.is_closed_within(Duration::from_secs(5)));
    }
    assert!(within(Duration::from_secs(5), || connected(&mut watcher) == 1));
    // Itself, too; the answer comes before the end.
    assert_eq!(watcher.ask_line("CLIENT KILL TYPE normal SKIPME no"), Value::Int(1));
    assert!(watcher.is_closed_within(Duration::from_secs(5)));
}

#[test]
fn beyond_maxclients() {
    let server = Server::start(&["--maxclients", "20"]);
    let mut clients: Vec<Client> = (0..20).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.ask_line("PING"), simple("PONG")));
    let mut one_more = server.connect();
    assert_eq!(one_more.last_words(), "-ERR max number of clients reached\r\n");
    clients.pop();
    let comes_in = || {
        let mut client = server.connect();
        client.send_while_open(b"PING\r\n");
        client.says_first(b"+PONG\r\n")
    };
    assert!(within(Duration::from_secs(5), comes_in), "there is room again");
}

/// Numbered questions at full speed on 50 connections for a second, on two threads that hand connections to each other.
#[test]
fn answers_keep_their_order() {
    const LOUD: usize = 50;
    const PER_ROUND: u64 = 40;
    let server = Server::start(&["--io-threads", "2"]);
    let deadline = Instant::now() + Duration::from_secs(1);
    let threads: Vec<_> = (0..5)
        .map(|_| {
            let mut clients: Vec<Client> = (0..LOUD / 5).map(|_| server.connect()).collect();
            std::thread::spawn(move || {
                let (mut asked, mut answered) = (0u64, 0u64);
                while Instant::now() < deadline {
                    // Two rounds under way at a time: the server is never without work.
                    let mut bytes = Vec::new();
                    for number in asked..asked + PER_ROUND {
                        encode(&mut bytes, &["ECHO", &number.to_string()]);
                    }
                    clients.iter_mut().for_each(|client| client.stream.write_all(&bytes).expect("it is taken"));
                    asked += PER_ROUND;
                    if asked - answered >= 2 * PER_ROUND {
                        hear(&mut clients, answered..answered + PER_ROUND);
                        answered += PER_ROUND;
                    }
                }
                hear(&mut clients, answered..asked);
                asked
            })
        })
        .collect();
    let asked: Vec<u64> = threads.into_iter().map(|thread| thread.join().expect("in order")).collect();
    assert!(asked.iter().all(|asked| *asked > PER_ROUND), "everybody was served: {asked:?}");
}

fn hear(clients: &mut [Client], numbers: std::ops::Range<u64>) {
    for client in clients {
        for number in numbers.clone() {
            assert_eq!(client.reply(), Value::Bulk(number.to_string().into_bytes()));
        }
    }
}

/// Writers on several connections at the same keys: nothing is lost between the threads.
#[test]
fn counters_of_many_threads() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 40;
    let server = Server::start(&["--io-threads", "2"]);
    let threads: Vec<_> = (0..THREADS)
        .map(|number| {
            let mut client = server.connect();
            std::thread::spawn(move || {
                for _ in 0..ROUNDS {
                    let mut bytes = Vec::new();
                    for i in 0..25 {
                        encode(&mut bytes, &["INCR", &format!("c{}", i % 5)]);
                        encode(&mut bytes, &["APPEND", &format!("a{number}"), "x"]);
                    }
                    for words in [&["MULTI"][..], &["INCR", "m1"], &["INCR", "m2"], &["EXEC"]] {
                        encode(&mut bytes, words);
                    }
                    client.send(&bytes);
                    let mut replies: Vec<Value> = (0..54).map(|_| client.reply()).collect();
                    // A transaction is one step: both counters are equal in it.
                    let Some(Value::Array(both)) = replies.pop() else { panic!("EXEC answers an array") };
                    assert_eq!(both[0], both[1]);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("a writer"));
    let mut client = server.connect();
    let expect = (THREADS * ROUNDS * 5).to_string();
    for i in 0..5 {
        assert_eq!(client.ask(&["GET", &format!("c{i}")]), Value::Bulk(expect.clone().into_bytes()));
    }
    for number in 0..THREADS {
        assert_eq!(client.ask(&["STRLEN", &format!("a{number}")]), Value::Int(ROUNDS as i64 * 25));
    }
    assert_eq!(client.ask_line("GET m1"), Value::Bulk((THREADS * ROUNDS).to_string().into_bytes()));
}
