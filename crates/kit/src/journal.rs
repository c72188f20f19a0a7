//! The log file: lines as Redis writes them, so that what reads Redis's log reads ours.
//!
//! `PID:M DD Mon YYYY HH:MM:SS.mmm * message`, one write(2) per line, nothing held back. The level is an atomic that the
//! macros look at before they format. The file is opened for every line, so whoever rotates it need not tell us. One
//! journal per process; a line that cannot be written is dropped, because there is nowhere to say so.
//! Knows no options: the server passes the level and the path.

use parking_lot::RwLock;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// From talkative to grave, with the numbers that Redis uses. `Nothing` is a level to set, not to log at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Level {
    Debug = 0,
    Verbose = 1,
    Notice = 2,
    Warning = 3,
    Nothing = 4,
}

impl Level {
    /// Names as the option `loglevel` takes them.
    pub const NAMES: &'static [(&'static str, i64)] =
        &[("debug", 0), ("verbose", 1), ("notice", 2), ("warning", 3), ("nothing", 4)];

    /// From the number in `NAMES`; too large a number is `Nothing`.
    pub fn from_i64(level: i64) -> Level {
        match level {
            ..=0 => Level::Debug,
            1 => Level::Verbose,
            2 => Level::Notice,
            3 => Level::Warning,
            _ => Level::Nothing,
        }
    }

    fn sign(self) -> char {
        match self {
            Level::Debug => '.',
            Level::Verbose => '-',
            Level::Notice => '*',
            Level::Warning | Level::Nothing => '#',
        }
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Notice as u8);
static ROLE: AtomicU8 = AtomicU8::new(b'M');
static SINKS: RwLock<Sinks> = RwLock::new(Sinks { path: None, stdout: true });

struct Sinks {
    path: Option<PathBuf>,
    stdout: bool,
}

/// Lines go to the file at `path`, if there is one, and to standard output, if `stdout`. Before `init` they go to
/// standard output from level notice on. The error is that of opening the file once, to see.
pub fn init(level: Level, path: Option<&Path>, stdout: bool) -> std::io::Result<()> {
    set_level(level);
    if let Some(path) = path {
        OpenOptions::new().append(true).create(true).open(path)?;
    }
    *SINKS.write() = Sinks { path: path.map(Path::to_owned), stdout };
    Ok(())
}

pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Relaxed);
}

/// The letter behind the process id: M master, S replica, C child, X sentinel.
pub fn set_role(role: char) {
    ROLE.store(if role.is_ascii() { role as u8 } else { b'?' }, Relaxed);
}

#[inline]
pub fn enabled(level: Level) -> bool {
    level as u8 >= LEVEL.load(Relaxed)
}

/// Writes a line whatever the level is; the macros ask `enabled` first.
#[doc(hidden)]
#[cold]
pub fn line(level: Level, message: fmt::Arguments) {
    let line = compose(level, ROLE.load(Relaxed) as char, std::process::id(), now(), message);
    let sinks = SINKS.read();
    if let Some(path) = &sinks.path
        && let Ok(mut file) = OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = file.write_all(line.as_bytes());
    }
    if sinks.stdout {
        // Not `print!`, which buffers, and panics when the reader has gone.
        let _ = rustix::io::write(rustix::stdio::stdout(), line.as_bytes());
    }
}

fn compose(level: Level, role: char, pid: u32, now: jiff::civil::DateTime, message: fmt::Arguments) -> String {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS[now.month() as usize - 1];
    let mut line = format!(
        "{pid}:{role} {:02} {month} {:04} {:02}:{:02}:{:02}.{:03} {} {message}",
        now.day(),
        now.year(),
        now.hour(),
        now.minute(),
        now.second(),
        now.millisecond(),
        level.sign()
    );
    // What a client sent may stand in a message: it must not be able to forge a line.
    if line.contains(['\n', '\r']) {
        line = line.replace('\n', "\\n").replace('\r', "\\r");
    }
    line.push('\n');
    line
}

/// Local time: $TZ or /etc/localtime, read once; UTC if neither tells.
fn now() -> jiff::civil::DateTime {
    static ZONE: LazyLock<jiff::tz::TimeZone> =
        LazyLock::new(|| jiff::tz::TimeZone::try_system().unwrap_or(jiff::tz::TimeZone::UTC));
    ZONE.to_datetime(jiff::Timestamp::now())
}

#[doc(hidden)]
#[macro_export]
macro_rules! journal_line {
    ($level:ident, $($message:tt)+) => {
        if $crate::journal::enabled($crate::journal::Level::$level) {
            $crate::journal::line($crate::journal::Level::$level, format_args!($($message)+));
        }
    };
}

/// For developers.
#[macro_export]
macro_rules! debug {
    ($($message:tt)+) => { $crate::journal_line!(Debug, $($message)+) };
}

/// For who looks closely: every connection, every step.
#[macro_export]
macro_rules! verbose {
    ($($message:tt)+) => { $crate::journal_line!(Verbose, $($message)+) };
}

/// What an operator wants to have read afterwards.
#[macro_export]
macro_rules! notice {
    ($($message:tt)+) => { $crate::journal_line!(Notice, $($message)+) };
}

/// What an operator must read.
#[macro_export]
macro_rules! warning {
    ($($message:tt)+) => { $crate::journal_line!(Warning, $($message)+) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_redis_s() {
        let at = jiff::civil::date(2026, 4, 3).at(7, 8, 9, 45_600_000);
        let line = compose(Level::Notice, 'M', 12, at, format_args!("Ready to accept connections {}", "tcp"));
        assert_eq!(line, "12:M 03 Apr 2026 07:08:09.045 * Ready to accept connections tcp\n");
        let line = compose(Level::Warning, 'S', 12, at, format_args!("forged\r\n12:M"));
        assert_eq!(line, "12:S 03 Apr 2026 07:08:09.045 # forged\\r\\n12:M\n");
    }

    // The only test that touches the journal's global state.
    #[test]
    fn levels_filter_and_a_rotated_file_comes_back() {
        let path = std::env::temp_dir().join(format!("kit-journal-{}", std::process::id()));
        init(Level::Verbose, Some(&path), false).unwrap();
        let formatted = std::cell::Cell::new(0);
        let count = || formatted.replace(formatted.get() + 1);
        crate::debug!("hidden {}", count());
        crate::verbose!("shown {}", count());
        set_level(Level::Nothing);
        crate::warning!("hidden {}", count());
        set_level(Level::from_i64(3));
        crate::notice!("hidden {}", count());
        crate::warning!("shown too");
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(formatted.get(), 1, "what is not shown is not formatted");
        let tails: Vec<_> = text.lines().map(|line| line.splitn(5, ' ').nth(4).unwrap()).collect();
        assert!(tails[0].ends_with("- shown 0") && tails[1].ends_with("# shown too") && tails.len() == 2, "{text}");

        std::fs::remove_file(&path).unwrap();
        crate::warning!("again");
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("# again\n"));
        std::fs::remove_file(&path).unwrap();
        assert!(init(Level::Notice, Some(Path::new("/no/such/folder/log")), true).is_err());
        init(Level::Notice, None, true).unwrap();
    }
}
