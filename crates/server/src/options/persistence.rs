//! Snapshots and the append-only file: what of it steers parts that work differently here.

use super::{INT_MAX, options};
use kit::opt::Opt;

options! {
    Bool: Opt::bool("rdb-del-sync-files", false, "Removes snapshots made for or by replication, where nothing else is kept.");
    Choice: Opt::choice(
        "sanitize-dump-payload",
        0,
        &[("no", 0), ("yes", 1), ("clients", 2)],
        "Values that come from outside (RESTORE, snapshots) are always checked in depth.",
    );
    Int: Opt::int(
        "aof-load-corrupt-tail-max-size",
        0,
        0..=i64::MAX,
        "Damaged bytes at the end of the append-only file that are cut off when loading.",
    )
    .memory();
    Bool: Opt::bool("aof-rewrite-incremental-fsync", true, "Syncs a rewrite every few megabytes.");
    Int: Opt::int(
        "loading-process-events-interval-bytes",
        2 << 20,
        1024..=INT_MAX,
        "Bytes loaded between two looks at clients: here they are served all the time.",
    )
    .hidden();
}
