//! CONFIG SET of certificates and ports, while the server runs.

use super::{Guarded, Secure};
use crate::client::{show, simple};
use crate::harness::free_port;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::process::Command;

fn refused(client: &mut Secure, words: &[&str], why: &str) {
    let reply = show(&client.ask(&[&["CONFIG", "SET"], words].concat()));
    assert!(reply.starts_with("-ERR CONFIG SET failed (possibly related to argument '"), "{words:?}: {reply}");
    assert!(reply.contains("Unable to update TLS configuration") && reply.contains(why), "{words:?}: {reply}");
}

fn cert(guarded: &Guarded, name: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(guarded.certs.path(name)).expect("a certificate").to_vec()
}

#[test]
fn what_cannot_be_used_is_refused_and_changes_nothing() {
    let guarded = Guarded::start(&[]);
    let path = |name: &str| guarded.certs.path(name);
    guarded.certs.write("garbage", "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n");
    guarded.certs.write("text", "no PEM at all");
    let mut client = guarded.connect();
    for (option, value, why) in [
        ("tls-cert-file", "/nowhere", "tls-cert-file '/nowhere': No such file or directory"),
        ("tls-cert-file", &path("garbage"), "it is no certificate"),
        ("tls-cert-file", &path("text"), "there is no certificate in it"),
        ("tls-cert-file", &path("server2.crt"), "key values mismatch"),
        ("tls-cert-file", "", "No tls-cert-file configured!"),
        ("tls-key-file", "/nowhere", "tls-key-file '/nowhere': No such file or directory"),
        ("tls-key-file", &path("text"), "no private key"),
        ("tls-key-file", &path("server2.key"), "key values mismatch"),
        ("tls-key-file", "", "No tls-key-file configured!"),
        ("tls-client-cert-file", &path("client.crt"), "tls-client-key-file"),
        ("tls-ca-cert-file", "", "Either tls-ca-cert-file or tls-ca-cert-dir must be specified"),
        ("tls-ca-cert-file", &path("text"), "there is no certificate in it"),
        ("tls-ca-cert-file", &path("garbage"), "that can be used"),
        ("tls-ca-cert-dir", "/nowhere", "tls-ca-cert-dir '/nowhere': No such file or directory"),
        ("tls-protocols", "TLSv1.1", "neither 'TLSv1.2' nor 'TLSv1.3' is allowed"),
        ("tls-protocols", "SSLv3", "Invalid tls-protocols specified"),
        ("tls-ciphers", "AES128-SHA256", "none of them is supported"),
        ("tls-ciphersuites", "TLS_NONE", "unknown cipher suite 'TLS_NONE'"),
    ] {
        let before = client.ask(&["CONFIG", "GET", option]);
        refused(&mut client, &[option, value], why);
        assert_eq!(client.ask(&["CONFIG", "GET", option]), before, "{option}");
        assert_eq!(guarded.connect().server_cert(), cert(&guarded, "server.crt"), "the old one is still used");
    }
    // Together, or not at all.
    refused(&mut client, &["tls-cert-file", &path("server2.crt"), "tls-key-file", &path("client.key")], "mismatch");
    let set = ["CONFIG", "SET", "tls-cert-file", &path("server2.crt"), "tls-key-file", &path("server2.key")];
    assert_eq!(client.ask(&set), simple("OK"));
    assert_eq!(guarded.connect().server_cert(), cert(&guarded, "server2.crt"));
}

#[test]
fn files_that_changed_are_read_again() {
    let guarded = Guarded::start(&[]);
    let mut old = guarded.connect();
    for kind in ["crt", "key"] {
        guarded.certs.write(&format!("server.{kind}"), &guarded.certs.read(&format!("server2.{kind}")));
    }
    assert_ne!(guarded.connect().server_cert(), cert(&guarded, "server.crt"), "not by itself");
    let path = guarded.certs.path("server.crt");
    assert_eq!(old.ask(&["CONFIG", "SET", "tls-cert-file", &path]), simple("OK"));
    assert_eq!(guarded.connect().server_cert(), cert(&guarded, "server2.crt"));
    assert_eq!(old.ask_line("PING"), simple("PONG"), "old connections go on");
    // Another option does it too.
    guarded.certs.write("server.crt", "gone");
    refused(&mut old, &["tls-session-cache-size", "100"], "there is no certificate in it");
    assert_eq!(guarded.connect().server_cert(), cert(&guarded, "server2.crt"));
}

