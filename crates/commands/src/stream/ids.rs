//! IDs as they stand in requests.

use exec::Error;
use types::stream::Id;

pub(super) const INVALID: Error = Error::Static("ERR Invalid stream ID specified as stream command argument");

/// `ms-seq`, or `ms` for `ms-0`.
#[inline]
pub(super) fn id(word: &[u8]) -> Result<Id, Error> {
    Id::parse(word, 0).ok_or(INVALID)
}

/// The same, or `-` and `+` for the smallest and the largest. `seq` completes an ID that is `ms` alone.
pub(super) fn id_or_edge(word: &[u8], seq: u64) -> Result<Id, Error> {
    match word {
        b"-" => Ok(Id::MIN),
        b"+" => Ok(Id::MAX),
        word => Id::parse(word, seq).ok_or(INVALID),
    }
}

/// Where an interval begins; `(` before an ID excludes it.
pub(super) fn start(word: &[u8]) -> Result<Id, Error> {
    match word.strip_prefix(b"(") {
        None => id_or_edge(word, 0),
        Some(word) => id(word)?.next().ok_or(Error::Static("ERR invalid start ID for the interval")),
    }
}

/// Where an interval ends.
pub(super) fn end(word: &[u8]) -> Result<Id, Error> {
    match word.strip_prefix(b"(") {
        None => id_or_edge(word, u64::MAX),
        Some(word) => {
            let id = Id::parse(word, u64::MAX).ok_or(INVALID)?;
            id.previous().ok_or(Error::Static("ERR invalid end ID for the interval"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert_eq!((start(b"-"), end(b"+")), (Ok(Id::MIN), Ok(Id::MAX)));
        assert_eq!((start(b"5"), end(b"5")), (Ok(Id::new(5, 0)), Ok(Id::new(5, u64::MAX))));
        assert_eq!((start(b"(5-1"), end(b"(5-1")), (Ok(Id::new(5, 2)), Ok(Id::new(5, 0))));
        assert_eq!(end(b"(5"), Ok(Id::new(5, u64::MAX - 1)));
        assert_eq!((start(b"(-"), end(b"(+"), id(b"-")), (Err(INVALID), Err(INVALID), Err(INVALID)));
        assert!(end(b"(0-0").is_err() && start(b"(18446744073709551615-18446744073709551615").is_err());
    }
}
