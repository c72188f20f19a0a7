//! Clients that wait for lists, on several threads: nothing is lost, nothing is given twice, who leaves takes nothing.

use crate::client::{Client, Got, field, text_of};
use crate::harness::{Server, within};
use proto::resp_client::Value;
use std::collections::BTreeMap;
use std::time::Duration;

fn blocked(client: &mut Client) -> usize {
    let info = text_of(&client.ask_line("INFO clients"));
    field(&info, "blocked_clients:", '\n').expect("a field of INFO").trim().parse().expect("a number")
}

fn word(text: impl ToString) -> Value {
    Value::Bulk(text.to_string().into_bytes())
}

#[test]
fn the_oldest_of_many_is_served() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut giver = server.connect();
    let mut waiters: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for (i, waiter) in waiters.iter_mut().enumerate() {
        waiter.request(&["BLPOP", "none", "list", "0"]);
        assert!(within(Duration::from_secs(5), || blocked(&mut giver) == i + 1));
    }
    // One leaves, two elements come in one command, the rest one by one.
    drop(waiters.remove(3));
    assert!(within(Duration::from_secs(5), || blocked(&mut giver) == 7));
    assert_eq!(giver.ask(&["RPUSH", "list", "0", "1"]), Value::Int(2));
    for i in 2..7 {
        assert_eq!(giver.ask(&["RPUSH", "list", &i.to_string()]), Value::Int(1));
    }
    for (i, waiter) in waiters.iter_mut().enumerate() {
        assert_eq!(waiter.reply(), Value::Array(vec![word("list"), word(i)]));
    }
    assert_eq!((giver.ask_line("EXISTS list"), blocked(&mut giver)), (Value::Int(0), 0));
}

/// Givers push to three lists, movers carry from one to the next, takers take from the last two.
#[test]
fn nothing_is_lost_between_threads() {
    const EACH: usize = 300;
    let server = Server::start(&["--io-threads", "2"]);
    let mut watcher = server.connect();
    let movers: Vec<Client> = (0..3)
        .map(|_| {
            let mut client = server.connect();
            client.request(&["BLMOVE", "a", "b", "LEFT", "RIGHT", "0"]);
            client
        })
        .collect();
    let taken = std::thread::scope(|scope| {
        let takers: Vec<_> = (0..3)
            .map(|_| {
                let mut client = server.connect();
                scope.spawn(move || {
                    let mut taken = Vec::new();
                    loop {
                        match client.ask_line("BLPOP b c 0") {
                            Value::Array(pair) if pair[1] == word("end") => return taken,
                            Value::Array(pair) => taken.push(text_of(&pair[1])),
                            other => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        for mut mover in movers {
            scope.spawn(move || {
                while mover.reply() != word("end") {
                    mover.request(&["BLMOVE", "a", "b", "LEFT", "RIGHT", "0"]);
                }
            });
        }
        let givers: Vec<_> = (0..3)
            .map(|giver| {
                let mut client = server.connect();
                scope.spawn(move || {
                    for i in 0..EACH {
                        let list = ["a", "b", "c"][(giver + i) % 3];
                        client.ask(&["RPUSH", list, &format!("{giver}:{i}")]);
                    }
                })
            })
            .collect();
        givers.into_iter().for_each(|giver| giver.join().expect("a giver"));
        assert!(within(Duration::from_secs(20), || watcher.ask_line("EXISTS a b c") == Value::Int(0)));
        // What a mover carries when it is told to end, ends a taker.
        for _ in 0..3 {
            watcher.ask_line("RPUSH a end");
        }
        takers.into_iter().flat_map(|taker| taker.join().expect("a taker")).collect::<Vec<String>>()
    });
    let mut counts = BTreeMap::new();
    taken.iter().for_each(|element| *counts.entry(element.as_str()).or_insert(0) += 1);
    assert_eq!((taken.len(), counts.len()), (3 * EACH, 3 * EACH), "each once");
    assert_eq!(watcher.ask_line("DBSIZE"), Value::Int(0));
}

#[test]
fn waiting_ends_in_time() {
    let server = Server::start(&["--io-threads", "2"]);
    let mut client = server.connect();
    client.request(&["BLPOP", "list", "0.2"]);
    assert!(matches!(client.reply_within(Duration::from_millis(100)), Got::Nothing));
    assert_eq!(client.reply(), Value::NullArray);
    // Requests behind it wait with it, and are answered in order.
    let mut giver = server.connect();
    client.request(&["BRPOP", "list", "0"]);
    client.request(&["PING"]);
    assert!(within(Duration::from_secs(5), || blocked(&mut giver) == 1));
    giver.ask_line("RPUSH list x");
    assert_eq!(client.reply(), Value::Array(vec![word("list"), word("x")]));
    assert_eq!(client.reply(), crate::client::simple("PONG"));
}
