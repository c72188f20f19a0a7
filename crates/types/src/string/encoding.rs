//! Which of Redis's three encodings a string would have: int, embstr, raw.
//!
//! The names are visible to clients (OBJECT ENCODING), so the borders are Redis's, whatever our memory form is.
//! Knows nothing of a string's past: that APPEND leaves even a short string "raw" is for the value to remember.

use kit::text::parse_i64;

/// Longest string, in bytes, that is called "embstr"; a longer one is "raw".
// 64, the allocator's class, less 16 of object head, 3 of string head and 1 of end mark.
pub const EMBSTR_MAX: usize = 44;

/// Longest decimal form of an `i64`: 19 digits and a sign.
const INT_LEN_MAX: usize = 20;

/// The number, if the string is exactly how that number prints, so that storing the number loses nothing.
#[inline]
pub fn is_int(bytes: &[u8]) -> Option<i64> {
    if bytes.len() > INT_LEN_MAX { None } else { parse_i64(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn borders() {
        assert_eq!(is_int(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(is_int(b"9223372036854775807"), Some(i64::MAX));
        for text in ["9223372036854775808", "-9223372036854775809", "000000000000000000001", "", "-0", "+1", "1 "] {
            assert_eq!(is_int(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn prints_back_unchanged(text in "-?[0-9]{1,21}") {
            if let Some(n) = is_int(text.as_bytes()) {
                prop_assert_eq!(n.to_string(), text);
            }
        }
    }
}
