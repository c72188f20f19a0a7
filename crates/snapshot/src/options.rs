//! Options of snapshots, save points, rewriting and loading.

use kit::opt::{AnyOpt, Bool, Choice, Int, Opt, Text, Words};
use kit::text::parse_i64;

const INT_MAX: i64 = i32::MAX as i64;
const INT_MIN: i64 = i32::MIN as i64;

pub static SAVE: Opt<Words> = Opt::words(
    "save",
    &["3600", "1", "300", "100", "60", "10000"],
    "Save points: a snapshot is written after so many seconds if there were so many changes; empty: never.",
)
.check(save_points)
.lines(save_lines)
.gathers();
pub static FILE_NAME: Opt<Text> =
    Opt::text("dbfilename", "dump.rdb", "File name of the snapshot, in `dir`.").check(snapshot_name).protected();
pub static STOP_WRITES: Opt<Bool> =
    Opt::bool("stop-writes-on-bgsave-error", true, "Refuses writes while the last snapshot failed.");
pub static CHECKSUM: Opt<Bool> =
    Opt::bool("rdbchecksum", true, "Ends snapshots with a checksum, and checks it when loading.").immutable();
pub static VERSION: Opt<Choice> = Opt::choice(
    "rdb-version",
    0,
    &[("auto", 0), ("9", 9), ("10", 10), ("11", 11), ("12", 12), ("80", 80)],
    "Version of the snapshots written. auto: 10, which Redis 7.0 reads, or 12 when fields of hashes have deadlines. \
     80 is Valkey 9's.",
);
pub static VERSION_CHECK: Opt<Choice> = Opt::choice(
    "rdb-version-check",
    0,
    &[("strict", 0), ("relaxed", 1)],
    "Whether snapshots of versions not known are refused.",
);
pub static INCREMENTAL_SYNC: Opt<Bool> =
    Opt::bool("rdb-save-incremental-fsync", true, "Syncs a snapshot every few megabytes while it is written.");
pub static SAVE_DELAY: Opt<Int> =
    Opt::int("rdb-key-save-delay", 0, INT_MIN..=INT_MAX, "Microseconds to wait after each key saved, for tests.")
        .hidden();
pub static LOAD_DELAY: Opt<Int> =
    Opt::int("key-load-delay", 0, INT_MIN..=INT_MAX, "Microseconds to wait after each key loaded, for tests.").hidden();

pub static APPEND_ONLY: Opt<Bool> = Opt::bool(
    "appendonly",
    true,
    "Keeps the append-only file: what was acknowledged survives the end of the process, and with `appendfsync always` \
     a loss of power.",
);
pub static APPEND_FILE: Opt<Text> =
    Opt::text("appendfilename", "appendonly.aof", "Beginning of the names of the append-only file's parts.")
        .check(log_name)
        .immutable();
pub static APPEND_DIR: Opt<Text> =
    Opt::text("appenddirname", "appendonlydir", "Folder of the append-only file, in `dir`.")
        .check(log_folder)
        .immutable();
pub static APPEND_FSYNC: Opt<Choice> = Opt::choice(
    "appendfsync",
    1,
    &[("everysec", 1), ("always", 2), ("no", 0)],
    "When the append-only file is synced: before each answer, once a second, or as the system likes.",
);
pub static NO_SYNC_ON_REWRITE: Opt<Bool> =
    Opt::bool("no-appendfsync-on-rewrite", false, "Does not sync while a snapshot or rewrite runs.");
pub static REWRITE_PERCENTAGE: Opt<Int> = Opt::int(
    "auto-aof-rewrite-percentage",
    100,
    0..=INT_MAX,
    "Growth in percent since the last rewrite that starts another; 0: never.",
);
pub static REWRITE_MIN_SIZE: Opt<Int> = Opt::int(
    "auto-aof-rewrite-min-size",
    64 << 20,
    0..=i64::MAX,
    "Size below which the append-only file is not rewritten.",
)
.memory();
pub static LOAD_TRUNCATED: Opt<Bool> =
    Opt::bool("aof-load-truncated", true, "Loads an append-only file that ends in the middle of a command.");
pub static RDB_PREAMBLE: Opt<Bool> =
    Opt::bool("aof-use-rdb-preamble", true, "Begins a rewritten append-only file with a snapshot.");
pub static TIMESTAMPS: Opt<Bool> = Opt::bool("aof-timestamp-enabled", false, "Notes the time in the append-only file.");
pub static KEEP_HISTORY: Opt<Bool> =
    Opt::bool("aof-disable-auto-gc", false, "Keeps old parts of the append-only file.").hidden();
pub static RETENTION_SECS: Opt<Int> = Opt::int(
    "log-retention-seconds",
    0,
    0..=i64::MAX,
    "How long parts of the append-only file that a rewrite replaced are kept, for `basalt restore`; needs \
     aof-timestamp-enabled.",
);
pub static RETENTION_BYTES: Opt<Int> = Opt::int(
    "log-retention-bytes",
    0,
    0..=i64::MAX,
    "How many bytes of such parts are kept; 0: no limit but the time.",
)
.memory();

pub static OPTIONS: &[&dyn AnyOpt] = &[
    &APPEND_ONLY,
    &APPEND_FILE,
    &APPEND_DIR,
    &APPEND_FSYNC,
    &NO_SYNC_ON_REWRITE,
    &REWRITE_PERCENTAGE,
    &REWRITE_MIN_SIZE,
    &LOAD_TRUNCATED,
    &RDB_PREAMBLE,
    &TIMESTAMPS,
    &KEEP_HISTORY,
    &RETENTION_SECS,
    &RETENTION_BYTES,
    &SAVE,
    &FILE_NAME,
    &STOP_WRITES,
    &CHECKSUM,
    &VERSION,
    &VERSION_CHECK,
    &INCREMENTAL_SYNC,
    &SAVE_DELAY,
    &LOAD_DELAY,
];

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
