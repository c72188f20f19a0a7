//! Encrypted connections: the TLS half of a `Conn`.
//!
//! The buffers are the thread's, lent for one read or write; a connection keeps only what is unfinished: the begin of
//! a record, and ciphertext that its socket did not take. So an idle connection owns no buffer here either, and what a
//! peer can make us keep is bounded (`KEPT_BYTES_MAX`, `SEND_BYTES`), before and after the handshake.
//! Replies leave `Conn::reply` when their ciphertext has left: what is encrypted and unsent counts as unread, and
//! whoever asks whether a connection is drained needs not know of TLS.
//! Always true: nothing new is encrypted while `out` holds something.
//! Which certificates and ciphers: `context.rs`. Built without the feature `tls`, `no_tls.rs` stands in for this.

mod certs;
mod ciphers;
mod context;
mod der;
mod encrypted_key;
mod sessions;

pub(crate) use context::Context;

use crate::buffers::{Got, Input, Pools};
use crate::conn::{Conn, Sent};
use proto::Reply;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, InsufficientSizeError, UnbufferedStatus};
use rustls::{ServerConfig, server::UnbufferedServerConnection};
use std::cell::RefCell;
use std::sync::Arc;

// What a peer sent and we cannot use yet: a record (18 KiB at most), or in a handshake a chain of certificates.
const KEPT_BYTES_MAX: usize = 32 * 1024;

// One read takes this much ciphertext at most: a large value comes in steps that stay in the second-level cache.
const READ_BYTES_MAX: usize = 128 * 1024;

// What a record is longer than its content: so that one that fills the room of the input comes in one read.
const RECORD_EXTRA: usize = 64;

// Plaintext of a record, and of what is encrypted before the socket is asked.
const RECORD_BYTES: usize = 16 * 1024;
const SEND_BYTES: usize = 4 * RECORD_BYTES;

// After so much it is the others' turn, as for a plain connection.
const TURN_BYTES_MAX: usize = 1024 * 1024;

// How a record begins: change of ciphers, alert, handshake, data.
const RECORD_KINDS: std::ops::RangeInclusive<u8> = 20..=23;

// Room for what TLS itself has to say, beside the records.
const OUT_EXTRA: usize = 16 * 1024;

// What rustls keeps of a connection: keys, the client's certificate, the session it may resume (measured: a thousand
// idle ones took 13 KiB each, plain ones 1.3).
const FIXED_BYTES: usize = 12 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Buffers of a thread; they get their size when the first encrypted connection needs them.
#[derive(Default)]
struct Scratch {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Small pieces of a reply, joined to a record.
    joined: Vec<u8>,
}

pub(crate) struct Tls {
    conn: UnbufferedServerConnection,
    /// What came and is not whole yet, as it came.
    kept: Vec<u8>,
    /// Ciphertext for which the socket had no room, sent up to `out_at`.
    out: Vec<u8>,
    out_at: usize,
    /// So many bytes of the replies stand in `out`.
    out_plain: usize,
    /// The peer said that it sends no more.
    peer_closed: bool,
    /// It failed, or we said that nothing more comes.
    is_over: bool,
    handshaking: bool,
    /// What is said to the peer after the handshake, before it is closed.
    pub(crate) refusal: Option<&'static [u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flushed {
    All,
    Part,
    Broken,
}

impl Tls {
    fn new(config: Arc<ServerConfig>, refusal: Option<&'static [u8]>) -> Option<Tls> {
        Some(Tls {
            conn: UnbufferedServerConnection::new(config).ok()?,
            kept: Vec::new(),
            out: Vec::new(),
            out_at: 0,
            out_plain: 0,
            peer_closed: false,
            is_over: false,
            handshaking: true,
            refusal,
        })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.handshaking
    }

    /// Is there ciphertext that waits for the socket?
    pub(crate) fn owes(&self) -> bool {
        self.out_at < self.out.len()
    }

    pub(crate) fn mem_bytes(&self) -> usize {
        FIXED_BYTES + size_of::<Tls>() + self.kept.capacity() + self.out.capacity()
    }

