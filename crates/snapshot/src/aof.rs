//! The append-only file seen from here: its options, its base written anew, on and off at run time.
//!
//! A rewrite: the log prepares its next file (`prepare_rotate`, I/O), at the snapshot's moment it goes over to it (`rotate`, under the
//! world lock), the snapshot is written, and becomes the base (`install_base`). Turning on is the same with other
//! doors. `keeper.rs` does one after the other; what is wanted stands in the option `appendonly`, and the keeper's
//! `tick` makes it so.

use crate::file::{Failure, Plan};
use crate::keeper::{Record, Snapshots, State, What, now_ms};
use crate::options;
use exec::Node;
use exec::node::alarm;
use exec::seams::Saved;
use kit::opt::Config;
use log::{Base, Format, Live, Log, Policy, Prepared, Rotated, Settings};
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The log's settings as the configuration has them. `dir` is absolute.
pub fn settings(config: &Config, dir: &Path) -> Settings {
    Settings {
        dir: dir.to_path_buf(),
        folder_name: config.get(&options::APPEND_DIR).to_string(),
        file_name: config.get(&options::APPEND_FILE).to_string(),
        live: live(config),
    }
}

pub(crate) fn live(config: &Config) -> Live {
    Live {
        policy: match config.get(&options::APPEND_FSYNC) {
            2 => Policy::Always,
            0 => Policy::Never,
            _ => Policy::EverySecond,
        },
        timestamps: config.get(&options::TIMESTAMPS),
        no_sync_on_rewrite: config.get(&options::NO_SYNC_ON_REWRITE),
        drops_history: !config.get(&options::KEEP_HISTORY),
        keep_secs: config.get(&options::RETENTION_SECS).unsigned_abs(),
        keep_bytes: config.get(&options::RETENTION_BYTES).unsigned_abs(),
        slow_ms: config.get(&exec::latency::THRESHOLD).unsigned_abs(),
    }
}

/// How the log comes to a new base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// It is on: the base replaces what was before.
    Rewrite,
    /// It goes on with this.
    TurnOn,
    /// It is off, and stays so: BGREWRITEAOF makes a base all the same.
    Alone,
}

/// A rewrite from its moment on.
pub(crate) struct Begun {
    way: Way,
    rotated: Option<Rotated>,
    /// The base is to be commands, not RDB (`aof-use-rdb-preamble no`).
    pub as_commands: bool,
    pub temp: PathBuf,
}

/// The files for it. I/O, no lock.
pub(crate) fn prepare(log: &Log, way: Way) -> Result<Option<Prepared>, String> {
    let prepared = match way {
        Way::Rewrite => log.prepare_rotate().map(Some),
        Way::TurnOn => log.prepare_on().map(Some),
        Way::Alone => Ok(None),
    };
    prepared.map_err(|error| format!("its next part cannot be made: {error}"))
}

/// The snapshot's moment; the world is locked.
pub(crate) fn begin(node: &Node, way: Way, prepared: Option<Prepared>) -> Begun {
    let rotated = prepared.map(|prepared| match way {
        Way::TurnOn => node.log.turn_on(prepared),
        Way::Rewrite | Way::Alone => node.log.rotate(prepared),
    });
    let as_commands = !node.config.get(&options::RDB_PREAMBLE);
    let name = format!("temp-rewriteaof-bg-{}.aof", std::process::id());
    Begun { way, rotated, as_commands, temp: node.log.settings().dir.join(name) }
}

impl Begun {
    /// Before there is a log: the first base, which `Log::begin` takes.
    pub(crate) fn first(node: &Node) -> Begun {
        begin(node, Way::Alone, None)
    }

    pub(crate) fn base(&self) -> Base {
        Base { temp: self.temp.clone(), format: if self.as_commands { Format::Aof } else { Format::Rdb } }
    }
}

/// The snapshot is written and synced.
pub(crate) fn finish(node: &Node, begun: &Begun, plan: &Plan) -> Result<(), Failure> {
    let installed = node.log.install_base(&begun.base(), begun.rotated);
    installed.map_err(|error| {
        let _ = node.disk.remove(&plan.temp); // best effort: the first error is the one to tell
        Failure::Failed(format!("the new base cannot be put in place: {error}"))
    })
}

