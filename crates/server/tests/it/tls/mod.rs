//! Encrypted connections, as clients see them: who gets in, what they get, and how the server's certificate changes.

mod certs;
mod changes;
mod load;
mod secure;

use crate::client::{field, simple, text_of};
use crate::harness::{Server, free_port, within};
use certs::Certs;
use proto::resp_client::Value;
use secure::{Damaging, Secure, Slowly, Trust};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A server with an encrypted port, and who may talk to it.
struct Guarded {
    server: Server,
    port: u16,
    certs: Certs,
}

impl Guarded {
    fn start(args: &[&str]) -> Guarded {
        let certs = Certs::new();
        let port = free_port();
        let mut all = vec!["--tls-port".to_owned(), port.to_string()];
        for (option, file) in [("cert", "server.crt"), ("key", "server.key"), ("ca-cert", "ca.crt")]
            .map(|(o, f)| (format!("--tls-{o}-file"), f))
        {
            all.extend([option, certs.path(file)]);
        }
        let all: Vec<&str> = all.iter().map(String::as_str).chain(args.iter().copied()).collect();
        Guarded { server: Server::start(&all), port, certs }
    }

    fn connect(&self) -> Secure {
        self.try_connect(&self.client()).expect("the server lets a known client in")
    }

    fn client(&self) -> Trust {
        Trust::new(&self.certs, Some("client"))
    }

    fn try_connect(&self, trust: &Trust) -> Result<Secure, String> {
        let mut client = Secure::start(trust, self.port);
        // With TLS 1.3 a client learns only at its first read that it was refused.
        client
            .try_send(b"PING\r\n")
            .and_then(|()| client.try_reply())
            .map(|reply| assert_eq!(reply, simple("PONG")))?;
        Ok(client)
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.set_nodelay(true).expect("nodelay");
        stream
    }

    fn logs(&self, text: &str) -> bool {
        within(Duration::from_secs(5), || self.server.log().contains(text))
    }
}

#[test]
fn a_conversation() {
    let guarded = Guarded::start(&["--port", "0"]);
    let mut client = guarded.connect();
    assert_eq!(client.ask_line("SET k v"), simple("OK"));
    assert_eq!(client.ask_line("GET k"), Value::Bulk(b"v".to_vec()));
    assert_eq!(client.ask_line("LPUSH l a b"), Value::Int(2));
    let info = text_of(&client.ask_line("INFO"));
    assert_eq!(field(&info, "tcp_port:", '\n'), Some(guarded.port.to_string()), "there is no plain port");
    let listener = format!("listener0:name=tls,bind=*,bind=-::*,port={}\r\n", guarded.port);
    assert!(info.contains(&listener) && !info.contains("listener1"), "{info}");
    assert_eq!(field(&info, "connected_clients:", '\n').as_deref(), Some("1"));
    let list = text_of(&client.ask_line("CLIENT LIST"));
    assert!(list.contains(&format!("laddr=127.0.0.1:{} ", guarded.port)), "{list}");
    assert!(guarded.logs("Ready to accept connections tls"));
    assert!(!guarded.server.log().contains("Ready to accept connections tcp"));
    // Pushed from elsewhere.
    client.ask_line("SUBSCRIBE c");
    let mut other = guarded.connect();
    assert_eq!(other.ask_line("PUBLISH c hello"), Value::Int(1));
    assert!(matches!(client.reply(), Value::Array(words) if words[2] == Value::Bulk(b"hello".to_vec())));
    // A parked client is woken.
    client = guarded.connect();
    client.send(b"BLPOP q 0\r\n");
    assert_eq!(other.ask_line("RPUSH q x"), Value::Int(1));
    assert!(matches!(client.reply(), Value::Array(_)));
}

#[test]
fn beside_the_plain_port() {
    let guarded = Guarded::start(&[]);
    assert_eq!(guarded.connect().ask_line("SET k v"), simple("OK"));
    assert_eq!(guarded.server.connect().ask_line("GET k"), Value::Bulk(b"v".to_vec()));
    let info = text_of(&guarded.connect().ask_line("INFO server"));
    assert_eq!(field(&info, "tcp_port:", '\n'), Some(guarded.server.port.to_string()));
}