    /// One read; its plaintext is added to `input`. An error is a reason to close, in words for the log.
    fn receive(&mut self, fd: &OwnedFd, input: &mut Input, pools: &mut Pools) -> Result<Got, String> {
        SCRATCH.with_borrow_mut(|scratch| {
            let Scratch { incoming, .. } = scratch;
            input.make_room(pools);
            let kept = self.kept.len();
            let ask = (input.free() + RECORD_EXTRA).min(READ_BYTES_MAX);
            incoming.resize(KEPT_BYTES_MAX + READ_BYTES_MAX, 0);
            let count = match rustix::net::recv(fd, &mut incoming[kept..kept + ask], RecvFlags::empty()) {
                Ok((_, 0)) if self.handshaking => return Err("the peer closed the connection".into()),
                Ok((_, 0)) => return Ok(Got::End),
                Ok((_, count)) => count,
                Err(Errno::AGAIN | Errno::INTR) => return Ok(Got::Nothing),
                Err(error) => return Err(std::io::Error::from(error).to_string()),
            };
            incoming[..kept].copy_from_slice(&self.kept);
            let before = input.buf.len();
            let (used, failure) = self.digest(&mut incoming[..kept + count], &mut input.buf);
            let rest = &incoming[used..kept + count];
            if rest.is_empty() {
                self.kept = Vec::new(); // an idle connection owns no buffer
            } else {
                self.kept.clear();
                self.kept.extend_from_slice(rest);
            }
            // What TLS itself has to say goes at once; what the socket does not take waits in `out`.
            let flushed = self.flush(fd);
            if let Some(failure) = failure {
                return Err(failure);
            }
            if flushed == Flushed::Broken {
                return Err("the peer closed the connection".into());
            }
            if self.kept.len() > KEPT_BYTES_MAX || self.out.len() > SEND_BYTES + OUT_EXTRA {
                return Err("the peer sends more than TLS needs".into());
            }
            self.handshaking = self.conn.is_handshaking();
            let plain = input.buf.len() - before;
            input.got(plain);
            Ok(match (plain, self.peer_closed) {
                (0, true) => Got::End,
                (0, false) => Got::Nothing,
                (plain, _) => Got::Bytes(plain),
            })
        })
    }