/// It failed, or was given up. No lock is held, and nobody who holds the world waits for this.
pub(crate) fn undo(node: &Node, begun: &Begun) {
    if let (Way::TurnOn, Some(rotated)) = (begun.way, begun.rotated) {
        {
            let _world = node.world.exclusive();
            node.log.abandon(rotated);
        }
        close(node);
    }
}

/// Off at run time. No lock is held.
pub(crate) fn turn_off(node: &Node) {
    {
        let _world = node.world.exclusive();
        node.log.switch_off();
    }
    close(node);
}

/// At the end of the process, when no event loop runs any more. A script may, and one that has written cannot be ended:
/// it is left behind after a moment. It appends what it did when it is done, all at once, so the log is whole without.
pub(crate) fn close_at_end(node: &Node) {
    let until = node.clock.mono_ns().saturating_add(SCRIPT_PATIENCE_NS);
    for running in node.scripts.running() {
        running.kill.store(true, Relaxed);
    }
    let mut world = node.world.try_exclusive();
    while world.is_none() && node.clock.mono_ns() < until {
        std::thread::sleep(Duration::from_millis(1));
        world = node.world.try_exclusive();
    }
    if world.is_none() {
        kit::warning!("A script that does not end is left behind: nothing of what it did is kept.");
    }
    node.log.switch_off();
    drop(world);
    close(node);
}

/// A script that only reads sees within so many milliseconds that it shall end.
const SCRIPT_PATIENCE_NS: u64 = 200_000_000;

fn close(node: &Node) {
    if let Err(trouble) = node.log.close() {
        kit::warning!("The append-only file could not be closed in good order: {trouble}");
    }
}

/// Has the file grown enough to be written anew?
pub(crate) fn is_due(node: &Node, record: &Record) -> bool {
    let percentage = node.config.get(&options::REWRITE_PERCENTAGE).unsigned_abs();
    let status = node.log.status();
    if !status.on
        || percentage == 0
        || status.current_bytes <= node.config.get(&options::REWRITE_MIN_SIZE).unsigned_abs()
        || must_wait(node, record)
    {
        return false;
    }
    let base = status.base_bytes.max(1);
    let growth = (status.current_bytes.saturating_mul(100) / base).saturating_sub(100);
    if growth >= percentage {
        kit::notice!("Starting automatic rewriting of AOF on {growth}% growth");
    }
    growth >= percentage
}

/// After three failures in a row it waits a minute, then two, four … up to an hour.
const FAILURES_MAX: u64 = 3;
const WAIT_MINUTES_MAX: i64 = 60;

pub(crate) fn must_wait(node: &Node, record: &Record) -> bool {
    if record.failures_in_a_row < FAILURES_MAX {
        return false;
    }
    let minutes = (1_i64 << (record.failures_in_a_row - FAILURES_MAX).min(6)).min(WAIT_MINUTES_MAX);
    record.tried_ms.is_some_and(|at| now_ms(node) - at < minutes * 60_000)
}

/// Keeps other servers away from the log's folder, while this one has a log or writes a base there.
#[derive(Default)]
pub(crate) struct FolderLock {
    locker: OnceLock<FolderLocker>,
    held: Mutex<Option<Box<dyn Send>>>,
}

/// Locks a log's files, by folder and name, until what it gives is dropped. The error says who has them.
pub type FolderLocker = fn(&Path, &str) -> Result<Box<dyn Send>, String>;

impl FolderLock {
    /// Waits a moment for whoever has it. Twice is once.
    pub(crate) fn take(&self, node: &Node) -> Result<(), String> {
        let mut held = self.held.lock();
        if let (None, Some(locker)) = (&*held, self.locker.get()) {
            let Settings { dir, folder_name, file_name, .. } = node.log.settings();
            *held = Some(locker(&dir.join(folder_name), file_name)?);
        }
        Ok(())
    }

    pub(crate) fn release_if_off(&self, node: &Node) {
        let mut held = self.held.lock();
        if !node.log.is_on() {
            *held = None;
        }
    }
}

