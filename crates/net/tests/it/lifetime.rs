//! How connections come and go: limits, kills, timeouts, sockets, stopping.

use crate::harness::{Client, eventually, request, serve};
use exec::metrics;
use exec::seams::Mail;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

#[test]
fn too_many_clients() {
    let server = serve(&[("maxclients", "3")]);
    let mut clients: Vec<Client> = (0..3).map(|_| server.connect()).collect();
    clients.iter_mut().for_each(|client| client.ask("PING\r\n", "+PONG\r\n"));
    assert_eq!(server.connect().rest(), b"-ERR max number of clients reached\r\n");
    assert_eq!(server.counted(&metrics::CONNECTIONS_REJECTED), 1);
    clients.pop();
    eventually("one has left", || server.node.clients.len() == 2);
    server.connect().ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn idle_clients_are_closed() {
    let server = serve(&[("timeout", "1")]);
    let mut idle = server.connect();
    idle.ask("PING\r\n", "+PONG\r\n");
    let mut waiting = server.connect();
    waiting.send("NAP 1700\r\n");
    assert_eq!(idle.rest(), b"");
    waiting.expect("+RESTED\r\n");
}

#[test]
fn kill() {
    let server = serve(&[]);
    let (mut one, mut two) = (server.connect(), server.connect());
    one.ask("PING\r\n", "+PONG\r\n");
    two.send("NAP 100000\r\n");
    eventually("it is parked", || server.node.clients.blocked.load(Relaxed) == 1);
    server.node.kill(&server.record(&two));
    assert_eq!(two.rest(), b"");
    eventually("it is gone", || server.node.clients.len() == 1);
    assert_eq!(server.node.clients.blocked.load(Relaxed), 0);
    one.ask("PING\r\n", "+PONG\r\n");
    // Mail to someone who is gone is no trouble.
    server.node.send_to(0, Mail::Kill(exec::client::ClientId(999)));
    one.ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn a_slow_reader_is_closed_at_its_limit() {
    let server = serve(&[]);
    server.node.config.set("client-output-buffer-limit", &["normal 100000000 0 0"]).unwrap();
    let mut slow = server.connect();
    slow.ask("PING\r\n", "+PONG\r\n");
    // 60 MB wait; when they are read all of them come.
    slow.send("REPEAT 6000000 abcdefghij\r\n");
    let record = server.record(&slow);
    eventually("they wait", || record.out_mem.load(Relaxed) > 50_000_000);
    assert!(record.wants_write.load(Relaxed));
    slow.expect([b"$60000000\r\n".to_vec(), b"abcdefghij".repeat(6_000_000), b"\r\n".to_vec()].concat());
    eventually("nothing waits", || record.out_mem.load(Relaxed) == 0);
    slow.send("REPEAT 20000000 abcdefghij\r\n");
    assert_eq!(slow.rest(), b"", "over the hard limit nothing is sent at all");
    assert_eq!(server.counted(&metrics::OUTPUT_LIMIT_CLOSED), 1);

    server.node.config.set("client-output-buffer-limit", &["normal 0 1mb 1"]).unwrap();
    let mut slow = server.connect();
    slow.send("REPEAT 3000000 abcdefghij\r\n");
    eventually("over the soft limit for a second", || server.counted(&metrics::OUTPUT_LIMIT_CLOSED) == 2);
}

#[test]
fn strangers_may_leave_little_unread() {
    let server = serve(&[("requirepass", "secret")]);
    let mut client = server.connect();
    client.ask("GET k\r\n", "-NOAUTH Authentication required.\r\n");
    let sets = request(&[b"SET", b"x", b"5"]).repeat(10_000);
    let mut sent = 0;
    while client.stream.write_all(&sets).is_ok() {
        sent += sets.len();
        assert!(sent < 500_000_000, "it is never closed");
    }
    eventually("it is gone", || server.node.clients.is_empty());
}

#[test]
fn too_long_a_request() {
    let server = serve(&[("client-query-buffer-limit", "1mb")]);
    let mut client = server.connect();
    let _ = client.stream.write_all(&request(&[b"SET", b"k", &vec![b'x'; 3_000_000]]));
    assert_eq!(client.rest(), b"");
    assert_eq!(server.counted(&metrics::QUERY_LIMIT_CLOSED), 1);
}

#[test]
fn unix_socket() {
    let path = std::env::temp_dir().join(format!("basalt-net-{}.sock", std::process::id()));
    let name = path.to_str().unwrap();
    let server = serve(&[("unixsocket", name), ("unixsocketperm", "700")]);
    assert_eq!(server.server.listens_to(), ["tcp", "unix"]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"PING\r\n").unwrap();
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"+PONG\r\n");
    assert_eq!(server.node.clients.all()[0].addr, format!("{name}:0"));
    drop(server);
    assert!(!path.exists(), "it is taken away");
}

#[test]
fn messages_out_of_turn() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.ask("PING\r\n", "+PONG\r\n");
    let record = server.record(&client);
    let bytes: Arc<[u8]> = vec![b'm'; 5000].into();
    for _ in 0..1000 {
        server.node.send(&record, Mail::Push(record.id, Arc::clone(&bytes)));
    }
    client.expect(vec![b'm'; 5_000_000]);
}

