//! INFO stats: what was counted since the start or CONFIG RESETSTAT, and rates over the last 1.6 seconds.
//!
//! Redis's fields come first, in its order; every metric that is not among them follows under its own
//! name, so a new one shows up here without a line.

use super::Look;
use super::keyspace::sample_deadlines;
use super::page::Page;
use exec::metrics;
use exec::node::Node;
use exec::sample::Rate;
use kit::metric::AnyMetric;
use std::sync::atomic::Ordering::Relaxed;

/// Shown in another unit, here or in the Debug section.
const IN_NANOS: &[&dyn AnyMetric] = &[&metrics::TURN_NANOS, &metrics::EXPIRE_NANOS, &metrics::CRON_NANOS];

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let node = look.ctx.node;
    traffic(page, node);
    let (mut seen, mut stale) = (0, 0);
    for db in 0..node.databases {
        let deadlines = sample_deadlines(look.ctx, db);
        seen += deadlines.seen;
        stale += deadlines.stale;
    }
    counters(page, node, &[&metrics::EXPIRED_FIELDS, &metrics::EXPIRED_KEYS]);
    page.field("expired_stale_perc", format_args!("{:.2}", stale as f64 * 100.0 / f64::max(seen as f64, 1.0)));
    counters(page, node, &[&metrics::EXPIRE_CAP_REACHED]);
    page.field("expire_cycle_cpu_milliseconds", node.tallies.sum(&metrics::EXPIRE_NANOS) / 1_000_000);
    counters(page, node, &[&metrics::EVICTED_KEYS, &metrics::EVICTED_CLIENTS]);
    let over = node.samples.over_limit();
    page.field("evicted_scripts", node.scripts.evicted.load(Relaxed));
    page.field("total_eviction_exceeded_time", over.total_ms);
    page.field("current_eviction_exceeded_time", over.now_ms);
    counters(page, node, &[&metrics::KEYSPACE_HITS, &metrics::KEYSPACE_MISSES]);
    listeners(page, node);
    tracking(page, node);
    page.field("latest_fork_usec", 0);
    // What Redis forks for: snapshots and rewrites that were written.
    let report = node.saver.get().map(|saver| saver.report()).unwrap_or_default();
    page.field("total_forks", report.saves + report.rewrites);
    page.field("migrate_cached_sockets", node.links.len());
    idle(page);
    counters(page, node, &[&metrics::ERROR_REPLIES]);
    page.field("dump_payload_sanitizations", 0);
    counters(page, node, &[&metrics::READS, &metrics::WRITES]);
    page.field("io_threaded_reads_processed", beside_thread_0(node, &metrics::READS));
    page.field("io_threaded_writes_processed", beside_thread_0(node, &metrics::WRITES));
    counters(page, node, &[&metrics::QUERY_LIMIT_CLOSED, &metrics::OUTPUT_LIMIT_CLOSED]);
    event_loops(page, node);
    counters(page, node, &[&metrics::ACL_DENIED_AUTH, &metrics::ACL_DENIED_COMMAND, &metrics::ACL_DENIED_KEY]);
    counters(page, node, &[&metrics::ACL_DENIED_CHANNEL, &metrics::ACL_DENIED_DATABASE]);
    for (metric, sum) in node.tallies.iter() {
        if !page.has(metric.name()) && !IN_NANOS.iter().any(|nanos| nanos.name() == metric.name()) {
            page.field(metric.name(), sum);
        }
    }
}

fn counters(page: &mut Page, node: &Node, metrics: &[&dyn AnyMetric]) {
    for metric in metrics {
        page.field(metric.name(), node.tallies.sum(*metric));
    }
}

fn traffic(page: &mut Page, node: &Node) {
    let rate = |rate: Rate| node.samples.rate(rate);
    counters(page, node, &[&metrics::CONNECTIONS_RECEIVED, &metrics::COMMANDS_PROCESSED]);
    page.field("instantaneous_ops_per_sec", rate(Rate::Commands) as u64);
    counters(page, node, &[&metrics::NET_IN, &metrics::NET_OUT]);
    page.fields(&[("total_net_repl_input_bytes", 0), ("total_net_repl_output_bytes", 0)]);
    page.field("instantaneous_input_kbps", format_args!("{:.2}", rate(Rate::NetIn) / 1024.0));
    page.field("instantaneous_output_kbps", format_args!("{:.2}", rate(Rate::NetOut) / 1024.0));
    page.fields(&[("instantaneous_input_repl_kbps", "0.00"), ("instantaneous_output_repl_kbps", "0.00")]);
    counters(page, node, &[&metrics::CONNECTIONS_REJECTED]);
    page.fields(&[("sync_full", 0), ("sync_partial_ok", 0), ("sync_partial_err", 0)]);
}

fn listeners(page: &mut Page, node: &Node) {
    let counts = node.pubsub.counts();
    page.field("pubsub_channels", counts.channels);
    page.field("pubsub_patterns", counts.patterns);
    page.field("pubsubshard_channels", counts.shard_channels);
}

