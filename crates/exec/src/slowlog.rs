//! The slow log, commands that took longer than `slowlog-log-slower-than`; and Valkey's logs beside it, of large
//! requests and large replies.

use kit::opt::{Int, Opt};
use parking_lot::Mutex;
use std::collections::VecDeque;

pub static SLOWER_THAN: Opt<Int> = Opt::int(
    "slowlog-log-slower-than",
    10_000,
    -1..=i64::MAX,
    "Microseconds from which a command is logged; 0 logs all, -1 none.",
)
.aliases(&["commandlog-execution-slower-than"]);
pub static MAX_LEN: Opt<Int> =
    Opt::int("slowlog-max-len", 128, 0..=i64::MAX, "Entries kept. When full, the oldest one is dropped.")
        .aliases(&["commandlog-slow-execution-max-len"]);

pub static REQUEST_LARGER: Opt<Int> = Opt::int(
    "commandlog-request-larger-than",
    1 << 20,
    -1..=i64::MAX,
    "Bytes of a request from which it is logged; -1: never.",
);
pub static LARGE_REQUESTS_MAX: Opt<Int> =
    Opt::int("commandlog-large-request-max-len", 128, 0..=i64::MAX, "Large requests kept.");
pub static REPLY_LARGER: Opt<Int> = Opt::int(
    "commandlog-reply-larger-than",
    1 << 20,
    -1..=i64::MAX,
    "Bytes of a reply from which its command is logged; -1: never.",
);
pub static LARGE_REPLIES_MAX: Opt<Int> =
    Opt::int("commandlog-large-reply-max-len", 128, 0..=i64::MAX, "Large replies kept.");

/// Words of a command that are kept, and bytes of a word.
const WORDS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 128;

#[derive(Clone, Debug)]
pub struct SlowEntry {
    pub id: u64,
    pub unix_secs: i64,
    /// Microseconds; bytes in the logs of large requests and replies.
    pub amount: u64,
    pub words: Vec<Vec<u8>>,
    pub addr: String,
    pub name: String,
}

#[derive(Default)]
pub struct SlowLog {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: VecDeque<SlowEntry>,
    next_id: u64,
}

impl SlowLog {
    pub fn add(&self, len_max: usize, mut entry: SlowEntry) {
        if len_max == 0 {
            return;
        }
        let mut inner = self.inner.lock();
        entry.id = inner.next_id;
        inner.next_id += 1;
        inner.entries.push_front(entry);
        inner.entries.truncate(len_max);
    }

    /// The newest `count` entries.
    pub fn newest(&self, count: usize) -> Vec<SlowEntry> {
        self.inner.lock().entries.iter().take(count).cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.inner.lock().entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn clear(&self) {
        self.inner.lock().entries.clear();
    }
}

/// A command's words as the slow log keeps them: long lists and long words are cut, with a note of
/// how much was left out.
pub fn trimmed<'a>(count: usize, word: impl Fn(usize) -> &'a [u8]) -> Vec<Vec<u8>> {
    let kept = count.min(WORDS_MAX);
    (0..kept)
        .map(|i| {
            if count > WORDS_MAX && i == WORDS_MAX - 1 {
                return format!("... ({} more arguments)", count - WORDS_MAX + 1).into_bytes();
            }
            let word = word(i);
            if word.len() <= WORD_BYTES_MAX {
                return word.to_vec();
            }
            let mut cut = word[..WORD_BYTES_MAX].to_vec();
            cut.extend(format!("... ({} more bytes)", word.len() - WORD_BYTES_MAX).into_bytes());
            cut
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_commands_are_cut() {
        let words: Vec<Vec<u8>> = (0..40).map(|i| vec![b'x'; i * 10]).collect();
        let cut = trimmed(words.len(), |i| &words[i]);
        assert_eq!(cut.len(), 32);
        assert_eq!(cut[31], b"... (9 more arguments)");
        assert!(cut[20].ends_with(b"... (72 more bytes)"));
        assert_eq!(trimmed(2, |i| &words[i]), [vec![], vec![b'x'; 10]]);
    }
}
