//! What every file owes its reader: a story at the top, a length one can hold, nothing left for later.

use super::source::{Source, has_word, words};
use super::{Finding, Tree};

const LINES_MAX: usize = 1200;
const LINES_WARN: usize = 800;

const WHY_STORY: &str = "a file opens with its story (`//! …`): what it does, the idea, what is always true, what it must not \
                         know; a reader decides there whether to read on";
const WHY_LENGTH: &str =
    "a file is what a person can hold; cut it by meaning, along its states or kinds, not at a line count";
const WHY_UNFINISHED: &str = "what is in the tree is finished, and every test runs: slow sets are asked for by an environment \
                              variable; what is missing belongs in an issue";

/// Macros that stand for work not done.
const UNFINISHED: &[&str] = &["todo", "unimplemented", "dbg"];

pub(crate) fn stories(tree: &Tree, findings: &mut Vec<Finding>) {
    for source in tree.crate_sources().filter(|source| !source.opens_with_story()) {
        findings.push(Finding::error(&source.path, 1, "the first line is not a `//!` story", WHY_STORY));
    }
}

pub(crate) fn length(tree: &Tree, findings: &mut Vec<Finding>) {
    for Source { path, code, .. } in &tree.sources {
        let len = code.len();
        if len > LINES_MAX {
            let what = format!("{len} lines, at most {LINES_MAX} are allowed");
            findings.push(Finding::error(path, LINES_MAX + 1, what, WHY_LENGTH));
        } else if len > LINES_WARN {
            findings.push(Finding::warning(path, LINES_WARN + 1, format!("{len} lines"), WHY_LENGTH));
        }
    }
}

pub(crate) fn nothing_unfinished(tree: &Tree, findings: &mut Vec<Finding>) {
    let fixme = concat!("FIX", "ME");
    for source in &tree.sources {
        for (i, line) in source.code.iter().enumerate() {
            let mut found = |what: String| findings.push(Finding::error(&source.path, i + 1, what, WHY_UNFINISHED));
            for (at, word) in words(line) {
                if UNFINISHED.contains(&word) && line[at + word.len()..].starts_with('!') {
                    found(format!("{word}! left in the code"));
                }
            }
            if line.trim_start().starts_with("#[ignore") {
                found("a test that does not run".into());
            }
            if has_word(&source.comments[i], fixme) {
                found(format!("{fixme} left in a comment"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings_of;
    use super::*;

    #[test]
    fn a_file_without_story() {
        let files = [
            ("crates/kit/src/a.rs", "//! A story.\n"),
            ("crates/kit/src/b.rs", "use std::fmt;\n"),
            ("crates/kit/src/c.rs", "//!\n"),
            ("crates/kit/tests/d.rs", "use std::fmt;\n"),
        ];
        let found = findings_of(stories, &files);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("crates/kit/src/b.rs:1 "));
    }

    #[test]
    fn a_file_too_long() {
        let (fits, long, too_long) = ("\n".repeat(800), "\n".repeat(801), "\n".repeat(1201));
        let files = [("crates/kit/src/a.rs", fits.as_str()), ("xtask/src/b.rs", &long), ("tests/c.rs", &too_long)];
        let found = findings_of(length, &files);
        assert_eq!(found, ["xtask/src/b.rs:801 801 lines", "tests/c.rs:1201 1201 lines, at most 1200 are allowed"]);
    }

    #[test]
    fn work_left_for_later() {
        // Put together here, so that a search for these words in the tree finds none.
        for left in ["todo", "unimplemented", "dbg"] {
            let text = format!("//! Story.\nfn f() {{ {left}!() }}\n");
            assert_eq!(findings_of(nothing_unfinished, &[("crates/kit/src/a.rs", &text)]).len(), 1, "{left}");
        }
        let text = format!("//! Story.\n// {}: later\n#[test]\n  #[{}]\nfn f() {{}}\n", concat!("FIX", "ME"), "ignore");
        let found = findings_of(nothing_unfinished, &[("crates/kit/src/a.rs", &text)]);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].starts_with("crates/kit/src/a.rs:4 "));
        let fine = "//! Story.\n// a todo list\nfn todo() { list.todo(); let a = \"dbg!\"; }\n";
        assert_eq!(findings_of(nothing_unfinished, &[("crates/kit/src/a.rs", fine)]), [""; 0]);
    }
}
