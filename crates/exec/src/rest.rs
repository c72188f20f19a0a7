//! Replies that are made in parts: `SRANDMEMBER key -100000000`.
//!
//! A few words can ask for a reply of any length. Such a reply is not made by the body, under the lock of its key: the
//! body copies what it needs and leaves a function that makes the rest. The client is parked; each time most of what was
//! made has been sent, its thread asks for more. So its next requests wait, its memory stays small, and nobody else
//! notices. Gates are not asked again: half a reply cannot be taken back.

use crate::ctx::Ctx;
use crate::metrics;
use crate::run::Worker;
use crate::session::{ReplyMode, Session, Why};
use proto::{Error, Reply};
use std::sync::atomic::Ordering::Relaxed;

/// So much is made at a time; the client is asked for when less than this is unsent.
pub const PART_BYTES: usize = 256 * 1024;
/// In a transaction or a script a reply is made whole, and is no longer than this.
const WHOLE_BYTES_MAX: usize = 64 << 20;

/// The rest of a reply.
pub struct Rest {
    /// Makes some kilobytes more; false when that was all.
    more: Box<dyn FnMut(&mut Reply) -> bool + Send>,
    nanos: u64,
    bytes: u64,
}

impl Rest {
    /// How long the reply is so far, sent or not: a hard limit on what a client may have unread is one on this, as
    /// where replies are made whole.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Ctx<'_, '_> {
    /// The whole reply of this command comes from `more`, which is called until it says false. It owns what it needs, of
    /// about `mem_bytes`. `return ctx.reply_in_parts(…)`.
    pub fn reply_in_parts(
        &mut self,
        mem_bytes: usize,
        mut more: impl FnMut(&mut Reply) -> bool + Send + 'static,
    ) -> Result<(), Error> {
        if matches!(self.session.reply_mode, ReplyMode::Off | ReplyMode::Skip) {
            return Ok(());
        }
        if !self.may_wait() || self.session.stand_in {
            let start = self.reply.mark();
            while more(self.reply) {
                if self.reply.len_since(start) > WHOLE_BYTES_MAX {
                    return Err(Error::Static("ERR the reply is too long for a transaction or a script"));
                }
            }
            return Ok(());
        }
        self.session.record.rest_mem.store(mem_bytes, Relaxed);
        self.session.rest = Some(Rest { more: Box::new(more), nanos: 0, bytes: 0 });
        Err(self.wait(Why::Working, None))
    }
}

impl Worker {
    /// The next part of a reply. Counts as a run of the command when it was the last one.
    pub(crate) fn go_on(&mut self, session: &mut Session, reply: &mut Reply) {
        let Some(mut rest) = session.rest.take() else { return };
        let begin = self.node.clock.mono_ns();
        let start = reply.mark();
        let mut more = true;
        while more && reply.len_since(start) < PART_BYTES {
            more = (rest.more)(reply);
        }
        rest.bytes += reply.len_since(start) as u64;
        rest.nanos += self.node.clock.mono_ns().saturating_sub(begin);
        if more {
            session.rest = Some(rest);
            return;
        }
        session.record.rest_mem.store(0, Relaxed);
        if let Some(parked) = self.unpark(session) {
            self.tally().add(&metrics::COMMANDS_PROCESSED, 1);
            self.node.command_stats.ran(self.thread, parked.command, rest.nanos, false, false);
        }
    }
}
