//! When files are synced, and what happens when they cannot be: the log's one background thread.
//!
//! `always`: the thread writes and syncs all that waits, then acknowledges; whoever waits meanwhile shares the next round
//! (group commit, `gather`), so no event loop ever waits in a sync. `everysec`: a sync at most once a second, beside the writes. Redis
//! postpones a write while a sync runs, for up to two seconds; here an answer never leaves before its bytes are with the
//! kernel, so nothing is postponed: a write that the running sync holds up is only counted (`delayed_fsync`). Measured on ext4
//! with 15 MB a second: beside a running sync a write takes 18 us at the median and 25 ms at worst.
//! `no`: never, but for segments that are complete.
//!
//! After an error nothing more is acknowledged; the thread tries again after 100 ms, later every 500 ms, until the disk
//! takes everything. After a failed sync the file is not used any more: what it owes is written to fresh segments
//! (`repair`).
//! The thread sleeps while there is nothing to do. Tests call `step` instead and own clock and disk.

use crate::folder::Mark;
use crate::gather::{Gather, Wait};
use crate::slow::Slow;
use crate::trouble::{Event, Trouble, What};
use crate::writer::WriteError;
use crate::{Log, Policy, Position};
use kit::{notice, warning};
use parking_lot::{Condvar, Mutex};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
};
use std::time::Duration;

#[derive(Default)]
pub(crate) struct Background {
    /// Somebody wants the thread to look; set once until it does.
    wanted: AtomicBool,
    stopped: AtomicBool,
    sleeping: Mutex<()>,
    bell: Condvar,
    pub(crate) running: AtomicBool,
    state: Mutex<State>,
    /// The thread looks by itself within a second, because something is owed to the disk.
    armed: AtomicBool,
    /// Held by whoever does a round, so that there is one sync or repair at a time.
    turn: Mutex<()>,
    hope: Mutex<Hope>,
    pub(crate) delayed_count: AtomicU64,
    last_delay_told_ns: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) gather: Gather,
}

#[derive(Default)]
struct State {
    sync_last_ns: Option<u64>,
    retry_at_ns: Option<u64>,
    retry_ms: u64,
    looked_at_ns: u64,
    /// `always`: the next round waits for more.
    gathers: Option<Wait>,
}

/// Whether the log can heal from what it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Hope {
    #[default]
    Fine,
    /// Bytes are gone: only a snapshot holds what they did.
    NeedsBase,
    /// A rotation has begun a new set, whose base is being written.
    BaseComing,
}

const SECOND_NS: u64 = 1_000_000_000;
const MS_NS: u64 = 1_000_000;
const RETRY_MS_MIN: u64 = 100;
const RETRY_MS_MAX: u64 = 500;
/// A write that takes this long while a sync runs was held up by it.
const DELAY_MS: u64 = 20;
/// Without any event the thread looks this often whether the file is still there.
const LOOK_NS: u64 = SECOND_NS;

impl Log {
    /// The background thread's whole life; returns after `stop_background`.
    pub fn run_background(&self) {
        loop {
            let wait = self.step();
            let mut sleeping = self.sync.sleeping.lock();
            if self.sync.stopped.load(Acquire) {
                return;
            }
            if !self.sync.wanted.load(Acquire) && !wait.is_zero() {
                self.sync.bell.wait_for(&mut sleeping, wait);
            }
        }
    }

    pub fn stop_background(&self) {
        let _sleeping = self.sync.sleeping.lock();
        self.sync.stopped.store(true, Release);
        self.sync.bell.notify_all();
    }

    /// The background thread shall look now.
    pub(crate) fn wake(&self) {
        if !self.sync.wanted.swap(true, AcqRel) {
            let _sleeping = self.sync.sleeping.lock();
            self.sync.bell.notify_one();
        }
    }

    /// One round of the background work: everything that is due. Gives the time until something may be due again.
    pub fn step(&self) -> Duration {
        self.sync.wanted.store(false, Release);
        let now = self.clock.mono_ns();
        let mut wait = LOOK_NS;
        if self.has_file() {
            wait = wait.min(self.file_step(now));
        }
        wait = wait.min(self.housekeeping(now));
        self.deliver();
        Duration::from_nanos(wait)
    }

