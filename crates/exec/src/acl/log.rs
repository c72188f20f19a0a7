//! ACL LOG: what was refused of late, newest first.
//!
//! The same refusal within a minute is counted, not written again.

use kit::world::UnixMs;
use parking_lot::Mutex;
use std::collections::VecDeque;

// Redis looks as far back for an entry to count in.
const COMPARED_MAX: usize = 10;
const SAME_WITHIN_MS: i64 = 60_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    Toplevel,
    Multi,
    Script,
}

impl Context {
    pub fn name(self) -> &'static str {
        match self {
            Context::Toplevel => "toplevel",
            Context::Multi => "multi",
            Context::Script => "lua",
        }
    }
}

/// One refusal.
#[derive(Clone, Debug)]
pub struct Refused {
    pub reason: &'static str,
    pub context: Context,
    /// The command, key, channel or database; what was called for a failed authentication.
    pub object: Vec<u8>,
    pub username: Vec<u8>,
    pub client_info: String,
}

#[derive(Clone, Debug)]
pub struct LogEntry {
    pub id: u64,
    pub count: u64,
    pub created: UnixMs,
    pub updated: UnixMs,
    pub refused: Refused,
}

#[derive(Default)]
pub struct AclLog(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    list: VecDeque<LogEntry>,
    next_id: u64,
}

impl AclLog {
    pub(super) fn add(&self, len_max: usize, now: UnixMs, refused: Refused) {
        let mut entries = self.0.lock();
        let same = |entry: &LogEntry| {
            let known = &entry.refused;
            (known.reason, known.context) == (refused.reason, refused.context)
                && known.object == refused.object
                && known.username == refused.username
                && now.since_ms(entry.updated) <= SAME_WITHIN_MS
        };
        let at = entries.list.iter().take(COMPARED_MAX).position(same);
        let entry = match at.and_then(|at| entries.list.remove(at)) {
            Some(entry) => LogEntry { count: entry.count + 1, updated: now, refused, ..entry },
            None => {
                let id = entries.next_id;
                entries.next_id += 1;
                LogEntry { id, count: 1, created: now, updated: now, refused }
            }
        };
        entries.list.push_front(entry);
        entries.list.truncate(len_max);
    }

    pub fn newest(&self, count: usize) -> Vec<LogEntry> {
        self.0.lock().list.iter().take(count).cloned().collect()
    }

    pub fn clear(&self) {
        self.0.lock().list.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(object: &str) -> Refused {
        let (object, username) = (object.as_bytes().to_vec(), b"bob".to_vec());
        Refused { reason: "key", context: Context::Toplevel, object, username, client_info: String::new() }
    }

    #[test]
    fn counts_what_is_the_same() {
        let log = AclLog::default();
        for (ms, object) in [(0, "a"), (1, "b"), (2, "a"), (60_002, "a"), (120_003, "a")] {
            log.add(10, UnixMs(ms), refused(object));
        }
        let seen: Vec<_> = log.newest(10).iter().map(|e| (e.id, e.count, e.created.0, e.updated.0)).collect();
        assert_eq!(seen, [(2, 1, 120_003, 120_003), (0, 3, 0, 60_002), (1, 1, 1, 1)]);
    }

    #[test]
    fn is_bounded() {
        let log = AclLog::default();
        (0..9).for_each(|i| log.add(3, UnixMs(0), refused(&i.to_string())));
        assert_eq!(log.newest(10).len(), 3);
        assert_eq!(log.newest(1)[0].refused.object, b"8");
        log.add(0, UnixMs(0), refused("x"));
        assert_eq!(log.newest(10).len(), 0);
    }
}
