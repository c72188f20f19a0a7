//! Ranges as clients write them: both ends included, negative counted from the end, out of bounds cut to bounds.
//!
//! Two rules, told apart by one case: both ends negative and crossed. `slice` (GETRANGE, BITCOUNT) calls that empty;
//! `clamp` (BITPOS) cuts first, so -9..-10 of a short string becomes its first unit.
//! An end before the first unit is cut to the first unit, not to nothing: GETRANGE k 0 -100 gives one byte. Redis
//! tried to change this and took it back as breaking clients (redis#12272).

use std::ops::Range;

/// What GETRANGE start end means in a string of `len` bytes.
#[inline]
pub fn slice(len: usize, start: i64, end: i64) -> Range<usize> {
    let range = slice_units(len as u64, start, end);
    range.start as usize..range.end as usize // both at most `len`
}

/// The bytes GETRANGE (once called SUBSTR) answers.
#[inline]
pub fn substr(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    &bytes[slice(bytes.len(), start, end)]
}

/// `slice` for units that may be bits.
#[inline]
pub(super) fn slice_units(len: u64, start: i64, end: i64) -> Range<u64> {
    if start < 0 && end < 0 && start > end { 0..0 } else { clamp(len, start, end) }
}

/// The range cut to `0..len`; an empty one is always `0..0`.
#[inline]
pub(super) fn clamp(len: u64, start: i64, end: i64) -> Range<u64> {
    let from_start = |at: i64| match at {
        0.. => at as u64,
        _ => len.saturating_sub(at.unsigned_abs()),
    };
    let (start, end) = (from_start(start), from_start(end));
    if start >= len || start > end { 0..0 } else { start..end.min(len - 1) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_redis_answers() {
        for (start, end, expected) in [
            (0, -5, "h"),
            (0, -6, "h"),
            (0, -100, "h"),
            (1, -100, ""),
            (-1, -100, ""),
            (-100, -6, "h"),
            (-100, -100, "h"),
            (-100, -101, ""),
            (-5, -6, ""),
            (-1, -2, ""),
            (3, 2, ""),
            (5, 9, ""),
            (-100, 100, "hello"),
            (1, 3, "ell"),
            (-3, -2, "ll"),
            (4, 4, "o"),
            (i64::MIN, i64::MIN, "h"),
            (i64::MIN, i64::MAX, "hello"),
            (i64::MAX, i64::MAX, ""),
        ] {
            assert_eq!(substr(b"hello", start, end), expected.as_bytes(), "{start} {end}");
        }
        assert_eq!((slice(0, 0, -1), slice(0, -1, 0)), (0..0, 0..0));
    }

    #[test]
    fn crossed_negative_ends_are_empty_only_for_slice() {
        assert_eq!(slice_units(5, -100, -101), 0..0);
        assert_eq!(clamp(5, -100, -101), 0..1);
    }

    proptest! {
        // The model asks of each byte whether it lies between the two ends, after moving the ends one by one.
        #[test]
        fn like_a_filter(len in 0i64..12, start in -15i64..15, end in -15i64..15) {
            let absolute = |at: i64| if at < 0 { (at + len).max(0) } else { at };
            let crossed = start < 0 && end < 0 && start > end;
            let expected: Vec<usize> = (0..len)
                .filter(|&at| !crossed && absolute(start) <= at && at <= absolute(end))
                .map(|at| at as usize)
                .collect();
            prop_assert_eq!(slice(len as usize, start, end).collect::<Vec<_>>(), expected);
        }
    }
}
