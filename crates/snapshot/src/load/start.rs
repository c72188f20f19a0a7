//! What a server loads when it starts.
//!
//! With `appendonly` the append-only file; without, or when there is none yet, the snapshot. Redis starts empty when
//! `appendonly` is on and there is only a snapshot; here the snapshot is loaded and becomes the first base, so
//! that nobody loses data who comes from a server without that file.

use super::How;
use crate::keeper::Snapshots;
use crate::options;
use crate::replay::Replay;
use exec::Node;
use exec::node::alarm;
use exec::seams::Reload;
use log::{LoadError, Loaded, Plan};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Snapshots {
    /// Is there anything to be done before clients may come?
    pub fn has_data(&self, node: &Node) -> bool {
        let folder = node.log.settings().dir.join(&node.log.settings().folder_name);
        node.config.get(&options::APPEND_ONLY) || node.disk.exists(&snapshot_path(node)) || node.disk.exists(&folder)
    }

    /// Loads what there is, and turns the log on. Clients are kept out by `alarm::LOADING` meanwhile. False when the
    /// server cannot start; the log says why.
    pub fn load_at_start(&self, node: &Arc<Node>) -> bool {
        let loaded = match node.config.get(&options::APPEND_ONLY) {
            true => self.load_log_first(node),
            false => self.load_old_snapshot(node),
        };
        if !node.config.get(&options::APPEND_ONLY)
            && let Err(error) = node.log.look_at_folder()
        {
            kit::warning!("The append-only file is off, and what is there of it is no good: {error}");
        }
        self.loading.end();
        match loaded {
            Ok(()) => {
                node.dirty.store(0, Relaxed);
                node.last_save_ms.store(node.now().0, Relaxed);
                true
            }
            Err(_) if self.loading.stop.load(Relaxed) => false,
            Err(error) => {
                kit::warning!("{error}");
                kit::warning!("Fatal error loading the DB, check server logs. Exiting.");
                false
            }
        }
    }

    /// The snapshot, if there is one.
    fn load_old_snapshot(&self, node: &Node) -> Result<(), String> {
        let path = snapshot_path(node);
        if !node.disk.exists(&path) {
            return Ok(());
        }
        let begin_ns = node.clock.mono_ns();
        let how = self.how(node);
        let failed = |_| "Terminating server after rdb file reading failure.".to_owned();
        self.load_snapshot(node, &path, how).map_err(failed)?;
        let secs = (node.clock.mono_ns() - begin_ns) as f64 / 1e9;
        kit::notice!("DB loaded from disk: {secs:.3} seconds");
        Ok(())
    }

    fn load_log_first(&self, node: &Arc<Node>) -> Result<(), String> {
        let plan = node.log.plan().map_err(|error| error.to_string())?;
        if !plan.is_empty() {
            let loaded = self.replay(node, &plan, node.config.get(&options::LOAD_TRUNCATED))?;
            return node.log.begin(&loaded, None).map_err(|error| told("opened", &error));
        }
        if node.disk.exists(&snapshot_path(node)) {
            kit::notice!(
                "appendonly is on and there is no append-only file yet: the snapshot {} is loaded, and becomes its base",
                snapshot_path(node).display()
            );
        }
        self.load_old_snapshot(node)?;
        let base = self.first_base(node)?;
        node.log.begin(&Loaded::default(), Some(&base)).map_err(|error| told("made", &error))
    }

    /// Runs the files of a plan.
    fn replay(&self, node: &Arc<Node>, plan: &Plan, load_truncated: bool) -> Result<Loaded, String> {
        let begin_ns = node.clock.mono_ns();
        self.loading.begin(node.now().0, plan.bytes);
        let mut replay = Replay::new(self, node);
        let loaded = node.log.load(plan, &mut replay, load_truncated);
        self.loading.end();
        let loaded = loaded.map_err(|error: LoadError| error.to_string())?;
        let secs = (node.clock.mono_ns() - begin_ns) as f64 / 1e9;
        kit::notice!("DB loaded from append only file: {secs:.3} seconds");
        Ok(loaded)
    }

    /// DEBUG RELOAD and LOADAOF, on the keeper's thread. Saving and removing is one moment; while the data come back
    /// clients are told that this server loads.
    pub(crate) fn reload_now(&self, node: &Arc<Node>, reload: Reload) -> Result<(), String> {
        {
            let _world = node.world.exclusive();
            self.make_room(node, reload)?;
            node.alarms.set(alarm::LOADING, true);
        }
        let loaded = self.load_again(node, reload);
        if loaded.is_ok() {
            node.dirty.store(0, Relaxed);
        }
        // A process that ends must not take half of the data for all of it.
        if !self.loading.stop.load(Relaxed) {
            node.alarms.set(alarm::LOADING, false);
        }
        loaded
    }

    /// What comes before a reload; the world is locked.
    fn make_room(&self, node: &Node, reload: Reload) -> Result<(), String> {
        let flush = match reload {
            Reload::Snapshot { save, flush, .. } => {
                if save {
                    self.save_now(node)?;
                }
                flush
            }
            Reload::Log => {
                node.log.sync_now().map_err(|trouble| trouble.to_string())?;
                true
            }
        };
        if flush {
            self.cancel_running();
            remove_all(node);
        }
        Ok(())
    }

    fn load_again(&self, node: &Arc<Node>, reload: Reload) -> Result<(), String> {
        match reload {
            Reload::Snapshot { merge, .. } => {
                self.load_snapshot(node, &snapshot_path(node), How { merge, ..self.how(node) })?;
                kit::warning!("DB reloaded by DEBUG RELOAD");
            }
            Reload::Log => {
                let plan = node.log.plan().map_err(|error| error.to_string())?;
                self.replay(node, &plan, false)?;
                kit::warning!("Append Only File loaded by DEBUG LOADAOF");
            }
        }
        Ok(())
    }

    /// One RDB file, told in the log and in INFO.
    pub(crate) fn load_snapshot(&self, node: &Node, path: &Path, how: How) -> Result<(), String> {
        self.loading.begin(node.now().0, node.disk.size(path).unwrap_or(0));
        let loaded = super::load(node, &self.loading, path, how);
        self.loading.end();
        match loaded {
            Ok(_) => {
                kit::notice!(
                    "Done loading RDB, keys loaded: {}, keys expired: {}, empty keys skipped: {}.",
                    self.loading.keys_loaded.load(Relaxed),
                    self.loading.keys_expired.load(Relaxed),
                    self.loading.keys_empty.load(Relaxed)
                );
                Ok(())
            }
            Err(error) => {
                if !self.loading.stop.load(Relaxed) {
                    kit::warning!("Error loading the RDB file {}: {error}", path.display());
                }
                Err(error.to_string())
            }
        }
    }

    pub(crate) fn how(&self, node: &Node) -> How {
        How { merge: false, is_base: false, thresholds: (self.thresholds)(&node.config) }
    }

    /// The process ends this moment.
    pub fn remove_temp(&self) {
        if let Some(node) = self.node.upgrade() {
            let _ = node.disk.remove(&crate::file::temp_name()); // usually there is none
        }
    }

    /// The process was asked to stop while it loads.
    pub fn stop_loading(&self) {
        self.loading.stop.store(true, Relaxed);
    }
}

pub(crate) fn snapshot_path(node: &Node) -> PathBuf {
    PathBuf::from(&*node.config.get(&options::FILE_NAME))
}

fn told(what: &str, error: &std::io::Error) -> String {
    format!("The append-only file cannot be {what}: {error}")
}

/// The world is locked, no shard is.
fn remove_all(node: &Node) {
    node.libraries.lock().clear();
    for shard in 0..keyspace::SHARDS {
        for db in 0..node.databases {
            let taken = node.keyspace.lock(shard).take_db(db);
            if let Some(taken) = taken {
                node.freer.db(taken, true);
            }
        }
    }
}
