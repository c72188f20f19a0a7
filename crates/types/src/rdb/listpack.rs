//! Listpacks, the packed blob of Redis 7.
//!
//! ```text
//! listpack := bytes of all u32 | elements u16 (65535: count them) | element … | 255       low bytes first
//! element  := 0nnnnnnn                          number
//!           | 10llllll | byte …                 string
//!           | 110nnnnn nnnnnnnn                 number of 13 bits, high ones first
//!           | 1110llll llllllll | byte …        string, the length's high bits first
//!           | 240 | length u32 | byte …         string
//!           | 241 i16 | 242 i24 | 243 i32 | 244 i64
//!             … and behind it its length, to be read backwards: 7 bits a byte, in the last one the lowest;
//!             the high bit says that there are more before it
//! ```

use crate::list::Item;
use kit::text::parse_i64;

const HEAD_LEN: usize = 6;
const END: u8 = 255;
const COUNT_UNKNOWN: usize = 65_535;
/// The longest number that is stored as one.
const DIGITS_MAX: usize = 20;

// ---- writing

/// A listpack that is written to the end of a buffer.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    count: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Writer<'a> {
        let start = out.len();
        out.extend_from_slice(&[0; HEAD_LEN]);
        Writer { out, start, count: 0 }
    }

    /// Adds an element; a text that is a number becomes one.
    #[inline]
    pub(super) fn text(&mut self, text: &[u8]) {
        let digits = text.len() <= DIGITS_MAX && text.last().is_some_and(u8::is_ascii_digit);
        match if digits { parse_i64(text) } else { None } {
            Some(int) => self.int(int),
            None => self.bytes(text),
        }
    }

    #[inline]
    pub(super) fn int(&mut self, int: i64) {
        let start = self.out.len();
        let bytes = int.to_le_bytes();
        match int {
            0..=127 => self.out.push(bytes[0]),
            -4096..=4095 => self.out.extend_from_slice(&[0xc0 | bytes[1] & 0x1f, bytes[0]]),
            -32_768..=32_767 => self.out.extend_from_slice(&[241, bytes[0], bytes[1]]),
            -8_388_608..=8_388_607 => self.out.extend_from_slice(&[242, bytes[0], bytes[1], bytes[2]]),
            -2_147_483_648..=2_147_483_647 => {
                self.out.extend_from_slice(&[243, bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            _ => {
                self.out.push(244);
                self.out.extend_from_slice(&bytes);
            }
        }
        // At most nine bytes, so their count is one.
        self.out.push((self.out.len() - start) as u8);
        self.count += 1;
    }

    /// Adds an element that is known to be no number.
    #[inline]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let start = self.out.len();
        match bytes.len() {
            len @ 0..64 => self.out.push(0x80 | len as u8),
            len @ 64..4096 => self.out.extend_from_slice(&[0xe0 | (len >> 8) as u8, len as u8]),
            len => {
                self.out.push(240);
                self.out.extend_from_slice(&(len as u32).to_le_bytes());
            }
        }
        self.out.extend_from_slice(bytes);
        let (back, used) = back_bytes(self.out.len() - start);
        self.out.extend_from_slice(&back[..used]);
        self.count += 1;
    }

    pub(super) fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Int(int) => self.int(int),
            Item::Bytes(bytes) => self.bytes(bytes),
        }
    }

    /// Ends the listpack; where it began.
    pub(super) fn finish(self) -> usize {
        self.out.push(END);
        let len = (self.out.len() - self.start) as u32;
        let count = self.count.min(COUNT_UNKNOWN) as u16;
        let head = &mut self.out[self.start..self.start + HEAD_LEN];
        head[..4].copy_from_slice(&len.to_le_bytes());
        head[4..].copy_from_slice(&count.to_le_bytes());
        self.start
    }
}

/// The length of an element as it stands behind it.
fn back_bytes(len: usize) -> ([u8; 5], usize) {
    let used = back_len(len);
    let mut bytes = [0; 5];
    for (i, byte) in bytes[..used].iter_mut().enumerate() {
        let low = (len >> (7 * (used - 1 - i))) as u8 & 0x7f;
        *byte = if i == 0 { low } else { low | 0x80 };
    }
    (bytes, used)
}

