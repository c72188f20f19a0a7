//! `maxmemory-clients`, over real sockets.

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
