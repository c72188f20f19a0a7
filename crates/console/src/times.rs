//! Times of the server's own work: histograms that only /metrics shows. Those of the commands are the exporter's.

use crate::page::{Page, Unit};
use exec::lock_waits::Lock;
use exec::node::Node;
use kit::metric::Histogram;

/// A histogram with the one label that tells it from others of its name.
pub struct Times {
    pub name: &'static str,
    pub label: Option<(&'static str, &'static str)>,
    pub doc: &'static str,
    add_up: fn(&Node, &Histogram),
}

pub static TIMES: &[Times] = &[
    Times {
        name: "basalt_lock_wait_seconds",
        label: Some(("lock", "shard")),
        doc: "Waits for a shard that was not free at once.",
        add_up: |node, sum| sum.merge(&node.lock_waits.of(Lock::Shard)),
    },
    Times {
        name: "basalt_lock_wait_seconds",
        label: Some(("lock", "world")),
        doc: "Waits for all shards and threads, by commands that need everything.",
        add_up: |node, sum| sum.merge(&node.lock_waits.of(Lock::World)),
    },
    Times {
        name: "basalt_lock_wait_seconds",
        label: Some(("lock", "running")),
        doc: "Waits of a thread to go on while another one had everything.",
        add_up: |node, sum| sum.merge(&node.lock_waits.of(Lock::Running)),
    },
    Times {
        name: "basalt_log_append_seconds",
        label: None,
        doc: "Appending a change to the log in memory, its wait for others included; one of 64 is timed.",
        add_up: |node, sum| sum.merge(&node.log.times().append),
    },
    Times {
        name: "basalt_log_write_seconds",
        label: None,
        doc: "Writing what was appended to the log's file.",
        add_up: |node, sum| sum.merge(&node.log.times().write),
    },
    Times {
        name: "basalt_log_sync_seconds",
        label: None,
        doc: "Syncing the log's file.",
        add_up: |node, sum| sum.merge(&node.log.times().sync),
    },
];

pub(crate) fn write(page: &mut Page, node: &Node) {
    for times in TIMES {
        let sum = Histogram::default();
        (times.add_up)(node, &sum);
        page.histogram(times.name, times.label, &sum, Unit::Seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn docs_keep_to_the_figures() {
        let append = TIMES.iter().find(|times| times.name == "basalt_log_append_seconds").expect("it is there");
        assert!(append.doc.contains(&format!("one of {} ", log::APPENDS_PER_SAMPLE)));
    }
}
