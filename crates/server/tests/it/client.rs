//! A raw connection: bytes out, replies in, nothing a client library would hide.

use proto::resp_client::{Decoder, Value, encode_request};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Longer than any answer takes on a busy machine.
const REPLY_MAX: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buf: Vec<u8>,
    used: usize,
    decoder: Decoder,
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Client {
        stream.set_nodelay(true).expect("nodelay");
        Client { stream, buf: Vec::new(), used: 0, decoder: Decoder::default() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    /// Sends as much as the server takes before it hangs up; whether it took all.
    pub(crate) fn send_while_open(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    pub(crate) fn request<W: AsRef<[u8]>>(&mut self, words: &[W]) {
        let mut bytes = Vec::new();
        encode(&mut bytes, words);
        self.send(&bytes);
    }

    pub(crate) fn ask<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Value {
        self.request(words);
        self.reply()
    }

    /// One request as text: `ask_line("SET k v")`.
    pub(crate) fn ask_line(&mut self, line: &str) -> Value {
        self.ask(&line.split(' ').collect::<Vec<_>>())
    }

    pub(crate) fn reply(&mut self) -> Value {
        match self.reply_within(REPLY_MAX) {
            Got::Reply(value) => value,
            Got::Nothing => panic!("no reply in {REPLY_MAX:?}"),
            Got::Closed => panic!("the server closed the connection"),
        }
    }

    pub(crate) fn reply_within(&mut self, time: Duration) -> Got {
        let until = Instant::now() + time;
        loop {
            let (value, used) = self.decoder.feed(&self.buf[self.used..]).expect("a well-formed reply");
            self.used += used;
            if self.used > 1 << 20 || self.used == self.buf.len() {
                self.buf.drain(..self.used);
                self.used = 0;
            }
            if let Some(value) = value {
                return Got::Reply(value);
            }
            match self.read_until(until) {
                Ok(0) => return Got::Closed,
                Ok(_) => {}
                Err(Late) => return Got::Nothing,
            }
        }
    }

    /// Does the server hang up within this time? Replies that come before are thrown away.
    pub(crate) fn is_closed_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            match self.read_until(until) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(Late) => return false,
            }
        }
    }

    /// Everything the server says until it hangs up, as text.
    pub(crate) fn last_words(&mut self) -> String {
        let until = Instant::now() + REPLY_MAX;
        loop {
            match self.read_until(until) {
                Ok(0) => return String::from_utf8_lossy(&self.buf[self.used..]).into_owned(),
                Ok(_) => {}
                Err(Late) => panic!("the server did not hang up"),
            }
        }
    }

    /// Does the server say this, before anything else?
    pub(crate) fn says_first(&mut self, words: &[u8]) -> bool {
        let until = Instant::now() + REPLY_MAX;
        while self.buf.len() < words.len() {
            match self.read_until(until) {
                Ok(0) | Err(Late) => return false,
                Ok(_) => {}
            }
        }
        self.buf.starts_with(words)
    }

    /// 0: the connection has ended, in whatever way.
    fn read_until(&mut self, until: Instant) -> Result<usize, Late> {
        let left = until.saturating_duration_since(Instant::now());
        self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).expect("a timeout");
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(len) => {
                self.buf.extend_from_slice(&chunk[..len]);
                Ok(len)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Err(Late),
            Err(_) => Ok(0),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Got {
    Reply(Value),
    Nothing,
    Closed,
}

struct Late;

pub(crate) fn encode<W: AsRef<[u8]>>(out: &mut Vec<u8>, words: &[W]) {
    let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
    encode_request(out, &words);
}

pub(crate) fn simple(text: &str) -> Value {
    Value::Simple(text.into())
}

/// The text of a bulk, verbatim or simple reply.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Bulk(bytes) | Value::Verbatim { text: bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        Value::Simple(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}

/// A field of INFO or of a line of CLIENT LIST.
pub(crate) fn field(text: &str, name: &str, stop: char) -> Option<String> {
    let is_word_start = |at: usize| at == 0 || matches!(text.as_bytes()[at - 1], b' ' | b'\n');
    let at = text.match_indices(name).map(|(at, _)| at).find(|&at| is_word_start(at))? + name.len();
    text[at..].split([stop, '\r', '\n']).next().map(str::to_string)
}

/// A reply for a person: strings as strings.
pub(crate) fn show(value: &Value) -> String {
    let list = |open: &str, values: &[Value]| {
        let shown: Vec<String> = values.iter().map(show).collect();
        format!("{open}{}]", shown.join(" "))
    };
    match value {
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Int(n) => format!(":{n}"),
        Value::Bulk(bytes) => kit::text::quote(bytes),
        Value::Array(values) => list("[", values),
        Value::Set(values) => list("~[", values),
        Value::Push(values) => list(">[", values),
        Value::Map(pairs) => {
            let flat: Vec<Value> = pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect();
            list("%[", &flat)
        }
        other => format!("{other:?}"),
    }
}
