//! Input of a connection, and the pools that lend buffers.
//!
//! An idle connection owns no buffer. For a read it borrows 16 KiB from its thread's pool; when
//! every byte was understood the buffer goes back. When a request is unfinished the connection keeps
//! the buffer, and the rest of a large word is read straight into its place.
//! Always true: bytes before `at` are done with; a lent buffer is empty.

use proto::Reply;
use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::RecvFlags;

pub(crate) const READ_BYTES: usize = 16 * 1024;

// The room for an announced word is reserved at once up to this size (pages are not touched before
// bytes arrive), beyond it as much as has arrived already.
const RESERVE_BYTES_MAX: usize = 64 * 1024 * 1024;

// A buffer that is full of small words grows by its size, at most by this much: a gigabyte of them is
// copied 32 times, and no more than this is allocated in vain.
const GROW_BYTES_MAX: usize = 32 * 1024 * 1024;

// 128 spare buffers of a kind are 2 MiB a thread.
const SPARE_COUNT_MAX: usize = 128;

#[derive(Default)]
pub(crate) struct Input {
    pub buf: Vec<u8>,
    /// Everything before is done with.
    pub at: usize,
    /// Bytes missing of the word under way, 0 when unknown.
    pub wanted: usize,
    /// The buffer stays with the connection until it has been idle for a while.
    pub own: bool,
    /// Most bytes held since the last look of the cron.
    pub peak: usize,
}

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Got {
    Bytes(usize),
    Nothing,
    End,
    Broken,
}

impl Input {
    pub(crate) fn unread(&self) -> usize {
        self.buf.len() - self.at
    }

    /// One read, into as much room as the request under way asks for.
    pub(crate) fn read(&mut self, socket: impl AsFd, pools: &mut Pools) -> Got {
        self.make_room(pools);
        match rustix::net::recv(socket, rustix::buffer::spare_capacity(&mut self.buf), RecvFlags::empty()) {
            Ok((_, 0)) => Got::End,
            Ok((_, count)) => {
                self.got(count);
                Got::Bytes(count)
            }
            Err(Errno::AGAIN | Errno::INTR) => Got::Nothing,
            Err(_) => Got::Broken,
        }
    }

    /// `count` bytes were added to the buffer.
    pub(crate) fn got(&mut self, count: usize) {
        self.wanted = self.wanted.saturating_sub(count);
        self.peak = self.peak.max(self.buf.len());
    }

    pub(crate) fn make_room(&mut self, pools: &mut Pools) {
        if self.buf.capacity() == 0 {
            self.buf = pools.take_input();
            return;
        }
        let (len, room) = (self.buf.len(), self.buf.capacity() - self.buf.len());
        if room >= self.wanted.max(1) {
            return;
        }
        let more = match self.wanted {
            0 => len.clamp(READ_BYTES, GROW_BYTES_MAX),
            wanted => wanted.min(RESERVE_BYTES_MAX.max(len)),
        };
        self.buf.reserve_exact(more);
    }

    /// After a turn: gives the buffer back, or moves what is left to its front.
    pub(crate) fn tidy(&mut self, pools: &mut Pools) {
        if self.buf.capacity() == 0 {
            return;
        }
        if self.at == self.buf.len() {
            self.at = 0;
            self.wanted = 0;
            self.buf.clear();
            if !self.own {
                pools.give_input(std::mem::take(&mut self.buf));
            }
            return;
        }
        self.own = true;
        if self.at > 0 {
            self.buf.copy_within(self.at.., 0);
            self.buf.truncate(self.buf.len() - self.at);
            self.at = 0;
        }
        // The room is reserved here and not at the next read, so that CLIENT LIST shows it.
        if self.wanted > self.buf.capacity() - self.buf.len() {
            self.make_room(pools);
        }
    }

    /// Room that is not used.
    pub(crate) fn free(&self) -> usize {
        self.buf.capacity() - self.buf.len()
    }

    /// The cron's look: an idle connection gives up what it does not need, a busy one what it has not
    /// needed lately.
    pub(crate) fn shrink(&mut self, idle: bool) {
        let capacity = self.buf.capacity();
        if idle {
            if self.buf.is_empty() {
                self.buf = Vec::new();
                self.own = false;
            } else {
                self.buf.shrink_to_fit();
            }
        } else if capacity > 2 * READ_BYTES && self.peak < capacity / 2 && self.wanted == 0 {
            self.buf.shrink_to(self.peak.max(READ_BYTES));
        }
        self.peak = self.buf.len();
    }
}

