//! A server in this process on a port of its own, and a client with patience.

use crate::commands::COMMANDS;
use exec::client::ClientRecord;
use exec::{Node, Parts};
use kit::opt::Config;
use kit::world::{RealClock, SimDisk};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct TestServer {
    pub node: Arc<Node>,
    pub server: net::Server,
    pub port: u16,
}

/// With two threads unless `io-threads` says otherwise.
pub(crate) fn serve(settings: &[(&str, &str)]) -> TestServer {
    let config = Arc::new(Config::new(&[exec::options::OPTIONS, net::OPTIONS]));
    for (name, value) in [("io-threads", "2"), ("bind", "127.0.0.1")].iter().chain(settings) {
        config.set(name, &[value]).unwrap_or_else(|error| panic!("{name} {value}: {error}"));
    }
    let parts = Parts {
        commands: vec![COMMANDS],
        metrics: vec![exec::metrics::METRICS],
        clock: Arc::new(RealClock::new()),
        disk: Arc::new(SimDisk::default()),
        log: Arc::new(log::Log::off()),
        threads: net::thread_count(&config),
        seed: 1,
    };
    let node = Node::new(parts, config);
    let server = net::start_any_port(Arc::clone(&node)).unwrap();
    let port = server.local_ports()[0];
    TestServer { node, server, port }
}

impl TestServer {
    pub(crate) fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream }
    }

    /// The record of a connection from this client.
    pub(crate) fn record(&self, client: &Client) -> Arc<ClientRecord> {
        let addr = client.stream.local_addr().unwrap().to_string();
        let found = || self.node.clients.all().into_iter().find(|record| record.addr == addr);
        eventually("the server knows the connection", || found().is_some());
        found().unwrap()
    }

    pub(crate) fn counted(&self, counter: &'static kit::metric::Counter) -> i64 {
        self.node.tallies.sum(counter)
    }
}

pub(crate) struct Client {
    pub stream: TcpStream,
}

impl Client {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Reads exactly this.
    pub(crate) fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let expected = bytes.as_ref();
        let mut got = vec![0; expected.len()];
        let mut at = 0;
        while at < got.len() {
            match self.stream.read(&mut got[at..]) {
                Ok(0) => break,
                Ok(count) => at += count,
                Err(error) => panic!("{error} after {:?}", show(&got[..at])),
            }
        }
        assert!(got[..at] == *expected, "got {:?}, expected {:?}", show(&got[..at]), show(expected));
    }

    pub(crate) fn ask(&mut self, request: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
        self.send(request);
        self.expect(reply);
    }

    /// Everything until the other side closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        rest
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

pub(crate) fn request(words: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

pub(crate) fn bulk(bytes: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// Waits for something that another thread brings about.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(20), "not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
