//! Time, chance and files come in by the door: only `kit` asks the system, so a test can own all three.

use super::source::{Source, has_word};
use super::{Finding, Tree};

/// Who may ask the system directly, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/kit/", "it is the door"),
    ("crates/net/", "sockets, the edge of the system: no simulated run has them"),
    ("crates/server/", "start and stop of the process: options, files and signals before there is a node"),
    ("crates/testkit/", "for tests only"),
];

const WHY: &str = "only kit asks the system for time, chance and files (kit::world: Clock, Rng, Disk), so that a test can hold \
                   time still, tear a write and replay a seed; take it from ctx, the node or an argument";

pub(crate) fn world_comes_in_by_the_door(tree: &Tree, findings: &mut Vec<Finding>) {
    for source in tree.crate_sources() {
        if ALLOWED.iter().any(|(path, _)| source.path.starts_with(path)) {
            continue;
        }
        for (line, what) in uses(source) {
            findings.push(Finding::error(&source.path, line, format!("uses {what}"), WHY));
        }
    }
}

/// What a file outside the door uses of the system.
fn uses(source: &Source) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    // A `use` may go over several lines; this is its beginning.
    let mut import: Option<String> = None;
    for (number, line) in source.live() {
        let starts_import = line.trim_start().trim_start_matches("pub ").starts_with("use ");
        if starts_import {
            import = Some(String::new());
        }
        let of_std = import.as_mut().is_some_and(|so_far| {
            so_far.push_str(line.trim());
            so_far.contains("use std::")
        });
        let of_rand = import.as_ref().is_some_and(|so_far| so_far.contains("use rand")) || line.contains("rand::");
        for (what, is_used) in [
            ("std::time::SystemTime", has_word(line, "SystemTime")),
            ("std::time::Instant", has_word(line, "Instant")),
            ("std::fs", line.contains("std::fs") || of_std && has_word(line, "fs")),
            ("rand", of_rand && has_word(line, "rand")),
            ("getrandom", has_word(line, "getrandom")),
        ] {
            if is_used {
                found.push((number, what));
            }
        }
        if line.contains(';') {
            import = None;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::findings_of;
    use super::*;

    #[test]
    fn the_system_asked_directly() {
        for (line, what) in [
            ("use std::time::Instant;", "std::time::Instant"),
            ("let now = std::time::SystemTime::now();", "std::time::SystemTime"),
            ("use std::time::{Duration, Instant};", "std::time::Instant"),
            ("use std::fs::File;", "std::fs"),
            ("use std::{\n    fs,\n    io,\n};", "std::fs"),
            ("let x: u8 = rand::random();", "rand"),
            ("use rand::Rng;", "rand"),
            ("getrandom::fill(&mut buf);", "getrandom"),
        ] {
            let text = format!("//! Story.\n{line}\n");
            let found = findings_of(world_comes_in_by_the_door, &[("crates/exec/src/a.rs", &text)]);
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].ends_with(&format!("uses {what}")), "{line}: {found:?}");
            assert_eq!(findings_of(world_comes_in_by_the_door, &[("crates/kit/src/a.rs", &text)]), [""; 0]);
        }
    }

    #[test]
    fn tests_and_other_things_of_these_names() {
        let text = "//! Story.\nuse std::time::Duration;\nuse crate::fs;\nlet rand = 1;\n#[cfg(test)]\nmod tests {\n    use std::time::Instant;\n}\n";
        assert_eq!(findings_of(world_comes_in_by_the_door, &[("crates/exec/src/a.rs", text)]), [""; 0]);
    }
}
