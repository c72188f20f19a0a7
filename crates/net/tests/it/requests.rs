//! Requests in all shapes: cut, piled up, huge, broken.

use crate::harness::{bulk, eventually, request, serve};
use exec::metrics;
use std::io::{Read, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

#[test]
fn cut_at_every_byte() {
    let server = serve(&[]);
    let mut stream = Vec::new();
    for part in
        [&request(&[b"SET", b"k", b"va\r\nlue"])[..], b"PING\r\n", b"ECHO \"a b\"\r\n", &request(&[b"GET", b"k"])]
    {
        stream.extend_from_slice(part);
    }
    let replies = b"+OK\r\n+PONG\r\n$3\r\na b\r\n$7\r\nva\r\nlue\r\n";
    for cut in 1..stream.len() {
        let mut client = server.connect();
        client.send(&stream[..cut]);
        // Half of the cuts are given the time to arrive on their own.
        if cut % 2 == 0 {
            std::thread::sleep(Duration::from_micros(500));
        }
        client.ask(&stream[cut..], replies);
    }
    let mut client = server.connect();
    for byte in &stream {
        client.send([*byte]);
    }
    client.expect(replies);
}

#[test]
fn ten_thousand_in_one_pipeline() {
    let server = serve(&[]);
    let mut client = server.connect();
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    for idx in 0..10_000 {
        let (key, value) = (format!("key:{}", idx % 100), format!("value:{idx}"));
        requests.extend(request(&[b"SET", key.as_bytes(), value.as_bytes()]));
        requests.extend(request(&[b"GET", key.as_bytes()]));
        replies.extend_from_slice(b"+OK\r\n");
        replies.extend(bulk(value.as_bytes()));
    }
    let mut writer = client.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&requests).unwrap());
    client.expect(&replies);
    sender.join().unwrap();
    assert_eq!(server.counted(&metrics::COMMANDS_PROCESSED), 20_000);
    let record = server.record(&client);
    eventually("the record is told", || record.commands.load(Relaxed) == 20_000);
    assert_eq!(record.net_out.load(Relaxed), replies.len() as u64);
}

#[test]
fn twenty_megabytes_in_one_word() {
    let server = serve(&[]);
    server.node.cron_paused.store(true, Relaxed);
    let mut client = server.connect();
    let value: Vec<u8> = (0..20_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut writer = client.stream.try_clone().unwrap();
    let sent = [request(&[b"SET", b"big", &value]), request(&[b"GET", b"big"]), b"PING\r\n".to_vec()].concat();
    let sender = std::thread::spawn(move || writer.write_all(&sent).unwrap());
    client.expect([b"+OK\r\n".to_vec(), bulk(&value), b"+PONG\r\n".to_vec()].concat());
    sender.join().unwrap();
    // The room was kept for the next one, and goes when the client is idle.
    let record = server.record(&client);
    assert!(record.query_free.load(Relaxed) >= 20_000_000);
    server.node.cron_paused.store(false, Relaxed);
    eventually("the buffer is given back", || record.query_free.load(Relaxed) == 0);
}

#[test]
fn an_unfinished_request_keeps_a_buffer_and_a_finished_one_does_not() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.ask("PING\r\n", "+PONG\r\n");
    let record = server.record(&client);
    eventually("the turn ends", || record.commands.load(Relaxed) == 1);
    assert_eq!((record.query_len.load(Relaxed), record.query_free.load(Relaxed)), (0, 0));
    client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000\r\n");
    eventually("room for what was announced", || {
        record.query_len.load(Relaxed) + record.query_free.load(Relaxed) > 1_000_000
    });
    client.send(vec![b'x'; 500_000]);
    eventually("what is understood is no longer counted as unread", || record.query_len.load(Relaxed) == 500_000);
    client.ask([vec![b'x'; 500_000], b"\r\nPING\r\n".to_vec()].concat(), "+OK\r\n+PONG\r\n");
}

