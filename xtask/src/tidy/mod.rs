//! Checks of the house that no other tool makes, each with its reason. Also a test, so CI and every developer run it.
//!
//! A rule is a function from the tree of files to findings; `RULES` lists them. Each rule has a test that makes it fail,
//! on a tree written for it, so that a rule that has stopped looking is noticed.
//! The width of lines is rustfmt's (rustfmt.toml), lints are clippy's (Cargo.toml, clippy.toml).

mod doors;
mod floors;
mod lists;
mod shape;
mod source;
mod unsafety;

use source::Source;
use std::fmt;
use std::path::Path;

/// What tidy looks at: manifests and Rust files, by path from the workspace's folder.
#[derive(Default)]
pub(crate) struct Tree {
    manifests: Vec<(String, String)>,
    sources: Vec<Source>,
}

pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
    why: &'static str,
    is_warning: bool,
}

impl Finding {
    fn error(path: &str, line: usize, what: impl Into<String>, why: &'static str) -> Finding {
        Finding { path: path.into(), line, what: what.into(), why, is_warning: false }
    }

    fn warning(path: &str, line: usize, what: impl Into<String>, why: &'static str) -> Finding {
        Finding { is_warning: true, ..Finding::error(path, line, what, why) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_warning { "warning: " } else { "" };
        write!(f, "{}:{}: {kind}{}\n    why: {}", self.path, self.line, self.what, self.why)
    }
}

type Rule = fn(&Tree, &mut Vec<Finding>);

const RULES: &[Rule] = &[
    floors::arrows_go_down,
    shape::stories,
    shape::length,
    shape::nothing_unfinished,
    lists::commands,
    lists::options_and_metrics,
    unsafety::allowed_and_explained,
    doors::world_comes_in_by_the_door,
];

/// `cargo xtask tidy`.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|error| format!("{}: {error}", root.display()))?;
    let findings = tree.check();
    findings.iter().for_each(|finding| println!("{finding}"));
    let errors = findings.iter().filter(|finding| !finding.is_warning).count();
    match errors {
        0 => {
            println!("tidy: {} files, {} manifests, all in order", tree.sources.len(), tree.manifests.len());
            Ok(())
        }
        errors => Err(format!("tidy: {errors} to mend")),
    }
}

impl Tree {
    /// Reads `crates/`, `xtask/`, `tests/` and `fuzz/`.
    fn read(root: &Path) -> std::io::Result<Tree> {
        let mut tree = Tree::default();
        for top in ["crates", "xtask", "tests", "fuzz"] {
            tree.read_folder(root, &root.join(top))?;
        }
        tree.sources.sort_by(|a, b| a.path.cmp(&b.path));
        tree.manifests.sort();
        tree.mark_test_modules();
        Ok(tree)
    }

    fn read_folder(&mut self, root: &Path, folder: &Path) -> std::io::Result<()> {
        if !folder.is_dir() {
            return Ok(());
        }
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !name.starts_with('.') && !matches!(name.as_str(), "target" | "corpus" | "artifacts") {
                    self.read_folder(root, &path)?;
                }
            } else if name.ends_with(".rs") || name == "Cargo.toml" {
                let short = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                self.add(&short, &std::fs::read_to_string(&path)?);
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, text: &str) {
        if path.ends_with(".rs") {
            self.sources.push(Source::new(path, text));
        } else {
            self.manifests.push((path.into(), text.into()));
        }
    }

    /// `#[cfg(test)] mod twins;` makes a test of the whole file.
    fn mark_test_modules(&mut self) {
        let mut of_tests = Vec::new();
        for source in &self.sources {
            let base = match source.file_name() {
                "mod.rs" | "lib.rs" | "main.rs" => source.folder().to_string(),
                _ => format!("{}/{}", source.folder(), source.module()),
            };
            for (line, _) in source.code.iter().zip(&source.test).filter(|(_, test)| **test) {
                if let Some(name) = module_of(line) {
                    of_tests.push(format!("{base}/{name}.rs"));
                    of_tests.push(format!("{base}/{name}/mod.rs"));
                }
            }
        }
        for source in &mut self.sources {
            if of_tests.contains(&source.path) {
                source.test.fill(true);
            }
        }
    }

    fn check(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        RULES.iter().for_each(|rule| rule(self, &mut findings));
        findings
    }

    /// Sources below `crates/*/src`.
    fn crate_sources(&self) -> impl Iterator<Item = &Source> {
        self.sources
            .iter()
            .filter(|source| source.path.split('/').nth(2) == Some("src") && !source.crate_name().is_empty())
    }
}

/// `pop` for the line `pub mod pop;`.
fn module_of(line: &str) -> Option<&str> {
    let name = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
    let before = name.0.trim();
    (before.is_empty() || before.starts_with("pub")).then_some(name.1.trim())
}

/// A tree of made-up files, for the tests of the rules.
#[cfg(test)]
fn tree_of(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::default();
    files.iter().for_each(|(path, text)| tree.add(path, text));
    tree.mark_test_modules();
    tree
}

/// What one rule says of made-up files: `path:line`, and the message.
#[cfg(test)]
fn findings_of(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    let mut findings = Vec::new();
    rule(&tree_of(files), &mut findings);
    findings.iter().map(|finding| format!("{}:{} {}", finding.path, finding.line, finding.what)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let tree = Tree::read(&crate::root()).unwrap();
        assert!(tree.sources.len() > 50, "tidy looks at {} files only", tree.sources.len());
        let errors: Vec<String> =
            tree.check().iter().filter(|finding| !finding.is_warning).map(Finding::to_string).collect();
        assert!(errors.is_empty(), "\n{}\n", errors.join("\n"));
    }

    #[test]
    fn a_module_for_tests_only_is_a_test() {
        let tree = tree_of(&[
            ("crates/kit/src/lib.rs", "//! Kit.\n#[cfg(test)]\nmod twins;\nmod live;"),
            ("crates/kit/src/twins.rs", "fn twin() {}"),
            ("crates/kit/src/live.rs", "fn live() {}"),
        ]);
        let live: Vec<usize> = tree.sources.iter().map(|source| source.live().count()).collect();
        assert_eq!(live, [2, 0, 1]);
    }

    #[test]
    fn a_finding_names_place_and_reason() {
        let text = Finding::error("a.rs", 3, "something", "because").to_string();
        assert_eq!(text, "a.rs:3: something\n    why: because");
    }
}
