//! Clients that mean harm or are broken: what they send takes no memory without bound and disturbs nobody.
//!
//! Each test is an `Ordeal`: a server, a well-behaved client that asks all the time from another thread, and a look at the
//! server's memory during and after. The bounds are far above what a sound server takes and far below what an unsound
//! one would.

use crate::client::{Client, Got, encode, simple};
use crate::harness::{Server, within};
use proto::resp_client::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
/// While the client is at it.
const GROWTH_MAX: u64 = 192 * MIB;
/// When it has gone. Allocators keep some.
const GROWTH_LEFT_MAX: u64 = 64 * MIB;
/// For an answer to somebody else: two busy cores, a debug build, other tests beside this one.
const ANSWER_MAX: Duration = Duration::from_millis(1_000);

struct Ordeal {
    server: Server,
    rss_before: u64,
    stop: Arc<AtomicBool>,
    slowest_us: Arc<AtomicU64>,
    neighbour: Option<JoinHandle<u64>>,
}

impl Ordeal {
    fn begin(args: &[&str]) -> Ordeal {
        let server = Server::start(&[&["--io-threads", "2"], args].concat());
        let mut client = server.connect();
        for i in 0..100 {
            client.ask_line(&format!("SET warm{i} x"));
        }
        let (stop, slowest_us) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, slowest) = (stop.clone(), slowest_us.clone());
        let neighbour = std::thread::spawn(move || {
            let mut asked = 0;
            loop {
                let started = Instant::now();
                client.ask(&["SET", "neighbour", &asked.to_string()]);
                assert_eq!(client.ask_line("GET neighbour"), Value::Bulk(asked.to_string().into_bytes()));
                slowest.fetch_max(started.elapsed().as_micros() as u64, Ordering::Relaxed);
                asked += 1;
                if stopped.load(Ordering::Relaxed) {
                    return asked;
                }
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let rss_before = server.rss_bytes();
        Ordeal { server, rss_before, stop, slowest_us, neighbour: Some(neighbour) }
    }

    fn growth(&self) -> u64 {
        self.server.rss_bytes().saturating_sub(self.rss_before)
    }

    fn growth_is_bounded(&self, when: &str) {
        let growth = self.growth();
        assert!(growth < GROWTH_MAX, "{when}: the server grew by {} MiB", growth / MIB);
    }

    /// The harm is done and its doers have gone: is everything as before?
    fn end(mut self, what: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let asked = self.neighbour.take().expect("once").join().expect("the neighbour got its answers");
        assert!(asked > 0, "{what}");
        let slowest = Duration::from_micros(self.slowest_us.load(Ordering::Relaxed));
        assert!(slowest < ANSWER_MAX, "{what}: a neighbour waited {slowest:?} for its answers");
        assert_eq!(self.server.connect().ask_line("PING"), simple("PONG"), "{what}");
        let is_back = within(Duration::from_secs(10), || self.growth() < GROWTH_LEFT_MAX);
        assert!(is_back, "{what}: {} MiB are left", self.growth() / MIB);
        assert!(!self.server.log().contains("panicked"), "{what}: a thread panicked");
    }
}

/// Sends until the server hangs up or all is sent, and gives its last words.
fn send_and_hear(server: &Server, bytes: &[u8]) -> String {
    let mut client = server.connect();
    client.send_while_open(bytes);
    // Where the server waits for more, the end of our bytes ends its waiting.
    let _ = client.stream.shutdown(std::net::Shutdown::Write);
    client.last_words()
}

#[test]
fn protocol_errors_are_said_and_the_connection_closed() {
    let ordeal = Ordeal::begin(&[]);
    for (bytes, error) in [
        (&b"*9223372036854775808\r\n"[..], "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*3000000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n$9223372036854775808\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$18446744073709551616\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$-5\r\nPING\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*2\r\n$4\r\nECHO\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$2000000000\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\nfooz\r\n", "-ERR Protocol error: expected '$', got 'f'\r\n"),
        (b"*1\r\n*1\r\n", "-ERR Protocol error: expected '$', got '*'\r\n"),
        (b"SET \"unbalanced\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
        (b"GET 'a'b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
    ] {
        assert_eq!(send_and_hear(&ordeal.server, bytes), error, "{:?}", String::from_utf8_lossy(bytes));
    }
    ordeal.end("protocol errors");
}

#[test]
fn what_is_no_request_is_no_error_either() {
    let server = Server::start(&[]);
    for bytes in ["\r\n", "\n", "   \r\n", "*0\r\n", "*-1\r\n", "*-10\r\n"] {
        let mut client = server.connect();
        client.send(bytes.as_bytes());
        assert_eq!(client.ask_line("PING"), simple("PONG"), "{bytes:?}");
    }
    // Answers to what came before the mistake are given first.
    let heard = send_and_hear(&server, b"PING\r\nECHO hi\r\n*x\r\nPING\r\n");
    assert_eq!(heard, "+PONG\r\n$2\r\nhi\r\n-ERR Protocol error: invalid multibulk length\r\n");
}

#[test]
fn garbage() {
    let ordeal = Ordeal::begin(&[]);
    let mut rng = kit::world::Rng::new(7);
    for round in 0..60 {
        let mut bytes = vec![0; 1 + rng.index(20_000)];
        rng.fill(&mut bytes);
        if round % 3 == 0 {
            // Some that looks like a request from afar.
            bytes.iter_mut().for_each(|byte| *byte = b"*$1\r\n0 :+"[usize::from(*byte) % 9]);
        }
        send_and_hear(&ordeal.server, &bytes);
    }
    ordeal.growth_is_bounded("garbage");
    ordeal.end("garbage");
}

#[test]
fn lines_without_end() {
    let ordeal = Ordeal::begin(&[]);
    for start in [&b""[..], b"\0", b"*\0", b"$\0", b"*1", b"*1\r\n$1"] {
        let mut bytes = start.to_vec();
        bytes.resize(16 << 20, b'1');
        let heard = send_and_hear(&ordeal.server, &bytes);
        assert!(heard.starts_with("-ERR Protocol error: "), "{:?}: {heard:?}", String::from_utf8_lossy(start));
    }
    ordeal.growth_is_bounded("lines without end");
    ordeal.end("lines without end");
}

#[test]
fn a_million_nested_arrays() {
    let ordeal = Ordeal::begin(&[]);
    for start in [&b"*1000000\r\n"[..], b"*1\r\n"] {
        let mut bytes = start.to_vec();
        bytes.extend_from_slice(&b"*1\r\n".repeat(1_000_000));
        let heard = send_and_hear(&ordeal.server, &bytes);
        assert!(heard.starts_with("-ERR Protocol error: expected '$', got '*'"), "{heard:?}");
    }
    ordeal.growth_is_bounded("nested arrays");
    ordeal.end("nested arrays");
}

#[test]
fn lengths_that_are_announced_and_do_not_come() {
    let ordeal = Ordeal::begin(&[]);
    let mut waiting = Vec::new();
    for _ in 0..20 {
        for bytes in [
            &b"*2\r\n$4\r\nECHO\r\n$500000000\r\nabc"[..],
            b"*1000000\r\n$4\r\nECHO\r\n",
            b"*2147483647\r\n",
            b"*2\r\n$4\r\nECHO\r\n$10\r\nab",
        ] {
            let mut client = ordeal.server.connect();
            client.send(bytes);
            waiting.push(client);
        }
    }
    std::thread::sleep(Duration::from_millis(300));
    ordeal.growth_is_bounded("announced lengths");
    // A patient one gets its answer.
    let mut last = waiting.pop().expect("one of them");
    last.send(b"cdefghij\r\n");
    assert_eq!(last.reply(), Value::Bulk(b"abcdefghij".to_vec()));
    drop(waiting);
    ordeal.end("announced lengths");
}

#[test]
fn a_million_tiny_arguments() {
    let ordeal = Ordeal::begin(&[]);
    let mut bytes = b"*1000001\r\n$6\r\nEXISTS\r\n".to_vec();
    bytes.extend_from_slice(&b"$1\r\na\r\n".repeat(1_000_000));
    let mut client = ordeal.server.connect();
    client.send(&bytes);
    ordeal.growth_is_bounded("a million arguments");
    assert_eq!(client.reply(), Value::Int(0));
    drop(client);
    ordeal.end("a million arguments");
}

#[test]
fn a_million_requests_in_one_go() {
    let ordeal = Ordeal::begin(&[]);
    let mut client = ordeal.server.connect();
    let mut stream = client.stream.try_clone().expect("a second handle");
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let bytes = b"PING\r\n".repeat(10_000);
        (0..50).for_each(|_| stream.write_all(&bytes).expect("the server takes it"));
    });
    for _ in 0..500_000 {
        assert_eq!(client.reply(), simple("PONG"));
    }
    writer.join().expect("all was sent");
    drop(client);
    ordeal.end("many requests");
}

/// Asks for much and reads nothing: the server must not pile up what it would answer.
#[test]
fn a_client_that_never_reads() {
    let ordeal = Ordeal::begin(&[]);
    if ordeal.server.is_redis() {
        return ordeal.end("Redis has no limit here by default");
    }
    ordeal.server.connect().ask(&["SET", "large", &"x".repeat(100_000)]);
    let mut clients = Vec::new();
    let mut bytes = Vec::new();
    // 5,000 times 100 KB: half a gigabyte for each client.
    (0..5_000).for_each(|_| encode(&mut bytes, &["GET", "large"]));
    for _ in 0..3 {
        let client = ordeal.server.connect();
        let mut stream = client.stream.try_clone().expect("a second handle");
        stream.set_write_timeout(Some(Duration::from_secs(1))).expect("a timeout");
        let _ = std::io::Write::write_all(&mut stream, &bytes);
        clients.push(client);
    }
    for _ in 0..20 {
        ordeal.growth_is_bounded("clients that never read");
        std::thread::sleep(Duration::from_millis(50));
    }
    // One that reads after all gets everything, in order.
    let mut late = clients.pop().expect("one of them");
    for _ in 0..200 {
        match late.reply_within(Duration::from_secs(10)) {
            Got::Reply(Value::Bulk(value)) => assert_eq!(value.len(), 100_000),
            // Cut off, as a hard limit would have it: fair too.
            Got::Closed => break,
            other => panic!("{other:?}"),
        }
    }
    drop((clients, late));
    ordeal.end("clients that never read");
}

#[test]
fn a_client_above_its_output_limit_is_cut_off() {
    let ordeal = Ordeal::begin(&["--client-output-buffer-limit", "normal 4mb 0 0"]);
    ordeal.server.connect().ask(&["SET", "large", &"x".repeat(1_000_000)]);
    let mut client = ordeal.server.connect();
    let mut bytes = Vec::new();
    (0..200).for_each(|_| encode(&mut bytes, &["GET", "large"]));
    client.send_while_open(&bytes);
    std::thread::sleep(Duration::from_millis(200));
    // The limit, one reply more, and slack: not all 200.
    let growth = ordeal.growth();
    assert!(growth < 64 * MIB, "the server grew by {} MiB beyond a limit of 4", growth / MIB);
    assert!(client.is_closed_within(Duration::from_secs(10)), "it is cut off");
    if !ordeal.server.is_redis() {
        let info = crate::client::text_of(&ordeal.server.connect().ask_line("INFO stats"));
        let count = crate::client::field(&info, "client_output_buffer_limit_disconnections:", '\n');
        assert_eq!(count.as_deref(), Some("1"));
    }
    ordeal.end("above the output limit");
}

#[test]
fn a_client_above_its_query_limit_is_cut_off() {
    let ordeal = Ordeal::begin(&["--client-query-buffer-limit", "1mb"]);
    let mut client = ordeal.server.connect();
    let mut bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000000\r\n".to_vec();
    bytes.resize(3 << 20, b'x');
    client.send_while_open(&bytes);
    assert!(client.is_closed_within(Duration::from_secs(10)), "it is cut off");
    ordeal.end("above the query limit");
}

#[test]
fn byte_by_byte() {
    let ordeal = Ordeal::begin(&[]);
    let mut client = ordeal.server.connect();
    let mut bytes = Vec::new();
    encode(&mut bytes, &["SET", "slow", "a\r\nvalue"]);
    bytes.extend_from_slice(b"GET slow\r\nping \"a b\"\r\n");
    for byte in bytes {
        client.send(&[byte]);
        std::thread::sleep(Duration::from_millis(2));
    }
    let replies: Vec<Value> = (0..3).map(|_| client.reply()).collect();
    assert_eq!(replies, [simple("OK"), Value::Bulk(b"a\r\nvalue".to_vec()), Value::Bulk(b"a b".to_vec())]);
    ordeal.end("byte by byte");
}

#[test]
fn a_large_value_in_pieces() {
    let ordeal = Ordeal::begin(&[]);
    let mut client = ordeal.server.connect();
    let value: Vec<u8> = (0..8_000_000u32).map(|i| (i % 251) as u8).collect();
    let mut bytes = Vec::new();
    encode(&mut bytes, &[&b"SET"[..], b"large", &value]);
    for piece in bytes.chunks(300_000) {
        client.send(piece);
    }
    assert_eq!(client.reply(), simple("OK"));
    assert!(client.ask_line("GET large") == Value::Bulk(value), "the value comes back as it went");
    client.ask_line("DEL large");
    drop(client);
    ordeal.end("a large value");
}

/// Connections that come and go, some in the middle of a request.
#[test]
fn hanging_up_at_any_moment() {
    let ordeal = Ordeal::begin(&[]);
    let mut request = Vec::new();
    encode(&mut request, &["SET", "k", "value"]);
    for round in 0..600 {
        let mut client = ordeal.server.connect();
        client.send_while_open(&request[..round % request.len()]);
        if round % 5 == 0 {
            client.send_while_open(b"\r\nMULTI\r\nSET k v\r\nWATCH");
        }
    }
    let mut client = ordeal.server.connect();
    let connected = |client: &mut Client| {
        let info = crate::client::text_of(&client.ask_line("INFO clients"));
        crate::client::field(&info, "connected_clients:", '\n').expect("a field of INFO")
    };
    // This one and the neighbour.
    assert!(within(Duration::from_secs(5), || connected(&mut client) == "2"), "{} are left", connected(&mut client));
    ordeal.end("hanging up");
}

/// A panic in a command answers that client and harms nobody else.
#[test]
fn a_panic_in_a_command() {
    let server = Server::start(&["--enable-debug-command", "yes", "--io-threads", "2"]);
    if server.is_redis() {
        return; // There it ends the process.
    }
    let mut other = server.connect();
    other.ask_line("SET k before");
    for round in 0..5 {
        let mut client = server.connect();
        let reply = client.ask_line("DEBUG PANIC");
        assert!(matches!(reply, Value::Error(_)), "round {round}: {reply:?}");
        // In a transaction, between writes.
        for line in ["MULTI", "SET k during", "DEBUG PANIC", "SET after panic"] {
            client.request(&line.split(' ').collect::<Vec<_>>());
        }
        client.request(&["EXEC"]);
        while let Got::Reply(_) = client.reply_within(Duration::from_millis(200)) {}
        // No lock is stuck: all shards, and the world.
        for i in 0..600 {
            assert_eq!(other.ask(&["SET", &format!("k{i}"), "v"]), simple("OK"));
        }
        assert_eq!(other.ask_line("FLUSHALL"), simple("OK"));
        assert_eq!(server.connect().ask_line("PING"), simple("PONG"));
    }
    // It is logged, with the command.
    assert!(server.log().to_lowercase().contains("debug"), "the log names the command:\n{}", server.log());
}
