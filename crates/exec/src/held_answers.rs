//! Event loops that keep back answers until the log has gone on, and only those are woken then.
//!
//! A loop says so before it sleeps (`wait`) and looks at the log once more: either it sees that the log has gone on, or
//! who moved the log sees that it waits.

use crate::node::Node;
use crate::seams::Mail;
use log::Position;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, fence};

#[derive(Default)]
pub(crate) struct HeldAnswers {
    threads: Vec<AtomicBool>,
}

impl HeldAnswers {
    pub(crate) fn new(threads: usize) -> HeldAnswers {
        HeldAnswers { threads: (0..threads).map(|_| AtomicBool::new(false)).collect() }
    }
}

impl Node {
    /// This event loop has answers that wait until the log has taken everything up to `position`. False: it has.
    #[must_use]
    pub fn wait_for_log(&self, thread: usize, position: Position) -> bool {
        self.held_answers.threads[thread].store(true, Relaxed);
        fence(SeqCst);
        self.log.acknowledged() < position
    }

    /// `Log::acknowledged` has moved.
    pub fn log_went_on(&self) {
        fence(SeqCst);
        for (thread, waits) in self.held_answers.threads.iter().enumerate() {
            if waits.load(Relaxed) && waits.swap(false, Relaxed) {
                self.send_to(thread, Mail::Nudge);
            }
        }
    }
}
