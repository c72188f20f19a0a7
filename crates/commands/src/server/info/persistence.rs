//! INFO persistence: what the saver tells (`seams::Saver`), and the log. Where nothing saves, all of it is idle.
//!
//! Redis's copy-on-write fields tell here how many bytes a snapshot kept because their keys changed before it came to
//! them.

use super::Look;
use super::page::Page;
use exec::node::alarm;
use exec::seams::{LoadReport, SaveReport};
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let on = |alarm: u32| u64::from(node.alarms.get() & alarm != 0);
    let idle = || SaveReport {
        last_save_ok: true,
        last_save_secs: -1,
        current_save_secs: -1,
        last_rewrite_ok: true,
        last_rewrite_secs: -1,
        current_rewrite_secs: -1,
        ..SaveReport::default()
    };
    let report = node.saver.get().map_or_else(idle, |saver| saver.report());
    let percent = match report.keys_total {
        0 => 0.0,
        total => 100.0 * report.keys_done as f64 / total as f64,
    };
    page.fields(&[
        ("loading", on(alarm::LOADING)),
        ("async_loading", on(alarm::ASYNC_LOADING)),
        ("current_cow_peak", report.early_bytes_peak),
        ("current_cow_size", report.early_bytes),
        ("current_cow_size_age", 0),
    ]);
    page.field("current_fork_perc", format_args!("{percent:.2}"));
    page.fields(&[
        ("current_save_keys_processed", report.keys_done),
        ("current_save_keys_total", report.keys_total),
        ("rdb_changes_since_last_save", node.dirty.load(Relaxed)),
        ("rdb_bgsave_in_progress", u64::from(report.saving)),
    ]);
    page.field("rdb_last_save_time", node.last_save_ms.load(Relaxed).div_euclid(1000));
    page.field("rdb_last_bgsave_status", status(report.last_save_ok));
    page.fields(&[
        ("rdb_last_bgsave_time_sec", report.last_save_secs),
        ("rdb_current_bgsave_time_sec", report.current_save_secs),
    ]);
    page.fields(&[
        ("rdb_saves", report.saves),
        ("rdb_last_cow_size", report.last_early_bytes),
        ("rdb_last_load_keys_expired", report.keys_expired),
        ("rdb_last_load_keys_loaded", report.keys_loaded),
        ("aof_enabled", u64::from(look.setting("appendonly", "no") == "yes")),
        ("aof_rewrite_in_progress", u64::from(report.rewriting)),
        ("aof_rewrite_scheduled", u64::from(report.rewrite_scheduled)),
    ]);
    page.fields(&[
        ("aof_last_rewrite_time_sec", report.last_rewrite_secs),
        ("aof_current_rewrite_time_sec", report.current_rewrite_secs),
    ]);
    page.field("aof_last_bgrewrite_status", status(report.last_rewrite_ok));
    page.fields(&[("aof_rewrites", report.rewrites), ("aof_rewrites_consecutive_failures", report.rewrite_failures)]);
    let log = node.log.status();
    page.field("aof_last_write_status", status(log.write_ok));
    page.fields(&[
        ("aof_last_cow_size", report.last_rewrite_early_bytes),
        ("module_fork_in_progress", 0),
        ("module_fork_last_cow_size", 0),
    ]);
    if log.on {
        page.fields(&[
            ("aof_current_size", log.current_bytes),
            ("aof_base_size", log.base_bytes),
            ("aof_pending_rewrite", u64::from(log.waits_for_base)),
            ("aof_buffer_length", log.buffer_bytes),
            ("aof_pending_bio_fsync", u64::from(log.pending_sync)),
            ("aof_delayed_fsync", log.delayed_syncs),
        ]);
    }
    if let Some(loading) = report.loading {
        write_loading(page, &loading);
    }
}

fn status(ok: bool) -> &'static str {
    if ok { "ok" } else { "err" }
}

fn write_loading(page: &mut Page, loading: &LoadReport) {
    let LoadReport { total_bytes, loaded_bytes, .. } = *loading;
    page.field("loading_start_time", loading.start_secs);
    page.fields(&[
        ("loading_total_bytes", total_bytes),
        ("loading_rdb_used_mem", loading.used_mem),
        ("loading_loaded_bytes", loaded_bytes),
    ]);
    let percent = if total_bytes == 0 { 0.0 } else { 100.0 * loaded_bytes as f64 / total_bytes as f64 };
    page.field("loading_loaded_perc", format_args!("{percent:.2}"));
    // Redis says 1 as long as it cannot know.
    let eta = match loaded_bytes {
        0 => 1,
        loaded => (loading.seconds as u64).saturating_mul(total_bytes.saturating_sub(loaded)) / loaded,
    };
    page.field("loading_eta_seconds", eta);
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;
    use exec::node::alarm;

    #[test]
    fn changes_are_counted() {
        let mut node = node(&[]);
        node.converse("SET a 1; SET b 1; GET a");
        assert_eq!(field(&mut node, "INFO persistence", "rdb_changes_since_last_save"), "2");
        assert_eq!(field(&mut node, "INFO persistence", "rdb_last_save_time"), "1767225600");
        assert_eq!(field(&mut node, "INFO persistence", "loading"), "0");
        node.node.alarms.set(alarm::LOADING, true);
        assert_eq!(field(&mut node, "INFO persistence", "loading"), "1");
    }
}
