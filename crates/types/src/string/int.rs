//! Strings that hold a number: INCR and its family.
//!
//! Always true: a sum that does not fit is refused, never wrapped, so the stored number is what a client would compute.

/// The sum, if it fits.
#[inline]
pub fn incr(old: i64, by: i64) -> Option<i64> {
    old.checked_add(by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_to_wrap() {
        assert_eq!(incr(i64::MAX - 1, 1), Some(i64::MAX));
        assert_eq!(incr(i64::MIN + 1, -1), Some(i64::MIN));
        assert_eq!((incr(i64::MAX, 1), incr(i64::MIN, -1)), (None, None));
        assert_eq!(incr(i64::MIN, i64::MAX), Some(-1));
    }
}
