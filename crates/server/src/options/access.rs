//! Users and what they may do.

use super::options;
use kit::opt::Opt;

options! {
    Words: Opt::words("user", &[], "A user and its rules, a line each.")
        .check(|words| Ok(vec![words.join(" ")]))
        .lines(|users| users.to_vec())
        .gathers()
        .immutable()
        .sensitive()
        .hidden()
        .file_only();
    Text: Opt::text("aclfile", "", "File of users and their rules.").immutable();
    Int: Opt::int("acllog-max-len", 128, 0..=i64::MAX, "Refusals that ACL LOG keeps.");
    Choice: Opt::choice(
        "acl-pubsub-default",
        0,
        &[("resetchannels", 0), ("allchannels", 1)],
        "Channels that a new user may use.",
    );
}
