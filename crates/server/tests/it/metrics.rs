//! /metrics, /health and /ready, asked as a scraper asks.

use crate::harness::{Server, free_port};
use std::io::{Read, Write};
use std::net::TcpStream;

fn get(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the metrics port");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn metrics_and_health() {
    let port = free_port();
    let server =
        Server::start(&["--metrics-port", &port.to_string(), "--appendonly", "yes", "--appendfsync", "always"]);
    if server.is_redis() {
        return;
    }
    let mut client = server.connect();
    client.ask_line("SET k v");
    client.ask_line("GET k");
    client.ask_line("LPUSH k v");
    let page = get(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for line in [
        "redis_up 1\n",
        "redis_db_keys{db=\"db0\"} 1\n",
        "redis_commands_total{cmd=\"get\"} 1\n",
        "redis_commands_failed_calls_total{cmd=\"lpush\"} 1\n",
        "redis_commands_latencies_usec_count{cmd=\"set\"} 1\n",
        "redis_errors_total{err=\"WRONGTYPE\"} 1\n",
        "# TYPE redis_commands_latencies_usec histogram\n",
        "# TYPE redis_commands_processed_total counter\n",
        "# TYPE basalt_lock_wait_seconds histogram\n",
        "basalt_lock_wait_seconds_bucket{lock=\"shard\",le=\"+Inf\"} ",
        "basalt_lock_wait_seconds_count{lock=\"world\"} ",
        "basalt_log_append_seconds_count ",
        "basalt_clients_with_held_replies 0\n",
    ] {
        assert!(page.contains(line), "{line} in\n{page}");
    }
    let number = |name: &str| -> f64 {
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in\n{page}"))
    };
    for name in ["basalt_log_write_seconds_count", "basalt_log_sync_seconds_count", "basalt_replies_held"] {
        assert!(number(name) >= 1.0, "{name} in\n{page}");
    }
    // Every line is a comment or `name[{labels}] number`.
    let (_, body) = page.split_once("\r\n\r\n").expect("a body");
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        assert!(!name.is_empty() && value.parse::<f64>().is_ok(), "{line}");
    }
    assert!(get(port, "GET /health HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 200"));
    assert!(get(port, "GET /ready HTTP/1.0\r\n\r\n").ends_with("ready\n"));
    assert!(get(port, "GET /nothing HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
    assert!(get(port, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
}
