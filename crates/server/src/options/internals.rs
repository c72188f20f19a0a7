//! Options that steer parts of Redis and Valkey which are built differently here: nothing will ever read them.

use super::{INT_MAX, options};
use kit::opt::Opt;

options! {
    Bool: Opt::bool("activerehashing", true, "Redis: grows tables in the background. Here they grow with each command.");
    Bool: Opt::bool("activedefrag", false, "Redis: moves values to fill pages.");
    Int: Opt::int("active-defrag-ignore-bytes", 100 << 20, 1..=i64::MAX, "Redis: waste below which nothing is moved.")
        .memory();
    Int: Opt::int("active-defrag-threshold-lower", 10, 0..=1000, "Redis: percent of waste at which moving begins.");
    Int: Opt::int("active-defrag-threshold-upper", 100, 0..=1000, "Redis: percent of waste for the greatest effort.");
    Int: Opt::int("active-defrag-cycle-min", 1, 1..=99, "Redis: least effort in percent of CPU.");
    Int: Opt::int("active-defrag-cycle-max", 25, 1..=99, "Redis: greatest effort in percent of CPU.");
    Int: Opt::int("active-defrag-cycle-us", 500, 0..=100_000, "Valkey: microseconds of one step.");
    Int: Opt::int("active-defrag-max-scan-fields", 1000, 1..=i64::MAX, "Redis: elements above which a value waits.");
    Bool: Opt::bool("jemalloc-bg-thread", true, "Redis: gives pages back in the background. Here always.");
    Bool: Opt::bool("disable-thp", true, "Redis: no huge pages, which cost much with fork. Here nothing forks.").immutable();
    Int: Opt::int("hz", 10, 0..=INT_MAX, "Redis: turns of the background tasks per second.").clamped(1, 500);
    Bool: Opt::bool("always-show-logo", false, "Redis: shows its picture in the log at start.").immutable();
    Bool: Opt::bool("dynamic-hz", true, "Redis: more turns of the background tasks with more clients.");
    Bool: Opt::bool("io-threads-do-reads", false, "Redis: threads read as well as write. Here always.").immutable().hidden();
    Bool: Opt::bool("io-threads-always-active", false, "Valkey: threads never rest.").hidden();
    Int: Opt::int("events-per-io-thread", 2, 0..=INT_MAX, "Valkey: events that wake one more thread.").hidden();
    Int: Opt::int("prefetch-batch-max-size", 16, 0..=128, "Valkey: keys fetched ahead in a batch.");
    Int: Opt::int("min-io-threads-avoid-copy-reply", 7, 0..=INT_MAX, "Valkey: threads from which values are not copied.").hidden();
    Int: Opt::int("min-string-size-avoid-copy-reply", 16_384, 0..=i64::MAX, "Valkey: size from which values are not copied.")
        .hidden();
    Int: Opt::int(
        "min-string-size-avoid-copy-reply-threaded",
        65_536,
        0..=i64::MAX,
        "Valkey: size from which values are not copied, with threads.",
    )
    .hidden();
    // Withdrawn by Redis, which still takes them in files.
    Int: Opt::int("list-max-ziplist-entries", 512, 0..=i64::MAX, "Withdrawn by Redis.").hidden();
    Int: Opt::int("list-max-ziplist-value", 64, 0..=i64::MAX, "Withdrawn by Redis.").hidden();
    Bool: Opt::bool("lua-replicate-commands", true, "Withdrawn by Redis.").hidden();
}
