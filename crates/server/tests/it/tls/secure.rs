//! A client that encrypts: rustls on a socket, as `Client` is a plain one.

use super::certs::Certs;
use crate::client::encode;
use proto::resp_client::{Decoder, Value};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned, SupportedProtocolVersion};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Whom a client trusts, and what it shows of itself.
pub(crate) struct Trust {
    roots: RootCertStore,
    identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    pub(crate) versions: Vec<&'static SupportedProtocolVersion>,
}

impl Trust {
    pub(crate) fn new(certs: &Certs, identity: Option<&str>) -> Trust {
        let identity = identity.map(|name| {
            let cert = CertificateDer::from_pem_file(certs.path(&format!("{name}.crt"))).expect("a certificate");
            (cert, PrivateKeyDer::from_pem_file(certs.path(&format!("{name}.key"))).expect("a key"))
        });
        let versions = rustls::ALL_VERSIONS.to_vec();
        let mut trust = Trust { roots: RootCertStore::empty(), identity, versions };
        trust.only("ca", certs);
        trust
    }

    pub(crate) fn only(&mut self, authority: &str, certs: &Certs) {
        let cert = CertificateDer::from_pem_file(certs.path(&format!("{authority}.crt"))).expect("a certificate");
        self.roots = RootCertStore::empty();
        self.roots.add(cert).expect("an authority");
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .expect("versions")
            .with_root_certificates(self.roots.clone());
        Arc::new(match &self.identity {
            Some((cert, key)) => {
                builder.with_client_auth_cert(vec![cert.clone()], key.clone_key()).expect("they fit each other")
            }
            None => builder.with_no_client_auth(),
        })
    }
}

/// The socket below; a slow one for those who want to see what that does.
pub(crate) trait Socket: Read + Write {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// One byte with each call.
pub(crate) struct Slowly(pub(crate) TcpStream);

impl Socket for Slowly {
    fn tcp(&self) -> &TcpStream {
        &self.0
    }
}

impl Read for Slowly {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(1);
        self.0.read(&mut buf[..len])
    }
}

impl Write for Slowly {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_micros(50));
        self.0.write(&buf[..buf.len().min(1)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

pub(crate) struct Secure<S: Socket = TcpStream> {
    stream: StreamOwned<ClientConnection, S>,
    buf: Vec<u8>,
    used: usize,
    decoder: Decoder,
}

impl Secure<TcpStream> {
    /// The handshake comes with the first request.
    pub(crate) fn start(trust: &Trust, port: u16) -> Secure {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.set_nodelay(true).expect("nodelay");
        Secure::unshaken(&trust.config(), stream)
    }

    /// Connected, and one request answered.
    pub(crate) fn with(config: &Arc<ClientConfig>, stream: TcpStream) -> Secure {
        let mut client = Secure::unshaken(config, stream);
        client.ask_line("PING");
        client
    }
}

impl<S: Socket> Secure<S> {
    pub(crate) fn over(trust: &Trust, socket: S) -> Secure<S> {
        Secure::unshaken(&trust.config(), socket)
    }

    fn unshaken(config: &Arc<ClientConfig>, socket: S) -> Secure<S> {
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        let conn = ClientConnection::new(Arc::clone(config), name).expect("a client");
        Secure { stream: StreamOwned::new(conn, socket), buf: Vec::new(), used: 0, decoder: Decoder::default() }
    }

    pub(crate) fn socket(&self) -> &TcpStream {
        self.stream.sock.tcp()
    }

    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).map_err(|error| error.to_string())
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server takes bytes");
    }

    pub(crate) fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Value {
        let mut bytes = Vec::new();
        encode(&mut bytes, words);
        self.send(&bytes);
        self.reply()
    }

    pub(crate) fn ask_line(&mut self, line: &str) -> Value {
        self.ask(&line.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn reply(&mut self) -> Value {
        self.try_reply().expect("a reply")
    }

    pub(crate) fn try_reply(&mut self) -> Result<Value, String> {
        loop {
            let (value, used) = self.decoder.feed(&self.buf[self.used..]).map_err(|error| format!("{error:?}"))?;
            self.used += used;
            if self.used > 1 << 20 || self.used == self.buf.len() {
                self.buf.drain(..self.used);
                self.used = 0;
            }
            if let Some(value) = value {
                return Ok(value);
            }
            let mut chunk = [0; 64 * 1024];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err("the server ended the connection".into()),
                Ok(len) => self.buf.extend_from_slice(&chunk[..len]),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Does the server say that it ends, and nothing else?
    pub(crate) fn ends_properly(&mut self) -> bool {
        matches!(self.stream.read(&mut [0; 100]), Ok(0))
    }

    /// Says that it sends no more, and listens.
    pub(crate) fn end_sending(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().expect("it is taken");
        self.socket().shutdown(Shutdown::Write).expect("it was open");
    }

    pub(crate) fn is_resumed(&self) -> bool {
        self.stream.conn.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    pub(crate) fn cipher(&self) -> String {
        format!("{:?}", self.stream.conn.negotiated_cipher_suite().expect("after the handshake").suite())
    }

    pub(crate) fn server_cert(&self) -> Vec<u8> {
        self.stream.conn.peer_certificates().expect("after the handshake")[0].to_vec()
    }
}

/// Damages what is sent, from some byte on: here and there one bit, and pieces of any size.
pub(crate) struct Damaging {
    pub(crate) socket: TcpStream,
    pub(crate) rng: kit::world::Rng,
    /// Bytes that pass unharmed, before.
    pub(crate) unharmed: usize,
}

impl Socket for Damaging {
    fn tcp(&self) -> &TcpStream {
        &self.socket
    }
}

impl Read for Damaging {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.read(buf)
    }
}

impl Write for Damaging {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let len = buf.len().min(1 + self.rng.below(200) as usize);
        let mut bytes = buf[..len].to_vec();
        for byte in bytes.iter_mut().skip(self.unharmed) {
            if self.rng.below(100) == 0 {
                *byte ^= 1 << self.rng.below(8);
            }
        }
        self.unharmed = self.unharmed.saturating_sub(len);
        self.socket.write(&bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
