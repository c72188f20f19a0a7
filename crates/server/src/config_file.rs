//! Configuration: a file with those it includes, standard input, the command line, in this order.
//!
//! A line is a name and words, quoted where needed; `#` begins a comment line. The last line of an option counts, and those
//! of options that gather add up. A relative path starts at the folder that `dir` has named so far, because Redis goes
//! there when it reads that line.
//! Always true: after a mistake nothing was started, and the mistake says file, line, option and what it takes.

use crate::args::Sources;
use crate::dir;
use kit::opt::Config;
use kit::text::{eq_ignore_case, split_words};
use std::fmt;
use std::path::{Path, PathBuf};

// A file that includes itself would never end.
const INCLUDES_DEEP_MAX: usize = 16;

/// What was read, beside the values, which are in the `Config`.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// The file's whole path: the working folder changes.
    pub file: Option<PathBuf>,
    /// The working folder to be.
    pub dir: PathBuf,
    /// What standard input said.
    pub stdin: Option<String>,
    /// Options that were given.
    pub given: Vec<&'static str>,
}

/// A mistake in the configuration, as Redis tells it and with what helps to mend it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    place: Place,
    line: String,
    reason: String,
    hint: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Clone)]
enum Place {
    File(PathBuf, usize),
    Stdin(usize),
    CommandLine,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n*** FATAL CONFIG FILE ERROR (Basalt {}) ***\n", exec::version::BASALT)?;
        match &self.place {
            Place::File(path, line) => {
                writeln!(f, "Reading the configuration file, at line {line} of {}", path.display())
            }
            Place::Stdin(line) => writeln!(f, "Reading the configuration from standard input, at line {line}"),
            Place::CommandLine => writeln!(f, "Reading the options of the command line"),
        }?;
        write!(f, ">>> '{}'\n{}", self.line, self.reason)?;
        self.hint.iter().try_for_each(|hint| write!(f, "\n{hint}"))
    }
}

/// Reads everything into the configuration. `cwd` is where relative paths start.
pub(crate) fn load(
    config: &Config,
    sources: &Sources,
    cwd: &Path,
    stdin: impl FnOnce() -> std::io::Result<String>,
) -> Result<Loaded, String> {
    let mut loader = Loader { config, loaded: Loaded { dir: cwd.to_owned(), ..Loaded::default() }, deep: 0 };
    if let Some(name) = &sources.file {
        let path = cwd.join(name);
        loader.loaded.file = Some(path.clone());
        loader.file(&path)?;
    }
    if sources.stdin {
        let text =
            stdin().map_err(|error| format!("Fatal error, can't read standard input: {}", dir::plain(&error)))?;
        for (number, line) in (1..).zip(text.lines()) {
            loader.line(line.as_bytes(), Place::Stdin(number))?;
        }
        loader.loaded.stdin = Some(text);
    }
    for line in &sources.lines {
        loader.line(line.as_bytes(), Place::CommandLine)?;
    }
    Ok(loader.loaded)
}

struct Loader<'c> {
    config: &'c Config,
    loaded: Loaded,
    deep: usize,
}

