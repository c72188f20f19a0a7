//! `unsafe` stands in few files, is counted, and says each time why it is sound.

use super::source::{Source, words};
use super::{Finding, Tree};

/// Where `unsafe` may stand, how often at most, and what for. More of it is a decision: change the number with the reason.
const ALLOWED: &[(&str, usize, &str)] = &[
    ("crates/exec/src/chores.rs", 1, "frees retired tables: it holds the world lock, so nobody looks at them"),
    ("crates/kit/src/alloc.rs", 18, "the allocator is a bundle of raw pointers, and jemalloc is C"),
    ("crates/kit/src/huge_pages.rs", 1, "madvise: moves pages, never their content"),
    ("crates/kit/src/world/clock.rs", 1, "one instruction: the CPU's time-stamp counter"),
    ("crates/keyspace/src/buckets.rs", 40, "cache lines, and directories of any length, read without the shard's lock"),
    ("crates/keyspace/src/collection.rs", 5, "a collection is one owner, in its entry or in the guard that changes it"),
    ("crates/keyspace/src/entry.rs", 25, "hands out what raw.rs made, for as long as it lives"),
    ("crates/keyspace/src/keyspace.rs", 2, "passes on the promise of buckets.rs: nobody reads what is freed"),
    ("crates/keyspace/src/raw.rs", 32, "an entry is one allocation with a layout of ours"),
    ("crates/keyspace/src/table.rs", 17, "words of buckets are turned into entries"),
    ("crates/types/src/heap.rs", 7, "a Box that does not claim to be alone: views share its memory"),
    ("crates/types/src/object.rs", 12, "collections become words and words collections"),
    (
        "crates/types/src/thin.rs",
        15,
        "a buffer behind one pointer, and fetching it ahead (SMEMBERS of a million: a third less CPU)",
    ),
];

/// A reason may stand this many lines above its `unsafe`, with no blank line between.
const REACH_UP: usize = 10;
/// An `unsafe fn` of a trait has the trait's contract, and its body says how it is kept.
const REACH_DOWN: usize = 3;

const WHY_COUNT: &str = "unsafe code is for the allocator, the clock and the tables; elsewhere there is \
                         a safe way (crates say forbid(unsafe_code)); ALLOWED in xtask/src/tidy/unsafety.rs keeps count";
const WHY_SAFETY: &str = "a SAFETY line names the fact that makes it sound and who keeps it true";

pub(crate) fn allowed_and_explained(tree: &Tree, findings: &mut Vec<Finding>) {
    for source in &tree.sources {
        let allowed = ALLOWED.iter().find(|(path, ..)| *path == source.path).map_or(0, |(_, count, _)| *count);
        let (mut count, mut over) = (0, false);
        for (i, line) in source.code.iter().enumerate() {
            for _ in words(line).filter(|(_, word)| *word == "unsafe") {
                // In a file of the list, tests are not counted: they call what is there.
                count += usize::from(allowed == 0 || !source.test[i]);
                if count == allowed + 1 && !over {
                    over = true;
                    let what = format!("`unsafe` number {count} of this file; {allowed} are allowed");
                    findings.push(Finding::error(&source.path, i + 1, what, WHY_COUNT));
                }
                if !is_explained(source, i) {
                    findings.push(Finding::error(&source.path, i + 1, "`unsafe` without a SAFETY line", WHY_SAFETY));
                }
            }
        }
        if count < allowed {
            let what = format!("{count} times `unsafe`, {allowed} are allowed: lower the number");
            findings.push(Finding::warning(&source.path, 1, what, WHY_COUNT));
        }
    }
}

fn is_explained(source: &Source, at: usize) -> bool {
    let explains = |i: usize| {
        let comment = &source.comments[i];
        comment.contains("SAFETY") || comment.contains("# Safety")
    };
    let is_blank = |i: usize| source.code[i].trim().is_empty() && source.comments[i].is_empty();
    let above = (at.saturating_sub(REACH_UP)..=at).rev().take_while(|i| !is_blank(*i)).any(explains);
    let of_fn = source.code[at].contains("unsafe fn");
    above || of_fn && (at..source.code.len().min(at + 1 + REACH_DOWN)).any(explains)
}

#[cfg(test)]
mod tests {
    use super::super::findings_of;
    use super::*;

    #[test]
    fn outside_the_allowed_files() {
        let text = "//! Story.\n// SAFETY: none.\nunsafe { f() }\n";
        let found = findings_of(allowed_and_explained, &[("crates/exec/src/run.rs", text)]);
        assert_eq!(found, ["crates/exec/src/run.rs:3 `unsafe` number 1 of this file; 0 are allowed"]);
    }

    #[test]
    fn more_than_allowed() {
        let text = "// SAFETY: one.\nunsafe { f() }\n".repeat(2);
        let found = findings_of(allowed_and_explained, &[("crates/kit/src/world/clock.rs", &text)]);
        assert_eq!(found, ["crates/kit/src/world/clock.rs:4 `unsafe` number 2 of this file; 1 are allowed"]);
    }

    #[test]
    fn the_number_only_goes_down() {
        let found = findings_of(allowed_and_explained, &[("crates/kit/src/world/clock.rs", "//! Story.\n")]);
        assert_eq!(found, ["crates/kit/src/world/clock.rs:1 0 times `unsafe`, 1 are allowed: lower the number"]);
    }

    #[test]
    fn without_a_reason() {
        let text = "// SAFETY: far away.\n\nlet a = unsafe { f() };\n";
        let found = findings_of(allowed_and_explained, &[("crates/kit/src/alloc.rs", text)]);
        assert_eq!(found[0], "crates/kit/src/alloc.rs:3 `unsafe` without a SAFETY line");
        let in_tests = "//! Story.\n// SAFETY: one.\nunsafe { f() }\n#[cfg(test)]\nmod tests {\n    // SAFETY: two.\n    fn t() { unsafe { f() } }\n}\n";
        assert_eq!(findings_of(allowed_and_explained, &[("crates/kit/src/world/clock.rs", in_tests)]), [""; 0]);
        let explained = "/// # Safety\n/// The caller owns it.\n#[inline]\nunsafe fn f() {}\n";
        let found = findings_of(allowed_and_explained, &[("crates/kit/src/world/clock.rs", explained)]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn words_that_only_look_like_it() {
        let text = "#![forbid(unsafe_code)]\n// unsafe\nlet a = \"unsafe\";\n";
        assert_eq!(findings_of(allowed_and_explained, &[("crates/exec/src/lib.rs", text)]), [""; 0]);
    }
}
