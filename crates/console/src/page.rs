//! The page of /metrics, in Prometheus's text format (version 0.0.4).
//!
//! INFO's fields under the exporter's names, per command calls, time and latency histograms, keys per database, errors
//! by prefix, what this server is; then every metric of ours that INFO shows beyond Redis's, as `basalt_…`.

use crate::ask;
use crate::names::{self, Kind};
use crate::times;
use exec::node::Node;
use kit::metric::Histogram;
use proto::resp_client::{Value, decode};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Upper bounds of the buckets in microseconds: doubling, as LATENCY HISTOGRAM has them.
const BOUNDS_US: u32 = 24;

/// What a histogram's bounds and sum are shown in.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Micros,
    Seconds,
}

/// `None`: no event loop answered.
pub(crate) fn write(node: &Node) -> Option<String> {
    let info = text(&ask(node, 0, &["INFO", "everything"])?.to_vec())?;
    let slowlog = int(&ask(node, 0, &["SLOWLOG", "LEN"])?.to_vec());
    let mut page = Page::default();
    page.number("redis_up", Kind::Gauge, "1");
    let fields: BTreeMap<&str, &str> = info.lines().filter_map(|line| line.split_once(':')).collect();
    identity(&mut page, node, &fields);
    if let Some(len) = slowlog {
        page.number("redis_slowlog_length", Kind::Gauge, &len.to_string());
    }
    let mut section = "";
    for line in info.lines() {
        if let Some(name) = line.strip_prefix("# ") {
            section = name;
            continue;
        }
        let Some((field, value)) = line.split_once(':') else { continue };
        match section {
            "Keyspace" => keyspace(&mut page, field, value),
            "Errorstats" => errors(&mut page, field, value),
            "Commandstats" | "Latencystats" | "Modules" => {}
            _ => plain(&mut page, field, value),
        }
    }
    commands(&mut page, node);
    times::write(&mut page, node);
    Some(page.finish())
}

fn text(bytes: &[u8]) -> Option<String> {
    match decode(bytes).ok()?? {
        (Value::Bulk(text) | Value::Verbatim { text, .. }, _) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    }
}

fn int(bytes: &[u8]) -> Option<i64> {
    match decode(bytes).ok()?? {
        (Value::Int(n), _) => Some(n),
        _ => None,
    }
}

/// Lines of one metric stand together under one TYPE, whatever order they were said in.
#[derive(Default)]
pub(crate) struct Page {
    metrics: BTreeMap<String, (&'static str, String)>,
}

impl Page {
    fn number(&mut self, name: &str, kind: Kind, value: &str) {
        self.labelled(name, kind, &[], value);
    }

    fn labelled(&mut self, name: &str, kind: Kind, labels: &[(&str, &str)], value: &str) {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
        };
        let lines = self.lines(name, kind);
        line(lines, name, labels, value);
    }

    fn lines(&mut self, name: &str, kind: &'static str) -> &mut String {
        &mut self.metrics.entry(name.to_string()).or_insert_with(|| (kind, String::new())).1
    }

    pub(crate) fn histogram(&mut self, name: &str, label: Option<(&str, &str)>, histogram: &Histogram, unit: Unit) {
        let lines = self.lines(name, "histogram");
        let with = |more: (&'static str, &str), lines: &mut String, value: u64| {
            let labels: Vec<(&str, &str)> = label.into_iter().chain([more]).collect();
            line(lines, &format!("{name}_bucket"), &labels, &value.to_string());
        };
        let buckets: Vec<(u64, u64)> = histogram.buckets().collect();
        for power in 0..BOUNDS_US {
            let bound_us = 1u64 << power;
            let below: u64 = buckets.iter().filter(|(upper_ns, _)| *upper_ns <= bound_us * 1000).map(|(_, n)| n).sum();
            let bound = match unit {
                Unit::Micros => bound_us.to_string(),
                Unit::Seconds => (bound_us as f64 / 1e6).to_string(),
            };
            with(("le", &bound), lines, below);
        }
        // Counted once, so that they agree though others go on recording.
        let count = buckets.iter().map(|(_, n)| n).sum();
        with(("le", "+Inf"), lines, count);
        let sum = match unit {
            Unit::Micros => format!("{:.3}", histogram.sum_ns() as f64 / 1e3),
            Unit::Seconds => format!("{:.9}", histogram.sum_ns() as f64 / 1e9),
        };
        let labels: Vec<(&str, &str)> = label.into_iter().collect();
        line(lines, &format!("{name}_sum"), &labels, &sum);
        line(lines, &format!("{name}_count"), &labels, &count.to_string());
    }

    fn finish(self) -> String {
        let mut text = String::new();
        for (name, (kind, lines)) in self.metrics {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "# TYPE {name} {kind}");
            text.push_str(&lines);
        }
        text
    }
}

fn line(lines: &mut String, name: &str, labels: &[(&str, &str)], value: &str) {
    lines.push_str(name);
    for (i, (label, text)) in labels.iter().enumerate() {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let open = if i == 0 { '{' } else { ',' };
        let _ = write!(lines, "{open}{label}=\"{escaped}\"");
    }
    if !labels.is_empty() {
        lines.push('}');
    }
    let _ = writeln!(lines, " {value}");
}

fn identity(page: &mut Page, node: &Node, fields: &BTreeMap<&str, &str>) {
    let of = |field: &str| fields.get(field).copied().unwrap_or("");
    let labels = [
        ("redis_version", of("redis_version")),
        ("basalt_version", exec::version::BASALT),
        ("redis_mode", of("redis_mode")),
        ("role", of("role")),
        ("os", of("os")),
        ("tcp_port", of("tcp_port")),
        ("run_id", of("run_id")),
        ("process_id", of("process_id")),
        ("maxmemory_policy", of("maxmemory_policy")),
    ];
    page.labelled("redis_instance_info", Kind::Gauge, &labels, "1");
    page.number("redis_start_time_seconds", Kind::Gauge, &(node.started_ms / 1000).to_string());
}

