//! What the floors below ask of snapshots: the seam `Saver`.

use crate::keeper::{Snapshots, What, now_ms};
use crate::points;
use exec::db::Db;
use exec::node::alarm;
use exec::seams::{AllRemoved, Reload, SaveReport, Saved, Saver, Start};
use proto::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

impl Saver for Snapshots {
    fn start(&self, db: &mut Db, start: Start, done: Option<Saved>) -> Result<&'static str, Error> {
        self.start_for(db, start, done)
    }

    fn save_last(&self) -> Result<(), String> {
        let Some(node) = self.node.upgrade() else { return Ok(()) };
        let _world = node.world.exclusive();
        if node.alarms.get() & alarm::LOADING != 0 {
            kit::notice!("The data are being loaded again: what was saved before stays.");
            return Ok(());
        }
        self.save_now(&node)
    }

    fn reload(&self, reload: Reload, done: Saved) {
        self.ask_reload(reload, done);
    }

    fn all_removed(&self, db: &mut Db, count: u64, done: Option<Saved>) -> AllRemoved {
        let Some(node) = self.node.upgrade() else { return AllRemoved::Counts };
        if node.alarms.get() & alarm::LOADING != 0 {
            return AllRemoved::Counts; // a FLUSHALL of the log that is being loaded
        }
        let mut state = self.state.lock();
        let running = state.running.as_ref().filter(|running| running.what == What::Snapshot);
        if let Some(running) = running {
            running.control.cancel.store(true, Relaxed);
        }
        if !points::any(&node) {
            return AllRemoved::Counts;
        }
        state.flushed += count + node.dirty.swap(0, Relaxed);
        if state.running.is_some() {
            state.save_scheduled = true;
            return AllRemoved::SavedLater;
        }
        drop(state);
        self.save_nothing(&node, db, done);
        AllRemoved::BeingSaved
    }

    fn log_settles(&self, done: Saved) -> bool {
        self.node.upgrade().is_some_and(|node| self.tell_when_log_settles(&node, done))
    }

    fn clean_up(&self) {
        self.end();
        self.remove_temp();
        let Some(node) = self.node.upgrade() else { return };
        if node.log.is_on() {
            kit::notice!("Calling fsync() on the AOF file.");
            crate::aof::close_at_end(&node);
        }
        self.folder.release_if_off(&node);
        node.log.stop_background();
    }

    fn report(&self) -> SaveReport {
        let Some(node) = self.node.upgrade() else { return SaveReport::default() };
        let mut state = self.state.lock();
        let since = |what: What| match &state.running {
            Some(running) if running.what == what => (now_ms(&node) - running.since_ms) / 1000,
            Some(_) | None => -1,
        };
        let (current_save_secs, current_rewrite_secs) = (since(What::Snapshot), since(What::Rewrite));
        let took = |ms: Option<i64>| ms.map_or(-1, |ms| ms / 1000);
        let counts = state.running.as_ref().map(|running| Arc::clone(&running.control.counts));
        let (keys_done, keys_total, early_bytes) = counts.map_or((0, 0, 0), |counts| {
            (counts.keys.load(Relaxed), counts.keys_total.load(Relaxed), counts.early_bytes.load(Relaxed))
        });
        state.early_bytes_peak = state.early_bytes_peak.max(early_bytes);
        SaveReport {
            async_loading: false,
            loading: self.loading.report(node.now().0),
            keys_done,
            keys_total,
            early_bytes,
            early_bytes_peak: state.early_bytes_peak,
            saving: current_save_secs >= 0,
            save_scheduled: state.save_scheduled,
            last_save_ok: state.saved.ok,
            last_save_secs: took(state.saved.took_ms),
            current_save_secs,
            saves: state.saved.count,
            last_early_bytes: state.saved.early_bytes,
            keys_expired: self.loading.keys_expired.load(Relaxed),
            keys_loaded: self.loading.keys_loaded.load(Relaxed),
            rewriting: current_rewrite_secs >= 0,
            rewrite_scheduled: state.rewrite_scheduled,
            last_rewrite_ok: state.rewritten.ok,
            last_rewrite_secs: took(state.rewritten.took_ms),
            current_rewrite_secs,
            rewrites: state.rewritten.count,
            rewrite_failures: state.rewritten.failures_in_a_row,
            last_rewrite_early_bytes: state.rewritten.early_bytes,
        }
    }
}
