//! MIGRATE between this server and another, Redis where it is installed.

use crate::client::{Client, text_of};
use crate::harness::Server;
use proto::resp_client::Value;

fn ok(value: &Value) -> bool {
    *value == Value::Simple("OK".into())
}

fn fill(client: &mut Client) {
    for line in [
        "SET s text",
        "SET n 12345 PX 100000",
        "RPUSH l a b c",
        "HSET h f v g w",
        "SADD set 1 2 x",
        "ZADD z 1 a 2.5 b",
        "XADD x 1-1 f v",
    ] {
        client.ask_line(line);
    }
}

fn digest(client: &mut Client) -> Vec<Value> {
    ["GET s", "GET n", "LRANGE l 0 -1", "HGET h g", "SISMEMBER set x", "ZSCORE z b", "XRANGE x - +"]
        .map(|line| client.ask_line(line))
        .to_vec()
}

fn between(from: &Server, to: &Server) {
    let (mut here, mut there) = (from.connect(), to.connect());
    there.ask_line("FLUSHALL");
    here.ask_line("FLUSHALL");
    fill(&mut here);
    let before = digest(&mut here);
    let port = to.port.to_string();
    let keys = ["s", "n", "l", "h", "set", "z", "x", "missing"];
    let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
    words.extend(keys);
    let answer = here.ask(&words);
    assert!(ok(&answer), "all keys at once: {answer:?}");
    assert_eq!(here.ask_line("DBSIZE"), Value::Int(0));
    assert_eq!(digest(&mut there), before);
    let Value::Int(ttl) = there.ask_line("PTTL n") else { panic!("no TTL") };
    assert!((1..=100_000).contains(&ttl), "{ttl}");
    assert_eq!(here.ask(&["MIGRATE", "127.0.0.1", &port, "s", "0", "5000"]), Value::Simple("NOKEY".into()));
    here.ask_line("SET s other");
    let Value::Error(busy) = here.ask(&["MIGRATE", "127.0.0.1", &port, "s", "0", "5000"]) else { panic!("no error") };
    assert!(busy.starts_with("ERR Target instance replied with error: BUSYKEY"), "{busy}");
    assert_eq!(here.ask_line("EXISTS s"), Value::Int(1), "what did not get there stays");
    assert!(ok(&here.ask(&["MIGRATE", "127.0.0.1", &port, "s", "0", "5000", "COPY", "REPLACE"])));
    assert_eq!(here.ask_line("GET s"), there.ask_line("GET s"));
}

#[test]
fn moves_keys() {
    let (one, two) = (Server::start(&[]), Server::start(&[]));
    between(&one, &two);
    if let Some(redis) = Server::start_redis(&[])
        && !one.is_redis()
    {
        between(&one, &redis);
        between(&redis, &one);
    }
}

fn info(client: &mut Client, name: &str) -> String {
    let text = text_of(&client.ask_line("INFO stats"));
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::to_string));
    value.unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn the_connection_is_used_again() {
    let (one, two) = (Server::start(&[]), Server::start(&["--requirepass", "secret"]));
    if one.is_redis() {
        return;
    }
    let (mut here, mut there) = (one.connect(), two.connect());
    there.ask_line("AUTH secret");
    let port = two.port.to_string();
    let mut migrate = |key: &str, db: &str, auth: &[&str]| {
        here.ask(&["SET", key, "v"]);
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, key, db, "5000"];
        words.extend(auth);
        let answer = match here.ask(&words) {
            Value::Error(text) => text,
            other => text_of(&other),
        };
        (answer, info(&mut here, "migrate_cached_sockets"))
    };
    let before = info(&mut there, "total_connections_received");
    for (key, db) in [("a", "0"), ("b", "9"), ("c", "9"), ("d", "0")] {
        assert_eq!(migrate(key, db, &["AUTH", "secret"]), ("OK".into(), "1".into()));
    }
    assert_eq!(
        info(&mut there, "total_connections_received").parse::<u64>().ok(),
        before.parse::<u64>().ok().map(|n| n + 1)
    );
    assert_eq!(there.ask_line("MGET a d b"), {
        let value = Value::Bulk(b"v".to_vec());
        Value::Array(vec![value.clone(), value, Value::Null])
    });
    there.ask_line("SELECT 9");
    assert_eq!(there.ask_line("EXISTS b c a"), Value::Int(2));
    // Without the password nobody gets the connection that was opened with it.
    let (refusal, kept) = migrate("e", "0", &[]);
    assert!(refusal.contains("NOAUTH") && kept == "1", "{refusal} {kept}");
    // Nor with one that is no longer right.
    there.ask_line("CONFIG SET requirepass other");
    let (refusal, kept) = migrate("e", "0", &["AUTH", "secret"]);
    assert!(refusal.contains("WRONGPASS") && kept == "0", "{refusal} {kept}");
    there.ask_line("CONFIG SET requirepass secret");
    assert_eq!(migrate("e", "0", &["AUTH", "secret"]), ("OK".into(), "1".into()), "it was not taken before");
    // One that the other side has closed meanwhile is noticed.
    there.ask_line("CLIENT KILL TYPE normal SKIPME yes");
    assert_eq!(migrate("f", "0", &["AUTH", "secret"]), ("OK".into(), "1".into()));
}

#[test]
fn a_target_that_is_not_there_costs_nothing() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.ask_line("SET k v");
    let port = crate::harness::free_port().to_string();
    let Value::Error(text) = client.ask(&["MIGRATE", "127.0.0.1", &port, "k", "0", "500"]) else { panic!("no error") };
    assert!(text.starts_with("IOERR error or timeout"), "{text}");
    assert_eq!(client.ask_line("GET k"), Value::Bulk(b"v".to_vec()));
}
