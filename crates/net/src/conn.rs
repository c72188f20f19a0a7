//! A connection: a socket, what its client may do, what came in and what goes out.

use crate::buffers::{Got, Input, Pools};
use crate::holds::Holds;
use crate::limits::HELD_BACK_BYTES;
use crate::poller::Interest;
use crate::tls::Tls;
use exec::client::{ClientKind, ClientRecord};
use exec::session::{Close, Session};
use kit::world::UnixMs;
use log::Log;
use proto::{InlineRequest, Parser, ProtocolError, REPLY_PART_BYTES, Reply};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use std::io::IoSlice;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

// One write takes this many pieces, a megabyte as a rule; then it is the others' turn.
const SLICES_MAX: usize = 64;

// What a connection takes besides its buffers: this struct, session, record, a place in two maps.
const FIXED_BYTES: usize = 1536;

pub(crate) struct Conn {
    pub fd: OwnedFd,
    pub session: Session,
    pub parser: Parser,
    pub input: Input,
    /// Empty and without memory between turns, unless something is unread.
    pub reply: Reply,
    /// Replies that wait for the log.
    pub holds: Holds,
    /// Its bytes are encrypted.
    pub tls: Option<Box<Tls>>,
    pub resp3: bool,
    /// What the poller watches.
    pub interest: Interest,
    /// The peer sends no more.
    pub ended: bool,
    /// Its requests wait until it has read more of its replies.
    pub held_back: bool,
    /// When its parked command gives up, as it stands in the thread's timers.
    pub timer: Option<UnixMs>,
    /// The load window in which it last sent or got something.
    pub window: u64,
    /// Its part of the memory that `Memory::clients` counts.
    pub mem_counted: usize,
    pub soft_since_ms: Option<i64>,
    pub reply_size: ReplySize,
    pub turn: TurnPart,
}

/// What a connection does in this turn.
#[derive(Default)]
pub(crate) struct TurnPart {
    pub read: bool,
    pub write: bool,
    /// There are bytes that were not looked at, or its command was resumed.
    pub parse: bool,
    /// Its requests of this round, and how far they reach in the input.
    pub requests: Range<usize>,
    pub reach: usize,
    /// What follows them.
    pub inline: Option<InlineRequest>,
    pub error: Option<ProtocolError>,
    pub bytes_in: usize,
    pub bytes_out: usize,
    pub commands: u64,
}

/// How a write ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    All,
    Part,
    Broken,
}

impl Conn {
    pub(crate) fn new(fd: OwnedFd, session: Session) -> Conn {
        let now_ms = session.record.created_ms;
        Conn {
            fd,
            session,
            parser: Parser::default(),
            input: Input::default(),
            reply: Reply::new(),
            holds: Holds::default(),
            tls: None,
            resp3: false,
            interest: Interest::READ,
            ended: false,
            held_back: false,
            timer: None,
            window: 0,
            mem_counted: 0,
            soft_since_ms: None,
            reply_size: ReplySize { size: REPLY_PART_BYTES, peak: 0, peak_since_ms: now_ms },
            turn: TurnPart::default(),
        }
    }

    /// Before something is written into it.
    pub(crate) fn lend_reply(&mut self, pools: &mut Pools) {
        if self.reply.mem_bytes() == 0 {
            self.reply = pools.take_reply();
            self.reply.set_resp3(self.resp3);
        }
    }

    pub(crate) fn return_reply(&mut self, pools: &mut Pools) {
        self.resp3 = self.reply.is_resp3();
        if self.reply.is_empty() && self.reply.mem_bytes() > 0 {
            let mut own = Reply::new();
            own.set_resp3(self.resp3);
            pools.give_reply(std::mem::replace(&mut self.reply, own));
        }
    }

    /// Memory of the unread replies, which the limits count; 0 while the fixed part holds them.
    pub(crate) fn unread_bytes(&self) -> usize {
        if self.reply.len() <= REPLY_PART_BYTES { 0 } else { self.reply.mem_bytes() }
    }

