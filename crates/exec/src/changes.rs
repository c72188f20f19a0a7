//! What one command did to the keyspace, collected while it runs and carried out after it.
//!
//! Bodies only say what they change; watchers, the log, notifications and the removal of expired
//! keys follow from this list, in one place (`after.rs`).

use keyspace::KeyHash;
use log::Unit;

#[derive(Default)]
pub struct Changes {
    pub touched: Vec<Touched>,
    pub events: Vec<Event>,
    /// Keys found past their time: removed when the command is done, before its own effect.
    pub expired: Vec<KeyName>,
    /// Keys past their time that the body replaced: the log says DEL before the command, because
    /// its replay leaves such keys in place.
    pub replaced: Vec<KeyName>,
    /// Fields of hashes found past their time.
    pub fields: Vec<StaleField>,
    /// Keys that must be brought in before the command can run.
    pub away: Vec<KeyName>,
    pub effect: Effect,
    pub instead: Unit,
    /// Databases that were emptied or exchanged as a whole.
    pub databases: Vec<usize>,
    /// Counts as a change of this many elements beyond the touched keys.
    pub dirty_extra: u64,
    /// Changes in all, where a body says so; else the keys touched, and the extra ones.
    pub dirty_in_all: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    pub db: u16,
    pub hash: KeyHash,
    /// Only an expired key went away: no change for who watched it when it was stale already.
    pub was_stale: bool,
    /// Nothing that a waiting client could be waiting for (XACK, XDEL): none is woken.
    pub quiet: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName {
    pub db: usize,
    pub hash: KeyHash,
    pub key: Box<[u8]>,
}

/// A field of a hash past its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleField {
    pub name: KeyName,
    pub field: Box<[u8]>,
    /// The body has put another one in its place; the log hears of it all the same, before the command.
    pub replaced: bool,
}

pub struct Event {
    pub class: u32,
    pub name: &'static str,
    pub db: usize,
    pub key: Box<[u8]>,
}

/// How the log reproduces the command.
#[derive(Default, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Its own words, when it changed something.
    #[default]
    AsCalled,
    /// Its own words even when no key changed (FLUSHALL of nothing, PUBLISH).
    AsCalledAlways,
    /// The commands in `Changes::instead`.
    Instead,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.touched.is_empty()
            && self.events.is_empty()
            && self.expired.is_empty()
            && self.replaced.is_empty()
            && self.fields.is_empty()
            && self.away.is_empty()
            && self.effect == Effect::AsCalled
            && self.databases.is_empty()
            && self.dirty_extra == 0
    }

    pub fn clear(&mut self) {
        self.touched.clear();
        self.events.clear();
        self.expired.clear();
        self.replaced.clear();
        self.fields.clear();
        self.away.clear();
        self.effect = Effect::AsCalled;
        self.instead.clear();
        self.databases.clear();
        self.dirty_extra = 0;
        self.dirty_in_all = None;
    }
}
