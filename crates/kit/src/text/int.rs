//! Whole numbers. A number is read only in the one form in which it is printed: no sign '+', no leading zero, no
//! "-0", no spaces. So a string that reads as a number can be stored as that number and printed back unchanged.

/// The number, if `bytes` is exactly how `write_i64` prints it.
#[inline]
pub fn parse_i64(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [b'-', digits @ ..] => match parse_u64(digits)? {
            0 => None,
            n => 0i64.checked_sub_unsigned(n),
        },
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// The number, if `bytes` is exactly how `write_u64` prints it.
#[inline]
pub fn parse_u64(bytes: &[u8]) -> Option<u64> {
    let (&first, rest) = bytes.split_first()?;
    let first = first.wrapping_sub(b'0');
    if first > 9 || (first == 0 && !rest.is_empty()) || rest.len() > 19 {
        return None;
    }
    // Up to 19 digits cannot overflow a u64; only the twentieth must be checked.
    let (safe, last) = rest.split_at(rest.len().min(18));
    let mut n = u64::from(first);
    for &b in safe {
        let digit = b.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n = n * 10 + u64::from(digit);
    }
    match last {
        [] => Some(n),
        [b] if b.is_ascii_digit() => n.checked_mul(10)?.checked_add(u64::from(b - b'0')),
        _ => None,
    }
}

/// Appends the decimal form.
#[inline]
pub fn write_i64(out: &mut Vec<u8>, n: i64) {
    out.extend_from_slice(format_i64(&mut [0; 20], n));
}

/// Appends the decimal form.
#[inline]
pub fn write_u64(out: &mut Vec<u8>, n: u64) {
    let mut buf = [0; 20];
    let start = digits_into(&mut buf, n);
    out.extend_from_slice(&buf[start..]);
}

/// The decimal form, made at the end of `buf`.
#[inline]
pub fn format_i64(buf: &mut [u8; 20], n: i64) -> &[u8] {
    let mut start = digits_into(buf, n.unsigned_abs());
    if n < 0 {
        start -= 1; // at most 19 digits, so there is room
        buf[start] = b'-';
    }
    &buf[start..]
}

/// The decimal form, made at the end of `buf`.
#[inline]
pub fn format_u64(buf: &mut [u8; 20], n: u64) -> &[u8] {
    let start = digits_into(buf, n);
    &buf[start..]
}

/// Length of the decimal form, sign included.
#[inline]
pub fn i64_len(n: i64) -> usize {
    usize::from(n < 0) + n.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[inline]
fn digits_into(buf: &mut [u8; 20], mut n: u64) -> usize {
    let mut at = 20;
    while n >= 100 {
        let pair = (n % 100) as usize;
        n /= 100;
        at -= 2;
        buf[at..at + 2].copy_from_slice(&PAIRS[pair]);
    }
    if n >= 10 {
        at -= 2;
        buf[at..at + 2].copy_from_slice(&PAIRS[n as usize]);
    } else {
        at -= 1;
        buf[at] = b'0' + n as u8;
    }
    at
}

static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits() {
        assert_eq!(parse_i64(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_i64(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        for refused in [
            "9223372036854775808",
            "-9223372036854775809",
            "99999999999999999999",
            "18446744073709551616",
            "184467440737095516150",
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            " 1",
            "1 ",
            "1a",
            "a",
            "1.0",
            "--1",
            "0x1",
            "1234567890123456789a",
            "/",
            ":",
        ] {
            assert_eq!(parse_i64(refused.as_bytes()), None, "{refused}");
        }
        assert_eq!((parse_i64(b"0"), parse_u64(b"-1")), (Some(0), None));
        assert_eq!((i64_len(0), i64_len(i64::MIN), i64_len(i64::MAX)), (1, 20, 19));
    }

    proptest! {
        #[test]
        fn prints_and_reads_back(n: i64, shift in 0u32..64) {
            let n = n >> shift; // all lengths
            let mut out = Vec::new();
            write_i64(&mut out, n);
            prop_assert_eq!(str::from_utf8(&out).unwrap(), n.to_string());
            prop_assert_eq!(parse_i64(&out), Some(n));
            prop_assert_eq!(i64_len(n), out.len());
            let n = n as u64;
            out.clear();
            write_u64(&mut out, n);
            prop_assert_eq!(str::from_utf8(&out).unwrap(), n.to_string());
            prop_assert_eq!(parse_u64(&out), Some(n));
        }

        #[test]
        fn reads_only_what_it_prints(text in "[-+0-9 ]{0,21}") {
            let expected = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
            prop_assert_eq!(parse_i64(text.as_bytes()), expected);
        }
    }
}
