//! Messages over sockets: many listeners, one that does not read, and one that goes away.

use crate::client::{Client, encode, field, text_of};
use crate::harness::{Server, within};
use proto::resp_client::Value;
use std::time::Duration;

fn bulk(text: &str) -> Value {
    Value::Bulk(text.into())
}

fn message(channel: &str, text: &str) -> Value {
    Value::Array(vec![bulk("message"), bulk(channel), bulk(text)])
}

#[test]
fn everybody_hears_everything_in_order() {
    let server = Server::start(&["--io-threads", "3"]);
    let mut listeners: Vec<Client> = (0..30).map(|_| server.connect()).collect();
    for listener in &mut listeners {
        listener.ask_line("SUBSCRIBE news");
    }
    let mut publisher = server.connect();
    let mut requests = Vec::new();
    for n in 0..500 {
        encode(&mut requests, &["PUBLISH", "news", &n.to_string()]);
    }
    publisher.send(&requests);
    for _ in 0..500 {
        assert_eq!(publisher.reply(), Value::Int(30));
    }
    for listener in &mut listeners {
        for n in 0..500 {
            assert_eq!(listener.reply(), message("news", &n.to_string()));
        }
    }
}

/// Redis closes it as well; what counts is that the others do not notice.
#[test]
fn who_does_not_read_is_closed_and_holds_nobody_up() {
    let server = Server::start(&["--io-threads", "2", "--client-output-buffer-limit", "pubsub 1mb 0 0"]);
    let mut sleeper = server.connect();
    sleeper.ask_line("SUBSCRIBE news");
    let mut listener = server.connect();
    listener.ask_line("SUBSCRIBE news");
    let mut publisher = server.connect();
    let text = "x".repeat(64 * 1024);
    // What the kernel takes for the sleeper is gone soon, then it is our memory.
    let mut rounds = 0;
    loop {
        let heard = publisher.ask(&["PUBLISH", "news", &text]);
        assert_eq!(listener.reply(), message("news", &text));
        if heard == Value::Int(1) {
            break;
        }
        rounds += 1;
        assert!(rounds < 2000, "64 KiB were kept for the sleeper {rounds} times");
    }
    assert!(sleeper.is_closed_within(Duration::from_secs(10)));
    let info = text_of(&publisher.ask_line("INFO stats"));
    if !server.is_redis() {
        assert_eq!(field(&info, "client_output_buffer_limit_disconnections:", '\r').as_deref(), Some("1"));
    }
    assert_eq!(field(&info, "pubsub_channels:", '\r').as_deref(), Some("1"));
}

#[test]
fn who_goes_away_is_counted_no_more() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let counts = |client: &mut Client| {
        let (stats, clients) = (text_of(&client.ask_line("INFO stats")), text_of(&client.ask_line("INFO clients")));
        let number = |text: &str, name: &str| field(text, name, '\r').and_then(|n| n.parse::<u32>().ok());
        [number(&stats, "pubsub_channels:"), number(&stats, "pubsub_patterns:"), number(&clients, "pubsub_clients:")]
    };
    let mut listener = server.connect();
    listener.ask_line("SUBSCRIBE a");
    listener.ask_line("PSUBSCRIBE b*");
    let told = counts(&mut client);
    assert_eq!(told[..2], [Some(1), Some(1)]);
    if !server.is_redis() {
        assert_eq!(told[2], Some(1));
    }
    drop(listener);
    assert!(within(Duration::from_secs(5), || counts(&mut client)[..2] == [Some(0), Some(0)]));
    assert_eq!(client.ask_line("PUBLISH a x"), Value::Int(0));
}

/// A client of RESP2 that stopped to listen is an ordinary one again: nothing may come between its replies.
#[test]
fn replies_after_the_last_unsubscribe_are_not_mixed_with_messages() {
    let server = Server::start(&["--io-threads", "3"]);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut publisher = server.connect();
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    publisher.ask_line("PUBLISH news x");
                }
            });
        }
        let mut client = server.connect();
        for _ in 0..500 {
            client.ask_line("SUBSCRIBE news");
            client.request(&["UNSUBSCRIBE"]);
            let left = Value::Array(vec![bulk("unsubscribe"), bulk("news"), Value::Int(0)]);
            loop {
                let value = client.reply();
                if value == left {
                    break;
                }
                assert_eq!(value, message("news", "x"));
            }
            for n in 0..5 {
                assert_eq!(client.ask(&["ECHO", &n.to_string()]), bulk(&n.to_string()));
            }
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