#[test]
fn who_must_show_a_certificate() {
    let guarded = Guarded::start(&[]);
    let (known, none) = (guarded.client(), Trust::new(&guarded.certs, None));
    let stranger = Trust::new(&guarded.certs, Some("stranger"));
    let expired = Trust::new(&guarded.certs, Some("expired"));
    let mut admin = guarded.server.connect();
    for (mode, gets_in) in
        [("yes", [true, false, false, false]), ("optional", [true, true, false, false]), ("no", [true; 4])]
    {
        assert_eq!(admin.ask(&["CONFIG", "SET", "tls-auth-clients", mode]), simple("OK"), "{mode}");
        for (trust, gets_in) in [&known, &none, &stranger, &expired].into_iter().zip(gets_in) {
            assert_eq!(guarded.try_connect(trust).is_ok(), gets_in, "{mode}");
        }
    }
    assert!(guarded.logs("Error accepting a client connection: peer sent no certificates (addr=127.0.0.1:"));
    assert!(guarded.logs("Error accepting a client connection: invalid peer certificate: UnknownIssuer"));
    assert!(guarded.logs("certificate expired"), "the stranger's reason is its own");
}

#[test]
fn a_client_that_does_not_trust_us() {
    let guarded = Guarded::start(&[]);
    let mut trust = guarded.client();
    trust.only("other-ca", &guarded.certs);
    assert!(guarded.try_connect(&trust).is_err());
    assert!(guarded.logs("Error accepting a client connection: received fatal alert"));
    guarded.connect();
}

#[test]
fn both_versions() {
    let guarded = Guarded::start(&["--tls-protocols", "TLSv1.2"]);
    let mut trust = guarded.client();
    trust.versions = vec![&rustls::version::TLS13];
    assert!(guarded.try_connect(&trust).is_err());
    trust.versions = vec![&rustls::version::TLS12];
    let mut client = guarded.try_connect(&trust).expect("1.2 is allowed");
    let big = "x".repeat(100_000);
    assert_eq!(client.ask(&["SET", "k", &big]), simple("OK"));
    assert_eq!(client.ask(&["GET", "k"]), Value::Bulk(big.into_bytes()));
    assert_eq!(client.ask(&["CONFIG", "SET", "tls-protocols", "TLSv1.3"]), simple("OK"));
    assert!(guarded.try_connect(&trust).is_err());
    guarded.connect();
}

