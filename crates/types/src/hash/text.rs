//! A field or a value: bytes, or a number that prints as them.
//!
//! ```text
//! text := head u8 | rest      the head's high bit is the pair's, see `pairs.rs`; below it:
//!         0 ..= 116           that many bytes follow
//!         117                 length u16 | bytes
//!         118                 length u32 | bytes
//!         119                 place u32 of bytes kept elsewhere (`far.rs`)
//!         120 ..= 127         a number of 1 to 8 bytes, low ones first
//! ```
//! A text that is exactly how a number prints is kept as that number when this is shorter. So each text has one form
//! (far or not is the container's rule), and equal texts are equal bytes.

use kit::text::{format_i64, i64_len, parse_i64};

use super::far::Far;
use crate::hashing;

/// A field or a value, as it is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Text<'a> {
    Bytes(&'a [u8]),
    Int(i64),
}

impl<'a> Text<'a> {
    pub fn len(self) -> usize {
        match self {
            Text::Bytes(bytes) => bytes.len(),
            Text::Int(number) => i64_len(number),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Its bytes; digits are written into `digits`.
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Int(number) => format_i64(digits, number),
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut [0; 20]).to_vec()
    }

    /// The number it reads as.
    pub fn int(self) -> Option<i64> {
        match self {
            Text::Bytes(bytes) => parse_i64(bytes),
            Text::Int(number) => Some(number),
        }
    }
}

/// The bit of a head that belongs to the pair.
pub(super) const MARK: u8 = 0x80;
const LONG: u8 = 117;
const LONGER: u8 = 118;
const FAR: u8 = 119;
/// A number of n bytes has head `INT + n`.
const INT: u8 = 119;
const DIGITS_MAX: usize = 20;
/// Numbers that are not shorter as numbers.
const DIGITS: &[u8; 10] = b"0123456789";

/// A text in its form, without the mark: what is written, and what is searched for.
#[derive(Clone, Copy)]
pub(super) struct Coded<'a> {
    head: [u8; 9],
    head_len: u8,
    body: &'a [u8],
}

impl<'a> Coded<'a> {
    #[inline]
    pub(super) fn new(text: &'a [u8]) -> Coded<'a> {
        let mut head = [0; 9];
        let len = text.len();
        if let Some(number) = as_int(text) {
            return Coded::int(number);
        }
        let head_len = match len {
            0..=116 => {
                head[0] = len as u8;
                1
            }
            117..=0xffff => {
                head[0] = LONG;
                head[1..3].copy_from_slice(&(len as u16).to_le_bytes());
                3
            }
            _ => {
                head[0] = LONGER;
                head[1..5].copy_from_slice(&u32::try_from(len).expect("longer texts are far").to_le_bytes());
                5
            }
        };
        Coded { head, head_len, body: text }
    }

    /// A text that was read elsewhere.
    #[inline]
    pub(super) fn of(text: Text<'a>) -> Coded<'a> {
        match text {
            Text::Bytes(bytes) => Coded::new(bytes),
            Text::Int(digit @ 0..=9) => Coded::new(&DIGITS[digit as usize..=digit as usize]),
            Text::Int(number) => Coded::int(number),
        }
    }

    #[inline]
    fn int(number: i64) -> Coded<'static> {
        let bytes = int_bytes(number);
        let mut head = [0; 9];
        head[0] = INT + bytes as u8;
        head[1..].copy_from_slice(&number.to_le_bytes());
        Coded { head, head_len: 1 + bytes as u8, body: &[] }
    }

    /// Equal for equal texts.
    pub(super) fn hash(&self) -> u64 {
        hashing::hash(if self.body.is_empty() { self.head() } else { self.body })
    }

    pub(super) fn far(place: u32) -> Coded<'static> {
        let mut head = [0; 9];
        head[0] = FAR;
        head[1..5].copy_from_slice(&place.to_le_bytes());
        Coded { head, head_len: 5, body: &[] }
    }

    #[inline]
    pub(super) fn head(&self) -> &[u8] {
        &self.head[..usize::from(self.head_len)]
    }

    #[inline]
    pub(super) fn body(&self) -> &'a [u8] {
        self.body
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.head_len) + self.body.len()
    }

    /// Does this text stand at `at`? Whatever the mark.
    #[inline]
    pub(super) fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        if bytes[at] & !MARK != self.head[0] {
            return false;
        }
        let head_len = usize::from(self.head_len);
        let rest = &bytes[at + 1..];
        let (head, body) = (&self.head[1..head_len], self.body);
        rest.len() >= head.len() + body.len()
            && rest[..head.len()] == *head
            // Names in a row differ at their end.
            && (body.is_empty() || rest[head.len() + body.len() - 1] == body[body.len() - 1])
            && rest[head.len()..head.len() + body.len()] == *body
    }
}

