//! What an operator finds in the log when something went very wrong.

use crate::harness::{Server, within};

use proto::resp_client::Value;
use rustix::process::Signal;
use std::time::Duration;

#[test]
fn panics_and_signals_are_told_in_the_log() {
    let mut server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    for _ in 0..2 {
        assert!(format!("{:?}", client.ask_line("DEBUG PANIC")).contains("internal error"));
    }
    let log = server.log();
    assert_eq!(log.matches("=== BASALT BUG REPORT START: a panic in thread ").count(), 2, "{log}");
    assert!(log.contains("crash.rs:") && log.contains("Panic requested by Debug command"), "{log}");
    assert_eq!(log.matches("commands::server::debug::run").count(), 1, "the stack, once: {log}");

    server.signal(Signal::ALARM);
    let told = within(Duration::from_secs(10), || server.log().contains("THREADS DONE"));
    let log = server.log();
    assert!(told && log.contains("Received SIGALRM") && log.contains(" snapshot: sleeping"), "{log}");
    assert_eq!(client.ask_line("PING"), Value::Simple("PONG".into()));

    server.signal(Signal::ABORT);
    assert!(within(Duration::from_secs(10), || !server.is_running()), "it ends");
    assert!(server.log().contains("crashed by signal: 6"), "{}", server.log());
}
