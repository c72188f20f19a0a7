//! Snapshots and the append-only file.

use super::{INT_MAX, INT_MIN, options};
use kit::opt::Opt;
use kit::text::parse_i64;

options! {
    Words: Opt::words(
        "save",
        &["3600", "1", "300", "100", "60", "10000"],
        "Save points: a snapshot is written after so many seconds if there were so many changes; empty: never.",
    )
    .check(save_points)
    .lines(save_lines)
    .gathers();
    Text: Opt::text("dbfilename", "dump.rdb", "File name of the snapshot, in `dir`.").check(snapshot_name).protected();
    Bool: Opt::bool("stop-writes-on-bgsave-error", true, "Refuses writes while the last snapshot failed.");
    Bool: Opt::bool("rdbcompression", true, "Compresses strings in snapshots.");
    Bool: Opt::bool("rdbchecksum", true, "Ends snapshots with a checksum, and checks it when loading.").immutable();
    Bool: Opt::bool("rdb-del-sync-files", false, "Removes snapshots made for or by replication, where nothing else is kept.");
    Bool: Opt::bool("rdb-save-incremental-fsync", true, "Syncs a snapshot every few megabytes while it is written.");
    Choice: Opt::choice(
        "rdb-version-check",
        0,
        &[("strict", 0), ("relaxed", 1)],
        "Whether snapshots of versions not known are refused.",
    );
    Choice: Opt::choice(
        "sanitize-dump-payload",
        0,
        &[("no", 0), ("yes", 1), ("clients", 2)],
        "Whether values that come from outside (RESTORE, snapshots) are checked in depth.",
    );
    Bool: Opt::bool("appendonly", false, "Keeps the append-only file.").not_while_loading();
    Text: Opt::text("appendfilename", "appendonly.aof", "Beginning of the names of the append-only file's parts.")
        .check(log_name)
        .immutable();
    Text: Opt::text("appenddirname", "appendonlydir", "Folder of the append-only file, in `dir`.")
        .check(log_folder)
        .immutable();
    Choice: Opt::choice(
        "appendfsync",
        1,
        &[("everysec", 1), ("always", 2), ("no", 0)],
        "When the append-only file is synced: before each answer, once a second, or as the system likes.",
    );
    Bool: Opt::bool("no-appendfsync-on-rewrite", false, "Does not sync while a snapshot or rewrite runs.");
    Int: Opt::int(
        "auto-aof-rewrite-percentage",
        100,
        0..=INT_MAX,
        "Growth in percent since the last rewrite that starts another; 0: never.",
    );
    Int: Opt::int(
        "auto-aof-rewrite-min-size",
        64 << 20,
        0..=i64::MAX,
        "Size below which the append-only file is not rewritten.",
    )
    .memory();
    Bool: Opt::bool("aof-load-truncated", true, "Loads an append-only file that ends in the middle of a command.");
    Int: Opt::int(
        "aof-load-corrupt-tail-max-size",
        0,
        0..=i64::MAX,
        "Damaged bytes at the end of the append-only file that are cut off when loading.",
    )
    .memory();
    Bool: Opt::bool("aof-use-rdb-preamble", true, "Begins a rewritten append-only file with a snapshot.");
    Bool: Opt::bool("aof-timestamp-enabled", false, "Notes the time in the append-only file.");
    Bool: Opt::bool("aof-disable-auto-gc", false, "Keeps old parts of the append-only file.").hidden();
    Bool: Opt::bool("aof-rewrite-incremental-fsync", true, "Syncs a rewrite every few megabytes.");
    Int: Opt::int("rdb-key-save-delay", 0, INT_MIN..=INT_MAX, "Microseconds to wait after each key saved, for tests.")
        .hidden();
    Int: Opt::int("key-load-delay", 0, INT_MIN..=INT_MAX, "Microseconds to wait after each key loaded, for tests.")
        .hidden();
    Int: Opt::int(
        "loading-process-events-interval-bytes",
        2 << 20,
        1024..=INT_MAX,
        "Bytes loaded between two looks at clients.",
    )
    .hidden();
}

fn save_points(words: &[String]) -> Result<Vec<String>, String> {
    let refused = || "Invalid save parameters".to_owned();
    if !words.len().is_multiple_of(2) {
        return Err(refused());
    }
    for pair in words.chunks_exact(2) {
        let number = |word: &str| parse_i64(word.as_bytes()).filter(|n| *n <= INT_MAX);
        let (seconds, changes) = (number(&pair[0]), number(&pair[1]));
        if seconds.is_none_or(|n| n < 1) || changes.is_none_or(|n| n < 0) {
            return Err(refused());
        }
    }
    Ok(words.to_vec())
}

fn save_lines(words: &[String]) -> Vec<String> {
    if words.is_empty() {
        return vec!["\"\"".into()];
    }
    words.chunks(2).map(|pair| pair.join(" ")).collect()
}

fn snapshot_name(text: &str) -> Result<String, String> {
    file_name(text, "dbfilename can't be a path, just a filename")
}

fn log_name(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("appendfilename can't be empty".into());
    }
    file_name(text, "appendfilename can't be a path, just a filename")
}

fn log_folder(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("appenddirname can't be empty".into());
    }
    file_name(text, "appenddirname can't be a path, just a dirname")
}

fn file_name(text: &str, refusal: &str) -> Result<String, String> {
    if text.contains(['/', '\\']) { Err(refusal.into()) } else { Ok(text.into()) }
}
