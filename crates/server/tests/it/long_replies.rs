//! Replies that are made in parts (`exec/src/rest.rs`), over a real socket.

use crate::client::{Client, text_of};
use crate::harness::Server;
use proto::resp_client::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

fn connect(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", server.port)).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    socket
}

fn figure(client: &mut Client, section: &str, name: &str) -> u64 {
    let text = text(client, &["INFO", section]);
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
fn a_reply_without_an_end_disturbs_nobody() {
    let server = Server::start(&[]);
    if server.is_redis() {
        return;
    }
    let (mut greedy, mut other) = (connect(&server), server.connect());
    greedy.write_all(b"SADD s a\r\nSRANDMEMBER s -9223372036854775807\r\nPING\r\n").expect("sent");
    let (mut buf, mut seen) = (vec![0; 1 << 20], 0);
    while seen < 50 << 20 {
        let count = greedy.read(&mut buf).expect("more of it");
        assert!(count > 0, "ended after {seen} bytes");
        seen += count;
    }
    // Now it reads no more.
    std::thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    assert_eq!(text(&mut other, &["SCARD", "s"]), "1");
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert!(figure(&mut other, "memory", "used_memory") < 50 << 20);
    assert_eq!(figure(&mut other, "clients", "connected_clients"), 2);
    drop(greedy);
    let end = Instant::now() + Duration::from_secs(20);
    while figure(&mut other, "clients", "connected_clients") > 1 {
        assert!(Instant::now() < end, "it is gone");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(figure(&mut other, "clients", "blocked_clients"), 0);
}

#[test]
fn who_sends_no_more_gets_all_of_it() {
    let server = Server::start(&[]);
    let mut socket = connect(&server);
    socket.write_all(b"SADD s a\r\nSRANDMEMBER s -300000\r\nPING\r\n").expect("sent");
    socket.shutdown(Shutdown::Write).expect("half closed");
    let mut all = Vec::new();
    socket.read_to_end(&mut all).expect("all of it");
    assert!(all.starts_with(b":1\r\n*300000\r\n$1\r\na\r\n") && all.ends_with(b"$1\r\na\r\n+PONG\r\n"));
    assert_eq!(all.len(), 4 + 9 + 300_000 * 7 + 7);
}
