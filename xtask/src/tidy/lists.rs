//! What is declared as a row stands in a list, or nobody would ever see it.
//!
//! The lists are plain statics that a reader finds (no registration by magic), so forgetting the second line is possible;
//! these rules notice.

use super::source::{Source, has_word, words};
use super::{Finding, Tree, module_of};

const WHY_FILE: &str =
    "a command's file takes two lines in its folder's mod.rs: `mod name;` and its static in COMMANDS";
const WHY_COMMAND: &str = "a command that is in no list does not exist for clients: name it in the COMMANDS of its folder's \
                           mod.rs, or as a subcommand in its container";
const WHY_GROUP: &str = "the groups' lists are joined in crates/commands/src/lib.rs, and nowhere else";
const WHY_OPTION: &str = "an option that is in no OPTIONS list of its crate cannot be read, set or shown: CONFIG, files and \
                          the manual are made from the lists";
const WHY_METRIC: &str =
    "a metric that is in no METRICS list of its crate has no slot: it counts nothing and INFO cannot show it";

/// Files of a folder of commands against its mod.rs.
pub(crate) fn commands(tree: &Tree, findings: &mut Vec<Finding>) {
    let sources: Vec<&Source> = tree.crate_sources().filter(|source| group_of(&source.path).is_some()).collect();
    for source in &sources {
        let group = group_of(&source.path).unwrap_or_default();
        let is_mod = source.file_name() == "mod.rs";
        if is_mod && source.folder() == group {
            group_is_joined(tree, source, findings);
        }
        let home = if is_mod { parent(source.folder()) } else { source.folder() };
        if let Some(home) = home_file(&sources, home).filter(|_| !(is_mod && source.folder() == group))
            && !home.code.iter().any(|line| module_of(line) == Some(source.module()))
        {
            let what = format!("`mod {};` is missing in {}", source.module(), home.path);
            findings.push(Finding::error(&source.path, 1, what, WHY_FILE));
        }
        for (line, name) in statics(source, &["Command"]) {
            // Namesakes in a neighbour folder (two HELPs) do not count for each other.
            let is_near = |other: &&&Source| {
                group_of(&other.path) == Some(group)
                    && format!("{}/", source.folder()).starts_with(&format!("{}/", other.folder()))
            };
            let is_listed = sources
                .iter()
                .filter(is_near)
                .any(|other| ["COMMANDS", "subcommands"].iter().any(|list| names(other, list, source, name)));
            if !is_listed {
                let what = format!("{name} is not named in the COMMANDS of {group}/mod.rs");
                findings.push(Finding::error(&source.path, line, what, WHY_COMMAND));
            }
        }
    }
}

pub(crate) fn options_and_metrics(tree: &Tree, findings: &mut Vec<Finding>) {
    for source in tree.crate_sources() {
        let crate_name = source.crate_name();
        for (kinds, list, why) in
            [(&["Opt"][..], "OPTIONS", WHY_OPTION), (&["Counter", "Gauge"], "METRICS", WHY_METRIC)]
        {
            for (line, name) in statics(source, kinds) {
                let mut of_crate = tree.crate_sources().filter(|other| other.crate_name() == crate_name);
                if !of_crate.any(|other| names(other, list, source, name)) {
                    let what = format!("{name} is in no {list} of crate {crate_name}");
                    findings.push(Finding::error(&source.path, line, what, why));
                }
            }
        }
    }
}

fn group_is_joined(tree: &Tree, group: &Source, findings: &mut Vec<Finding>) {
    let Some(lib) = tree.sources.iter().find(|source| source.path == "crates/commands/src/lib.rs") else { return };
    let name = group.module();
    if group.crate_name() == "commands" && !lib.live_text().contains(&format!("{name}::COMMANDS")) {
        let what = format!("`{name}::COMMANDS` is missing in {}", lib.path);
        findings.push(Finding::error(&group.path, 1, what, WHY_GROUP));
    }
}

/// The folder of commands a path lies in: a group of `commands`, or a crate's own `commands/`.
fn group_of(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    let depth = match parts.as_slice() {
        ["crates", "commands", "src", _, _, ..] => 4,
        ["crates", _, "src", "commands", _, ..] => 4,
        _ => return None,
    };
    let len: usize = parts[..depth].iter().map(|part| part.len() + 1).sum();
    Some(&path[..len - 1])
}

fn parent(folder: &str) -> &str {
    folder.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The file that declares the modules of a folder: its mod.rs, or the file named as the folder beside it.
fn home_file<'t>(sources: &[&'t Source], folder: &str) -> Option<&'t Source> {
    let (as_mod, as_file) = (format!("{folder}/mod.rs"), format!("{folder}.rs"));
    sources.iter().copied().find(|source| source.path == as_mod || source.path == as_file)
}