#[test]
fn an_expired_certificate_is_taken_with_a_warning() {
    let guarded = Guarded::start(&[]);
    let mut client = guarded.connect();
    let (cert, key) = (guarded.certs.path("expired.crt"), guarded.certs.path("expired.key"));
    assert_eq!(client.ask(&["CONFIG", "SET", "tls-cert-file", &cert, "tls-key-file", &key]), simple("OK"));
    assert!(guarded.logs("the certificate has expired, clients will refuse it"));
    assert!(guarded.try_connect(&guarded.client()).is_err(), "and they do");
}

#[test]
fn authorities_in_a_folder() {
    let guarded = Guarded::start(&[]);
    let mut client = guarded.connect();
    let folder = guarded.certs.path("authorities");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["ca.crt", "other-ca.crt"] {
        guarded.certs.write(&format!("authorities/{name}"), &guarded.certs.read(name));
    }
    guarded.certs.write("authorities/README", "what else lies there");
    let set = ["CONFIG", "SET", "tls-ca-cert-file", "", "tls-ca-cert-dir", &folder];
    assert_eq!(client.ask(&set), simple("OK"));
    for name in ["client", "stranger"] {
        assert!(guarded.try_connect(&super::Trust::new(&guarded.certs, Some(name))).is_ok(), "{name}");
    }
}

#[test]
fn ports_change_places() {
    let mut guarded = Guarded::start(&[]);
    let (plain, secure) = (guarded.server.port, guarded.port);
    let mut old = guarded.connect();
    let other = free_port();
    assert_eq!(old.ask(&["CONFIG", "SET", "tls-port", &other.to_string()]), simple("OK"));
    assert!(std::net::TcpStream::connect(("127.0.0.1", secure)).is_err(), "closed");
    guarded.port = other;
    guarded.connect();
    // The encrypted port becomes a plain one, and back.
    assert_eq!(old.ask_line("CONFIG SET tls-port 0"), simple("OK"));
    assert_eq!(old.ask(&["CONFIG", "SET", "port", &other.to_string()]), simple("OK"));
    guarded.server.port = other;
    let mut now_plain = guarded.server.connect();
    assert_eq!(now_plain.ask_line("PING"), simple("PONG"));
    assert_eq!(now_plain.ask_line("CONFIG SET port 0"), simple("OK"));
    assert_eq!(now_plain.ask(&["CONFIG", "SET", "tls-port", &other.to_string()]), simple("OK"));
    guarded.connect();
    // One that is taken.
    let taken = std::net::TcpListener::bind(("127.0.0.1", plain)).expect("it is free now");
    let reply = show(&old.ask(&["CONFIG", "SET", "tls-port", &plain.to_string()]));
    assert!(reply.contains("Unable to listen on this port. Check server logs."), "{reply}");
    drop(taken);
    guarded.connect();
}

#[test]
fn begins_when_it_is_asked_to() {
    let server = crate::harness::Server::start(&[]);
    let mut admin = server.connect();
    let reply = show(&admin.ask(&["CONFIG", "SET", "tls-port", &free_port().to_string()]));
    assert!(reply.contains("No tls-cert-file configured!"), "{reply}");
    // Without a port nothing is read, as in Redis.
    assert_eq!(admin.ask_line("CONFIG SET tls-cert-file /nowhere"), simple("OK"));
}

#[test]
fn keys_with_a_password() {
    let guarded = Guarded::start(&[]);
    let mut client = guarded.connect();
    let (plain, locked) = (guarded.certs.path("server.key"), guarded.certs.path("locked.key"));
    let kinds: [&[&str]; 4] = [
        &["-v2", "aes-256-cbc"],
        &["-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"],
        &["-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA512"],
        &["-v2", "des3"],
    ];
    for kind in kinds {
        let args = [&["pkcs8", "-topk8", "-in", &plain, "-out", &locked, "-passout", "pass:s3cret"], kind].concat();
        match Command::new("openssl").args(args).output() {
            Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => return println!("skipped: openssl is not installed"),
        }
        if kind.contains(&"des3") {
            refused(&mut client, &["tls-key-file", &locked, "tls-key-file-pass", "s3cret"], "openssl pkcs8 -topk8");
            continue;
        }
        refused(&mut client, &["tls-key-file", &locked], "it is encrypted and tls-key-file-pass is not set");
        refused(&mut client, &["tls-key-file", &locked, "tls-key-file-pass", "x"], "the password is wrong");
        let set = ["CONFIG", "SET", "tls-key-file", &locked, "tls-key-file-pass", "s3cret"];
        assert_eq!(client.ask(&set), simple("OK"), "{kind:?}");
        guarded.connect();
        assert_eq!(client.ask(&["CONFIG", "SET", "tls-key-file", &plain, "tls-key-file-pass", ""]), simple("OK"));
    }
}