    fn file_step(&self, now: u64) -> u64 {
        let _turn = self.sync.turn.lock();
        // Before `written` is looked at: a flush stores it first and reads this afterwards.
        self.sync.armed.store(false, SeqCst);
        if self.troubled.load(Acquire) {
            let due = self.sync.state.lock().retry_at_ns.unwrap_or(now);
            if now < due {
                return due - now;
            }
            self.try_again();
            let state = self.sync.state.lock();
            return if self.troubled.load(Acquire) { state.retry_ms * MS_NS } else { 0 };
        }
        self.look(now);
        if self.troubled.load(Acquire) {
            return RETRY_MS_MIN * MS_NS;
        }
        let policy = self.switches.policy();
        if policy == Policy::Always && !self.switches.sync_suspended() {
            return self.commit_group(now);
        }
        self.sync.gather.by_anybody();
        if self.write_and_tell().is_err() {
            return RETRY_MS_MIN * MS_NS;
        }
        let owed = self.written.load(SeqCst) > self.synced.load(Acquire) || !self.writer.lock().closed.is_empty();
        let wanted = owed && (policy == Policy::EverySecond || !self.writer.lock().closed.is_empty());
        if !wanted || self.switches.sync_suspended() {
            return LOOK_NS;
        }
        self.sync.armed.store(true, SeqCst);
        let since = self.sync.state.lock().sync_last_ns.map_or(SECOND_NS, |last| now.saturating_sub(last));
        if since < SECOND_NS {
            return SECOND_NS - since;
        }
        self.sync.state.lock().sync_last_ns = Some(now);
        self.sync_and_tell();
        SECOND_NS
    }

    /// Writes and syncs all that waits, unless more is to be waited for. Gives the time until the next look.
    fn commit_group(&self, now: u64) -> u64 {
        if let Some(wait) = &mut self.sync.state.lock().gathers
            && wait.goes_on(self.position(), now)
        {
            return wait.look_ns;
        }
        self.sync.gather.by_nobody();
        let before = self.acknowledged();
        if self.write_and_tell().is_ok() {
            self.sync_and_tell();
        }
        if self.troubled.load(Acquire) {
            self.sync.gather.by_anybody();
            return RETRY_MS_MIN * MS_NS;
        }
        let (synced, end) = (self.acknowledged(), self.clock.mono_ns());
        let wait = Wait::after(synced - before, synced, self.position(), end - now, end);
        let from = wait.map_or(0, |wait| wait.all);
        self.sync.state.lock().gathers = wait;
        self.sync.gather.from(from);
        // A flush that came before that was not heard.
        if self.position() >= from.max(synced + 1) { 0 } else { wait.map_or(LOOK_NS, |wait| wait.look_ns) }
    }

    /// Writes what waits, for a flush.
    pub(crate) fn write_waiting(&self, upto: Position) {
        if self.troubled.load(Acquire) {
            return;
        }
        let mut writer = self.writer.lock();
        if self.acknowledged() >= upto || self.troubled.load(Acquire) {
            return; // another thread wrote for us
        }
        let result = self.write_locked(&mut writer);
        drop(writer);
        match result {
            // The thread may sleep: a second from now it has something to sync.
            Ok(_) => {
                self.wake_for_sync();
                if self.switches.slow_ms.load(Relaxed) != 0 {
                    self.deliver();
                }
            }
            Err(error) => {
                self.begin_trouble(error);
                self.deliver();
            }
        }
    }

    fn wake_for_sync(&self) {
        if self.switches.policy() == Policy::EverySecond && !self.sync.armed.load(SeqCst) {
            self.wake();
        }
    }

    fn write_locked(&self, writer: &mut crate::writer::Writer) -> Result<Position, WriteError> {
        let policy = self.switches.policy();
        let sleep_us = self.switches.flush_sleep_us.load(Relaxed);
        if sleep_us > 0 && self.pending.lock().len() > 0 {
            self.clock.sleep_us(sleep_us);
        }
        let (begin, before, kind) = (self.clock.mono_ns(), writer.written(), self.kind_of_write());
        let written = writer.write_all(self, self.synced.load(Acquire), policy)?;
        self.note_memory(writer);
        if written > before {
            self.write_took(self.clock.mono_ns().saturating_sub(begin), kind);
        }
        self.written.fetch_max(written, SeqCst);
        if policy != Policy::Always || self.switches.sync_suspended() {
            self.acknowledge(written);
        }
        Ok(written)
    }

