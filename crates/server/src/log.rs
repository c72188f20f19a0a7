//! Where the log goes and how much of it.

use kit::journal::{self, Level};
use kit::opt::{Choice, Config, Opt, Text};
use std::path::Path;

pub(crate) static LEVEL: Opt<Choice> =
    Opt::choice("loglevel", Level::Notice as i64, Level::NAMES, "What is worth a line in the log, and all above it.");
pub(crate) static FILE: Opt<Text> =
    Opt::text("logfile", "", "File of the log; empty: standard output, or nowhere for a daemon.").immutable();
/// Opens the log. A relative path starts at the working folder of now.
pub(crate) fn open(config: &Config, to_stdout: bool) -> Result<(), String> {
    let level = Level::from_i64(config.get(&LEVEL));
    let file = config.get(&FILE);
    if file.is_empty() {
        return journal::init(level, None, to_stdout).map_err(|error| error.to_string());
    }
    // The working folder may change later (CONFIG SET dir), the log stays where it is.
    let path = std::path::absolute(&*file).map_err(|error| error.to_string())?;
    open_at(level, &path).map_err(|error| format!("Can't open the log file {}: {error}", path.display()))
}

fn open_at(level: Level, path: &Path) -> std::io::Result<()> {
    journal::init(level, Some(path), false)
}

/// CONFIG SET loglevel.
pub(crate) fn apply(config: &Config) {
    journal::set_level(Level::from_i64(config.get(&LEVEL)));
}