/// Statics whose type begins with one of the kinds: line and name. What a macro declares has a `$` and is the macro's.
fn statics<'s>(source: &'s Source, kinds: &[&str]) -> Vec<(usize, &'s str)> {
    let mut found = Vec::new();
    for (number, line) in source.live() {
        let mut rest = words(line).skip_while(|(_, word)| *word != "static").skip(1);
        let Some((at, name)) = rest.next() else { continue };
        let after = line[at + name.len()..].trim_start();
        let Some(type_text) = after.strip_prefix(':') else { continue };
        let type_text = type_text.trim_start();
        let last = type_text.split(['<', '=', ' ']).next().unwrap_or("");
        let last = last.rsplit("::").next().unwrap_or("");
        if kinds.contains(&last) && !line[..at].ends_with('$') {
            found.push((number, name));
        }
    }
    found
}

/// Is `name`, declared in `home`, named in a list called `list` of `file`? As `module::NAME`, or as `NAME` where the list is
/// in the same file or its file imports it.
fn names(file: &Source, list: &str, home: &Source, name: &str) -> bool {
    let code = file.live_text();
    let bare_is_enough = file.path == home.path || imports(code, home.module(), name);
    let qualified = format!("{}::{name}", home.module());
    bodies(code, list).iter().any(|body| {
        words(body).any(|(at, word)| {
            let before = &body[..at];
            let path_start = before.rfind(|c: char| c != ':' && c != '_' && !c.is_alphanumeric()).map_or(0, |i| i + 1);
            let path = format!("{}{word}", &before[path_start..]);
            word == name
                && (path == qualified || path.ends_with(&format!("::{qualified}")) || path == name && bare_is_enough)
        })
    })
}

fn imports(code: &str, module: &str, name: &str) -> bool {
    code.split(';').any(|statement| {
        let statement = statement.trim_start();
        let start = statement.rfind("use ").map(|at| &statement[at..]);
        start.is_some_and(|text| has_word(text, name) || text.contains(&format!("{module}::*")))
    })
}

/// The bodies `[ … ]` of everything whose name is, or ends with, `list`: `NET_OPTIONS: … = &[ … ]`, `subcommands: &[ … ]`.
fn bodies<'c>(code: &'c str, list: &str) -> Vec<&'c str> {
    let mut all = Vec::new();
    for (at, word) in words(code) {
        if !(word == list || word.ends_with(&format!("_{list}"))) {
            continue;
        }
        let rest = &code[at + word.len()..];
        if !rest.trim_start().starts_with(':') || rest.trim_start().starts_with("::") {
            continue;
        }
        // Behind `=` for a static, behind `:` for a field.
        let value = if list == "subcommands" { Some(0) } else { rest.find('=') };
        let Some(open) = value.and_then(|value| rest[value..].find('[').map(|open| value + open)) else { continue };
        all.push(bracketed(&rest[open..]));
    }
    all
}