    fn write_took(&self, ns: u64, kind: Slow) {
        self.times.write.record(ns);
        self.tell_if_slow(ns, &[Slow::Write, kind]);
        if kind == Slow::WritePendingSync && ns >= DELAY_MS * MS_NS {
            self.count_delay(ns);
        }
    }

    fn count_delay(&self, ns: u64) {
        let now = self.clock.mono_ns();
        self.sync.delayed_count.fetch_add(1, Relaxed);
        let told = self.sync.last_delay_told_ns.swap(now, Relaxed);
        if told == 0 || now.saturating_sub(told) > SECOND_NS {
            notice!(
                "Asynchronous AOF fsync is taking too long (disk is busy?): a write was held up for {} ms. This may slow down the server.",
                ns / MS_NS
            );
        }
    }

    /// In the background: writes, and wakes who waits for it.
    fn write_and_tell(&self) -> Result<(), ()> {
        let before = self.acknowledged();
        let mut writer = self.writer.lock();
        let result = self.write_locked(&mut writer);
        drop(writer);
        match result {
            Ok(_) => {
                if self.acknowledged() > before {
                    self.tell(Event::Acknowledged);
                }
                Ok(())
            }
            Err(error) => {
                self.begin_trouble(error);
                Err(())
            }
        }
    }

    fn sync_and_tell(&self) {
        let before = self.acknowledged();
        match self.sync_files() {
            Ok(()) if self.acknowledged() > before => self.tell(Event::Acknowledged),
            Ok(()) => {}
            Err(error) => self.begin_trouble(error),
        }
    }

    /// Syncs all that is written, oldest file first, with no lock that a writer needs.
    pub(crate) fn sync_files(&self) -> Result<(), WriteError> {
        let due: Vec<_> = {
            let writer = self.writer.lock();
            if writer.broken {
                return Err(WriteError {
                    what: What::Sync,
                    path: PathBuf::new(),
                    error: std::io::Error::other("not repaired"),
                });
            }
            writer.unsynced().map(|s| (s.seq, s.file.clone(), s.path.clone(), s.end)).collect()
        };
        for (seq, file, path, mark) in due {
            self.sync.running.store(true, Release);
            let begin = self.clock.mono_ns();
            let result = file.sync_data();
            let ns = self.clock.mono_ns().saturating_sub(begin);
            self.times.sync.record(ns);
            if self.switches.policy() == Policy::Always {
                self.tell_if_slow(ns, &[Slow::Sync]);
            }
            self.sync.running.store(false, Release);
            self.sync.syncs.fetch_add(1, Relaxed);
            if let Err(error) = result {
                self.writer.lock().broken = true;
                return Err(WriteError { what: What::Sync, path, error });
            }
            self.file_synced(seq, mark);
        }
        Ok(())
    }

    fn file_synced(&self, seq: u64, mark: Mark) {
        let mut writer = self.writer.lock();
        if let Some(segment) = writer.segment_mut(seq) {
            segment.synced(mark);
        }
        self.note_memory(&writer);
        if writer.closed.front().is_some_and(|segment| segment.seq == seq) {
            // Closing a file may take long: after the lock.
            let closed = writer.closed.pop_front();
            self.sizes.others.fetch_add(closed.as_ref().map_or(0, |segment| segment.len), Relaxed);
            drop(writer);
            drop(closed);
        }
        self.synced.fetch_max(mark.position, Release);
        self.acknowledge(mark.position);
    }

    /// Writes and syncs everything now, in the calling thread (SHUTDOWN, `turn_off`, tests).
    pub fn sync_now(&self) -> Result<(), Arc<Trouble>> {
        if !self.has_file() {
            return Ok(());
        }
        let turn = self.sync.turn.lock();
        if self.troubled.load(Acquire) {
            self.try_again();
        } else if self.write_and_tell().is_ok() {
            self.sync_and_tell();
        }
        drop(turn);
        self.deliver();
        self.trouble().map_or(Ok(()), Err)
    }