#[test]
fn garbage_is_answered_and_closed() {
    let server = serve(&[]);
    for (sent, said) in [
        ("*1\r\nfoo\r\n", "-ERR Protocol error: expected '$', got 'f'\r\n"),
        ("*1\r\n$-10\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        ("*3000000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        ("PING\r\nset \"a\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: unbalanced quotes in request\r\n"),
        ("\r\n*-10\r\nPING\r\n*0\r\n*1\r\nx\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got 'x'\r\n"),
    ] {
        let mut client = server.connect();
        client.send(sent);
        assert_eq!(String::from_utf8_lossy(&client.rest()), said, "{sent:?}");
    }
    eventually("all are gone", || server.node.clients.is_empty());
}

#[test]
fn an_error_reaches_who_goes_on_sending() {
    let server = &serve(&[]);
    std::thread::scope(|scope| {
        for begin in [&b"\0"[..], b"*\0", b"$\0"] {
            scope.spawn(move || {
                let mut client = server.connect();
                client.send(begin);
                let junk = b"payload".repeat(1000);
                let mut sent = 0u64;
                while client.stream.write_all(&junk).is_ok() {
                    sent += junk.len() as u64;
                    assert!(sent < 100 << 30, "it never closes");
                }
                let mut line = [0; 19];
                client.stream.read_exact(&mut line).unwrap();
                assert_eq!(&line, b"-ERR Protocol error");
            });
        }
    });
}

#[test]
fn half_a_request_then_silence_then_the_end() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.send("PING\r\n*2\r\n$4\r\nEC");
    client.expect("+PONG\r\n");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.rest(), b"");
    eventually("it is gone", || server.node.clients.is_empty());
}

#[test]
fn who_ends_sending_still_gets_the_answer() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.send("REPEAT 3000000 abcdefgh\r\n");
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(client.rest().len(), 24_000_000 + "$24000000\r\n\r\n".len());
}

#[test]
fn what_follows_quit_is_not_run() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.send("SET k 1\r\nQUIT\r\nSET k 2\r\n");
    assert_eq!(client.rest(), b"+OK\r\n+OK\r\n");
    server.connect().ask("GET k\r\n", "$1\r\n1\r\n");
}

#[test]
fn a_parked_command_holds_what_follows() {
    let server = serve(&[]);
    let mut client = server.connect();
    let begin = std::time::Instant::now();
    client.send("PING\r\nNAP 40\r\nECHO \"a b\"\r\nNAP 40\r\nPING\r\n*1\r\n$4\r\nPI");
    client.expect("+PONG\r\n+RESTED\r\n$3\r\na b\r\n+RESTED\r\n+PONG\r\n");
    // Deadlines are whole milliseconds, so each nap may be one short.
    assert!(begin.elapsed() >= Duration::from_millis(78));
    client.ask("NG\r\n", "+PONG\r\n");

    let record = server.record(&client);
    client.send("NAP 100000\r\nPING\r\n");
    eventually("it is parked", || server.node.clients.blocked.load(Relaxed) == 1);
    let mail = exec::seams::Mail::Unblock { client: record.id, with_error: true };
    server.node.send(&record, mail);
    client.expect("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n+PONG\r\n");
}

#[test]
fn a_parked_client_that_sends_on_is_held_back_not_closed() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.send("NAP 300\r\n");
    let pings = b"PING\r\n".repeat(1_000_000);
    let mut writer = client.stream.try_clone().unwrap();
    let sender = std::thread::spawn(move || writer.write_all(&pings).unwrap());
    client.expect(["+RESTED\r\n".as_bytes(), &b"+PONG\r\n".repeat(1_000_000)].concat());
    sender.join().unwrap();
}

#[test]
fn a_pause_ends_by_time_or_by_word() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.ask("SET k 1\r\n", "+OK\r\n");
    let node = &server.node;
    node.pause.begin(&node.alarms, false, node.now().saturating_add_ms(50));
    client.ask("SET k 2\r\nGET k\r\n", "+OK\r\n$1\r\n2\r\n");
    node.pause.begin(&node.alarms, false, node.now().saturating_add_ms(100_000));
    client.send("SET k 3\r\n");
    eventually("it is held", || node.clients.blocked.load(Relaxed) == 1);
    node.pause.end(&node.alarms);
    node.nudge_all();
    client.expect("+OK\r\n");
}

#[test]
fn strangers_may_send_little() {
    let server = serve(&[("requirepass", "secret")]);
    let mut client = server.connect();
    client.send("*100\r\n");
    assert_eq!(client.rest(), b"-ERR Protocol error: unauthenticated multibulk length\r\n");
    let mut client = server.connect();
    client.send("*1\r\n$100000000\r\n");
    assert_eq!(client.rest(), b"-ERR Protocol error: unauthenticated bulk length\r\n");
    // Behind AUTH in one pipeline the limits are those of a friend.
    let mut client = server.connect();
    let big = vec![b'x'; 100_000];
    client.ask(
        [b"AUTH secret\r\n".to_vec(), request(&[b"ECHO", &big])].concat(),
        [b"+OK\r\n".to_vec(), bulk(&big)].concat(),
    );
}

#[test]
fn resp3_is_remembered_between_turns() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.ask("HELLO3\r\n", "+OK\r\n");
    client.ask("GET none\r\n", "_\r\n");
    let mut other = server.connect();
    other.ask("GET none\r\n", "$-1\r\n");
    client.ask("GET none\r\n", "_\r\n");
}
