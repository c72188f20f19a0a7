//! The ID of a stream's entry: a time in milliseconds and a number within it.
//!
//! Written `ms-seq`. IDs are ordered; a stream only ever gets larger ones.

use kit::text::{format_u64, parse_u64};
use std::fmt;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id {
    pub ms: u64,
    pub seq: u64,
}

/// Space for the longest ID.
pub const ID_TEXT_MAX: usize = 41;

impl Id {
    pub const MIN: Id = Id { ms: 0, seq: 0 };
    pub const MAX: Id = Id { ms: u64::MAX, seq: u64::MAX };

    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// `ms-seq`, or `ms` alone, which stands for `ms-seq` with this number.
    #[inline]
    pub fn parse(text: &[u8], seq: u64) -> Option<Id> {
        match text.iter().position(|&byte| byte == b'-') {
            None => Some(Id { ms: part(text)?, seq }),
            Some(dash) => Some(Id { ms: part(&text[..dash])?, seq: part(&text[dash + 1..])? }),
        }
    }

    pub fn is_min(self) -> bool {
        self == Id::MIN
    }

    /// The next larger ID.
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { ms: self.ms, seq }),
            None => Some(Id { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The next smaller ID.
    pub fn previous(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { ms: self.ms, seq }),
            None => Some(Id { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// `ms-seq`, written into `buf`.
    #[inline]
    pub fn text(self, buf: &mut [u8; ID_TEXT_MAX]) -> &[u8] {
        let mut digits = [0; 20];
        let ms = format_u64(&mut digits, self.ms);
        let mut len = ms.len();
        buf[..len].copy_from_slice(ms);
        buf[len] = b'-';
        len += 1;
        if self.seq < 10 {
            buf[len] = b'0' + self.seq as u8;
            return &buf[..len + 1];
        }
        let seq = format_u64(&mut digits, self.seq);
        buf[len..len + seq.len()].copy_from_slice(seq);
        &buf[..len + seq.len()]
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As C reads numbers: with spaces and a plus before it, and zeros.
#[inline]
fn part(text: &[u8]) -> Option<u64> {
    parse_u64(text).or_else(|| {
        let text = text.trim_ascii_start();
        let digits = text.strip_prefix(b"+").unwrap_or(text);
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for id in [Id::MIN, Id::MAX, Id::new(5, 9), Id::new(1_767_225_600_000, 10), Id::new(0, u64::MAX)] {
            let text = id.text(&mut [0; ID_TEXT_MAX]).to_vec();
            assert_eq!(text, id.to_string().into_bytes());
            assert_eq!(Id::parse(&text, 0), Some(id));
        }
        assert_eq!(Id::parse(b"7", 3), Some(Id::new(7, 3)));
        for other in ["07-3", "+7-03", " 7-3"] {
            assert_eq!(Id::parse(other.as_bytes(), 0), Some(Id::new(7, 3)), "{other}");
        }
        for wrong in ["", "-", "1-", "-1", "x", "1-x", "1-2-3", "18446744073709551616", "(1", "+", "1 ", "++1", " "] {
            assert_eq!(Id::parse(wrong.as_bytes(), 0), None, "{wrong}");
        }
    }

    #[test]
    fn neighbours() {
        assert_eq!(Id::new(1, u64::MAX).next(), Some(Id::new(2, 0)));
        assert_eq!(Id::new(2, 0).previous(), Some(Id::new(1, u64::MAX)));
        assert_eq!((Id::MAX.next(), Id::MIN.previous()), (None, None));
        assert_eq!(Id::new(1, 4).next().and_then(Id::previous), Some(Id::new(1, 4)));
    }
}
