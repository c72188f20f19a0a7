//! Options for the tests of Redis and Valkey themselves.

use super::{INT_MAX, options};
use kit::opt::Opt;

options! {
    Int: Opt::int("watchdog-period", 0, 0..=INT_MAX, "Milliseconds after which a stuck server writes where it is.").hidden();
    Bool: Opt::bool("use-exit-on-panic", false, "Ends with exit instead of abort.").hidden();
    Bool: Opt::bool("debug-assert-enabled", false, "Checks assertions that cost much.").immutable().hidden();
    Bool: Opt::bool("enable-debug-assert", false, "Checks assertions that cost much.").immutable().hidden();
    Text: Opt::text("debug-context", "", "What a test is about, for crash reports.").hidden();
    Text: Opt::text("req-res-logfile", "", "File for all requests and replies.").immutable().hidden();
    Int: Opt::int("client-default-resp", 2, 2..=3, "Protocol version of new clients.").immutable().hidden();
    Bool: Opt::bool("lazyexpire-nested-arbitrary-keys", true, "Scripts may delete expired keys they did not name.").hidden();
    Text: Opt::text("hash-seed", "", "Seed of the hash function.").immutable().hidden();
}
