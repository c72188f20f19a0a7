//! INFO memory: where the bytes are. The sums are MEMORY STATS' (`memory/account.rs`).

use super::Look;
use super::page::Page;
use crate::server::memory::account::Account;
use exec::evict;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    let (normal_bytes, replica_bytes) = (look.crowd().normal_bytes, look.crowd().replica_bytes);
    let account = Account::take(look.ctx, normal_bytes, replica_bytes);
    let allocator = account.usage.allocator;
    page.bytes("used_memory", account.used);
    page.bytes("used_memory_rss", account.usage.resident_bytes);
    page.bytes("used_memory_peak", account.peak);
    page.field("used_memory_peak_time", node.memory.peak_unix_ms().div_euclid(1000));
    page.field("used_memory_peak_perc", format_args!("{:.2}%", account.peak_percent()));
    page.field("used_memory_overhead", account.overhead());
    page.field("used_memory_startup", account.startup);
    page.field("used_memory_dataset", account.dataset());
    page.field("used_memory_dataset_perc", format_args!("{:.2}%", account.dataset_percent()));
    page.fields(&[
        ("allocator_allocated", allocator.allocated),
        ("allocator_active", allocator.active),
        ("allocator_resident", allocator.resident),
        ("allocator_muzzy", allocator.muzzy),
    ]);
    page.bytes("total_system_memory", node.samples.machine().memory_bytes);
    // Scripts and functions run in the same machines, one a thread: what these take is told as that of scripts.
    if let Some(pool) = node.scripts.pool() {
        pool.collect(); // 0.1 ms at most: a machine is small
    }
    let machines = node.scripts.lua_bytes.load(Relaxed).max(0) as u64;
    let texts = node.scripts.source_bytes() as u64;
    let (libraries, functions, codes) = {
        let set = node.scripts.libraries.lock();
        (set.libraries().len() as u64, set.function_count() as u64, set.bytes() as u64)
    };
    page.bytes("used_memory_lua", machines);
    page.fields(&[
        ("used_memory_vm_eval", machines),
        ("used_memory_scripts_eval", texts),
        ("number_of_cached_scripts", node.scripts.source_count() as u64),
        ("number_of_functions", functions),
        ("number_of_libraries", libraries),
        ("used_memory_vm_functions", codes),
    ]);
    page.bytes("used_memory_vm_total", machines + codes);
    page.field("used_memory_functions", codes);
    page.bytes("used_memory_scripts", texts + codes);
    page.bytes("maxmemory", node.memory.limit.load(Relaxed));
    page.field("maxmemory_policy", look.setting(evict::POLICY.name(), ""));
    let fragmentation = account.fragmentation();
    for (part, gap) in [
        ("allocator_frag", account.allocator_fragmentation()),
        ("allocator_rss", account.allocator_resident()),
        ("rss_overhead", account.resident_overhead()),
        ("mem_fragmentation", fragmentation),
    ] {
        page.field(&format!("{part}_ratio"), format_args!("{:.2}", gap.ratio));
        page.field(&format!("{part}_bytes"), gap.bytes);
    }
    page.field("mem_not_counted_for_evict", node.memory.not_counted());
    page.fields(&[
        ("mem_replication_backlog", 0),
        ("mem_total_replication_buffers", account.replica_bytes),
        ("mem_replica_full_sync_buffer", 0),
        ("mem_clients_slaves", account.replica_bytes),
        ("mem_clients_normal", account.normal_bytes),
        ("mem_cluster_links", 0),
        ("mem_aof_buffer", node.log.status().buffer_bytes),
    ]);
    page.field("mem_allocator", &node.samples.machine().allocator);
    page.field("mem_overhead_db_hashtable_rehashing", account.retired);
    page.field("active_defrag_running", 0);
    page.field("lazyfree_pending_objects", node.freer.pending());
    page.field("lazyfreed_objects", node.freer.freed());
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;

    #[test]
    fn the_sums_add_up() {
        let mut node = node(&[("maxmemory", "100mb"), ("maxmemory-policy", "allkeys-lfu")]);
        node.node.memory.set_base(1_000_000);
        node.converse("SET k v");
        let mut field = |name: &str| field(&mut node, "INFO memory", name);
        assert_eq!(field("maxmemory_human"), "100.00M");
        assert_eq!(field("maxmemory_policy"), "allkeys-lfu");
        let mut number = |name: &str| field(name).parse::<i64>().unwrap_or_else(|_| panic!("{name}"));
        assert_eq!(number("used_memory"), number("used_memory_startup"), "nothing goes through our allocator in tests");
        assert!(number("used_memory_overhead") > number("used_memory_startup"), "one key needs a table");
        assert!(number("total_system_memory") > 1_000_000 && number("used_memory_rss") > 0);
    }
}
