//! The command line, as Redis reads it: a file, then options that count as further lines of it.
//!
//! `--name` begins a line and the words after it are its values, until the next `--`. While a name has no value yet, what
//! follows is its value even if it begins with `--`. A name and its values may be one word (`"--maxmemory 1gb"`).
//! A lone `-` at the end means more lines on standard input.

use kit::text::{eq_ignore_case, quote, split_words};

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Help,
    Version,
    List(String),
    /// `basalt check …`, `basalt restore …`: the words behind it.
    Check(Vec<String>),
    Restore(Vec<String>),
    Run(Sources),
    Refused(String),
}

/// Where the configuration comes from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    pub file: Option<String>,
    pub stdin: bool,
    /// Lines from the command line.
    pub lines: Vec<String>,
}

pub(crate) const HELP: &str = "Usage: basalt [file] [--name value ...] [-]

  basalt                                 starts with defaults, port 6379
  basalt /etc/basalt.conf                reads a file of Redis's form, see docs/options.md
  basalt --port 7000 --maxmemory 2gb     every option of the file is one of the command line too
  basalt file.conf --save \"\" -           a file, then the command line, then standard input
  basalt check FILE-OR-FOLDER [--fix]    looks for damage in snapshots and append-only files
  basalt restore --dir DIR               lists the moments that the append-only file can bring back
  basalt restore --dir DIR --to TIME --out DIR2   writes a snapshot of that moment
  basalt --list commands|options|metrics prints what this server knows, columns apart by tabs
  basalt --version, -v                   prints the version
  basalt --help, -h                      prints this";

pub(crate) fn version() -> String {
    format!(
        "Basalt v={}, stands in for: Redis server v={} sha=00000000:0 malloc=jemalloc bits=64",
        exec::version::BASALT,
        exec::version::REDIS
    )
}

/// `words` without the program's own name.
pub(crate) fn parse(words: &[String]) -> Wish {
    match words.first().map(String::as_str) {
        Some("--help" | "-h") => Wish::Help,
        Some("--version" | "-v") => Wish::Version,
        Some("--list") => match words {
            [_, what] => Wish::List(what.clone()),
            _ => Wish::Refused("--list takes one of commands, options and metrics".into()),
        },
        Some("--sentinel") => Wish::Refused("Basalt is no Sentinel: run Redis's or Valkey's beside it".into()),
        // A configuration file of that name is `./check`.
        Some("check") => Wish::Check(words[1..].to_vec()),
        Some("restore") => Wish::Restore(words[1..].to_vec()),
        _ => Wish::Run(sources(words)),
    }
}

fn sources(words: &[String]) -> Sources {
    let mut found = Sources::default();
    let mut rest = words;
    if let Some((first, more)) = words.split_first()
        && !first.starts_with('-')
    {
        found.file = Some(first.clone());
        rest = more;
    }
    if let Some((last, before)) = rest.split_last()
        && last == "-"
    {
        found.stdin = true;
        rest = before;
    }
    // The last line is a name that has no value yet.
    let mut is_bare = false;
    let mut words = rest.iter().peekable();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").filter(|_| !is_bare);
        let Some(name) = name else {
            if found.lines.is_empty() {
                found.lines.push(String::new());
            }
            let line = found.lines.last_mut().expect("there is one now");
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&quote(word.as_bytes()));
            is_bare = false;
            continue;
        };
        found.lines.push(name.trim_end().to_owned());
        is_bare = split_words(name.as_bytes()).is_some_and(|words| words.len() == 1);
        // `--save` alone means no save points, so that `--save --port 1` does not take a port for one.
        if is_bare && eq_ignore_case(name, "save") && words.peek().is_none_or(|next| next.starts_with("--")) {
            found.lines.last_mut().expect("pushed above").push_str(" \"\"");
            is_bare = false;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(words: &[&str]) -> Vec<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        match parse(&words) {
            Wish::Run(sources) => sources.lines,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn files_and_standard_input() {
        let words: Vec<String> = ["a.conf", "--port", "1", "-"].map(String::from).to_vec();
        let Wish::Run(sources) = parse(&words) else { panic!() };
        assert_eq!(sources, Sources { file: Some("a.conf".into()), stdin: true, lines: vec!["port \"1\"".into()] });
        assert_eq!(parse(&[]), Wish::Run(Sources::default()));
        assert_eq!(parse(&["-".into()]), Wish::Run(Sources { stdin: true, ..Sources::default() }));
    }

    #[test]
    fn as_redis_cuts_them() {
        for (words, expected) in [
            (&["--port", "6379", "6380"][..], &["port \"6379\" \"6380\""][..]),
            (&["--port"], &["port"]),
            (&["--port", "6380", "--loglevel"], &["port \"6380\"", "loglevel"]),
            (&["--port", "--loglevel", "verbose"], &["port \"--loglevel\" \"verbose\""]),
            (&["--port", "--bla", "--loglevel", "verbose"], &["port \"--bla\"", "loglevel \"verbose\""]),
            (&["--replicaof", "--127.0.0.1", "--abc"], &["replicaof \"--127.0.0.1\"", "abc"]),
            (&["--replicaof", "--127.0.0.1", "abc"], &["replicaof \"--127.0.0.1\" \"abc\""]),
            (&["--maxmemory 700mb", "--loglevel", "debug"], &["maxmemory 700mb", "loglevel \"debug\""]),
            (&["--maxmemory '700mb'"], &["maxmemory '700mb'"]),
            (&["x.conf", "loglevel", "verbose"], &["\"loglevel\" \"verbose\""]),
            (&["--save"], &["save \"\""]),
            (&["--save", "--port", "1"], &["save \"\"", "port \"1\""]),
            (&["--save", "", "--port", "1"], &["save \"\"", "port \"1\""]),
            (&["--save", "100", "100"], &["save \"100\" \"100\""]),
            (
                &["--proc-title-template", "--save", "--save", "", "--loglevel", "verbose"],
                &["proc-title-template \"--save\"", "save \"\"", "loglevel \"verbose\""],
            ),
            (
                &["--shutdown-on-sigint", "nosave", "force", "now", "--shutdown-on-sigterm", "nosave force"],
                &["shutdown-on-sigint \"nosave\" \"force\" \"now\"", "shutdown-on-sigterm \"nosave force\""],
            ),
        ] {
            assert_eq!(lines(words), expected, "{words:?}");
        }
    }

    #[test]
    fn wishes() {
        let wish = |words: &[&str]| parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(wish(&["-v"]), Wish::Version);
        assert_eq!(wish(&["--help"]), Wish::Help);
        assert_eq!(wish(&["--list", "options"]), Wish::List("options".into()));
        assert!(matches!(wish(&["--list"]), Wish::Refused(_)) && matches!(wish(&["--sentinel"]), Wish::Refused(_)));
        assert!(version().contains("Redis server v="));
    }
}
