//! Cluster mode, apart from `cluster-enabled`, which decides how keys are spread and stands with the executor.

use super::{INT_MAX, PORT_MAX, host_name, options};
use kit::opt::Opt;

options! {
    Text: Opt::text("cluster-config-file", "nodes.conf", "File in which a node keeps what it knows of the cluster.")
        .check(|text| if text.is_empty() { Err("cluster-config-file can't be empty".into()) } else { Ok(text.into()) })
        .immutable();
    Int: Opt::int("cluster-node-timeout", 15_000, 0..=i64::MAX, "Milliseconds of silence after which a node fails.");
    Int: Opt::int("cluster-ping-interval", 1000, 0..=i64::MAX, "Milliseconds between two pings, for tests.").hidden();
    Int: Opt::int("cluster-port", 0, 0..=PORT_MAX, "Port of the cluster bus; 0: the clients' port and 10000.").immutable();
    Int: Opt::int("cluster-replica-validity-factor", 10, 0..=INT_MAX, "How old a replica's data may be for a failover.")
        .aliases(&["cluster-slave-validity-factor"]);
    Bool: Opt::bool("cluster-replica-no-failover", false, "This replica never takes over by itself.")
        .aliases(&["cluster-slave-no-failover"]);
    Int: Opt::int("cluster-migration-barrier", 1, 0..=INT_MAX, "Replicas a master keeps when one moves to an orphan.");
    Bool: Opt::bool("cluster-allow-replica-migration", true, "Replicas move to masters without one.");
    Bool: Opt::bool("cluster-require-full-coverage", true, "The cluster stops when a slot has no owner.");
    Bool: Opt::bool("cluster-allow-reads-when-down", false, "Reads are answered while the cluster is down.");
    Bool: Opt::bool("cluster-allow-pubsubshard-when-down", true, "Sharded publishing goes on while the cluster is down.");
    Int: Opt::int("cluster-link-sendbuf-limit", 0, 0..=i64::MAX, "Bytes waiting for a peer above which the link is cut.")
        .memory();
    Text: Opt::text("cluster-announce-ip", "", "Address that other nodes and clients are told.");
    Int: Opt::int("cluster-announce-port", 0, 0..=PORT_MAX, "Port that they are told.");
    Int: Opt::int("cluster-announce-tls-port", 0, 0..=PORT_MAX, "TLS port that they are told.");
    Int: Opt::int("cluster-announce-bus-port", 0, 0..=PORT_MAX, "Port of the bus that nodes are told.");
    Text: Opt::text("cluster-announce-hostname", "", "Host name that clients are told.").check(host_name);
    Text: Opt::text("cluster-announce-human-nodename", "", "Name for the log lines of other nodes.").check(node_name);
    Text: Opt::text("cluster-announce-client-ipv4", "", "IPv4 address that clients are told.");
    Text: Opt::text("cluster-announce-client-ipv6", "", "IPv6 address that clients are told.");
    Int: Opt::int("cluster-announce-client-port", 0, 0..=PORT_MAX, "Port that clients are told.");
    Int: Opt::int("cluster-announce-client-tls-port", 0, 0..=PORT_MAX, "TLS port that clients are told.");
    Choice: Opt::choice(
        "cluster-preferred-endpoint-type",
        0,
        &[("ip", 0), ("hostname", 1), ("unknown-endpoint", 2)],
        "What redirections name: the address, the host name, or nothing.",
    );
    Bool: Opt::bool("cluster-slot-stats-enabled", false, "Counts CPU, network and memory for each slot.");
    Int: Opt::int("cluster-blacklist-ttl", 60, 0..=INT_MAX, "Seconds for which a forgotten node stays forgotten.");
    Int: Opt::int("cluster-manual-failover-timeout", 5000, 1..=INT_MAX, "Milliseconds a manual failover may take.");
    Int: Opt::int("cluster-databases", 1, 1..=INT_MAX, "Valkey: databases in cluster mode.").immutable().hidden();
    Int: Opt::int("cluster-message-gossip-perc", 10, 1..=100, "Percent of the nodes that a ping tells of.");
    Choice: Opt::choice(
        "cluster-config-save-behavior",
        0,
        &[("sync", 0), ("best-effort", 1)],
        "Whether a node stops when it cannot save what it knows.",
    );
    Int: Opt::int("cluster-slot-migration-log-max-len", 1000, 0..=i64::MAX, "Slot migrations that are remembered.");
    Int: Opt::int(
        "slot-migration-max-failover-repl-bytes",
        0,
        -1..=i64::MAX,
        "Bytes still to be sent below which a migrating slot changes owner.",
    );
    Text: Opt::text("availability-zone", "", "Where this node stands, for clients that prefer near ones.");
}

fn node_name(text: &str) -> Result<String, String> {
    if text.len() >= 64 {
        return Err("Announced human node name must be less than 64 characters".into());
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
        return Err("Announced human node name contained invalid character".into());
    }
    Ok(text.into())
}
