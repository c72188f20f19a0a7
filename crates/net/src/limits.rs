//! How much a client may leave unread, by class.
//!
//! Counted is what does not fit into the fixed 16 KiB of the reply buffer. Over the hard limit a client is
//! closed at once, over the soft one when it stays there for longer than the soft seconds.
//! The option is kept as twelve words: a class, hard, soft, soft seconds, three times.

use exec::client::ClientKind;
use kit::text::parse_memory;

/// Nobody may have more unread, whatever the option says: memory is bounded.
pub(crate) const UNREAD_BYTES_MAX: usize = 1 << 30;

/// With more than this unread a client's requests are still read, but not run until it has read: what it piles up
/// here are its requests and not their replies.
pub(crate) const HELD_BACK_BYTES: usize = 32 << 20;

/// A stranger may have this much unread beyond what his socket takes.
pub(crate) const STRANGER_UNREAD_BYTES_MAX: usize = 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct ClassLimit {
    pub hard: u64,
    pub soft: u64,
    pub soft_seconds: i64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct OutputLimits {
    normal: ClassLimit,
    replica: ClassLimit,
    pubsub: ClassLimit,
}

impl OutputLimits {
    /// From the option's words, which have been checked.
    pub(crate) fn of(words: &[String]) -> OutputLimits {
        let mut limits = OutputLimits::default();
        for group in words.chunks_exact(4) {
            let number = |idx: usize| group[idx].parse().unwrap_or(0);
            let limit = ClassLimit { hard: number(1), soft: number(2), soft_seconds: number(3) as i64 };
            match group[0].as_str() {
                "normal" => limits.normal = limit,
                "slave" => limits.replica = limit,
                _ => limits.pubsub = limit,
            }
        }
        limits
    }

    fn of_class(&self, kind: ClientKind) -> ClassLimit {
        match kind {
            ClientKind::Normal => self.normal,
            ClientKind::Replica => self.replica,
            ClientKind::PubSub => self.pubsub,
            ClientKind::Master => ClassLimit::default(),
        }
    }

    /// Is a reply of this length more than the class may have unread?
    pub(crate) fn forbids(&self, kind: ClientKind, reply_bytes: u64) -> bool {
        let hard = self.of_class(kind).hard;
        hard > 0 && reply_bytes > hard
    }

    /// How much a batch may add to a client's replies before it is looked at.
    pub(crate) fn batch_bytes_max(&self, kind: ClientKind) -> usize {
        match self.of_class(kind).hard {
            0 => HELD_BACK_BYTES,
            hard => HELD_BACK_BYTES.min(hard as usize),
        }
    }

    /// Whether a client with `used` unread bytes must go. `soft_since_ms` is when it went over the soft limit.
    pub(crate) fn exceeded(&self, kind: ClientKind, used: usize, soft_since_ms: &mut Option<i64>, now_ms: i64) -> bool {
        let limit = self.of_class(kind);
        if used > UNREAD_BYTES_MAX && limit.hard == 0 && kind != ClientKind::Master {
            return true;
        }
        let used = used as u64;
        if limit.hard > 0 && used >= limit.hard {
            return true;
        }
        if limit.soft == 0 || used < limit.soft {
            *soft_since_ms = None;
            return false;
        }
        let since = *soft_since_ms.get_or_insert(now_ms);
        now_ms - since > limit.soft_seconds.saturating_mul(1000)
    }
}

/// The option's words after some classes were set anew. Its error texts are Redis's.
pub(crate) fn merge(new: &[String], now: &[String]) -> Result<Vec<String>, String> {
    if new.is_empty() || !new.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut merged = now.to_vec();
    for group in new.chunks_exact(4) {
        let class = match group[0].to_ascii_lowercase().as_str() {
            "normal" => "normal",
            "slave" | "replica" => "slave",
            "pubsub" => "pubsub",
            _ => return Err("Invalid client class specified in buffer limit configuration.".into()),
        };
        let amount = |idx: usize| parse_memory(&group[idx]).filter(|n| *n >= 0);
        let seconds = group[3].parse::<u32>().ok();
        let (Some(hard), Some(soft), Some(seconds)) = (amount(1), amount(2), seconds) else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".into());
        };
        let Some(at) = merged.iter().position(|word| word == class) else { continue };
        merged[at + 1..at + 4].clone_from_slice(&[hard.to_string(), soft.to_string(), seconds.to_string()]);
    }
    Ok(merged)
}

/// One line of a configuration file for each class.
pub(crate) fn lines(words: &[String]) -> Vec<String> {
    let amount = |text: &String| kit::text::memory_words(text.parse().unwrap_or(0));
    let line = |g: &[String]| format!("{} {} {} {}", g[0], amount(&g[1]), amount(&g[2]), g[3]);
    words.chunks_exact(4).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    const DEFAULT: &str = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60";

    #[test]
    fn classes_are_set_one_by_one() {
        let all = "normal 1mb 2mb 60 replica 3mb 4mb 70 pubsub 5mb 6mb 80";
        let merged = merge(&words(all), &words(DEFAULT)).unwrap();
        assert_eq!(merged.join(" "), "normal 1048576 2097152 60 slave 3145728 4194304 70 pubsub 5242880 6291456 80");
        let merged = merge(&words("PubSub 100000 0 0"), &merged).unwrap();
        assert_eq!(merged[8..].join(" "), "pubsub 100000 0 0");
        assert_eq!(merged[..4].join(" "), "normal 1048576 2097152 60");
        assert_eq!(lines(&merged)[0], "normal 1mb 2mb 60");
    }

    #[test]
    fn refuses() {
        for (text, part) in [
            ("wrong number", "Wrong number of arguments"),
            ("", "Wrong number of arguments"),
            ("master 10mb 10mb 60", "Invalid client class"),
            ("normal 10mbs 10mb 60", "Error in hard"),
            ("replica 10mb 10mbs 60", "Error in hard, soft"),
            ("pubsub 10mb 10mb 60s", "soft_seconds"),
            ("pubsub 10mb -1 60", "Error in hard, soft"),
        ] {
            let error = merge(&words(text), &words(DEFAULT)).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn hard_at_once_soft_after_its_time() {
        let limits = OutputLimits::of(&words("normal 0 0 0 slave 0 0 0 pubsub 1000 100 3"));
        let mut since = None;
        let mut pubsub = |used, now| limits.exceeded(ClientKind::PubSub, used, &mut since, now);
        assert!(!pubsub(99, 0) && pubsub(1000, 0));
        assert!(!pubsub(100, 0) && !pubsub(999, 3000) && pubsub(100, 3001));
        assert!(!pubsub(99, 3002), "below again: the time begins anew");
        assert!(!pubsub(100, 9000) && !pubsub(100, 12_000) && pubsub(100, 12_001));
        let mut since = None;
        assert!(!limits.exceeded(ClientKind::Normal, UNREAD_BYTES_MAX, &mut since, 0));
        assert!(limits.exceeded(ClientKind::Normal, UNREAD_BYTES_MAX + 1, &mut since, 0));
        assert!(!limits.exceeded(ClientKind::Master, UNREAD_BYTES_MAX + 1, &mut since, 0));
    }
}