    /// One read of what came.
    pub(crate) fn receive(&mut self, pools: &mut Pools) -> Got {
        if self.tls.is_some() {
            return self.receive_encrypted(pools);
        }
        self.input.read(&self.fd, pools)
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    /// Has TLS itself something to say for which the socket had no room?
    pub(crate) fn owes_tls(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.owes())
    }

    /// Before it is closed.
    pub(crate) fn say_goodbye(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.say_goodbye(&self.fd);
        }
    }

    /// One write of what there is and what the log lets go.
    pub(crate) fn send(&mut self, log: &Log) -> Sent {
        self.reply_size.peak = self.reply_size.peak.max(self.reply.len());
        let len = self.reply.len();
        let allowed = self.holds.allowed(log, self.session.logged, len);
        if self.tls.is_some() {
            return self.send_encrypted(allowed);
        }
        if allowed == 0 {
            return if len == 0 { Sent::All } else { Sent::Part };
        }
        let result = match self.reply.chunk_count() {
            0 => return Sent::All,
            1 => rustix::net::send(&self.fd, &self.reply.front()[..allowed], SendFlags::NOSIGNAL),
            _ => {
                let mut slices = [IoSlice::new(&[]); SLICES_MAX];
                let count = self.reply.fill_slices(&mut slices, allowed);
                let mut control = SendAncillaryBuffer::default();
                rustix::net::sendmsg(&self.fd, &slices[..count], &mut control, SendFlags::NOSIGNAL)
            }
        };
        match result {
            Ok(count) => {
                self.reply.consume(count);
                self.holds.sent(count);
                self.turn.bytes_out += count;
                if count == len { Sent::All } else { Sent::Part }
            }
            Err(Errno::AGAIN | Errno::INTR) => Sent::Part,
            Err(_) => Sent::Broken,
        }
    }

    /// Whether its requests wait because it does not read their replies. Goes on when half of them are gone.
    pub(crate) fn is_held_back(&mut self, log: &Log) -> bool {
        if self.held_back {
            if self.turn.write && self.send(log) == Sent::Broken {
                self.session.close = Close::Now;
            }
            self.held_back = self.reply.len() > HELD_BACK_BYTES / 2;
            self.turn.parse |= !self.held_back;
        } else if self.reply.len() > HELD_BACK_BYTES {
            self.held_back = true;
        }
        self.held_back
    }

    /// Throws away what was parsed and not run: it is read again from `start`.
    pub(crate) fn rewind(&mut self, start: usize) {
        self.parser = Parser::default();
        self.input.at = start;
        self.input.wanted = 0;
        self.turn.inline = None;
        self.turn.error = None;
    }

    /// At the end of a turn: what others may know of this client.
    pub(crate) fn publish(&mut self, now_ms: i64) {
        let record = &*self.session.record;
        let turn = &self.turn;
        if turn.bytes_in > 0 {
            record.net_in.store(record.net_in.load(Relaxed) + turn.bytes_in as u64, Relaxed);
        }
        if turn.bytes_in > 0 || turn.bytes_out > 0 {
            record.last_ms.store(now_ms, Relaxed);
            record.net_out.store(record.net_out.load(Relaxed) + turn.bytes_out as u64, Relaxed);
        }
        if turn.commands > 0 {
            record.commands.store(record.commands.load(Relaxed) + turn.commands, Relaxed);
            record.resp.store(if self.resp3 { 3 } else { 2 }, Relaxed);
        }
        let chunk_count = self.reply.chunk_count();
        record.out_len.store(if chunk_count > 0 { self.reply.front().len() } else { 0 }, Relaxed);
        record.out_chunks.store(chunk_count.saturating_sub(1), Relaxed);
        record.out_mem.store(self.unread_bytes(), Relaxed);
        record.wants_write.store(self.interest.write, Relaxed);
        self.reply_size.publish(record);
        self.publish_input();
        self.weigh();
    }

    /// What it takes in all.
    pub(crate) fn weigh(&self) {
        let record = &*self.session.record;
        let buffers = self.input.buf.capacity() + self.parser.mem_bytes() + self.reply.mem_bytes();
        let kept = [
            &record.multi_mem,
            &record.watching_mem,
            &record.subscriptions_mem,
            &record.prefixes_mem,
            &record.rest_mem,
        ];
        let kept: usize = kept.iter().map(|bytes| bytes.load(Relaxed)).sum();
        let of_tls = self.tls.as_ref().map_or(0, |tls| tls.mem_bytes());
        record.total_mem.store(FIXED_BYTES + buffers + kept + of_tls, Relaxed);
    }

    /// By how much its memory changed since the last call.
    pub(crate) fn mem_shift(&mut self) -> i64 {
        let record = &*self.session.record;
        let counts = !matches!(record.kind(), ClientKind::Replica | ClientKind::Master);
        let now = if counts { record.total_mem.load(Relaxed) } else { 0 };
        let before = std::mem::replace(&mut self.mem_counted, now);
        now as i64 - before as i64
    }

    pub(crate) fn publish_input(&self) {
        let record = &*self.session.record;
        // As in Redis, whose arguments leave the buffer when they are whole.
        let understood = self.parser.understood().min(self.input.buf.len());
        record.query_len.store(self.input.buf.len() - understood, Relaxed);
        record.query_free.store(self.input.free(), Relaxed);
        record.argv_mem.store(self.parser.mem_bytes() + understood, Relaxed);
    }
}