fn tracking(page: &mut Page, node: &Node) {
    page.field("tracking_total_keys", node.tracking.keys.load(Relaxed));
    page.field("tracking_total_items", node.tracking.items.load(Relaxed));
    page.field("tracking_total_prefixes", node.tracking.prefix_count());
}

/// What is not there yet, or never will be (forks, defragmentation), and so has never happened.
fn idle(page: &mut Page) {
    let fields = [
        "slave_expires_tracked_keys",
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "unexpected_error_replies",
    ];
    page.fields(&fields.map(|name| (name, 0)));
}

/// Redis counts what its helper threads did for the main one; here every thread but the first is such a helper.
fn beside_thread_0(node: &Node, metric: &dyn AnyMetric) -> i64 {
    (1..node.threads).map(|thread| node.tallies.thread(thread).get(metric)).sum()
}

fn event_loops(page: &mut Page, node: &Node) {
    counters(page, node, &[&metrics::TURNS]);
    page.field("eventloop_duration_sum", node.tallies.sum(&metrics::TURN_NANOS) / 1000);
    page.field("eventloop_duration_cmd_sum", node.command_stats.total_nanos() / 1000);
    page.field("instantaneous_eventloop_cycles_per_sec", node.samples.rate(Rate::Turns).round() as u64);
    page.field(
        "instantaneous_eventloop_duration_usec",
        (node.samples.rate(Rate::NanosPerTurn) / 1000.0).round() as u64,
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::field;
    use crate::node;
    use kit::world::Clock;

    #[test]
    fn counts() {
        let mut node = node(&[]);
        node.converse("SET k v; GET k; GET k; GET none; nosuch; SET e 1 PX 5; ~10ms; GET e");
        let mut field = |name: &str| field(&mut node, "INFO stats", name);
        for (name, value) in [
            ("total_commands_processed", "6"),
            ("keyspace_hits", "2"),
            ("keyspace_misses", "2"),
            ("expired_keys", "1"),
            ("total_error_replies", "1"),
            ("command_panics", "0"),
            ("expired_stale_perc", "0.00"),
        ] {
            assert_eq!(field(name), value, "{name}");
        }
    }

    #[test]
    fn what_a_cluster_would_refuse() {
        let mut node = node(&[("cluster-compatibility-sample-ratio", "100")]);
        for (lines, count) in [
            ("SELECT 0; SELECT x -> -ERR", "0"),
            ("SELECT 1 -> +OK", "1"),
            ("SWAPDB 0 1 -> +OK", "2"),
            ("SELECT 0; SET k v; COPY k x{k} -> :1", "2"),
            ("COPY k y{k} DB 1 -> :1", "3"),
            ("MOVE k 1 -> :1", "4"),
            ("MSET foo 1 bar 2; MGET {a}1 {a}2", "5"),
            ("SORT l BY nosort; SORT l BY w{l}_* GET # GET o{l}_*", "5"),
            ("SORT l BY w_* GET o_*", "6"),
            ("MULTI; EXEC; MULTI; SET foo 1; MSET foo 1 bar 2; EXEC -> [+OK +OK]", "7"),
            ("MULTI; SET foo 1; DISCARD; MULTI; SET {a}1 1; SET {a}2 1; EXEC", "7"),
            ("c2> SSUBSCRIBE foo bar", "8"),
            ("CONFIG SET cluster-compatibility-sample-ratio 0; MSET foo 1 bar 2", "8"),
        ] {
            node.converse(lines);
            assert_eq!(field(&mut node, "INFO stats", "cluster_incompatible_ops"), count, "{lines}");
        }
        node.converse("CONFIG SET cluster-compatibility-sample-ratio 30");
        (0..1000).for_each(|_| drop(node.ask(1, &["MSET", "foo", "1", "bar", "2"])));
        let count: u32 = field(&mut node, "INFO stats", "cluster_incompatible_ops").parse().unwrap();
        assert!((208..=408).contains(&count), "{count}");
    }

    #[test]
    fn rates_follow_in_16_samples() {
        let mut node = node(&[]);
        for _ in 0..16 {
            node.converse("PING; PING; PING");
            node.clock.advance_ms(100);
            exec::sample::tick(&node.node);
        }
        assert_eq!(field(&mut node, "INFO stats", "instantaneous_ops_per_sec"), "30");
        assert!(node.clock.mono_ns() > 0);
        node.node.samples.reset();
        assert_eq!(field(&mut node, "INFO stats", "instantaneous_ops_per_sec"), "0");
    }

    #[test]
    fn stale_keys_are_seen() {
        let mut node = node(&[]);
        node.converse("SET a 1 PX 5; SET b 1 PX 5; SET c 1 PX 50000; SET d 1 PX 50000");
        node.clock.advance_ms(20);
        let percent: f64 = field(&mut node, "INFO stats", "expired_stale_perc").parse().unwrap();
        assert!(percent > 5.0 && percent < 95.0, "{percent}");
    }
}
