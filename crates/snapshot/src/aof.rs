//! The append-only file seen from here: its options, its base written anew, on and off at run time.
//!
//! A rewrite: the log prepares its next file (`prepare_rotate`, I/O), at the snapshot's moment it goes over to it (`rotate`, under the
//! world lock), the snapshot is written, and becomes the base (`install_base`). Turning on is the same with other
//! doors. `keeper.rs` does one after the other; what is wanted stands in the option `appendonly`, and the keeper's
//! `tick` makes it so.

use crate::file::{Failure, Plan};
use crate::keeper::{Record, Snapshots, State, now_ms};
use crate::options;
use exec::Node;
use exec::node::alarm;
use kit::opt::Config;
use log::{Base, Format, Live, Log, Policy, Prepared, Rotated, Settings};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
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
pub(crate) fn prepare(log: &Log, way: Way) -> std::io::Result<Option<Prepared>> {
    match way {
        Way::Rewrite => log.prepare_rotate().map(Some),
        Way::TurnOn => log.prepare_on().map(Some),
        Way::Alone => Ok(None),
    }
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

/// Off at run time, and at the end of the process. No lock is held.
pub(crate) fn turn_off(node: &Node) {
    {
        let _world = node.world.exclusive();
        node.log.switch_off();
    }
    close(node);
}

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

/// An event loop waits a moment for a walk to stop: 10 ms when tests make it slow, and hardly any time else.
const CANCEL_WAIT: Duration = Duration::from_millis(10);
const CANCEL_WAITS_MAX: u32 = 5;

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

impl Snapshots {
    /// CONFIG SET appendonly. It is made so in the background; what INFO says changes at once.
    pub(crate) fn log_wanted_changed(&self, node: &Node) {
        if node.alarms.get() & alarm::LOADING != 0 {
            return; // looked at when the data are there
        }
        let wanted = node.config.get(&options::APPEND_ONLY);
        let mut state = self.state.lock();
        if wanted && !node.log.is_on() {
            state.claim_rewrite();
        }
        if !wanted
            && let Some(running) = state.running.as_ref().filter(|running| running.what == crate::keeper::What::Rewrite)
        {
            kit::notice!("Killing running AOF rewrite child: {}", std::process::id());
            let control = running.control.clone();
            control.cancel.store(true, Relaxed);
            // Who asks for another one next should not hear that this one is still there.
            let is_it = |state: &State| {
                state.running.as_ref().is_some_and(|running| std::sync::Arc::ptr_eq(&running.control, &control))
            };
            for _ in 0..CANCEL_WAITS_MAX {
                if !is_it(&state) {
                    break;
                }
                self.bell.wait_for(&mut state, CANCEL_WAIT);
            }
        }
        drop(state);
        self.bell.notify_all();
    }

    /// The files of the log are lost: only a new base mends that.
    pub fn log_needs_base(&self) {
        self.state.lock().rewrite_scheduled = true;
        self.bell.notify_all();
    }
}