    pub(crate) fn begin_trouble(&self, error: WriteError) {
        let free = self.disk.free_bytes(&self.folder_path()).ok();
        let now_ms = self.clock.unix_ms().0;
        let path = if error.path.as_os_str().is_empty() { self.folder_path() } else { error.path };
        let new = Trouble::new(error.what, path, &error.error, free, now_ms);
        let first = {
            let mut trouble = self.trouble.lock();
            let first = trouble.is_none();
            let since = trouble.as_ref().map_or(now_ms, |old| old.since_unix_ms);
            *trouble = Some(Arc::new(Trouble { since_unix_ms: since, ..new.clone() }));
            self.troubled.store(true, Release);
            first
        };
        if first {
            self.sync.state.lock().retry_ms = RETRY_MS_MIN / 2;
        }
        self.retry_later();
        if first {
            warning!("{new}. Writes are refused until it works again.");
            self.tell(Event::TroubleBegan);
            self.wake();
        }
        if new.what == What::Vanished && self.hope() == Hope::Fine {
            self.set_hope(Hope::NeedsBase);
            self.tell(Event::NeedsBase);
        }
    }

    fn retry_later(&self) {
        let mut state = self.sync.state.lock();
        state.retry_ms = (state.retry_ms * 2).clamp(RETRY_MS_MIN, RETRY_MS_MAX);
        state.retry_at_ns = Some(self.clock.mono_ns() + state.retry_ms * MS_NS);
    }

    pub(crate) fn hope(&self) -> Hope {
        *self.sync.hope.lock()
    }

    pub(crate) fn set_hope(&self, hope: Hope) {
        *self.sync.hope.lock() = hope;
    }

    pub(crate) fn end_trouble(&self) {
        let Some(trouble) = self.trouble.lock().take() else { return };
        self.troubled.store(false, Release);
        let seconds = (self.clock.unix_ms().0 - trouble.since_unix_ms).max(0) as f64 / 1000.0;
        notice!("AOF write error looks solved, the log takes writes again after {seconds:.1} s: nothing was lost.");
        self.tell(Event::TroubleEnded);
        self.tell(Event::Acknowledged);
    }

    /// In trouble: whatever is left to do, from the beginning.
    fn try_again(&self) {
        let what = self.trouble.lock().as_ref().map(|trouble| trouble.what);
        let result = (|| {
            match self.hope() {
                Hope::Fine => {}
                // Moved away and back: the files are whole.
                Hope::NeedsBase if what == Some(What::Vanished) => {
                    self.file_is_there()?;
                    self.set_hope(Hope::Fine);
                }
                // Until the base is there.
                Hope::NeedsBase | Hope::BaseComing => return Ok(false),
            }
            if self.writer.lock().broken {
                self.repair()?;
            }
            let mut writer = self.writer.lock();
            self.write_locked(&mut writer)?;
            drop(writer);
            if self.switches.policy() != Policy::Never || what == Some(What::Sync) {
                self.sync_files()?;
            }
            Ok(true)
        })();
        match result {
            Ok(true) => self.end_trouble(),
            Ok(false) => self.retry_later(),
            Err(error) => self.begin_trouble(error),
        }
    }

    /// Once a second: somebody may have removed the folder under us, and writes to a removed file succeed.
    fn look(&self, now: u64) {
        {
            let mut state = self.sync.state.lock();
            if now.saturating_sub(state.looked_at_ns) < LOOK_NS {
                return;
            }
            state.looked_at_ns = now;
        }
        if let Err(error) = self.file_is_there() {
            self.begin_trouble(error);
        }
    }

    fn file_is_there(&self) -> Result<(), WriteError> {
        let Some(path) = self.writer.lock().current.as_ref().map(|segment| segment.path.clone()) else { return Ok(()) };
        if self.disk.exists(&path) {
            return Ok(());
        }
        let error = std::io::Error::from_raw_os_error(2);
        Err(WriteError { what: What::Vanished, path, error })
    }
}