#[test]
fn reply_buffers_shrink_and_grow_by_use() {
    let server = serve(&[]);
    server.node.reply_peak_reset_ms.store(100, Relaxed);
    let mut client = server.connect();
    client.ask("PING\r\n", "+PONG\r\n");
    let record = server.record(&client);
    assert_eq!(record.reply_size.load(Relaxed), 16_384);
    eventually("an idle one shrinks", || record.reply_size.load(Relaxed) == 1024);
    server.node.reply_peak_reset_ms.store(-1, Relaxed);
    eventually("a busy one grows", || {
        client.send("REPEAT 32768 x\r\n");
        client.expect([b"$32768\r\n".to_vec(), vec![b'x'; 32_768], b"\r\n".to_vec()].concat());
        record.reply_size.load(Relaxed) == 16_384
    });
}

#[test]
fn port_and_bind_change_while_running() {
    let server = serve(&[]);
    let appliers = server.server.appliers();
    let apply = |name: &str| {
        let applier = appliers.iter().find(|applier| applier.options.contains(&name)).unwrap();
        (applier.apply)(&server.node)
    };
    let mut client = server.connect();
    let other = serve(&[]);
    server.node.config.set("port", &[other.port.to_string()]).unwrap();
    assert_eq!(apply("port").unwrap_err(), "Unable to listen on this port. Check server logs.");
    assert_eq!(server.server.local_ports(), [server.port]);
    server.node.config.set("port", &[server.port.to_string()]).unwrap();
    server.node.config.set("bind", &["999.999.999.999"]).unwrap();
    assert_eq!(apply("bind").unwrap_err(), "Failed to bind to specified addresses.");
    server.connect().ask("PING\r\n", "+PONG\r\n");
    server.node.config.set("bind", &[""]).unwrap();
    apply("bind").unwrap();
    assert_eq!(server.node.config.show("bind").unwrap(), "");
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err());
    client.ask("PING\r\n", "+PONG\r\n");
    server.node.config.set("bind", &["* -::*"]).unwrap();
    apply("bind").unwrap();
    server.connect().ask("PING\r\n", "+PONG\r\n");
}

#[test]
fn stopping_writes_what_is_owed() {
    let server = serve(&[]);
    let mut client = server.connect();
    client.send("REPEAT 1000000 abcdefgh\r\n");
    let record = server.record(&client);
    eventually("it runs", || record.net_out.load(Relaxed) > 0);
    let reader = std::thread::spawn(move || client.rest().len());
    server.server.stop();
    assert_eq!(reader.join().unwrap(), 8_000_000 + "$8000000\r\n\r\n".len());
    assert!(server.node.clients.is_empty());
    assert!(std::net::TcpStream::connect(("127.0.0.1", server.port)).is_err());
}

/// Routes nowhere, and dies of a key in a slot it does not like.
struct Deadly;

impl exec::seams::Router for Deadly {
    fn route(&self, hashes: &[exec::seams::KeyHash], _write: bool, _asking: bool) -> Result<(), exec::Error> {
        assert!(hashes.is_empty(), "a mistake of ours");
        Ok(())
    }
}

#[test]
fn a_mistake_outside_of_commands_costs_one_client() {
    let server = serve(&[]);
    let (mut one, mut two) = (server.connect(), server.connect());
    one.ask("PING\r\n", "+PONG\r\n");
    two.ask("PING\r\n", "+PONG\r\n");
    let _ = server.node.router.set(Arc::new(Deadly));
    two.send("PING\r\nGET k\r\nPING\r\n");
    assert_eq!(two.rest(), b"", "what ran is not known, so nothing is answered");
    one.ask("PING\r\n", "+PONG\r\n");
    assert_eq!((server.node.clients.len(), server.counted(&metrics::PANICS)), (1, 1));
}

#[test]
fn a_taken_port_is_said_so() {
    let server = serve(&[]);
    let config = Arc::new(kit::opt::Config::new(&[exec::options::OPTIONS, net::OPTIONS]));
    config.set("port", &[server.port.to_string()]).unwrap();
    let parts = exec::Parts {
        commands: vec![crate::commands::COMMANDS],
        metrics: vec![exec::metrics::METRICS],
        clock: Arc::new(kit::world::RealClock::new()),
        disk: Arc::new(kit::world::SimDisk::default()),
        log: Arc::new(log::Log::off()),
        threads: 1,
        seed: 1,
    };
    let error = net::start(exec::Node::new(parts, config)).err().unwrap().to_string();
    let port = server.port;
    assert_eq!(error, format!("Could not create server TCP listening socket *:{port}: bind: Address already in use"));
}