/// Spare buffers of a thread. What was given back last is lent first: it is still in the cache.
#[derive(Default)]
pub(crate) struct Pools {
    inputs: Vec<Vec<u8>>,
    replies: Vec<Reply>,
    /// Fewest spares since the last trim: so many were of no use.
    inputs_low: usize,
    replies_low: usize,
}

impl Pools {
    pub(crate) fn take_input(&mut self) -> Vec<u8> {
        let taken = self.inputs.pop();
        self.inputs_low = self.inputs_low.min(self.inputs.len());
        taken.unwrap_or_else(|| Vec::with_capacity(READ_BYTES))
    }

    fn give_input(&mut self, buf: Vec<u8>) {
        if buf.capacity() == READ_BYTES && self.inputs.len() < SPARE_COUNT_MAX {
            self.inputs.push(buf);
        }
    }

    pub(crate) fn take_reply(&mut self) -> Reply {
        let taken = self.replies.pop();
        self.replies_low = self.replies_low.min(self.replies.len());
        taken.unwrap_or_default()
    }

    pub(crate) fn give_reply(&mut self, mut reply: Reply) {
        if self.replies.len() < SPARE_COUNT_MAX {
            reply.recycle();
            self.replies.push(reply);
        }
    }

    /// Drops the spares that nobody needed since the last call.
    pub(crate) fn trim(&mut self) {
        self.inputs.truncate(self.inputs.len() - self.inputs_low.min(self.inputs.len()) / 2);
        self.replies.truncate(self.replies.len() - self.replies_low.min(self.replies.len()) / 2);
        self.inputs_low = self.inputs.len();
        self.replies_low = self.replies.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_goes_back_or_stays() {
        let mut pools = Pools::default();
        let mut input = Input { buf: pools.take_input(), ..Input::default() };
        input.buf.extend_from_slice(b"whole");
        input.at = 5;
        input.tidy(&mut pools);
        assert_eq!((input.buf.capacity(), pools.inputs.len()), (0, 1));

        input.buf = pools.take_input();
        input.buf.extend_from_slice(b"whole, part");
        input.at = 7;
        input.wanted = 20_000;
        input.tidy(&mut pools);
        assert_eq!((&input.buf[..], input.at, input.own), (&b"part"[..], 0, true));
        assert!(input.free() >= 20_000 && pools.inputs.is_empty());

        input.at = 4;
        input.tidy(&mut pools);
        assert!(input.buf.is_empty() && input.free() >= 20_000, "an own buffer stays");
        input.shrink(false);
        assert!(input.free() >= 20_000, "not large");
        input.shrink(true);
        assert_eq!((input.free(), input.own), (0, false));
    }

    #[test]
    fn an_announced_length_alone_reserves_no_more_than_its_bound() {
        let mut pools = Pools::default();
        let mut input = Input { buf: pools.take_input(), wanted: 500 << 20, ..Input::default() };
        input.buf.extend_from_slice(b"x");
        input.make_room(&mut pools);
        assert!(input.buf.capacity() <= RESERVE_BYTES_MAX + READ_BYTES + 1);
    }

    #[test]
    fn a_busy_connection_gives_up_what_it_has_not_needed_lately() {
        let mut input = Input { buf: Vec::with_capacity(400_000), own: true, peak: 399_000, ..Input::default() };
        input.shrink(false);
        assert_eq!(input.buf.capacity(), 400_000);
        input.peak = 100;
        input.shrink(false);
        assert!(input.buf.capacity() < 32_768 && input.buf.capacity() >= 16_384);
    }

    #[test]
    fn spares_that_nobody_needs_go() {
        let mut pools = Pools::default();
        let lent: Vec<_> = (0..20).map(|_| pools.take_input()).collect();
        lent.into_iter().for_each(|buf| pools.give_input(buf));
        for _ in 0..8 {
            pools.trim();
        }
        assert!(pools.inputs.len() <= 1, "{}", pools.inputs.len());
    }
}
