//! A member of a set: a number if it reads as one, otherwise bytes.
//!
//! The one form in which a number is printed is the number, so `7` is the same member in every encoding, and `07`
//! is text. Code and payload are how packed forms and tables write a member down (`bucket.rs`).

use crate::hashing;
use kit::text;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Member<'a> {
    Int(i64),
    /// Never the printed form of a number: made by `Member::of`.
    Text(&'a [u8]),
}

impl<'a> Member<'a> {
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Member<'a> {
        text::parse_i64(bytes).map_or(Member::Text(bytes), Member::Int)
    }

    /// Length of its text.
    #[inline]
    pub fn text_len(self) -> usize {
        match self {
            Member::Int(n) => text::i64_len(n),
            Member::Text(bytes) => bytes.len(),
        }
    }

    /// Its text; digits are written into `digits`.
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Member::Int(n) => text::format_i64(digits, n),
            Member::Text(bytes) => bytes,
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut [0; 20]).to_vec()
    }

    #[inline]
    pub(super) fn hash(self) -> u64 {
        match self {
            Member::Int(n) => hashing::hash(&n.to_le_bytes()),
            Member::Text(bytes) => hashing::hash(bytes),
        }
    }
}

/// Text up to this length stands in the bucket itself, its length being its code.
pub(super) const TEXT_MAX: usize = 240;
/// Plus 1 to 8: a number in so many bytes.
const INT: u8 = 240;
/// Longer text, kept elsewhere: its number in 4 bytes.
pub(super) const LARGE: u8 = 249;
pub(super) const LARGE_LEN: usize = 4;

/// Payload bytes by code.
static PAYLOAD_LEN: [u8; 256] = {
    let mut lens = [0; 256];
    let mut code = 0;
    while code <= LARGE as usize {
        lens[code] = match code {
            0..=TEXT_MAX => code as u8,
            _ if code == LARGE as usize => LARGE_LEN as u8,
            _ => code as u8 - INT,
        };
        code += 1;
    }
    lens
};

#[inline]
pub(super) fn payload_len(code: u8) -> usize {
    usize::from(PAYLOAD_LEN[usize::from(code)])
}

#[inline]
pub(super) fn is_text(code: u8) -> bool {
    code <= INT
}

/// A member as it is written down.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) code: u8,
    text: &'a [u8],
    int: [u8; 8],
}

impl<'a> Record<'a> {
    /// None for text that is too long for a bucket.
    #[inline]
    pub(super) fn of(member: Member<'a>) -> Option<Record<'a>> {
        match member {
            Member::Int(n) => {
                // Bits that tell something, the sign among them: 1 to 64.
                let bits = 65 - (n ^ (n >> 63)).leading_zeros();
                Some(Record { code: INT + bits.div_ceil(8) as u8, text: &[], int: n.to_le_bytes() })
            }
            Member::Text(text) if text.len() <= TEXT_MAX => Some(Record { code: text.len() as u8, text, int: [0; 8] }),
            Member::Text(_) => None,
        }
    }

    #[inline]
    pub(super) fn large(number: u32) -> Record<'static> {
        let [a, b, c, d] = number.to_le_bytes();
        Record { code: LARGE, text: &[], int: [a, b, c, d, 0, 0, 0, 0] }
    }

    #[inline]
    pub(super) fn payload(&self) -> &[u8] {
        if is_text(self.code) { self.text } else { &self.int[..payload_len(self.code)] }
    }
}

/// What stands in a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stored<'a> {
    Here(Member<'a>),
    Large(u32),
}

impl<'a> Stored<'a> {
    #[inline]
    pub(super) fn read(code: u8, payload: &'a [u8]) -> Stored<'a> {
        if is_text(code) {
            return Stored::Here(Member::Text(payload));
        }
        let mut bytes = [0; 8];
        bytes[..payload.len()].copy_from_slice(payload);
        if code == LARGE {
            return Stored::Large(u64::from_le_bytes(bytes) as u32);
        }
        let shift = 64 - 8 * payload.len() as u32;
        Stored::Here(Member::Int((i64::from_le_bytes(bytes) << shift) >> shift))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_members_once() {
        for (text, member) in [
            ("7", Member::Int(7)),
            ("-9223372036854775808", Member::Int(i64::MIN)),
            ("07", Member::Text(b"07")),
            ("-0", Member::Text(b"-0")),
            ("", Member::Text(b"")),
            ("9223372036854775808", Member::Text(b"9223372036854775808")),
        ] {
            assert_eq!(Member::of(text.as_bytes()), member);
            assert_eq!((member.to_vec(), member.text_len()), (text.as_bytes().to_vec(), text.len()));
        }
    }

    #[test]
    fn are_read_as_they_were_written() {
        let texts: Vec<Vec<u8>> = [0, 1, 239, 240].map(|len| vec![b'x'; len]).into();
        let mut members: Vec<Member> = texts.iter().map(|text| Member::Text(text)).collect();
        for bit in 0..64 {
            members.extend([-1, 0, 1].map(|n| Member::Int((1i64 << bit).wrapping_add(n))));
            members.extend([-1, 0, 1].map(|n| Member::Int((-1i64 << bit).wrapping_add(n))));
        }
        for member in members {
            let record = Record::of(member).expect("short");
            assert_eq!(Stored::read(record.code, record.payload()), Stored::Here(member));
        }
        assert!(Record::of(Member::Text(&[b'x'; 241])).is_none());
        let large = Record::large(u32::MAX - 5);
        assert_eq!(Stored::read(large.code, large.payload()), Stored::Large(u32::MAX - 5));
        let lens = [0, 127, 128, -128, -129, 1 << 20, 1 << 40, i64::MAX];
        assert_eq!(
            lens.map(|n| Record::of(Member::Int(n)).expect("a number").payload().len()),
            [1, 1, 2, 1, 2, 3, 6, 8]
        );
    }
}
