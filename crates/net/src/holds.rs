//! Replies wait for the log: an answer to a write leaves when its bytes are with the kernel, or synced (`appendfsync
//! always`), and what was answered after it on the same connection leaves after it.
//!
//! A mark says: the bytes up to here may leave when the log has taken everything up to that position. As a rule there is
//! none: with `everysec` and `no` the event loop hands its batch to the kernel before it writes the first answer.

use log::{Log, Position};
use std::collections::VecDeque;

#[derive(Default)]
pub(crate) struct Holds {
    marks: VecDeque<Mark>,
    /// Bytes sent in all.
    sent: u64,
    /// While there are marks: what stands before this may leave.
    free_until: u64,
    /// Marks that were made since somebody asked.
    made: u64,
    /// Its client is counted among those that wait.
    is_counted: bool,
}

struct Mark {
    position: Position,
    end: u64,
}

impl Holds {
    /// How many of `unsent` bytes may leave now. `logged` is what their newest answer waits for.
    #[inline]
    pub(crate) fn allowed(&mut self, log: &Log, logged: Position, unsent: usize) -> usize {
        if self.marks.is_empty() && logged <= log.acknowledged() { unsent } else { self.look(log, logged, unsent) }
    }

    fn look(&mut self, log: &Log, logged: Position, unsent: usize) -> usize {
        if log.acknowledged() < logged {
            log.flush(logged);
        }
        let acknowledged = log.acknowledged();
        let end = self.sent + unsent as u64;
        let newest = self.marks.back().map_or(0, |mark| mark.position);
        if logged > acknowledged && logged > newest {
            if self.marks.is_empty() {
                self.free_until = self.sent;
            }
            self.marks.push_back(Mark { position: logged, end });
            self.made += 1;
        }
        while let Some(mark) = self.marks.front()
            && mark.position <= acknowledged
        {
            self.free_until = mark.end;
            self.marks.pop_front();
        }
        if self.marks.is_empty() {
            unsent
        } else {
            self.free_until.saturating_sub(self.sent).min(unsent as u64) as usize
        }
    }

    pub(crate) fn sent(&mut self, count: usize) {
        self.sent += count as u64;
    }

    /// Where the log has to come for what is kept back to be looked at again. None: nothing is.
    pub(crate) fn waits_for(&self) -> Option<Position> {
        self.marks.front().map(|mark| mark.position)
    }

    /// How often replies had to wait since this was asked last.
    pub(crate) fn take_made(&mut self) -> u64 {
        std::mem::take(&mut self.made)
    }

    /// By how much the number of waiting clients changes, if it does; a client that is gone waits no more.
    #[inline]
    pub(crate) fn shift(&mut self, is_here: bool) -> Option<i64> {
        let counts = is_here && self.waits_for().is_some();
        (counts != self.is_counted).then(|| {
            self.is_counted = counts;
            if counts { 1 } else { -1 }
        })
    }

    /// Are there bytes that could leave if the socket took them?
    pub(crate) fn some_may_leave(&self, unsent: usize) -> bool {
        unsent > 0 && (self.marks.is_empty() || self.free_until > self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_a_mark_waits_and_what_is_before_it_leaves() {
        let log = Log::off(); // acknowledges nothing
        let mut holds = Holds::default();
        assert_eq!(holds.allowed(&log, 0, 100), 100);
        holds.sent(100);
        assert_eq!(holds.allowed(&log, 7, 50), 0, "a write at position 7");
        assert_eq!(holds.allowed(&log, 7, 80), 0, "and a read after it");
        assert!(holds.waits_for() == Some(7) && !holds.some_may_leave(80));
        assert_eq!((holds.take_made(), holds.take_made()), (1, 0), "the read has no mark of its own");
        assert_eq!(
            [holds.shift(true), holds.shift(true), holds.shift(false), holds.shift(false)],
            [Some(1), None, Some(-1), None]
        );
        // The log has taken position 7: its mark ends at 150, what came after it is behind the next one.
        assert_eq!(holds.allowed(&log, 9, 100), 0);
        holds.marks[0].position = 0;
        assert_eq!(holds.allowed(&log, 9, 120), 50);
        holds.sent(30);
        assert!(holds.some_may_leave(90));
        assert_eq!(holds.allowed(&log, 9, 90), 20);
        holds.sent(20);
        assert!(!holds.some_may_leave(70));
        holds.marks[0].position = 0;
        assert_eq!(holds.allowed(&log, 0, 70), 70);
        assert_eq!(holds.waits_for(), None);
    }
}
