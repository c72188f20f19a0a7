//! `--list commands|options|metrics`: rows for the pages that `cargo xtask docs` makes.
//!
//! A row a line, columns apart by tabs, the first line names them; tabs, line ends and backslashes are escaped.

use crate::parts;
use exec::Command;
use exec::command::{Begin, Categories, Find, Flags, KeySpec};
use kit::opt::{AnyOpt, Config};

pub(crate) fn rows(what: &str) -> Result<String, String> {
    match what {
        "commands" => Ok(commands()),
        "options" => Ok(options()),
        "metrics" => Ok(metrics()),
        other => Err(format!("--list knows commands, options and metrics, not '{other}'")),
    }
}

fn row(cells: &[&str]) -> String {
    let escape = |cell: &&str| cell.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n");
    let mut line = cells.iter().map(escape).collect::<Vec<_>>().join("\t");
    line.push('\n');
    line
}

fn commands() -> String {
    let mut text = String::from("#name\tgroup\tsince\tarity\tflags\tcategories\tkeys\tcomplexity\tsummary\n");
    for command in parts::commands().into_iter().flatten() {
        text.push_str(&command_row(command.name, command));
        for sub in command.subcommands {
            text.push_str(&command_row(&format!("{} {}", command.name, sub.name), sub));
        }
    }
    text
}

fn command_row(name: &str, command: &Command) -> String {
    let flags = Flags::NAMES.iter().filter(|(flag, name)| command.has(*flag) && !name.is_empty());
    let flags: Vec<&str> = flags.map(|(_, name)| *name).collect();
    let all = command.all_categories();
    let categories = Categories::NAMES.iter().filter(|(category, _)| all.contains(*category));
    let categories: Vec<String> = categories.map(|(_, name)| format!("@{name}")).collect();
    let keys: Vec<String> = command.keys.iter().map(key_spec).collect();
    row(&[
        name,
        command.group.name(),
        command.since,
        &command.arity.number().to_string(),
        &flags.join(","),
        &categories.join(","),
        &keys.join(" + "),
        command.complexity,
        command.summary,
    ])
}

fn key_spec(spec: &KeySpec) -> String {
    let begin = match spec.begin {
        Begin::Index(at) => at.to_string(),
        Begin::Keyword(word, from) => format!("{word} from {from}"),
        Begin::Option { word, .. } => format!("{word} at the end"),
        Begin::Unknown => return "found by the command".into(),
    };
    match spec.find {
        Find::Range { last: 0, .. } => begin,
        Find::Range { last, step, limit } => {
            let step = if step == 1 { String::new() } else { format!(", every {step}.") };
            let half = if limit > 1 { format!(", first 1/{limit}") } else { String::new() };
            format!("{begin} to {last}{step}{half}")
        }
        Find::Count { first, .. } => format!("as many as {begin} says, {first} behind it"),
        Find::Unknown => "found by the command".into(),
    }
}

fn options() -> String {
    let mut text = String::from("#name\tkind\tdefault\tvalues\tchange\tdoc\n");
    // A configuration of its own, so that options have their slots.
    let config = Config::new(parts::OPTIONS);
    for opt in config.all().filter(|opt| !opt.traits().hidden) {
        text.push_str(&option_row(opt));
    }
    text
}

fn option_row(opt: &dyn AnyOpt) -> String {
    let traits = opt.traits();
    let change = match (traits.immutable, traits.protected) {
        (true, _) => "at start",
        (false, true) => "with enable-protected-configs",
        (false, false) => "at any time",
    };
    let aliases = opt.aliases();
    let doc =
        if aliases.is_empty() { opt.doc().to_owned() } else { format!("{} Also {}.", opt.doc(), aliases.join(", ")) };
    row(&[opt.name(), opt.kind_name(), &opt.default_shown(), &opt.values(), change, &doc])
}

fn metrics() -> String {
    let mut text = String::from("#name\tkind\tdoc\n");
    for metric in parts::METRICS.iter().copied().flatten() {
        let kind = if metric.is_counter() { "counter" } else { "gauge" };
        text.push_str(&row(&[metric.name(), kind, metric.doc()]));
    }
    for times in console::TIMES {
        let name = match times.label {
            Some((label, value)) => format!("{}{{{label}=\"{value}\"}}", times.name),
            None => times.name.to_string(),
        };
        text.push_str(&row(&[&name, "histogram", times.doc]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_all_columns() {
        for (what, known) in [
            ("commands", "GET\tstring\t"),
            ("options", "port\tnumber\t6379\t0 to 65535\t"),
            ("metrics", "expired_keys\tcounter\t"),
            ("metrics", "basalt_lock_wait_seconds{lock=\"shard\"}\thistogram\t"),
        ] {
            let text = rows(what).unwrap();
            let columns = text.lines().next().unwrap().split('\t').count();
            assert!(text.starts_with('#') && text.lines().all(|line| line.split('\t').count() == columns), "{what}");
            assert!(text.lines().any(|line| line.starts_with(known)), "{what}");
        }
        assert!(rows("x").is_err());
    }

    #[test]
    fn cells_are_escaped() {
        assert_eq!(row(&["a\tb", "c\\d\ne"]), "a\\tb\tc\\\\d\\ne\n");
    }
}