impl Loader<'_> {
    fn file(&mut self, path: &Path) -> Result<(), String> {
        let text = std::fs::read(path).map_err(|error| {
            format!("Fatal error, can't open config file '{}': {}", path.display(), dir::plain(&error))
        })?;
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            self.line(line, Place::File(path.to_owned(), number))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], place: Place) -> Result<(), String> {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        let mistake = |reason: String, hint: Option<String>| {
            let line = String::from_utf8_lossy(line).into_owned();
            Mistake { place: place.clone(), line, reason, hint }.to_string()
        };
        let Some(words) = split_words(line) else {
            return Err(mistake("Unbalanced quotes in configuration line".into(), None));
        };
        let Some((name, values)) = words.split_first() else { return Ok(()) };
        if eq_ignore_case(name, "include") {
            return match values {
                [pattern] => self.include(pattern, &mistake),
                _ => Err(mistake("wrong number of arguments".into(), None)),
            };
        }
        if eq_ignore_case(name, "loadmodule") {
            let reason = "modules are not supported: they are compiled for the insides of Redis";
            return Err(mistake(reason.into(), Some("Remove the line to start without the module.".into())));
        }
        let Some(opt) = self.config.find(name) else {
            let near = self.config.nearest(name).map(|near| format!("Did you mean '{near}'?"));
            return Err(mistake("Bad directive or wrong number of arguments".into(), near));
        };
        if let Err(reason) = self.config.set_line(name, values) {
            return Err(mistake(reason, self.describe(opt.name())));
        }
        if opt.name() == dir::DIR.name() {
            let path = self.loaded.dir.join(&*self.config.get(&dir::DIR));
            // As `dir ""` is refused by chdir.
            match std::fs::canonicalize(&path).and_then(|path| std::fs::read_dir(&path).map(|_| path)) {
                Ok(path) if !self.config.get(&dir::DIR).is_empty() => self.loaded.dir = path,
                Ok(_) => return Err(mistake("No such file or directory".into(), self.describe("dir"))),
                Err(error) => return Err(mistake(dir::plain(&error), self.describe("dir"))),
            }
        }
        if !self.loaded.given.contains(&opt.name()) {
            self.loaded.given.push(opt.name());
        }
        Ok(())
    }

    /// What the option takes, for whoever gave it something else.
    fn describe(&self, name: &str) -> Option<String> {
        let opt = self.config.find(name)?;
        let (values, default) = (opt.values(), opt.default_shown());
        let values = if values.is_empty() { String::new() } else { format!(" ({values})") };
        let default = if default.is_empty() { "empty".to_owned() } else { format!("'{default}'") };
        Some(format!("Option '{name}': {}{values}, {default} if not given. {}", opt.kind_name(), opt.doc()))
    }

    fn include(&mut self, pattern: &[u8], mistake: &dyn Fn(String, Option<String>) -> String) -> Result<(), String> {
        let pattern = String::from_utf8_lossy(pattern);
        let path = self.loaded.dir.join(&*pattern);
        if self.deep == INCLUDES_DEEP_MAX {
            let reason = format!("more than {INCLUDES_DEEP_MAX} files include one another");
            return Err(mistake(reason, Some("Does a file include itself?".into())));
        }
        self.deep += 1;
        let has_wildcards = pattern.contains(['*', '?', '[']);
        let paths = if has_wildcards { expand(&path) } else { vec![path] };
        paths.iter().try_for_each(|path| self.file(path))?;
        self.deep -= 1;
        Ok(())
    }
}