fn back_len(len: usize) -> usize {
    match len {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

// ---- reading

/// A listpack that is read. What it gives was checked; all of it was when `next` has given None.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: Option<usize>,
}

/// What is wrong with a blob.
pub(super) type Fault = &'static str;

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Fault> {
        let Some(&[a, b, c, d, e, f]) = bytes.first_chunk() else { return Err("a listpack without a head") };
        if u32::from_le_bytes([a, b, c, d]) as usize != bytes.len() || bytes.len() == HEAD_LEN {
            return Err("a listpack of another length than it says");
        }
        let count = usize::from(u16::from_le_bytes([e, f]));
        Ok(Reader { bytes, at: HEAD_LEN, left: (count != COUNT_UNKNOWN).then_some(count) })
    }

    /// Elements, as far as the head tells; not checked.
    pub(super) fn count(&self) -> Option<usize> {
        self.left
    }

    /// The next element; None at the end, and then all of it was checked.
    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, Fault> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        let Some(&head) = rest.first() else { return Err("a listpack without an end") };
        let (item, len) = match head {
            0..0x80 => (Item::Int(i64::from(head)), 1),
            0x80..0xc0 => string(rest, 1, usize::from(head & 0x3f))?,
            0xc0..0xe0 => {
                let Some(&low) = rest.get(1) else { return Err(CUT) };
                let bits = i16::from_be_bytes([head & 0x1f, low]);
                (Item::Int(i64::from(bits << 3 >> 3)), 2)
            }
            0xe0..0xf0 => {
                let Some(&low) = rest.get(1) else { return Err(CUT) };
                string(rest, 2, usize::from(head & 0xf) << 8 | usize::from(low))?
            }
            240 => {
                let Some(len) = rest.get(1..).and_then(|rest| rest.first_chunk()) else { return Err(CUT) };
                string(rest, 5, u32::from_le_bytes(*len) as usize)?
            }
            241 => int(rest, 2)?,
            242 => int(rest, 3)?,
            243 => int(rest, 4)?,
            244 => int(rest, 8)?,
            END => {
                return match (rest.len(), self.left) {
                    (1, None | Some(0)) => Ok(None),
                    (1, Some(_)) => Err("a listpack with fewer elements than it says"),
                    _ => Err("a listpack that ends too early"),
                };
            }
            _ => return Err("a listpack's element of an unknown form"),
        };
        let used = back_len(len);
        let back = &rest[len..];
        if used == 1 {
            if back.first() != Some(&(len as u8)) {
                return Err(BACK);
            }
        } else if back.get(..used) != Some(&back_bytes(len).0[..used]) {
            return Err(BACK);
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or("a listpack with more elements than it says")?;
        }
        self.at = at + len + used;
        Ok(Some(item))
    }

    /// The next element, which must be there.
    pub(super) fn expect(&mut self) -> Result<Item<'a>, Fault> {
        self.next()?.ok_or("a listpack that lacks an element")
    }

    pub(super) fn expect_int(&mut self) -> Result<i64, Fault> {
        match self.expect()? {
            Item::Int(int) => Ok(int),
            Item::Bytes(_) => Err("a text where a number belongs"),
        }
    }
}

const CUT: Fault = "a listpack's element that is cut off";
const BACK: Fault = "a listpack's element whose lengths differ";

#[inline]
fn string(rest: &[u8], head: usize, len: usize) -> Result<(Item<'_>, usize), Fault> {
    match rest.get(head..head + len) {
        Some(bytes) => Ok((Item::Bytes(bytes), head + len)),
        None => Err(CUT),
    }
}

#[inline]
fn int(rest: &[u8], width: usize) -> Result<(Item<'_>, usize), Fault> {
    let Some(bytes) = rest.get(1..1 + width) else { return Err(CUT) };
    Ok((Item::Int(little_endian(bytes)), 1 + width))
}

/// A signed number of up to eight bytes.
#[inline]
pub(super) fn little_endian(bytes: &[u8]) -> i64 {
    let sign = bytes.last().is_some_and(|high| high & 0x80 != 0);
    let mut int = if sign { [0xff; 8] } else { [0; 8] };
    int[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(int)
}