/// From an opening bracket to its closing one.
fn bracketed(text: &str) -> &str {
    let mut depth = 0;
    for (i, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..=i];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::findings_of;
    use super::*;

    const LIB: (&str, &str) =
        ("crates/commands/src/lib.rs", "//! C.\nmod list;\npub static ALL: &[X] = &[list::COMMANDS];");
    const POP: (&str, &str) = (
        "crates/commands/src/list/pop.rs",
        "//! LPOP.\npub static LPOP: Command = Command { name: \"LPOP\" };\npub static RPOP: Command = Command {};\n",
    );

    #[test]
    fn a_file_that_is_not_listed() {
        let list = ("crates/commands/src/list/mod.rs", "//! L.\npub static COMMANDS: &[&Command] = &[];\n");
        let found = findings_of(commands, &[LIB, list, POP]);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("crates/commands/src/list/pop.rs:1 `mod pop;` is missing in"));
        assert!(found[1].starts_with("crates/commands/src/list/pop.rs:2 LPOP"));
    }

    #[test]
    fn a_static_that_is_not_listed() {
        let list = "//! L.\nmod pop;\npub static COMMANDS: &[&Command] = &[\n    &pop::LPOP,\n    // &pop::RPOP\n];\n";
        let found = findings_of(commands, &[LIB, ("crates/commands/src/list/mod.rs", list), POP]);
        let expected =
            "crates/commands/src/list/pop.rs:3 RPOP is not named in the COMMANDS of crates/commands/src/list/mod.rs";
        assert_eq!(found, [expected]);
        let own = ("crates/replica/src/commands/wait.rs", "//! W.\npub static WAIT: Command = Command {};\n");
        let list =
            ("crates/replica/src/commands/mod.rs", "//! R.\nmod wait;\npub static COMMANDS: &[&Command] = &[];\n");
        assert_eq!(findings_of(commands, &[own, list]).len(), 1);
    }

    #[test]
    fn a_group_that_is_not_joined() {
        let lib = ("crates/commands/src/lib.rs", "//! C.\nmod list;\n");
        let list = ("crates/commands/src/list/mod.rs", "//! L.\npub static COMMANDS: &[&Command] = &[];\n");
        assert_eq!(
            findings_of(commands, &[lib, list]),
            ["crates/commands/src/list/mod.rs:1 `list::COMMANDS` is missing in crates/commands/src/lib.rs"]
        );
    }

    #[test]
    fn listed_commands_and_subcommands() {
        let list = "//! L.\nmod client;\nmod pop;\nuse pop::{LPOP, RPOP};\npub static COMMANDS: &[&Command] = &[&LPOP, &RPOP, &client::CLIENT];\n";
        let client = "//! CLIENT.\nmod kill;\npub static CLIENT: Command = Command {\n    subcommands: &[&LIST, &kill::KILL],\n    ..Command::BASE\n};\nstatic LIST: Command = Command::BASE;\n";
        let kill = "//! CLIENT KILL.\npub static KILL: Command = Command::BASE;\n";
        let files = [
            LIB,
            POP,
            ("crates/commands/src/list/mod.rs", list),
            ("crates/commands/src/list/client/mod.rs", client),
            ("crates/commands/src/list/client/kill.rs", kill),
        ];
        assert_eq!(findings_of(commands, &files), [""; 0]);
    }

    #[test]
    fn a_namesake_in_a_neighbour_folder_does_not_count() {
        let list = "//! S.\nmod client;\nmod memory;\npub static COMMANDS: &[&Command] = &[];\n";
        let with = "//! C.\nmod help;\npub static COMMANDS: &[&Command] = &[&help::HELP];\n";
        let without = "//! M.\nmod help;\npub static COMMANDS: &[&Command] = &[];\n";
        let help = "//! HELP.\npub static HELP: Command = Command::BASE;\n";
        let files = [
            ("crates/commands/src/server/mod.rs", list),
            ("crates/commands/src/server/client/mod.rs", with),
            ("crates/commands/src/server/client/help.rs", help),
            ("crates/commands/src/server/memory/mod.rs", without),
            ("crates/commands/src/server/memory/help.rs", help),
        ];
        let found = findings_of(commands, &files);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/commands/src/server/memory/help.rs:2 HELP"));
    }

    #[test]
    fn options_and_metrics_that_are_not_listed() {
        let options = "//! O.\npub static OPTIONS: &[&dyn AnyOpt] = &[&slowlog::MAX_LEN];\n";
        let slowlog = "//! S.\npub static MAX_LEN: Opt<Int> =\n    Opt::int();\npub static SLOWER: opt::Opt<Int> = Opt::int();\nstatic HITS: Counter = Counter::new();\n#[cfg(test)]\nmod tests {\n    static T: Opt<Int> = Opt::int();\n}\n";
        let files = [("crates/exec/src/options.rs", options), ("crates/exec/src/slowlog.rs", slowlog)];
        assert_eq!(
            findings_of(options_and_metrics, &files),
            [
                "crates/exec/src/slowlog.rs:4 SLOWER is in no OPTIONS of crate exec",
                "crates/exec/src/slowlog.rs:5 HITS is in no METRICS of crate exec",
            ]
        );
    }

    #[test]
    fn a_namesake_in_another_module_does_not_count() {
        let options = "//! O.\npub static OPTIONS: &[&dyn AnyOpt] = &[&slowlog::MAX_LEN];\n";
        let other = "//! L.\npub static MAX_LEN: Opt<Int> = Opt::int();\n";
        let files = [("crates/exec/src/options.rs", options), ("crates/exec/src/latency.rs", other)];
        assert_eq!(findings_of(options_and_metrics, &files).len(), 1);
    }

    #[test]
    fn a_macro_makes_its_own_list() {
        let text = "//! M.\nmacro_rules! counters {\n    () => {\n        $(pub static $ident: Counter = Counter::new();)*\n    };\n}\n";
        assert_eq!(findings_of(options_and_metrics, &[("crates/exec/src/metrics.rs", text)]), [""; 0]);
    }
}
