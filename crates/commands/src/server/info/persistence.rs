//! INFO persistence. Nothing is saved yet, so all of it is idle, but for the changes that a save would have to keep.

use super::Look;
use super::page::Page;
use exec::node::alarm;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let on = |alarm: u32| u64::from(node.alarms.get() & alarm != 0);
    page.fields(&[
        ("loading", on(alarm::LOADING)),
        ("async_loading", on(alarm::ASYNC_LOADING)),
        ("current_cow_peak", 0),
        ("current_cow_size", 0),
        ("current_cow_size_age", 0),
    ]);
    page.field("current_fork_perc", "0.00");
    page.fields(&[
        ("current_save_keys_processed", 0),
        ("current_save_keys_total", 0),
        ("rdb_changes_since_last_save", node.dirty.load(Relaxed)),
        ("rdb_bgsave_in_progress", 0),
    ]);
    page.field("rdb_last_save_time", node.last_save_ms.load(Relaxed).div_euclid(1000));
    page.field("rdb_last_bgsave_status", "ok");
    page.fields(&[
        ("rdb_last_bgsave_time_sec", -1),
        ("rdb_current_bgsave_time_sec", -1),
        ("rdb_saves", 0),
        ("rdb_last_cow_size", 0),
        ("rdb_last_load_keys_expired", 0),
        ("rdb_last_load_keys_loaded", 0),
        ("aof_enabled", 0),
        ("aof_rewrite_in_progress", 0),
        ("aof_rewrite_scheduled", 0),
        ("aof_last_rewrite_time_sec", -1),
        ("aof_current_rewrite_time_sec", -1),
    ]);
    page.field("aof_last_bgrewrite_status", "ok");
    page.fields(&[("aof_rewrites", 0), ("aof_rewrites_consecutive_failures", 0)]);
    page.field("aof_last_write_status", "ok");
    page.fields(&[("aof_last_cow_size", 0), ("module_fork_in_progress", 0), ("module_fork_last_cow_size", 0)]);
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