    /// Goes through all whole records; how many bytes are done with, and what was wrong with them.
    fn digest(&mut self, incoming: &mut [u8], plain: &mut Vec<u8>) -> (usize, Option<String>) {
        let mut used = 0;
        let mut failure: Option<String> = None;
        let is_tls = incoming.first().is_some_and(|kind| RECORD_KINDS.contains(kind));
        loop {
            let UnbufferedStatus { mut discard, state, .. } = self.conn.process_tls_records(&mut incoming[used..]);
            let mut more = true;
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        match record {
                            Ok(record) => {
                                discard += record.discard;
                                plain.extend_from_slice(record.payload);
                            }
                            Err(error) => failure = Some(error.to_string()),
                        }
                    }
                }
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.out),
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                Ok(ConnectionState::PeerClosed) => self.peer_closed = true,
                Ok(_) => more = false,
                Err(error) => failure = Some(error.to_string()),
            }
            used += discard;
            if failure.is_some() {
                self.is_over = true;
                // Who speaks another language would not understand the alert.
                if is_tls {
                    self.fetch_alert();
                }
                return (used, failure);
            }
            if !more {
                return (used, None);
            }
        }
    }

    /// After a failure: what tells the peer of it. Rustls must not be asked for more then.
    fn fetch_alert(&mut self) {
        while self.conn.wants_write() {
            match self.conn.process_tls_records(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(data)) => encode(data, &mut self.out),
                _ => return,
            }
        }
    }

    /// Sends ciphertext that waits.
    fn flush(&mut self, fd: &OwnedFd) -> Flushed {
        while self.out_at < self.out.len() {
            match rustix::net::send(fd, &self.out[self.out_at..], SendFlags::NOSIGNAL) {
                Ok(count) => self.out_at += count,
                Err(Errno::AGAIN | Errno::INTR) => return Flushed::Part,
                Err(_) => return Flushed::Broken,
            }
        }
        if self.out.capacity() > 0 {
            self.out = Vec::new();
            self.out_at = 0;
        }
        Flushed::All
    }

    /// Encrypts the first bytes of the replies, at most `most`, and sends what the socket takes at once.
    fn encrypt(&mut self, fd: &OwnedFd, reply: &Reply, most: usize) -> Flushed {
        assert!(self.out.is_empty() && self.out_plain == 0, "what was encrypted leaves first");
        if self.is_over {
            return Flushed::Broken;
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let Scratch { outgoing, joined, .. } = scratch;
            outgoing.resize(SEND_BYTES + OUT_EXTRA, 0);
            let most = most.min(SEND_BYTES);
            let (mut plain, mut len) = (0, 0);
            let mut seal = |record: &[u8]| match self.seal(record, &mut outgoing[len..]) {
                Some(count) => {
                    len += count;
                    plain += record.len();
                    true
                }
                None => false,
            };
            if !for_records(reply.slices(), most, joined, &mut seal) {
                return Flushed::Broken;
            }
            self.out_plain = plain;
            match rustix::net::send(fd, &outgoing[..len], SendFlags::NOSIGNAL) {
                Ok(count) if count == len => return Flushed::All,
                Ok(count) => self.out.extend_from_slice(&outgoing[count..len]),
                Err(Errno::AGAIN | Errno::INTR) => self.out.extend_from_slice(&outgoing[..len]),
                Err(_) => return Flushed::Broken,
            }
            Flushed::Part
        })
    }

    /// One record; its length as ciphertext. `None`: there are no keys for it any more.
    fn seal(&mut self, record: &[u8], outgoing: &mut [u8]) -> Option<usize> {
        let mut len = 0;
        loop {
            let UnbufferedStatus { discard, state, .. } = self.conn.process_tls_records(&mut self.kept);
            match state {
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    return Some(len + traffic.encrypt(record, &mut outgoing[len..]).ok()?);
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => len += data.encode(&mut outgoing[len..]).ok()?,
                Ok(ConnectionState::TransmitTlsData(sent)) => sent.done(),
                // All that came was gone through when it came.
                Ok(_) | Err(_) => return None,
            }
            if discard > 0 {
                self.kept.drain(..discard);
            }
        }
    }

    /// Tells the peer that no more comes, if there is room for it in the socket.
    pub(crate) fn say_goodbye(&mut self, fd: &OwnedFd) {
        if self.handshaking || std::mem::replace(&mut self.is_over, true) || self.flush(fd) != Flushed::All {
            return;
        }
        let UnbufferedStatus { state, .. } = self.conn.process_tls_records(&mut self.kept);
        if let Ok(ConnectionState::WriteTraffic(mut traffic)) = state {
            let mut alert = [0; 256];
            let len = traffic.queue_close_notify(&mut alert).unwrap_or(0);
            let _ = rustix::net::send(fd, &alert[..len], SendFlags::NOSIGNAL); // who is gone misses nothing
        }
    }
}

fn encode(mut data: EncodeTlsData<'_, rustls::server::ServerConnectionData>, out: &mut Vec<u8>) {
    let Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) = data.encode(&mut []) else {
        return;
    };
    let at = out.len();
    out.resize(at + required_size, 0);
    kit::always!(data.encode(&mut out[at..]).is_ok(), "it said itself how much room it needs");
}