/// The size of the fixed part of the reply buffer as Redis would have it. Ours is lent for a turn, so
/// the number says how much this client uses it, and CLIENT LIST shows what tools expect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ReplySize {
    pub size: usize,
    /// Longest reply since the last reset, at most `size`.
    pub peak: usize,
    pub peak_since_ms: i64,
}

const REPLY_BYTES_MIN: usize = 1024;

impl ReplySize {
    /// The cron's look: halves or doubles by what was used, and forgets the peak after a while
    /// (`reset_ms`, below 0: never).
    pub(crate) fn adapt(&mut self, used: usize, now_ms: i64, reset_ms: i64) {
        self.peak = self.peak.min(self.size);
        if self.size / 2 >= REPLY_BYTES_MIN && self.peak < self.size / 2 {
            self.size = (self.peak + 1).max(REPLY_BYTES_MIN);
        } else if self.size * 2 < REPLY_PART_BYTES * 2 && self.peak == self.size {
            self.size = (self.size * 2).min(REPLY_PART_BYTES);
        }
        if reset_ms >= 0 && now_ms - self.peak_since_ms > reset_ms {
            self.peak = used.min(self.size);
            self.peak_since_ms = now_ms;
        }
    }

    pub(crate) fn publish(&self, record: &ClientRecord) {
        record.reply_size.store(self.size, Relaxed);
        record.reply_peak.store(self.peak.min(self.size), Relaxed);
    }
}

/// A client as log lines name it.
pub(crate) fn described(record: &ClientRecord) -> String {
    let names = record.names.lock();
    format!(
        "id={} addr={} laddr={} fd={} name={} db={} qbuf={} qbuf-free={} obl={} oll={} omem={} user={}",
        record.id.0,
        record.addr,
        record.laddr,
        record.fd,
        names.name,
        record.db.load(Relaxed),
        record.query_len.load(Relaxed),
        record.query_free.load(Relaxed),
        record.out_len.load(Relaxed),
        record.out_chunks.load(Relaxed),
        record.out_mem.load(Relaxed),
        names.user,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_size_follows_its_use() {
        let mut size = ReplySize { size: REPLY_PART_BYTES, peak: 0, peak_since_ms: 0 };
        size.adapt(0, 100, 5000);
        assert_eq!(size.size, 1024);
        for expected in [2048, 4096, 8192, 16384, 16384] {
            size.peak = 40_000;
            size.adapt(0, 100, -1);
            assert_eq!(size.size, expected);
        }
        size.peak = 5000;
        size.adapt(0, 200, 5000);
        assert_eq!((size.size, size.peak), (5001, 5000));
        size.adapt(0, 5001, 5000);
        assert_eq!((size.size, size.peak), (5001, 0));
        size.adapt(0, 5002, 5000);
        assert_eq!(size.size, 1024);
    }
}
