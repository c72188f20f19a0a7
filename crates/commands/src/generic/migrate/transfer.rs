//! The way to the other server, on a thread of its own.

use super::request::Target;
use exec::links::Link;
use exec::{Error, Node};
use kit::world::UnixMs;
use proto::resp_client::{Decoder, Value, encode_request};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// `Part::at` of one that did not get there.
pub(super) const NOT_SENT: usize = usize::MAX;

/// A key as it was when it was taken.
pub(super) struct Part {
    /// Its place among the words.
    pub at: usize,
    pub key: Vec<u8>,
    pub deadline: Option<UnixMs>,
    /// `None`: it is gone here, and goes there.
    pub payload: Option<Vec<u8>>,
    /// It was sent before: the copy there is replaced.
    pub again: bool,
    /// What the other server said against it.
    pub refusal: Option<String>,
}

pub(super) struct Report {
    pub parts: Vec<Part>,
    pub failure: Option<Error>,
    pub round: u32,
}

pub(super) fn transfer(node: &Node, target: &Target, mut parts: Vec<Part>, now: UnixMs, round: u32) -> Report {
    let failure = send_all(node, target, &mut parts, now).err();
    Report { parts, failure, round }
}

/// Over a kept connection if there is one; when that one turns out to be dead, over a new one.
fn send_all(node: &Node, target: &Target, parts: &mut [Part], now: UnixMs) -> Result<(), Error> {
    if let Some(link) = node.links.take(&target.goal, node.clock.mono_ns())
        && set_patience(&link.stream, target).is_ok()
    {
        let db = Some(link.db);
        match exchange(target, &link.stream, db, parts, now) {
            Err(Broken { was_silent: true, is_timeout: false, .. }) => {}
            outcome => return finish(node, target, link.stream, parts, outcome),
        }
    }
    match connect(target) {
        Ok(stream) => {
            let outcome = exchange(target, &stream, None, parts, now);
            finish(node, target, stream, parts, outcome)
        }
        Err(failure) => {
            parts.iter_mut().for_each(|part| part.at = NOT_SENT);
            Err(failure)
        }
    }
}

/// Keeps the connection when all that was asked was answered; notes what was not.
fn finish(
    node: &Node,
    target: &Target,
    stream: TcpStream,
    parts: &mut [Part],
    outcome: Result<Option<Error>, Broken>,
) -> Result<(), Error> {
    match outcome {
        Ok(None) => {
            node.links.keep(Link { to: target.goal.clone(), stream, db: target.db }, node.clock.mono_ns());
            Ok(())
        }
        Ok(Some(refusal)) => {
            parts.iter_mut().for_each(|part| part.at = NOT_SENT);
            Err(refusal)
        }
        Err(broken) => {
            parts[broken.answered..].iter_mut().for_each(|part| part.at = NOT_SENT);
            Err(broken.error)
        }
    }
}

fn connect(target: &Target) -> Result<TcpStream, Error> {
    let failed = || Error::Static("IOERR error or timeout connecting to the client");
    let time = Duration::from_millis(target.timeout_ms);
    let mut addrs = (target.goal.host.as_str(), target.goal.port).to_socket_addrs().map_err(|_| failed())?;
    let stream = addrs.find_map(|addr| TcpStream::connect_timeout(&addr, time).ok()).ok_or_else(failed)?;
    let _ = stream.set_nodelay(true);
    set_patience(&stream, target).map_err(|_| failed())?;
    Ok(stream)
}

fn set_patience(stream: &TcpStream, target: &Target) -> std::io::Result<()> {
    let time = Duration::from_millis(target.timeout_ms);
    stream.set_read_timeout(Some(time))?;
    stream.set_write_timeout(Some(time))
}

/// The connection ended, or took too long.
struct Broken {
    error: Error,
    is_timeout: bool,
    /// Not a byte came back: as far as one can tell nobody was there.
    was_silent: bool,
    /// So many parts were answered before.
    answered: usize,
}

/// Sends the parts and notes what is said to each. `Some`: the other server refuses all of it. `selected` is the
/// database of a connection that was used before, as whom the words of AUTH say.
fn exchange(
    target: &Target,
    stream: &TcpStream,
    selected: Option<i64>,
    parts: &mut [Part],
    now: UnixMs,
) -> Result<Option<Error>, Broken> {
    let mut bytes = Vec::new();
    let mut greetings = 0;
    let mut replies = Replies::default();
    if !target.goal.auth.is_empty() {
        let words: Vec<&[u8]> =
            std::iter::once(&b"AUTH"[..]).chain(target.goal.auth.iter().map(|word| word.as_slice())).collect();
        encode_request(&mut bytes, &words);
        greetings += 1;
    }
    // The password may be another one by now. Over a kept connection the keys would be taken all the same, so the answer
    // comes first.
    if selected.is_some() && greetings > 0 {
        write(stream, &bytes)?;
        if let Value::Error(text) = replies.next(stream).map_err(|broken| broken.after(0))? {
            return Ok(Some(refused(&text)));
        }
        bytes.clear();
        greetings = 0;
    }
    if selected != Some(target.db) {
        encode_request(&mut bytes, &[b"SELECT", target.db.to_string().as_bytes()]);
        greetings += 1;
    }
    for part in parts.iter() {
        let Some(payload) = &part.payload else {
            encode_request(&mut bytes, &[b"DEL", &part.key]);
            continue;
        };
        let ttl = part.deadline.map_or(0, |deadline| deadline.since_ms(now).max(1)).to_string();
        let mut words = vec![&b"RESTORE"[..], &part.key, ttl.as_bytes(), payload];
        if target.replace || part.again {
            words.push(b"REPLACE");
        }
        encode_request(&mut bytes, &words);
    }
    write(stream, &bytes)?;
    for _ in 0..greetings {
        if let Value::Error(text) = replies.next(stream).map_err(|broken| broken.after(0))? {
            return Ok(Some(refused(&text)));
        }
    }
    for (at, part) in parts.iter_mut().enumerate() {
        if let Value::Error(text) = replies.next(stream).map_err(|broken| broken.after(at))? {
            part.refusal = Some(text);
        }
    }
    Ok(None)
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> Result<(), Broken> {
    stream.write_all(bytes).map_err(|error| Broken {
        error: Error::Static("IOERR error or timeout writing to target instance"),
        is_timeout: is_timeout(&error),
        was_silent: true,
        answered: 0,
    })
}

fn refused(text: &str) -> Error {
    Error::text(format!("ERR Target instance replied with error: {text}"))
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The reading side of `Broken`.
struct NoReply {
    is_timeout: bool,
    was_silent: bool,
}

impl NoReply {
    fn after(self, answered: usize) -> Broken {
        let NoReply { is_timeout, was_silent } = self;
        let error = Error::Static("IOERR error or timeout reading from target instance");
        Broken { error, is_timeout, was_silent, answered }
    }
}

#[derive(Default)]
struct Replies {
    /// Something was read.
    any: bool,
    buf: Vec<u8>,
    decoder: Decoder,
}

impl Replies {
    fn next(&mut self, mut stream: &TcpStream) -> Result<Value, NoReply> {
        loop {
            let silent = |is_timeout| NoReply { is_timeout, was_silent: !self.any };
            let (value, used) = self.decoder.feed(&self.buf).map_err(|_| silent(false))?;
            self.buf.drain(..used);
            if let Some(value) = value {
                return Ok(value);
            }
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).map_err(|error| silent(is_timeout(&error)))?;
            if count == 0 {
                return Err(silent(false));
            }
            self.any = true;
            self.buf.extend_from_slice(&chunk[..count]);
        }
    }
}
