//! How numbers and values stand in a chunk.
//!
//! ```text
//! number := 7 bits a byte, low ones first, high bit: more follows
//! bytes  := length number | bytes                               (names of fields)
//! value  := 0x00 to 0x7f: length | bytes
//!         | 0x80 to 0xbf: the integer 0 to 63
//!         | 0xc0 + n | integer, n bytes, little endian, signed  (n is 1 to 8)
//!         | 0xe0 + n | length, n bytes, little endian | bytes   (n is 1 to 4)
//! ```
//! A value that reads as an integer in the form in which it is printed is stored as that integer.

use kit::text::parse_i64;

/// A value as it is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    Bytes(&'a [u8]),
    Int(i64),
}

impl<'a> Value<'a> {
    /// Its bytes; digits are written into `digits`.
    pub fn bytes<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Value::Bytes(bytes) => bytes,
            Value::Int(n) => kit::text::format_i64(digits, n),
        }
    }
}

/// Space for any number.
pub(super) const NUMBER_MAX: usize = 10;
/// What stands before the bytes of a value, at most.
pub(super) const VALUE_HEAD_MAX: usize = 9;

/// Where an entry is put together. Its owner has made it long enough.
pub(super) struct Out<'a> {
    pub buf: &'a mut [u8],
    pub len: usize,
}

impl Out<'_> {
    #[inline]
    pub(super) fn byte(&mut self, byte: u8) {
        self.buf[self.len] = byte;
        self.len += 1;
    }

    #[inline]
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.buf[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    #[inline]
    pub(super) fn number(&mut self, mut n: u64) {
        while n > 0x7f {
            self.byte(n as u8 | 0x80);
            n >>= 7;
        }
        self.byte(n as u8);
    }

    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    #[inline]
    pub(super) fn value(&mut self, bytes: &[u8]) {
        let may_be_int = bytes.len() <= 20 && bytes.last().is_some_and(u8::is_ascii_digit);
        match if may_be_int { parse_i64(bytes) } else { None } {
            Some(n @ 0..64) => self.byte(0x80 | n as u8),
            Some(n) => {
                let used = int_len(n);
                self.byte(0xc0 | used as u8);
                self.raw(&n.to_le_bytes()[..used]);
            }
            None => {
                if bytes.len() < 0x80 {
                    self.byte(bytes.len() as u8);
                } else {
                    let len = (bytes.len() as u32).to_le_bytes();
                    let used = 4 - (bytes.len() as u32).leading_zeros() as usize / 8;
                    self.byte(0xe0 | used as u8);
                    self.raw(&len[..used]);
                }
                self.raw(bytes);
            }
        }
    }
}

/// Bytes that hold a signed integer.
fn int_len(n: i64) -> usize {
    let bits = 65 - (if n < 0 { !n } else { n }).leading_zeros() as usize;
    bits.div_ceil(8)
}

/// A number at `at`, and where it ends.
#[inline]
pub(super) fn number(bytes: &[u8], at: usize) -> (u64, usize) {
    let first = bytes[at];
    if first < 0x80 {
        return (u64::from(first), at + 1);
    }
    let (mut n, mut at, mut shift) = (u64::from(first & 0x7f), at + 1, 7);
    loop {
        let byte = bytes[at];
        at += 1;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (n, at);
        }
        shift += 7;
    }
}

/// Bytes behind their length, and where they end.
#[inline]
pub(super) fn bytes(from: &[u8], at: usize) -> (&[u8], usize) {
    let (len, at) = number(from, at);
    let end = at + len as usize;
    (&from[at..end], end)
}

#[inline]
pub(super) fn value(from: &[u8], at: usize) -> (Value<'_>, usize) {
    let head = from[at];
    let at = at + 1;
    match head {
        0..=0x7f => {
            let end = at + usize::from(head);
            (Value::Bytes(&from[at..end]), end)
        }
        0x80..=0xbf => (Value::Int(i64::from(head & 0x3f)), at),
        0xc0..=0xdf => {
            let used = usize::from(head & 0xf);
            let end = at + used;
            let sign = if from[end - 1] & 0x80 == 0 { 0 } else { 0xff };
            let mut le = [sign; 8];
            le[..used].copy_from_slice(&from[at..end]);
            (Value::Int(i64::from_le_bytes(le)), end)
        }
        0xe0..=0xff => {
            let used = usize::from(head & 0xf);
            let mut le = [0; 4];
            le[..used].copy_from_slice(&from[at..at + used]);
            let start = at + used;
            let end = start + u32::from_le_bytes(le) as usize;
            (Value::Bytes(&from[start..end]), end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(given: &[u8]) -> usize {
        let mut buf = vec![0; given.len() + VALUE_HEAD_MAX];
        let mut out = Out { buf: &mut buf, len: 0 };
        out.value(given);
        let len = out.len;
        let (value, end) = value(&buf[..len], 0);
        assert_eq!((value.bytes(&mut [0; 20]), end), (given, len));
        len
    }

    #[test]
    fn values_of_all_lengths() {
        for (given, len) in
            [("", 1), ("5", 1), ("63", 1), ("64", 2), ("-1", 2), ("-129", 3), ("32767", 3), ("32768", 4)]
        {
            assert_eq!(there_and_back(given.as_bytes()), len, "{given}");
        }
        for given in ["007", "-0", "-", "+1", " 1", "9223372036854775808", "99999999999999999999", "1 "] {
            assert_eq!(there_and_back(given.as_bytes()), 1 + given.len(), "{given}");
        }
        for shift in 0..63 {
            for n in [1i64 << shift, (1i64 << shift) - 1, -(1i64 << shift), -(1i64 << shift) - 1] {
                assert!(there_and_back(n.to_string().as_bytes()) <= 9);
            }
        }
        assert_eq!(there_and_back(i64::MIN.to_string().as_bytes()), 9);
        for (given, head) in [(127, 1), (128, 2), (255, 2), (256, 3), (65_535, 3), (65_536, 4), (1 << 24, 5)] {
            assert_eq!(there_and_back(&vec![b'x'; given]), given + head);
        }
    }

    proptest! {
        #[test]
        fn numbers(n: u64) {
            let mut buf = [0; NUMBER_MAX];
            let mut out = Out { buf: &mut buf, len: 0 };
            out.number(n);
            let len = out.len;
            prop_assert_eq!(number(&buf, 0), (n, len));
        }
    }
}