impl Snapshots {
    /// Whoever starts the server knows how files are locked; here nobody does.
    pub fn set_folder_locker(&self, locker: FolderLocker) {
        let _ = self.folder.locker.set(locker); // there is one
    }

    /// Before the log is loaded.
    pub fn lock_folder(&self, node: &Node) -> Result<(), String> {
        self.folder.take(node)
    }

    /// CONFIG SET appendonly. It is made so in the background; `log_settles` tells when.
    pub(crate) fn log_wanted_changed(&self, node: &Arc<Node>) {
        if node.alarms.get() & alarm::LOADING != 0 {
            return; // looked at when the data are there
        }
        let wanted = node.config.get(&options::APPEND_ONLY);
        let mut state = self.state.lock();
        if wanted && !node.log.is_on() {
            kit::notice!("The append-only file is wanted: an AOF background was scheduled to start when possible.");
            state.claim_rewrite();
        }
        let running = state.running.as_ref().map(|running| (running.what, running.control.clone()));
        drop(state);
        match running {
            Some((What::Rewrite, control)) if !wanted => {
                kit::notice!("Killing running AOF rewrite child: {}", std::process::id());
                control.cancel.store(true, Relaxed);
            }
            // The keeper is busy, maybe for minutes.
            Some((What::Snapshot, _)) if !wanted && node.log.is_on() => self.turn_off_beside(node),
            Some(_) | None => {}
        }
        self.bell.notify_all();
    }

    fn turn_off_beside(&self, node: &Arc<Node>) {
        let (node, snapshots) = (Arc::clone(node), self.itself.clone());
        let thread = std::thread::Builder::new().name("log-off".into()).spawn(move || {
            let Some(snapshots) = snapshots.upgrade() else { return };
            snapshots.turn_off_if_unwanted(&node);
            snapshots.tell_log_waiters(&node, None);
        });
        if let Err(error) = thread {
            kit::warning!("The append-only file is closed when the snapshot is done: no thread for it: {error}");
        }
    }

    /// Off, when that is wanted. One at a time: it is closed when this returns, whoever did it.
    pub(crate) fn turn_off_if_unwanted(&self, node: &Node) {
        let _turn = self.off_turn.lock();
        if !node.config.get(&options::APPEND_ONLY) && node.log.is_on() {
            turn_off(node);
            self.folder.release_if_off(node);
        }
    }

    /// Calls `done` when the log is as `appendonly` says, or cannot be made so. False: it is so already, or will be later
    /// for a reason that nobody waits for.
    pub(crate) fn tell_when_log_settles(&self, node: &Node, done: Saved) -> bool {
        let mut state = self.state.lock();
        let settled = self.is_log_settled(node, &state);
        if !settled {
            state.log_waiters.push(done);
            self.bell.notify_all();
        }
        !settled
    }

    fn is_log_settled(&self, node: &Node, state: &State) -> bool {
        if node.alarms.get() & alarm::LOADING != 0 {
            return true;
        }
        match node.config.get(&options::APPEND_ONLY) {
            // On from a snapshot's moment on. While another one is written that has to wait, as in Redis.
            true => node.log.is_on() || state.rewrite_scheduled,
            false => {
                let rewrites = state.running.as_ref().is_some_and(|running| running.what == What::Rewrite);
                !node.log.is_on() && !rewrites && self.off_turn.try_lock().is_some()
            }
        }
    }

    /// `failed` says why it could not be turned on: then the option goes back, if somebody waits to hear that.
    pub(crate) fn tell_log_waiters(&self, node: &Node, failed: Option<&str>) {
        let mut state = self.state.lock();
        if state.log_waiters.is_empty() || failed.is_none() && !self.is_log_settled(node, &state) {
            return;
        }
        let waiters = std::mem::take(&mut state.log_waiters);
        drop(state);
        if failed.is_some() {
            node.config.set_value(&options::APPEND_ONLY, false);
        }
        for done in waiters {
            done(failed.map_or(Ok(()), |why| Err(why.to_owned())));
        }
    }

    /// The files of the log are lost: only a new base mends that.
    pub fn log_needs_base(&self) {
        self.state.lock().rewrite_scheduled = true;
        self.bell.notify_all();
    }
}
