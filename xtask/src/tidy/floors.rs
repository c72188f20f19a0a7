//! Arrows between crates go down only: a crate uses floors below its own, never a neighbour, never one above.

use super::{Finding, Tree};

/// The floors, as drawn in ARCHITECTURE.md.
const FLOORS: &[(&str, u32)] = &[
    ("kit", 0),
    ("proto", 1),
    ("types", 1),
    ("log", 1),
    ("disk", 1),
    ("keyspace", 2),
    ("exec", 3),
    ("commands", 4),
    ("script", 4),
    ("snapshot", 4),
    ("testkit", 4), // dev only; sits on exec and takes the list of commands as an argument
    ("replica", 5),
    ("cluster", 6),
    ("net", 7),
    ("console", 7),
    ("server", 8),
];

/// Crates for tests, which no crate may use outside `[dev-dependencies]`.
const DEV_ONLY: &[&str] = &["testkit"];

/// Test dependencies beside those on floors below: who, on what, why.
const DEV_ALLOWED: &[(&str, &str, &str)] = &[
    ("exec", "testkit", "its integration tests, which link one copy of exec"),
    ("commands", "testkit", "conversations at the foot of each command"),
    ("script", "testkit", "conversations at the foot of each command"),
    ("script", "commands", "what scripts call in those conversations"),
    ("snapshot", "testkit", "conversations at the foot of each command"),
    ("commands", "net", "the same conversations over a socket"),
];

const WHY: &str = "a crate may use any floor below its own, never a neighbour, never a floor above; what a lower floor needs \
                   from a higher one is a trait in exec/src/seams.rs (ARCHITECTURE.md)";
const WHY_DEV: &str = "testkit is for tests: it belongs under [dev-dependencies]";
const WHY_FLOOR: &str = "every crate of crates/ stands on a floor; a new one is an architecture change: draw it in \
                         ARCHITECTURE.md and give it its line in FLOORS (xtask/src/tidy/floors.rs)";

pub(crate) fn arrows_go_down(tree: &Tree, findings: &mut Vec<Finding>) {
    for (path, text) in &tree.manifests {
        let Some(name) = path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()) else { continue };
        let Some(floor) = floor_of(name) else {
            findings.push(Finding::error(path, 1, format!("crate '{name}' has no floor"), WHY_FLOOR));
            continue;
        };
        for dependency in dependencies(text) {
            let Some(below) = floor_of(dependency.name) else { continue };
            let what = || format!("{name} (floor {floor}) depends on {} (floor {below})", dependency.name);
            if !dependency.dev && DEV_ONLY.contains(&dependency.name) {
                findings.push(Finding::error(path, dependency.line, what(), WHY_DEV));
            } else if below >= floor && !(dependency.dev && is_dev_allowed(name, dependency.name)) {
                findings.push(Finding::error(path, dependency.line, what(), WHY));
            }
        }
    }
}

fn floor_of(name: &str) -> Option<u32> {
    FLOORS.iter().find(|(of, _)| *of == name).map(|(_, floor)| *floor)
}

fn is_dev_allowed(from: &str, to: &str) -> bool {
    // A crate above testkit reaches it by the floors.
    DEV_ALLOWED.iter().any(|(f, t, _)| (*f, *t) == (from, to))
}

struct Dependency<'t> {
    name: &'t str,
    line: usize,
    dev: bool,
}

/// The crates named in the tables of dependencies, those for one target only included.
fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let mut all = Vec::new();
    // Inside a table of dependencies, whether it is for tests; `None` elsewhere.
    let mut table = None;
    for (i, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or("");
            let dev = header.contains("dev-dependencies");
            table = header.ends_with("dependencies").then_some(dev);
            // `[dependencies.kit]`
            if let Some((before, name)) = header.rsplit_once("dependencies.") {
                let dev = before.ends_with("dev-");
                all.push(Dependency { name, line: i + 1, dev });
            }
            continue;
        }
        if let Some(dev) = table
            && let Some((name, _)) = line.split_once('=')
            && !line.starts_with('#')
        {
            let name = name.trim().split('.').next().unwrap_or("").trim_matches('"');
            all.push(Dependency { name, line: i + 1, dev });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::findings_of;
    use super::*;

    fn of(manifest: &str, path: &str) -> Vec<String> {
        findings_of(arrows_go_down, &[(path, manifest)])
    }

    #[test]
    fn up_and_sideways_are_refused() {
        let manifest =
            "[package]\nname = \"exec\"\n[dependencies]\nkit.workspace = true\nnet = { path = \"../net\" }\n";
        assert_eq!(
            of(manifest, "crates/exec/Cargo.toml"),
            ["crates/exec/Cargo.toml:5 exec (floor 3) depends on net (floor 7)"]
        );
        assert_eq!(of("[dependencies]\ntypes.workspace = true\n", "crates/proto/Cargo.toml").len(), 1);
        assert_eq!(of("[target.'cfg(unix)'.dependencies]\nexec = \"1\"\n", "crates/kit/Cargo.toml").len(), 1);
        assert_eq!(of("[dependencies.exec]\nworkspace = true\n", "crates/kit/Cargo.toml").len(), 1);
        assert_eq!(of("[build-dependencies]\nexec.workspace = true\n", "crates/kit/Cargo.toml").len(), 1);
    }

    #[test]
    fn testkit_is_for_tests() {
        assert_eq!(of("[dev-dependencies]\ntestkit.workspace = true\n", "crates/commands/Cargo.toml"), [""; 0]);
        assert_eq!(of("[dev-dependencies]\ntestkit.workspace = true\n", "crates/net/Cargo.toml"), [""; 0]);
        assert_eq!(of("[dependencies]\ntestkit.workspace = true\n", "crates/net/Cargo.toml").len(), 1);
        assert_eq!(of("[dev-dependencies]\ntestkit.workspace = true\n", "crates/keyspace/Cargo.toml").len(), 1);
    }

    #[test]
    fn down_and_outside_are_fine() {
        let manifest = "[dependencies]\nkit.workspace = true # the clock\nrustix = \"1\"\n[lints]\nworkspace = true\n";
        assert_eq!(of(manifest, "crates/net/Cargo.toml"), [""; 0]);
    }

    #[test]
    fn a_crate_without_floor() {
        assert_eq!(of("", "crates/utils/Cargo.toml"), ["crates/utils/Cargo.toml:1 crate 'utils' has no floor"]);
    }
}
