//! CLIENT PAUSE: until when which commands wait.

use crate::node::{Alarms, alarm};
use kit::world::UnixMs;
use parking_lot::Mutex;

#[derive(Default)]
pub struct Pause {
    until: Mutex<Until>,
}

#[derive(Default, Clone, Copy)]
struct Until {
    all: Option<UnixMs>,
    writes: Option<UnixMs>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paused {
    No,
    Writes,
    All,
}

impl Pause {
    /// A later pause never shortens an earlier one of its kind.
    pub fn begin(&self, alarms: &Alarms, all: bool, until: UnixMs) {
        let mut state = self.until.lock();
        let side = if all { &mut state.all } else { &mut state.writes };
        *side = Some(side.map_or(until, |old| old.max(until)));
        alarms.set(alarm::PAUSED, true);
    }

    pub fn end(&self, alarms: &Alarms) {
        let mut state = self.until.lock();
        *state = Until::default();
        alarms.set(alarm::PAUSED, false);
    }

    /// What waits now, and until when. Ends the pause when its time is over.
    pub fn state(&self, alarms: &Alarms, now: UnixMs) -> (Paused, UnixMs) {
        let mut state = self.until.lock();
        state.all = state.all.filter(|until| *until > now);
        state.writes = state.writes.filter(|until| *until > now);
        match (state.all, state.writes) {
            (Some(until), _) => (Paused::All, until),
            (None, Some(until)) => (Paused::Writes, until),
            (None, None) => {
                alarms.set(alarm::PAUSED, false);
                (Paused::No, now)
            }
        }
    }
}
