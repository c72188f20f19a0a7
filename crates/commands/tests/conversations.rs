//! The conversations of `tests/conversations`, in process: one node and one simulated clock for each chapter.
//! The same texts go over a socket in `crates/server/tests/it/conversations.rs`.

#[path = "../../../tests/conversations/chapters.rs"]
#[expect(dead_code, reason = "what Redis 7.0 does not know matters only where it is under test")]
mod chapters;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// As in the server: `maxmemory` counts what it hands out.
#[global_allocator]
static ALLOC: kit::alloc::Alloc = kit::alloc::Alloc;

fn hold(group: &str) {
    let rows: Vec<_> = commands::COMMANDS.iter().copied().flatten().copied().collect();
    let rows: &'static [_] = Vec::leak(rows);
    let (_, text) = chapters::FILES.iter().find(|(name, _)| *name == group).expect("a file of this group");
    let mut failed = Vec::new();
    for chapter in chapters::chapters(group, text) {
        // The panic has already said which step differs; the other chapters are worth hearing too.
        let held = catch_unwind(AssertUnwindSafe(|| {
            // DEBUG is allowed, as over the socket.
            let settings = [("enable-debug-command", "yes")];
            testkit::TestNode::with_lists(rows, &[commands::OPTIONS], &settings).converse(&chapter.text);
        }));
        if held.is_err() {
            failed.push(chapter.title);
        }
    }
    assert!(failed.is_empty(), "{} chapters failed:\n  {}", failed.len(), failed.join("\n  "));
}

macro_rules! groups {
    ($($group:ident)*) => {$(
        #[test]
        fn $group() {
            hold(stringify!($group));
        }
    )*

    #[test]
    fn every_file_is_held() {
        let held: &[&str] = &[$(stringify!($group)),*];
        let files: Vec<_> = chapters::FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(held, files);
    }};
}

groups!(
    bitmaps connection expiry generic hashes hyperloglogs lists numbers pubsub resp3 server sets strings transactions users
);
