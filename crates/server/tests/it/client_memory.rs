//! `maxmemory-clients` and a `maxmemory` that is near, over real sockets.

use crate::client::{Client, text_of};
use crate::harness::Server;
use proto::resp_client::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A client that has sent a part of a request: so many bytes are kept for it.
fn holder(server: &Server, name: &str, bytes: usize, no_evict: bool) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    let switch = if no_evict { "on" } else { "off" };
    socket.write_all(format!("CLIENT SETNAME {name}\r\nCLIENT NO-EVICT {switch}\r\n").as_bytes()).expect("sent");
    let mut answer = [0; 10];
    socket.read_exact(&mut answer).expect("two answers");
    assert_eq!(&answer, b"+OK\r\n+OK\r\n");
    // Who is closed meanwhile notices when it reads.
    let _ = socket.write_all(format!("*2\r\n${bytes}\r\n").as_bytes());
    let _ = socket.write_all(&vec![b'v'; bytes]);
    socket
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn names(client: &mut Client) -> Vec<String> {
    let list = text(client, &["CLIENT", "LIST"]);
    let mut names: Vec<String> =
        list.split_whitespace().filter_map(|word| word.strip_prefix("name=")).map(str::to_owned).collect();
    names.retain(|name| !name.is_empty());
    names.sort();
    names
}

fn figure(client: &mut Client, name: &str) -> u64 {
    let text = text(client, &["INFO", "everything"]);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name} in {text}"))
}

fn text(client: &mut Client, words: &[&str]) -> String {
    match client.ask(words) {
        Value::Int(n) => n.to_string(),
        other => text_of(&other),
    }
}

/// What a limit is for: not the log's buffers.
fn counted(client: &mut Client) -> u64 {
    figure(client, "used_memory") - figure(client, "mem_not_counted_for_evict")
}

/// What a server makes in its first moments, and buffers that are given back after use, are a tenth of a MiB.
fn settle(client: &mut Client) {
    let mut last = 0;
    wait_until("memory stays the same", || {
        std::thread::sleep(Duration::from_millis(400));
        let used = counted(client);
        std::mem::replace(&mut last, used) == used
    });
}

#[test]
fn the_largest_goes_first_and_only_until_it_is_enough() {
    let server = Server::start(&["--maxmemory-clients", "10mb"]);
    let mut me = server.connect();
    text(&mut me, &["CLIENT", "NO-EVICT", "on"]);
    let _all: Vec<TcpStream> =
        [("a", 1), ("b", 2), ("c", 3)].map(|(name, mb)| holder(&server, name, mb << 20, false)).into();
    let _spared = holder(&server, "spared", 3 << 20, true);
    wait_until("all are there", || figure(&mut me, "mem_clients_normal") > 9 << 20);
    assert_eq!(names(&mut me), ["a", "b", "c", "spared"]);
    assert_eq!(figure(&mut me, "evicted_clients"), 0);
    text(&mut me, &["CONFIG", "SET", "maxmemory-clients", "7mb"]);
    wait_until("c is gone", || names(&mut me) == ["a", "b", "spared"]);
    let mut late = holder(&server, "d", 4 << 20, false);
    wait_until("d is gone", || names(&mut me) == ["a", "b", "spared"] && figure(&mut me, "evicted_clients") == 2);
    assert!(matches!(late.read(&mut [0; 1]), Ok(0) | Err(_)), "closed");
    text(&mut me, &["CONFIG", "SET", "maxmemory-clients", "1mb"]);
    wait_until("only who is spared is left", || names(&mut me) == ["spared"]);
    assert_eq!(text(&mut me, &["PING"]), "PONG");
}

#[test]
fn no_key_goes_for_what_clients_have_too_much() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru", "--maxmemory-clients", "1mb"]);
    let mut me = server.connect();
    text(&mut me, &["CLIENT", "NO-EVICT", "on"]);
    for i in 0..1000 {
        text(&mut me, &["SET", &format!("key:{i}"), "value"]);
    }
    let limit = figure(&mut me, "used_memory") + (3 << 20);
    text(&mut me, &["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    let _large = holder(&server, "large", 8 << 20, true);
    wait_until("it is there", || figure(&mut me, "mem_clients_normal") > 8 << 20);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(text(&mut me, &["SET", "one", "more"]), "OK");
    assert_eq!((figure(&mut me, "evicted_keys"), text(&mut me, &["DBSIZE"]).as_str()), (0, "1001"));
}

/// Each evicted key is told to ten clients, which takes more than the key did.
#[test]
fn keys_do_not_go_for_the_messages_about_keys_that_went() {
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru", "--maxmemory-eviction-tenacity", "100"]);
    let mut me = server.connect();
    let mut trackers: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    for tracker in &mut trackers {
        tracker.ask(&["HELLO", "3"]);
        assert_eq!(text(tracker, &["CLIENT", "TRACKING", "on"]), "OK");
    }
    for number in 0..300 {
        let key = format!("{number}{}", "x".repeat(1000));
        text(&mut me, &["SET", &key, "x"]);
        trackers.iter_mut().for_each(|tracker| assert_eq!(text(tracker, &["GET", &key]), "x"));
    }
    settle(&mut me);
    let limit = counted(&mut me) - 40_000;
    text(&mut me, &["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    wait_until("keys go", || figure(&mut me, "evicted_keys") >= 10);
    std::thread::sleep(Duration::from_millis(300));
    let left: u64 = text(&mut me, &["DBSIZE"]).parse().expect("a number");
    // Forty would do; what was not sent yet when the limit was looked at again costs some more. It ends.
    assert!((60..=290).contains(&left), "{left} keys of 300 are left");
}
