//! Masters and replicas.

use super::{INT_MAX, PORT_MAX, options};
use kit::opt::Opt;
use kit::text::{eq_ignore_case, parse_i64};

options! {
    Words: Opt::words("replicaof", &[], "Host and port of the master; `no one`: this server is one itself.")
        .check(master)
        .lines(master_lines)
        .aliases(&["slaveof"])
        .immutable();
    Text: Opt::text("masterauth", "", "Password for the master.").aliases(&["primaryauth"]).sensitive();
    Text: Opt::text("masteruser", "", "User name for the master.").aliases(&["primaryuser"]).sensitive();
    Bool: Opt::bool("replica-serve-stale-data", true, "A replica that has lost its master goes on answering reads.")
        .aliases(&["slave-serve-stale-data"]);
    Bool: Opt::bool("replica-read-only", true, "A replica refuses writes of clients.").aliases(&["slave-read-only"]);
    Bool: Opt::bool("repl-diskless-sync", true, "Sends snapshots to replicas without writing a file.");
    Int: Opt::int("repl-diskless-sync-delay", 5, 0..=INT_MAX, "Seconds to wait for more replicas before a snapshot.");
    Int: Opt::int(
        "repl-diskless-sync-max-replicas",
        0,
        0..=INT_MAX,
        "Replicas that end the wait before a snapshot; 0: it ends when its time is over.",
    );
    Choice: Opt::choice(
        "repl-diskless-load",
        0,
        &[("disabled", 0), ("on-empty-db", 1), ("swapdb", 2), ("flush-before-load", 3)],
        "Whether a replica loads a snapshot as it arrives instead of from a file.",
    )
    .not_while_loading();
    Bool: Opt::bool("repl-rdb-channel", false, "Sends a snapshot to a replica over a connection of its own.");
    Bool: Opt::bool("dual-channel-replication-enabled", false, "Valkey's name for a snapshot over its own connection.");
    Bool: Opt::bool("repl-mptcp", false, "Uses multipath TCP towards the master.");
    Bool: Opt::bool("repl-disable-tcp-nodelay", false, "Gathers small packets to replicas.");
    Int: Opt::int("repl-backlog-size", 1 << 20, 1..=i64::MAX, "Bytes kept for replicas that come back.").memory();
    Int: Opt::int("repl-backlog-ttl", 3600, 0..=i64::MAX, "Seconds without replicas after which they are given up.");
    Int: Opt::int("repl-timeout", 60, 1..=INT_MAX, "Seconds of silence after which a peer counts as lost.");
    Int: Opt::int("repl-ping-replica-period", 10, 1..=INT_MAX, "Seconds between two signs of life to replicas.")
        .aliases(&["repl-ping-slave-period"]);
    Int: Opt::int("replica-full-sync-buffer-limit", 0, 0..=i64::MAX, "Bytes a replica keeps while it loads a snapshot.")
        .memory();
    Int: Opt::int("replica-priority", 100, 0..=INT_MAX, "The lower, the sooner it becomes master; 0: never.")
        .aliases(&["slave-priority"]);
    Bool: Opt::bool("replica-announced", true, "Sentinels tell clients of this replica.");
    Text: Opt::text("replica-announce-ip", "", "Address that the master shows for this replica.")
        .aliases(&["slave-announce-ip"]);
    Int: Opt::int("replica-announce-port", 0, 0..=PORT_MAX, "Port that the master shows for this replica.")
        .aliases(&["slave-announce-port"]);
    Bool: Opt::bool("replica-ignore-maxmemory", true, "A replica leaves evictions to its master.")
        .aliases(&["slave-ignore-maxmemory"]);
    Bool: Opt::bool("replica-ignore-disk-write-errors", false, "A replica goes on when its disk fails.");
    Bool: Opt::bool("replica-lazy-flush", false, "A replica frees its old data in the background before a full sync.")
        .aliases(&["slave-lazy-flush"]);
    Int: Opt::int("min-replicas-to-write", 0, 0..=INT_MAX, "Replicas without which writes are refused; 0: none needed.")
        .aliases(&["min-slaves-to-write"]);
    Int: Opt::int("min-replicas-max-lag", 10, 0..=INT_MAX, "Seconds of lag up to which a replica counts for that.")
        .aliases(&["min-slaves-max-lag"]);
    Int: Opt::int("shutdown-timeout", 10, 0..=INT_MAX, "Seconds to wait for replicas that lag behind when stopping.");
    Choice: Opt::choice(
        "propagation-error-behavior",
        0,
        &[("ignore", 0), ("panic", 1), ("panic-on-replicas", 2)],
        "What happens when a command of the master's or the log's fails.",
    );
}

fn master(words: &[String]) -> Result<Vec<String>, String> {
    match words {
        [] => Ok(vec![]),
        [host, port] if eq_ignore_case(host, "no") && eq_ignore_case(port, "one") => Ok(vec![]),
        [_, port] => match parse_i64(port.as_bytes()) {
            Some(1..=PORT_MAX) => Ok(words.to_vec()),
            _ => Err("Invalid master port".into()),
        },
        _ => Err("wrong number of arguments".into()),
    }
}

fn master_lines(words: &[String]) -> Vec<String> {
    if words.is_empty() { vec![] } else { vec![kit::text::join_words(words)] }
}
