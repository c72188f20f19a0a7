//! Snapshots without a fork, save points, rewriting of the append-only file, and loading.
//!
//! A snapshot shows one moment: a walk over the tables (`keyspace/walk.rs`) that begins under the world lock, a thread
//! that steps through it and one that writes (`walk.rs`, `file.rs`). `keeper.rs` is the thread that does one after the other;
//! `load/` is the way back. Values are written and read by `types::rdb`.
//! Knows nothing of sockets; of the log it knows where its base goes.
#![forbid(unsafe_code)]

mod aof;
mod check;
pub mod commands;
mod commands_form;
mod file;
mod form;
mod keeper;
mod load;
mod opcodes;
pub mod options;
mod points;
mod replay;
mod restore;
mod saver;
#[cfg(test)]
mod tests;
mod walk;

pub use aof::{FolderLocker, settings as log_settings};
pub use check::{CheckedRdb, check_rdb, is_rdb};
pub use commands::COMMANDS;
pub use keeper::Snapshots;
pub use options::OPTIONS;

use exec::Node;
use exec::node::{Applier, alarm};
use exec::seams::Saver;
use kit::opt::Config;
use log::Event;
use std::sync::{Arc, Weak};
use types::rdb::Thresholds;

/// Up to where small collections are made: options of the commands.
pub type ThresholdsOf = fn(&Config) -> Thresholds;

/// Makes the node's saver, and starts its thread and the log's.
pub fn start(node: &Arc<Node>, thresholds: ThresholdsOf) -> std::io::Result<Arc<Snapshots>> {
    let snapshots = Snapshots::new(node, thresholds);
    let _ = node.saver.set(Arc::clone(&snapshots) as Arc<dyn Saver>); // a second one would be a test's mistake
    let keeper = Arc::downgrade(&snapshots);
    listen(node, &keeper);
    std::thread::Builder::new().name("snapshot".into()).spawn(move || {
        if let Some(snapshots) = keeper.upgrade() {
            snapshots.keep();
        }
    })?;
    let log = Arc::clone(&node.log);
    std::thread::Builder::new().name("log".into()).spawn(move || log.run_background())?;
    Ok(snapshots)
}

/// What the log tells: who waits for it is woken, trouble refuses writes.
fn listen(node: &Arc<Node>, snapshots: &Weak<Snapshots>) {
    let (node_of_log, snapshots) = (Arc::downgrade(node), snapshots.clone());
    node.log.set_listener(move |event| {
        let Some(node) = node_of_log.upgrade() else { return };
        match event {
            Event::Acknowledged => node.log_went_on(),
            Event::TroubleBegan => node.alarms.set(alarm::DISK, true),
            Event::TroubleEnded => {
                node.alarms.set(alarm::DISK, false);
                node.nudge_all();
            }
            Event::Slow { what, ms } => {
                let threshold = node.config.get(&exec::latency::THRESHOLD);
                node.latency.note(threshold, what.name(), node.now().secs(), ms);
            }
            Event::NeedsBase => {
                if let Some(snapshots) = snapshots.upgrade() {
                    snapshots.log_needs_base();
                }
            }
        }
    });
}

/// What CONFIG SET of this crate's options does beyond keeping the value.
pub fn appliers(snapshots: &Arc<Snapshots>) -> Vec<Applier> {
    let (for_points, for_log) = (Arc::clone(snapshots), Arc::clone(snapshots));
    let for_history = Arc::clone(snapshots);
    vec![
        Applier {
            options: &["save", "stop-writes-on-bgsave-error"],
            apply: Box::new(move |node| {
                for_points.apply(node);
                Ok(())
            }),
        },
        Applier {
            options: &["appendonly"],
            apply: Box::new(move |node| {
                for_log.log_wanted_changed(&node.itself.upgrade().ok_or("this server ends")?);
                Ok(())
            }),
        },
        Applier {
            options: &[
                "appendfsync",
                "no-appendfsync-on-rewrite",
                "aof-timestamp-enabled",
                "aof-disable-auto-gc",
                "log-retention-seconds",
                "log-retention-bytes",
                "latency-monitor-threshold",
            ],
            apply: Box::new(move |node| {
                node.log.set_live(&aof::live(&node.config));
                for_history.state.lock().drop_history = !node.config.get(&options::KEEP_HISTORY);
                Ok(())
            }),
        },
    ]
}
