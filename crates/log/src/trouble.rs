//! What is wrong with the file, for the one who refuses writes and for the log of the server.

use crate::Slow;
use kit::text::human_bytes;
use std::fmt;
use std::io;
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub struct Trouble {
    pub what: What,
    pub path: PathBuf,
    pub errno: Option<i32>,
    /// The system's words for it.
    pub cause: String,
    pub free_bytes: Option<u64>,
    pub since_unix_ms: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// Nothing written is missing; what waits is in memory.
    Write,
    /// What was written since the last good sync is written again.
    Sync,
    /// A file or the manifest could not be made.
    Make,
    /// The file is not where it was: only a new base brings a whole set back.
    Vanished,
}

/// Told without any lock held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// `Log::acknowledged` has moved and somebody may wait for it.
    Acknowledged,
    TroubleBegan,
    TroubleEnded,
    /// The files cannot be made whole from what the log has: a rewrite does it.
    NeedsBase,
    /// Something took `Live::slow_ms` or longer.
    Slow {
        what: Slow,
        ms: u64,
    },
}

impl Trouble {
    pub(crate) fn new(what: What, path: PathBuf, error: &io::Error, free_bytes: Option<u64>, now_ms: i64) -> Trouble {
        // "No space left on device (os error 28)": Redis says it without the number.
        let text = error.to_string();
        let cause = text.split(" (os error").next().unwrap_or(&text).to_owned();
        Trouble { what, path, errno: error.raw_os_error(), cause, free_bytes, since_unix_ms: now_ms }
    }

    /// The error that a refused write gets, in the words that clients of Redis look for.
    pub fn misconf(&self) -> String {
        let doing = match self.what {
            What::Write | What::Make | What::Vanished => "writing to",
            What::Sync => "syncing",
        };
        format!(
            "MISCONF Errors {doing} the AOF file: {}. {}. Reads go on; writes are taken again as soon as the disk takes them.",
            self.cause,
            self.place()
        )
    }

    fn place(&self) -> String {
        let errno = self.errno.map_or(String::new(), |errno| format!(", errno {errno}"));
        let free = self.free_bytes.map_or(String::new(), |free| format!(", {free} bytes free ({})", human_bytes(free)));
        format!("{}{errno}{free}", self.path.display())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let doing = match self.what {
            What::Write => "Error writing to the AOF file",
            What::Sync => "Error syncing the AOF file; it will be written again to a new one",
            What::Make => "Error making files of the AOF",
            What::Vanished => "The AOF file is not where it was",
        };
        write!(f, "{doing}: {}: {}", self.cause, self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_where_and_how_much() {
        let error = io::Error::from_raw_os_error(28);
        let trouble = Trouble::new(What::Write, "/d/a.1.incr.aof".into(), &error, Some(0), 5);
        let text = trouble.misconf();
        assert!(text.starts_with("MISCONF Errors writing to the AOF file: No space left on device. "), "{text}");
        assert!(text.contains("/d/a.1.incr.aof, errno 28, 0 bytes free"), "{text}");
    }
}
