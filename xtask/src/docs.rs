//! The pages of docs/ that are made from the binary: commands.md, options.md, metrics.md.
//!
//! `basalt --list commands|options|metrics` prints a row a line, columns apart by tabs, `\t`, `\n` and `\\` escaped. A
//! first line that begins with `#` names the columns; without one the columns are those of `PAGES`. A row may be
//! shorter than the heading, and columns that no row fills are left out.
//! Always true: the same rows give the same page, so `--check` compares bytes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

struct Page {
    list: &'static str,
    title: &'static str,
    intro: &'static str,
    columns: &'static [&'static str],
    /// One section for each value of this column.
    section: Option<&'static str>,
    /// Columns in typewriter letters.
    literal: &'static [&'static str],
}

const PAGES: &[Page] = &[
    Page {
        list: "commands",
        title: "Commands",
        intro: "What each command does and costs. Arity counts the command's own name; a negative one means at least.",
        columns: &["name", "group", "since", "arity", "flags", "categories", "keys", "complexity", "summary"],
        section: Some("group"),
        literal: &["name", "flags", "categories", "keys", "complexity"],
    },
    Page {
        list: "options",
        title: "Options",
        intro: "For the configuration file, the command line (`--name value`) and CONFIG SET, as Redis reads them.",
        columns: &["name", "kind", "default", "values", "change", "doc"],
        section: None,
        literal: &["name", "default", "values"],
    },
    Page {
        list: "metrics",
        title: "Metrics",
        intro: "What the server counts and measures, beside what Redis's INFO tells. INFO shows counters and gauges under these names, /metrics with `redis_` or `basalt_` before them; histograms stand only there. Counters and histograms start again at CONFIG RESETSTAT.",
        columns: &["name", "kind", "doc"],
        section: None,
        literal: &["name"],
    },
];

/// `cargo xtask docs [--check] [--basalt PATH]`.
pub(crate) fn run(root: &Path, words: &[&str]) -> Result<(), String> {
    let (mut check, mut given) = (false, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--check" => check = true,
            "--basalt" => given = Some(PathBuf::from(words.next().ok_or("--basalt needs a path")?)),
            other => return Err(format!("docs takes --check and --basalt PATH, not '{other}'")),
        }
    }
    let Some(basalt) = given.or_else(|| newest_binary(root)) else {
        println!("docs: no binary `basalt` yet (cargo build --bin basalt), so nothing was made");
        return Ok(());
    };
    let mut stale = Vec::new();
    for page in PAGES {
        let text = match list(&basalt, page.list) {
            Ok(rows) => page.render(&rows),
            Err(why) => {
                println!(
                    "docs: {} --list {}: {why}; docs/{}.md was left alone",
                    basalt.display(),
                    page.list,
                    page.list
                );
                continue;
            }
        };
        let path = root.join("docs").join(format!("{}.md", page.list));
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            stale.push(format!("docs/{}.md", page.list));
            continue;
        }
        let folder = path.parent().unwrap_or(root);
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        std::fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("docs: wrote {}", path.display());
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("{}: not what the binary says now; run `cargo xtask docs` and commit", stale.join(", ")))
}

/// Of what the profiles left in the target folder, the one built last.
fn newest_binary(root: &Path) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let built = |profile: &str| {
        let path = target.join(profile).join("basalt");
        let when = path.metadata().and_then(|meta| meta.modified()).ok()?;
        Some((when, path))
    };
    ["debug", "quick", "release"].into_iter().filter_map(built).max().map(|(_, path)| path)
}

/// Rows of one list, the heading included.
fn list(basalt: &Path, what: &str) -> Result<String, String> {
    let output = Command::new(basalt).args(["--list", what]).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("ended with {}: {}", output.status, text.lines().next().unwrap_or("")));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| "its output is not UTF-8".to_string())?;
    if text.lines().all(|line| line.starts_with('#')) {
        return Err("no rows".into());
    }
    Ok(text)
}

impl Page {
    fn render(&self, rows: &str) -> String {
        let mut columns: Vec<&str> = self.columns.to_vec();
        let mut sections: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
        for line in rows.lines().filter(|line| !line.is_empty()) {
            if let Some(heading) = line.strip_prefix('#') {
                columns = heading.trim().split('\t').collect();
                continue;
            }
            let row: Vec<&str> = line.split('\t').collect();
            let section = self.section.and_then(|name| cell(&columns, &row, name)).unwrap_or("");
            sections.entry(section).or_default().push(row);
        }
        let all = || sections.values().flatten();
        let is_shown =
            |name: &&str| Some(*name) != self.section && all().any(|row| cell(&columns, row, name).is_some());
        let shown: Vec<&str> = columns.iter().copied().filter(is_shown).collect();

        let mut page = format!(
            "# {}\n\n<!-- Made by `cargo xtask docs` from the binary; do not edit. -->\n\n{}\n",
            self.title, self.intro
        );
        for (section, rows) in &mut sections {
            rows.sort();
            if !section.is_empty() {
                let _ = write!(page, "\n## {section}\n");
            }
            let _ = write!(page, "\n| {} |\n|{}\n", shown.join(" | "), " --- |".repeat(shown.len()));
            for row in rows {
                let cells: Vec<String> = shown.iter().map(|name| self.shown_cell(&columns, row, name)).collect();
                let _ = writeln!(page, "| {} |", cells.join(" | "));
            }
        }
        page
    }

    fn shown_cell(&self, columns: &[&str], row: &[&str], name: &str) -> String {
        let Some(text) = cell(columns, row, name) else { return String::new() };
        let text = text.replace("\\t", " ").replace("\\n", " ").replace("\\\\", "\\");
        // A bar would end the cell, even between backticks.
        let text = text.replace('|', "\\|");
        if self.literal.contains(&name) { format!("`{text}`") } else { text.replace('<', "&lt;") }
    }
}

fn cell<'r>(columns: &[&str], row: &[&'r str], name: &str) -> Option<&'r str> {
    let at = columns.iter().position(|column| *column == name)?;
    row.get(at).copied().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_sections() {
        let rows = "SET\tstring\t1.0.0\t-3\twrite,denyoom\t@write\t1\tO(1)\tSets a | b.\nDEL\tgeneric\t1.0.0\t-2\n";
        let page = PAGES[0].render(rows);
        let (generic, string) = (page.find("## generic").unwrap(), page.find("## string").unwrap());
        assert!(generic < string);
        assert!(page.contains("| name | since | arity | flags | categories | keys | complexity | summary |"), "{page}");
        assert!(page.contains("| `SET` | 1.0.0 | -3 | `write,denyoom` | `@write` | `1` | `O(1)` | Sets a \\| b. |"));
        assert!(page.contains("| `DEL` | 1.0.0 | -2 |  |  |  |  |  |"));
    }

    #[test]
    fn a_heading_names_the_columns() {
        let page = PAGES[1].render("# name\tdoc\tunit\nhz\tTurns <a second>.\t\n");
        assert!(page.contains("| name | doc |\n| --- | --- |\n| `hz` | Turns &lt;a second>. |\n"), "{page}");
    }

    #[test]
    fn a_binary_that_cannot_list_is_told() {
        assert!(list(Path::new("/bin/false"), "commands").unwrap_err().contains("exit"));
        assert_eq!(list(Path::new("/bin/true"), "commands").unwrap_err(), "no rows");
        assert!(list(Path::new("/none/basalt"), "commands").is_err());
    }
}