/// The number a text is kept as.
#[inline]
fn as_int(text: &[u8]) -> Option<i64> {
    let first = *text.first()?;
    if !(2..=DIGITS_MAX).contains(&text.len()) || !(first.is_ascii_digit() || first == b'-') {
        return None;
    }
    parse_i64(text).filter(|&number| int_bytes(number) < text.len())
}

/// Bytes that hold a number and its sign.
#[inline]
fn int_bytes(number: i64) -> usize {
    let magnitude = if number < 0 { !number } else { number } as u64;
    (65 - magnitude.leading_zeros() as usize).div_ceil(8)
}

/// Length of the form that stands at `at`.
#[inline]
pub(super) fn len_at(bytes: &[u8], at: usize) -> usize {
    match bytes[at] & !MARK {
        LONG => 3 + usize::from(u16::from_le_bytes([bytes[at + 1], bytes[at + 2]])),
        LONGER => 5 + u32_at(bytes, at + 1) as usize,
        FAR => 5,
        head if head > FAR => 1 + usize::from(head - INT),
        head => 1 + usize::from(head),
    }
}

/// Where the bytes are kept that stand elsewhere.
#[inline]
pub(super) fn far_at(bytes: &[u8], at: usize) -> Option<u32> {
    (bytes[at] & !MARK == FAR).then(|| u32_at(bytes, at + 1))
}

/// Reads the form that stands at `at`.
#[inline]
pub(super) fn text_at<'a>(bytes: &'a [u8], at: usize, far: &'a Far) -> Text<'a> {
    let len = len_at(bytes, at);
    match bytes[at] & !MARK {
        LONG => Text::Bytes(&bytes[at + 3..at + len]),
        LONGER => Text::Bytes(&bytes[at + 5..at + len]),
        FAR => Text::Bytes(far.get(u32_at(bytes, at + 1))),
        head if head > FAR => {
            let negative = bytes[at + len - 1] & 0x80 != 0;
            let mut number = if negative { [0xff; 8] } else { [0; 8] };
            number[..len - 1].copy_from_slice(&bytes[at + 1..at + len]);
            Text::Int(i64::from_le_bytes(number))
        }
        _ => Text::Bytes(&bytes[at + 1..at + len]),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(text: &[u8]) -> usize {
        let coded = Coded::new(text);
        let mut bytes = b"x".to_vec();
        bytes.extend_from_slice(coded.head());
        bytes.extend_from_slice(coded.body());
        assert_eq!((bytes.len() - 1, len_at(&bytes, 1)), (coded.len(), coded.len()));
        bytes[1] |= MARK;
        bytes.push(7);
        assert!(coded.stands_at(&bytes, 1));
        if let Some(number) = parse_i64(text) {
            let twin = Coded::of(Text::Int(number));
            assert!(twin.stands_at(&bytes, 1) && twin.len() == coded.len() && twin.hash() == coded.hash());
        }
        assert_eq!(
            (text_at(&bytes, 1, &Far::NONE).to_vec(), text_at(&bytes, 1, &Far::NONE).len()),
            (text.to_vec(), text.len())
        );
        coded.len()
    }

    #[test]
    fn numbers_are_short() {
        for (text, len) in [
            ("", 1),
            ("7", 2),
            ("-1", 2),
            ("127", 2),
            ("128", 3),
            ("-128", 2),
            ("-129", 3),
            ("32767", 3),
            ("1767225600", 5),
            ("007", 4),
            ("1.5", 4),
            ("-0", 3),
            ("9223372036854775807", 9),
            ("-9223372036854775808", 9),
            ("12a", 4),
        ] {
            assert_eq!(there_and_back(text.as_bytes()), len, "{text}");
        }
        for len in [116, 117, 65_535, 65_536] {
            there_and_back(&vec![b'1'; len]);
        }
        for bits in 0..63 {
            for number in [1i64 << bits, (1i64 << bits) - 1, -(1i64 << bits), -(1i64 << bits) - 1] {
                there_and_back(number.to_string().as_bytes());
            }
        }
    }

    proptest! {
        #[test]
        fn every_text(text in prop::collection::vec(any::<u8>(), 0..200), number: i64) {
            there_and_back(&text);
            there_and_back(number.to_string().as_bytes());
        }
    }
}