#[test]
fn ciphers_are_chosen() {
    let guarded = Guarded::start(&["--tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"]);
    let mut client = guarded.connect();
    assert_eq!(client.cipher(), "TLS13_CHACHA20_POLY1305_SHA256");
    let set = ["CONFIG", "SET", "tls-ciphers", "ECDHE+AESGCM:!AES256", "tls-protocols", "TLSv1.2"];
    assert_eq!(client.ask(&set), simple("OK"));
    assert_eq!(guarded.connect().cipher(), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
}

#[test]
fn one_byte_at_a_time() {
    let guarded = Guarded::start(&[]);
    let mut client = Secure::over(&guarded.client(), Slowly(guarded.tcp()));
    assert_eq!(client.ask_line("SET key value"), simple("OK"));
    assert_eq!(client.ask_line("GET key"), Value::Bulk(b"value".to_vec()));
}

#[test]
fn what_is_no_handshake() {
    let guarded = Guarded::start(&[]);
    let mut plain = guarded.tcp();
    plain.write_all(b"PING\r\n").expect("it is taken");
    let mut rest = Vec::new();
    let _ = plain.read_to_end(&mut rest);
    assert_eq!(rest, b"", "who speaks no TLS would not understand an alert");
    // It announces a record and a handshake message of the greatest length, and sends for ever.
    let mut flood = guarded.tcp();
    let record = [&[22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff][..], &[0; 16_380]].concat();
    let taken = (0..1000).take_while(|_| flood.write_all(&record).is_ok()).count();
    assert!(taken < 1000, "it is closed");
    // Comes and goes: as those do who look whether the port is open.
    drop(guarded.tcp());
    assert!(guarded.logs("Error accepting a client connection: the peer closed the connection"));
    assert!(guarded.logs("Error accepting a client connection: received corrupt message"));
    guarded.connect();
}

#[test]
fn damaged_bytes_close_one_connection() {
    let guarded = Guarded::start(&[]);
    let (mut damaged, mut other) = (guarded.connect(), guarded.connect());
    damaged.socket().write_all(&[23, 3, 3, 0, 30]).expect("it is taken");
    damaged.socket().write_all(&[7; 30]).expect("it is taken");
    assert!(damaged.try_reply().is_err());
    assert_eq!(other.ask_line("PING"), simple("PONG"));
}

#[test]
fn whatever_comes() {
    let guarded = Guarded::start(&[]);
    let mut rng = kit::world::Rng::new(11);
    for round in 0..300 {
        // Damage begins anywhere from the hello to the first requests.
        let unharmed = rng.below(4000) as usize;
        let socket = Damaging { socket: guarded.tcp(), rng: kit::world::Rng::new(round), unharmed };
        socket.socket.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
        let mut client = Secure::over(&guarded.client(), socket);
        for _ in 0..20 {
            let echoed = client.try_send(b"ECHO 0123456789\r\n").and_then(|()| client.try_reply());
            match echoed {
                Ok(reply) => assert_eq!(reply, Value::Bulk(b"0123456789".to_vec()), "right or not at all"),
                Err(_) => break,
            }
        }
    }
    guarded.connect();
    assert!(!guarded.server.log().contains("mistake of the server's"));
}

#[test]
fn the_end_is_told() {
    let guarded = Guarded::start(&[]);
    let mut client = guarded.connect();
    assert_eq!(client.ask_line("QUIT"), simple("OK"));
    assert!(client.ends_properly(), "with a close_notify, not by cutting the line");
    // Who ends sending still gets the answers.
    let mut client = guarded.connect();
    let value = "v".repeat(1_000_000);
    client.ask(&["SET", "big", &value]);
    client.send(b"GET big\r\nGET big\r\nGET big\r\n");
    client.end_sending();
    for _ in 0..3 {
        assert_eq!(client.reply(), Value::Bulk(value.clone().into_bytes()));
    }
    assert!(client.ends_properly());
    // The line is cut: nobody waits for anything.
    let client = guarded.connect();
    client.socket().shutdown(Shutdown::Both).expect("it was open");
    let mut admin = guarded.server.connect();
    let count = |admin: &mut crate::client::Client| {
        field(&text_of(&admin.ask_line("INFO clients")), "connected_clients:", '\n')
    };
    assert!(within(Duration::from_secs(5), || count(&mut admin).as_deref() == Some("1")));
}

#[test]
fn sessions_are_resumed() {
    let guarded = Guarded::start(&[]);
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut trust = guarded.client();
        trust.versions = vec![version];
        let config = trust.config();
        let resumed = |client: &Secure| client.is_resumed();
        let first = Secure::with(&config, guarded.tcp());
        let second = Secure::with(&config, guarded.tcp());
        assert_eq!((resumed(&first), resumed(&second)), (false, true));
    }
    let mut admin = guarded.server.connect();
    assert_eq!(admin.ask_line("CONFIG SET tls-session-caching no"), simple("OK"));
    let config = guarded.client().config();
    let _first = Secure::with(&config, guarded.tcp());
    assert!(!Secure::with(&config, guarded.tcp()).is_resumed());
}

#[test]
fn redis_cli() {
    if !Path::new("/usr/bin/redis-cli").exists() {
        return println!("skipped: redis-cli is not installed");
    }
    let guarded = Guarded::start(&[]);
    let port = guarded.port.to_string();
    let path = |name: &str| guarded.certs.path(name);
    let (ca, cert, key) = (path("ca.crt"), path("client.crt"), path("client.key"));
    let args = ["-p", &port, "--tls", "--cacert", &ca, "--cert", &cert, "--key", &key, "SET", "k", "v"];
    let output = Command::new("/usr/bin/redis-cli").args(args).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "OK", "{}", String::from_utf8_lossy(&output.stderr));
}