/// Cuts pieces into records, at most `most` bytes in all: large ones where they lie, small ones joined. Stops when
/// `seal` says no.
fn for_records<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    mut most: usize,
    joined: &mut Vec<u8>,
    seal: &mut impl FnMut(&[u8]) -> bool,
) -> bool {
    joined.clear();
    for mut piece in pieces {
        while !piece.is_empty() && most > 0 {
            let part = &piece[..piece.len().min(most).min(RECORD_BYTES - joined.len())];
            piece = &piece[part.len()..];
            most -= part.len();
            if part.len() == RECORD_BYTES {
                if !seal(part) {
                    return false;
                }
                continue;
            }
            joined.extend_from_slice(part);
            if joined.len() == RECORD_BYTES {
                if !seal(joined) {
                    return false;
                }
                joined.clear();
            }
        }
    }
    joined.is_empty() || seal(joined)
}

impl Conn {
    /// As `Input::read`. Whoever does not get through the handshake is told of in the log.
    pub(crate) fn receive_encrypted(&mut self, pools: &mut Pools) -> Got {
        let Some(tls) = &mut self.tls else { return Got::Broken };
        let was_handshaking = tls.handshaking;
        match tls.receive(&self.fd, &mut self.input, pools) {
            Ok(got) => {
                if was_handshaking
                    && !tls.handshaking
                    && let Some(refusal) = tls.refusal.take()
                {
                    self.input.at = self.input.buf.len();
                    self.reply.raw(refusal);
                    self.session.close_after_reply();
                    return Got::Nothing;
                }
                // The poller may have nothing more to say of this peer.
                self.ended |= tls.peer_closed;
                got
            }
            Err(reason) => {
                self.tell_of_failure(was_handshaking, &reason);
                Got::Broken
            }
        }
    }

    pub(crate) fn tell_of_failure(&self, handshaking: bool, reason: &str) {
        let record = &self.session.record;
        if handshaking {
            kit::warning!(
                "Error accepting a client connection: {reason} (addr={} laddr={})",
                record.addr,
                record.laddr
            );
        } else {
            kit::verbose!("Reading from client: {reason} (addr={} laddr={})", record.addr, record.laddr);
        }
    }

    /// Sends what the socket takes of the first `allowed` bytes of the replies, a megabyte at most.
    pub(crate) fn send_encrypted(&mut self, mut allowed: usize) -> Sent {
        let Some(tls) = &mut self.tls else { return Sent::Broken };
        let mut left = TURN_BYTES_MAX;
        loop {
            match tls.flush(&self.fd) {
                Flushed::All => {}
                Flushed::Part => return Sent::Part,
                Flushed::Broken => return Sent::Broken,
            }
            let gone = std::mem::take(&mut tls.out_plain);
            self.reply.consume(gone);
            self.holds.sent(gone);
            self.turn.bytes_out += gone;
            allowed = allowed.saturating_sub(gone);
            left = left.saturating_sub(gone);
            if self.reply.is_empty() {
                return Sent::All;
            }
            if allowed == 0 || left == 0 || tls.handshaking {
                return Sent::Part;
            }
            if tls.encrypt(&self.fd, &self.reply, allowed) == Flushed::Broken {
                return Sent::Broken;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(pieces: &[usize], most: usize) -> Vec<usize> {
        let zeros = vec![0; 100_000];
        let mut lens = Vec::new();
        let pieces = pieces.iter().map(|len| &zeros[..*len]);
        assert!(for_records(pieces, most, &mut Vec::new(), &mut |record| {
            lens.push(record.len());
            true
        }));
        lens
    }

    #[test]
    fn pieces_are_cut_and_joined() {
        const R: usize = RECORD_BYTES;
        assert_eq!(records(&[5, 0, 7], R), [12]);
        assert_eq!(records(&[R, R, 1], 4 * R), [R, R, 1]);
        assert_eq!(records(&[1, R, R], 4 * R), [R, R, 1]);
        assert_eq!(records(&[50_000], 4 * R), [R, R, R, 50_000 - 3 * R]);
        assert_eq!(records(&[50_000, 50_000], 4 * R), [R, R, R, R]);
        assert_eq!(records(&[10, 10], 15), [15]);
        assert_eq!(records(&[10], 0), [0; 0]);
        assert!(!for_records([&[1u8][..]].into_iter(), 9, &mut Vec::new(), &mut |_| false));
    }
}
