//! One element: as it came, and as it is kept.
//!
//! What reads as a number is kept as one. An element is a *code* and its *payload*: for a string the code is its
//! length, the highest six codes are the widths of numbers. Those widths are the ones Redis's listpack has, so that
//! `listpack_len` can tell to the byte when Redis would change the encoding.

use kit::text;

/// An element that was found in a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Item<'a> {
    /// Its bytes; digits are written into `digits`.
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Item::Int(n) => text::format_i64(digits, n),
            Item::Bytes(bytes) => bytes,
        }
    }

    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut [0; 20]).to_vec()
    }

    #[inline]
    pub(super) fn read(code: u32, payload: &'a [u8]) -> Item<'a> {
        if code < INT_CODE_MIN {
            return Item::Bytes(payload);
        }
        // The highest byte carries the sign.
        let mut digits = if payload.last().is_some_and(|high| high & 0x80 != 0) { [0xff; 8] } else { [0; 8] };
        digits[..payload.len()].copy_from_slice(payload);
        Item::Int(i64::from_le_bytes(digits))
    }
}

/// The lowest of the codes that mean a number.
pub(super) const INT_CODE_MIN: u32 = u32::MAX - 5;
/// By code: smallest and largest number, bytes of payload, bytes in a listpack.
const INTS: [(i64, i64, u8, u8); 6] = [
    (0, 127, 1, 2),
    (-4096, 4095, 2, 3),
    (i16::MIN as i64, i16::MAX as i64, 2, 4),
    (-(1 << 23), (1 << 23) - 1, 3, 5),
    (i32::MIN as i64, i32::MAX as i64, 4, 6),
    (i64::MIN, i64::MAX, 8, 10),
];

/// Bytes of payload behind a code.
#[inline]
pub(super) fn payload_len(code: u32) -> usize {
    match code.checked_sub(INT_CODE_MIN) {
        None => code as usize,
        Some(int) => usize::from(INTS[int as usize].2),
    }
}

/// Bytes that an element of this code takes in a listpack.
pub(super) fn listpack_len(code: u32) -> u64 {
    if let Some(int) = code.checked_sub(INT_CODE_MIN) {
        return u64::from(INTS[int as usize].3);
    }
    let head = match code {
        0..64 => 1,
        64..4096 => 2,
        _ => 5,
    };
    let len = u64::from(code) + head;
    // Behind it stands its length once more, in groups of 7 bits.
    let back = match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    };
    len + back
}

/// An element on its way into a list.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    pub(super) code: u32,
    digits: [u8; 8],
    bytes: &'a [u8],
}

impl<'a> Element<'a> {
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Element<'a> {
        match text::parse_i64(bytes) {
            Some(n) => Element::int(n),
            None => {
                let code = u32::try_from(bytes.len()).ok().filter(|code| *code < INT_CODE_MIN);
                let code = code.expect("an element is shorter than 4 GiB, as every request is");
                Element { code, digits: [0; 8], bytes }
            }
        }
    }

    fn int(n: i64) -> Element<'a> {
        let int = INTS.iter().position(|(min, max, ..)| (*min..=*max).contains(&n)).expect("the last one fits all");
        Element { code: INT_CODE_MIN + int as u32, digits: n.to_le_bytes(), bytes: &[] }
    }

    #[inline]
    pub(super) fn payload(&self) -> &[u8] {
        if self.code < INT_CODE_MIN { self.bytes } else { &self.digits[..payload_len(self.code)] }
    }

    #[inline]
    pub fn is(&self, item: Item) -> bool {
        match item {
            Item::Int(n) => self.code >= INT_CODE_MIN && i64::from_le_bytes(self.digits) == n,
            Item::Bytes(bytes) => self.code < INT_CODE_MIN && self.bytes == bytes,
        }
    }
}

impl<'a> From<Item<'a>> for Element<'a> {
    fn from(item: Item<'a>) -> Element<'a> {
        match item {
            Item::Int(n) => Element::int(n),
            Item::Bytes(bytes) => Element { code: bytes.len() as u32, digits: [0; 8], bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_numbers() {
        for (n, payload, listpack) in [
            (0i64, 1, 2),
            (127, 1, 2),
            (128, 2, 3),
            (-1, 2, 3),
            (-4096, 2, 3),
            (4096, 2, 4),
            (-32_768, 2, 4),
            (32_768, 3, 5),
            (-8_388_608, 3, 5),
            (8_388_608, 4, 6),
            (i64::from(i32::MIN), 4, 6),
            (1 << 31, 8, 10),
            (i64::MIN, 8, 10),
            (i64::MAX, 8, 10),
        ] {
            let text = n.to_string();
            let element = Element::new(text.as_bytes());
            assert_eq!((element.payload().len(), listpack_len(element.code)), (payload, listpack), "{n}");
            let item = Item::read(element.code, element.payload());
            assert_eq!(item, Item::Int(n));
            assert!(element.is(item) && Element::from(item).payload() == element.payload());
            assert_eq!(item.to_vec(), text.as_bytes());
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["", "a", "01", "+1", "-0", "1.0", " 1", "9223372036854775808", "-"] {
            let element = Element::new(text.as_bytes());
            assert_eq!(element.code, text.len() as u32);
            assert!(element.is(Item::Bytes(text.as_bytes())) && !element.is(Item::Int(1)), "{text}");
        }
    }

    #[test]
    fn listpack_lengths_of_strings() {
        for (len, listpack) in [
            (0, 2),
            (63, 65),
            (64, 67),
            (125, 128),
            (126, 130),
            (4095, 4099),
            (4096, 4103),
            (16_377, 16_384),
            (16_378, 16_386),
        ] {
            assert_eq!(listpack_len(len), listpack, "{len}");
        }
    }
}