/// The paths that fit a pattern, in order. A name that begins with a dot must be asked for with one.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.components() {
        let text = part.as_os_str().to_string_lossy();
        if !text.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        }
        let fits = |name: &str| {
            (!name.starts_with('.') || text.starts_with('.'))
                && kit::glob::matches(text.as_bytes(), name.as_bytes(), false)
        };
        let mut next = Vec::new();
        for folder in &found {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
            let mut names: Vec<String> = names.filter(|name| fits(name)).collect();
            names.sort_unstable();
            next.extend(names.into_iter().map(|name| folder.join(name)));
        }
        found = next;
    }
    found.retain(|path| path.exists());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, &str)]) -> Folder {
            let path = std::env::temp_dir().join(format!("basalt-conf-{name}-{}", std::process::id()));
            for (file, text) in files {
                let path = path.join(file);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Folder(path.canonicalize().unwrap())
        }

        fn load(&self, file: Option<&str>, lines: &[&str]) -> Result<(Config, Loaded), String> {
            let config = Config::new(parts::OPTIONS);
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            let sources = Sources { file: file.map(String::from), stdin: false, lines };
            let loaded = load(&config, &sources, &self.0, || Ok(String::new()))?;
            Ok((config, loaded))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn shown(config: &Config, name: &str) -> String {
        config.show(name).unwrap()
    }

    #[test]
    fn lines_and_order() {
        let text = "# comment\n\n  PORT 7000\r\nmaxmemory \"100mb\"\nsave 900 1\nsave 300 10\nlogfile ''\nhash-max-listpack-entries 5\nhash-max-ziplist-entries 6\n";
        let folder = Folder::new("lines", &[("a.conf", text)]);
        let (config, loaded) = folder.load(Some("a.conf"), &["port \"7001\"", "save \"100\" \"100\""]).unwrap();
        assert_eq!((shown(&config, "port"), shown(&config, "maxmemory")), ("7001".into(), "104857600".into()));
        assert_eq!(shown(&config, "save"), "900 1 300 10 100 100");
        assert_eq!(shown(&config, "hash-max-listpack-entries"), "6");
        assert_eq!(loaded.file, Some(folder.0.join("a.conf")));
        assert!(loaded.given.contains(&"maxmemory") && !loaded.given.contains(&"maxclients"));
        let (config, _) = folder.load(Some("a.conf"), &["save \"\""]).unwrap();
        assert_eq!(shown(&config, "save"), "");
    }

    #[test]
    fn a_bare_save_is_none() {
        let folder = Folder::new(
            "save",
            &[(
                "a.conf",
                "save \nuser default on nopass ~* +@all\nuser bob off\nrename-command flushdb badger\nclient-output-buffer-limit normal 1 2 3\n",
            )],
        );
        let (config, _) = folder.load(Some("a.conf"), &[]).unwrap();
        assert_eq!(shown(&config, "save"), "");
        assert_eq!(config.file_lines("user").unwrap(), ["user default on nopass ~* +@all", "user bob off"]);
        assert_eq!(config.file_lines("rename-command").unwrap(), ["rename-command flushdb badger"]);
    }

    #[test]
    fn includes() {
        let folder = Folder::new(
            "include",
            &[
                ("a.conf", "port 1\ninclude b.conf\ninclude parts/*.conf\ninclude none/*.conf\ndatabases 3\n"),
                ("b.conf", "port 2\ndatabases 2\n"),
                ("parts/2.conf", "maxclients 22\n"),
                ("parts/1.conf", "maxclients 11\n"),
                ("parts/.hidden.conf", "maxclients x\n"),
                ("self.conf", "include self.conf\n"),
                ("gone.conf", "include nowhere.conf\n"),
                ("dir.conf", "dir parts\ninclude 1.conf\n"),
            ],
        );
        let (config, loaded) = folder.load(Some("a.conf"), &[]).unwrap();
        assert_eq!((shown(&config, "port"), shown(&config, "databases")), ("2".into(), "3".into()));
        assert_eq!((shown(&config, "maxclients"), loaded.dir), ("22".into(), folder.0.clone()));
        assert!(folder.load(Some("self.conf"), &[]).err().unwrap().contains("Does a file include itself?"));
        let error = folder.load(Some("gone.conf"), &[]).err().unwrap();
        assert!(
            error.starts_with("Fatal error, can't open config file '") && error.ends_with("No such file or directory")
        );
        let (config, loaded) = folder.load(Some("dir.conf"), &[]).unwrap();
        assert_eq!((shown(&config, "maxclients"), loaded.dir), ("11".into(), folder.0.join("parts")));
    }

    #[test]
    fn standard_input_comes_between() {
        let folder = Folder::new("stdin", &[("a.conf", "port 1\n")]);
        let config = Config::new(parts::OPTIONS);
        let sources = Sources { file: Some("a.conf".into()), stdin: true, lines: vec!["databases 5".into()] };
        let loaded = load(&config, &sources, &folder.0, || Ok("port 2\ndatabases 4\n".into())).unwrap();
        assert_eq!((shown(&config, "port"), shown(&config, "databases")), ("2".into(), "5".into()));
        assert_eq!(loaded.stdin.unwrap(), "port 2\ndatabases 4\n");
        let sources = Sources { stdin: true, ..Sources::default() };
        let error = load(&config, &sources, &folder.0, || Ok("\nprot 2\n".into())).unwrap_err();
        assert!(error.contains("from standard input, at line 2\n"), "{error}");
    }

    #[test]
    fn mistakes_name_place_line_reason_and_help() {
        let folder = Folder::new("mistakes", &[("a.conf", "\nmaxmemry 1gb\n")]);
        let error = folder.load(Some("a.conf"), &[]).err().unwrap();
        let path = folder.0.join("a.conf");
        let expected = format!(
            "\n*** FATAL CONFIG FILE ERROR (Basalt {}) ***\nReading the configuration file, at line 2 of {}\n>>> 'maxmemry 1gb'\nBad directive or wrong number of arguments\nDid you mean 'maxmemory'?",
            exec::version::BASALT,
            path.display()
        );
        assert_eq!(error, expected);
        for (line, texts) in [
            (
                "port",
                &[
                    ">>> 'port'\nwrong number of arguments\n",
                    "Option 'port': number (0 to 65535), '6379' if not given.",
                ][..],
            ),
            ("port \"--bla\"", &["'port \"--bla\"'\nargument couldn't be parsed into an integer"]),
            ("loglevel \"--bla\"", &["'loglevel \"--bla\"'\nargument(s) must be one of the following: debug"]),
            ("replicaof \"--127.0.0.1\"", &["wrong number of arguments"]),
            ("replicaof \"127.0.0.1\" \"abc\"", &["Invalid master port"]),
            ("shutdown-on-sigint", &["'shutdown-on-sigint'\nargument(s) must be one of the following"]),
            ("port \"1", &["Unbalanced quotes in configuration line"]),
            ("loadmodule /x.so", &["modules are not supported"]),
            ("include", &["wrong number of arguments"]),
            ("dir /no/such/folder", &["No such file or directory"]),
            ("dir \"\"", &["No such file or directory"]),
            ("invalid", &["Bad directive or wrong number of arguments"]),
            ("save 900", &["Invalid save parameters"]),
        ] {
            let error = folder.load(None, &[line]).err().unwrap();
            for text in texts {
                assert!(error.contains(text), "{line}: {error}");
            }
            assert!(error.contains("Reading the options of the command line"));
        }
        let error = folder.load(Some("none.conf"), &[]).err().unwrap();
        assert_eq!(
            error,
            format!(
                "Fatal error, can't open config file '{}': No such file or directory",
                folder.0.join("none.conf").display()
            )
        );
    }
}
