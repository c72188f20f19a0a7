//! What is asked of the process and its log, as far as nobody carries it out.

use super::options;
use kit::opt::Opt;

options! {
    Bool: Opt::bool("syslog-enabled", false, "Writes the log to the system's log too.").immutable();
    Text: Opt::text("syslog-ident", "redis", "Name in the system's log.").immutable();
    Choice: Opt::choice(
        "syslog-facility",
        16,
        &[
            ("user", 1),
            ("local0", 16),
            ("local1", 17),
            ("local2", 18),
            ("local3", 19),
            ("local4", 20),
            ("local5", 21),
            ("local6", 22),
            ("local7", 23),
        ],
        "Facility in the system's log.",
    )
    .immutable();
    Choice: Opt::choice("log-format", 0, &[("legacy", 0), ("logfmt", 1)], "Valkey: form of the log's lines.");
    Choice: Opt::choice(
        "log-timestamp-format",
        0,
        &[("legacy", 0), ("iso8601", 1), ("milliseconds", 2)],
        "Valkey: form of the time in the log's lines.",
    );
    Bool: Opt::bool("set-proc-title", true, "Shows the address in the process's title.").immutable();
    Text: Opt::text("proc-title-template", "{title} {listen-addr} {server-mode}", "What the process's title shows.")
        .multi_word()
        .check(title);
    Bool: Opt::bool("crash-log-enabled", true, "Writes a report when the process crashes.");
    Bool: Opt::bool("crash-memcheck-enabled", true, "Tests the memory after a crash.");
    Text: Opt::text("server-cpulist", "", "Cores for the threads that serve clients.").aliases(&["server_cpulist"]).immutable();
    Text: Opt::text("bio-cpulist", "", "Cores for background threads.").aliases(&["bio_cpulist"]).immutable();
    Text: Opt::text("aof-rewrite-cpulist", "", "Cores for rewrites.").aliases(&["aof_rewrite_cpulist"]).immutable();
    Text: Opt::text("bgsave-cpulist", "", "Cores for snapshots.").aliases(&["bgsave_cpulist"]).immutable();
    Text: Opt::text("ignore-warnings", "", "Warnings at start to leave out.").multi_word();
    Text: Opt::text("locale-collate", "", "Locale for comparisons of SORT ALPHA.");
}

const TITLE_VARIABLES: &[&str] =
    &["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];

/// Variables in braces, all of them known.
fn title(text: &str) -> Result<String, String> {
    let refused = || "template format is invalid or contains unknown variables".to_owned();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let len = rest[open + 1..].find('}').ok_or_else(refused)?;
        if !TITLE_VARIABLES.contains(&&rest[open + 1..open + 1 + len]) {
            return Err(refused());
        }
        rest = &rest[open + len + 2..];
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    #[test]
    fn titles() {
        for good in ["", "--save", "{title} {port}", "a } b"] {
            assert!(super::title(good).is_ok(), "{good}");
        }
        for bad in ["{x}", "{title", "{}", "{title}{"] {
            assert!(super::title(bad).is_err(), "{bad}");
        }
    }
}
