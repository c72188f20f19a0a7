//! The way to the other server, on a thread of its own.

use super::request::Target;
use exec::Error;
use kit::world::UnixMs;
use proto::resp_client::{Decoder, Value, encode_request};
use std::io::{Read, Write};
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

pub(super) fn transfer(target: &Target, mut parts: Vec<Part>, now: UnixMs, round: u32) -> Report {
    let failure = match connect(target) {
        Ok(stream) => exchange(target, &stream, &mut parts, now).err(),
        Err(failure) => {
            parts.iter_mut().for_each(|part| part.at = NOT_SENT);
            Some(failure)
        }
    };
    Report { parts, failure, round }
}

fn connect(target: &Target) -> Result<TcpStream, Error> {
    let failed = || Error::Static("IOERR error or timeout connecting to the client");
    let time = Duration::from_millis(target.timeout_ms);
    let mut addrs = (target.host.as_str(), target.port).to_socket_addrs().map_err(|_| failed())?;
    let stream = addrs.find_map(|addr| TcpStream::connect_timeout(&addr, time).ok()).ok_or_else(failed)?;
    let _ = stream.set_nodelay(true);
    let _ = stream.set_read_timeout(Some(time));
    let _ = stream.set_write_timeout(Some(time));
    Ok(stream)
}

fn exchange(target: &Target, mut stream: &TcpStream, parts: &mut [Part], now: UnixMs) -> Result<(), Error> {
    let mut bytes = Vec::new();
    let mut greetings = 1;
    if !target.auth.is_empty() {
        let words: Vec<&[u8]> =
            std::iter::once(&b"AUTH"[..]).chain(target.auth.iter().map(|word| word.as_slice())).collect();
        encode_request(&mut bytes, &words);
        greetings += 1;
    }
    encode_request(&mut bytes, &[b"SELECT", target.db.to_string().as_bytes()]);
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
    let mut replies = Replies::default();
    let outcome = (|| {
        stream.write_all(&bytes).map_err(|_| Error::Static("IOERR error or timeout writing to target instance"))?;
        for _ in 0..greetings {
            if let Value::Error(text) = replies.next(stream)? {
                return Err(Error::text(format!("ERR Target instance replied with error: {text}")));
            }
        }
        Ok(())
    })();
    let mut failure = outcome.err();
    for part in parts {
        if failure.is_none() {
            match replies.next(stream) {
                Ok(Value::Error(text)) => part.refusal = Some(text),
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        if failure.is_some() {
            part.at = NOT_SENT;
        }
    }
    failure.map_or(Ok(()), Err)
}

#[derive(Default)]
struct Replies {
    buf: Vec<u8>,
    decoder: Decoder,
}

impl Replies {
    fn next(&mut self, mut stream: &TcpStream) -> Result<Value, Error> {
        let failed = || Error::Static("IOERR error or timeout reading from target instance");
        loop {
            let (value, used) = self.decoder.feed(&self.buf).map_err(|_| failed())?;
            self.buf.drain(..used);
            if let Some(value) = value {
                return Ok(value);
            }
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).ok().filter(|&count| count > 0).ok_or_else(failed)?;
            self.buf.extend_from_slice(&chunk[..count]);
        }
    }
}