fn plain(page: &mut Page, field: &str, value: &str) {
    let number = match value {
        "ok" => "1",
        "err" => "0",
        value if value.parse::<f64>().is_ok_and(f64::is_finite) => value,
        _ => return,
    };
    match names::of(field) {
        Some((name, kind)) => page.number(&format!("redis_{name}"), kind, number),
        // Ours, and those of Redis's that the exporter leaves out: under INFO's own name.
        None if field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') => {
            page.number(&format!("basalt_{field}"), Kind::Gauge, number);
        }
        None => {}
    }
}

/// `db0:keys=1,expires=0,avg_ttl=0`
fn keyspace(page: &mut Page, db: &str, value: &str) {
    for part in value.split(',') {
        let labels = [("db", db)];
        match part.split_once('=') {
            Some(("keys", n)) => page.labelled("redis_db_keys", Kind::Gauge, &labels, n),
            Some(("expires", n)) => page.labelled("redis_db_keys_expiring", Kind::Gauge, &labels, n),
            Some(("avg_ttl", ms)) => {
                let seconds = ms.parse::<f64>().unwrap_or(0.0) / 1000.0;
                page.labelled("redis_db_avg_ttl_seconds", Kind::Gauge, &labels, &seconds.to_string());
            }
            _ => {}
        }
    }
}

/// `errorstat_ERR:count=3`
fn errors(page: &mut Page, field: &str, value: &str) {
    if let (Some(prefix), Some(count)) = (field.strip_prefix("errorstat_"), value.strip_prefix("count=")) {
        page.labelled("redis_errors_total", Kind::Counter, &[("err", prefix)], count);
    }
}

fn commands(page: &mut Page, node: &Node) {
    for number in 0..node.commands.len() as u16 {
        let summary = node.command_stats.summary(number);
        if summary.calls == 0 && summary.rejected == 0 {
            continue;
        }
        let cmd = node.commands.row(number).full_name.as_str();
        let labels = [("cmd", cmd)];
        let seconds = |nanos: u64| format!("{:.9}", nanos as f64 / 1e9);
        let counter = Kind::Counter;
        page.labelled("redis_commands_total", counter, &labels, &summary.calls.to_string());
        page.labelled("redis_commands_duration_seconds_total", counter, &labels, &seconds(summary.nanos));
        page.labelled("redis_commands_rejected_calls_total", counter, &labels, &summary.rejected.to_string());
        page.labelled("redis_commands_failed_calls_total", counter, &labels, &summary.failed.to_string());
        if let Some(histogram) = node.command_stats.latency(number) {
            page.histogram("redis_commands_latencies_usec", Some(("cmd", cmd)), &histogram, Unit::Micros);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_metrics_stand_together() {
        let mut page = Page::default();
        page.labelled("b", Kind::Counter, &[("x", "a\"\\\n")], "1");
        page.number("a", Kind::Gauge, "2");
        page.labelled("b", Kind::Counter, &[("x", "y"), ("z", "w")], "3");
        let want = "# TYPE a gauge\na 2\n# TYPE b counter\nb{x=\"a\\\"\\\\\\n\"} 1\nb{x=\"y\",z=\"w\"} 3\n";
        assert_eq!(page.finish(), want);
    }

    #[test]
    fn histograms_add_up() {
        let histogram = Histogram::new();
        [900, 1_500, 3_000_000, 20_000_000_000].into_iter().for_each(|ns| histogram.record(ns));
        let mut page = Page::default();
        page.histogram("t", Some(("of", "x")), &histogram, Unit::Seconds);
        page.histogram("u", None, &histogram, Unit::Micros);
        let text = page.finish();
        for want in [
            "# TYPE t histogram\nt_bucket{of=\"x\",le=\"0.000001\"} 1\nt_bucket{of=\"x\",le=\"0.000002\"} 2\n",
            "t_bucket{of=\"x\",le=\"0.004096\"} 3\n",
            "t_bucket{of=\"x\",le=\"8.388608\"} 3\nt_bucket{of=\"x\",le=\"+Inf\"} 4\n",
            "t_sum{of=\"x\"} 20.003002400\nt_count{of=\"x\"} 4\n",
            "u_bucket{le=\"1\"} 1\nu_bucket{le=\"2\"} 2\n",
            "u_sum 20003002.400\nu_count 4\n",
        ] {
            assert!(text.contains(want), "{want} in\n{text}");
        }
    }

    #[test]
    fn fields_get_the_exporters_names() {
        let mut page = Page::default();
        plain(&mut page, "used_memory", "123");
        plain(&mut page, "aof_last_write_status", "ok");
        plain(&mut page, "redis_version", "8.0.2");
        plain(&mut page, "command_panics", "0");
        keyspace(&mut page, "db3", "keys=5,expires=2,avg_ttl=1500,subexpiry=0");
        errors(&mut page, "errorstat_WRONGTYPE", "count=2");
        let text = page.finish();
        for want in [
            "redis_memory_used_bytes 123\n",
            "redis_aof_last_write_status 1\n",
            "basalt_command_panics 0\n",
            "redis_db_keys{db=\"db3\"} 5\n",
            "redis_db_avg_ttl_seconds{db=\"db3\"} 1.5\n",
            "redis_errors_total{err=\"WRONGTYPE\"} 2\n",
        ] {
            assert!(text.contains(want), "{want} in\n{text}");
        }
        assert!(!text.contains("8.0.2"));
    }
}
