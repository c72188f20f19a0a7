//! The conversations of this folder, cut into chapters. Included by both who hold them: `crates/commands/tests`
//! (in process, the clock under our hand) and `crates/server/tests/it` (over a socket).
//!
//! A line `## title` begins a chapter. Each chapter talks to a server with no keys and new clients. A title that ends
//! in `(8.0)` or `(9.0)` says that Redis 7.0 does not know this yet.

pub(crate) struct Chapter {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) is_newer_than_7: bool,
}

/// Name of the group, and its file.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("bitmaps", include_str!("bitmaps.txt")),
    ("connection", include_str!("connection.txt")),
    ("expiry", include_str!("expiry.txt")),
    ("generic", include_str!("generic.txt")),
    ("hashes", include_str!("hashes.txt")),
    ("hyperloglogs", include_str!("hyperloglogs.txt")),
    ("lists", include_str!("lists.txt")),
    ("numbers", include_str!("numbers.txt")),
    ("pubsub", include_str!("pubsub.txt")),
    ("resp3", include_str!("resp3.txt")),
    ("server", include_str!("server.txt")),
    ("sets", include_str!("sets.txt")),
    ("strings", include_str!("strings.txt")),
    ("transactions", include_str!("transactions.txt")),
    ("users", include_str!("users.txt")),
];

pub(crate) fn chapters(group: &str, text: &str) -> Vec<Chapter> {
    let mut all: Vec<Chapter> = Vec::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            let is_newer_than_7 = title.ends_with("(8.0)") || title.ends_with("(9.0)");
            all.push(Chapter { title: format!("{group}: {title}"), text: String::new(), is_newer_than_7 });
        } else if let Some(chapter) = all.last_mut() {
            chapter.text.push_str(line);
            chapter.text.push('\n');
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{group}: a step before the first chapter: {line}");
        }
    }
    all
}
