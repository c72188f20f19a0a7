//! Ziplists and zipmaps, the packed blobs of Redis before 7.
//!
//! ```text
//! ziplist := bytes of all u32 | place of the last element u32 | elements u16 (65535: count them) | element … | 255
//! element := length of the one before it | form
//! length of the one before := u8 below 254 | 254, u32
//! form    := 00llllll | byte …
//!          | 01llllll llllllll | byte …           high bits first
//!          | 10000000 | length u32, high bytes first | byte …
//!          | 0xc0 i16 | 0xf0 i24 | 0xd0 i32 | 0xe0 i64 | 0xfe i8        low bytes first
//!          | 1111nnnn                             the number n - 1, n from 1 to 13
//! zipmap  := fields u8 (254: count them) | (length | field | length | unused u8 | value | byte [unused]) … | 255
//! length  := u8 below 254 | 254, u32
//! ```

use super::listpack::{Fault, little_endian};
use crate::list::Item;

const HEAD_LEN: usize = 10;
const END: u8 = 255;
const LONG: u8 = 254;
const COUNT_UNKNOWN: usize = 65_535;

/// A ziplist that is read. What it gives was checked; all of it was when `next` has given None.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    left: Option<usize>,
    last: usize,
    /// Bytes of the element before.
    before: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Fault> {
        let Some(head) = bytes.first_chunk::<HEAD_LEN>() else { return Err("a ziplist without a head") };
        let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
        if number(0) != bytes.len() || bytes.last() != Some(&END) || bytes.len() == HEAD_LEN {
            return Err("a ziplist of another length than it says");
        }
        let count = usize::from(u16::from_le_bytes([head[8], head[9]]));
        let left = (count != COUNT_UNKNOWN).then_some(count);
        Ok(Reader { bytes, at: HEAD_LEN, left, last: number(4), before: 0 })
    }

    /// Elements, as far as the head tells; not checked.
    pub(super) fn count(&self) -> Option<usize> {
        self.left
    }

    pub(super) fn next(&mut self) -> Result<Option<Item<'a>>, Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if let [END] = rest {
            if self.left.is_some_and(|left| left > 0) {
                return Err("a ziplist with fewer elements than it says");
            }
            // Of an empty one it is the end itself.
            return match self.last == self.at - self.before {
                true => Ok(None),
                false => Err("a ziplist whose last element is elsewhere"),
            };
        }
        let (before, used) = long_len(rest).ok_or(CUT)?;
        if before != self.before {
            return Err("a ziplist's element whose lengths differ");
        }
        let (item, len) = form(&rest[used..])?;
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or("a ziplist with more elements than it says")?;
        }
        self.before = used + len;
        self.at += self.before;
        Ok(Some(item))
    }
}

const CUT: Fault = "an element that is cut off";

/// A length of one or five bytes, and those; None for the end mark, too.
fn long_len(bytes: &[u8]) -> Option<(usize, usize)> {
    match bytes {
        [LONG, a, b, c, d, ..] => Some((u32::from_le_bytes([*a, *b, *c, *d]) as usize, 5)),
        [LONG | END, ..] | [] => None,
        [len, ..] => Some((usize::from(*len), 1)),
    }
}

/// The element without what stands before it, and its bytes.
fn form(bytes: &[u8]) -> Result<(Item<'_>, usize), Fault> {
    let string = |head: usize, len: usize| match bytes.get(head..head + len) {
        Some(text) => Ok((Item::Bytes(text), head + len)),
        None => Err(CUT),
    };
    let int = |width: usize| match bytes.get(1..1 + width) {
        Some(int) => Ok((Item::Int(little_endian(int)), 1 + width)),
        None => Err(CUT),
    };
    match bytes {
        [head @ 0..0x40, ..] => string(1, usize::from(*head)),
        [head @ 0x40..0x80, low, ..] => string(2, usize::from(head & 0x3f) << 8 | usize::from(*low)),
        [0x80, a, b, c, d, ..] => string(5, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        [0xc0, ..] => int(2),
        [0xf0, ..] => int(3),
        [0xd0, ..] => int(4),
        [0xe0, ..] => int(8),
        [0xfe, ..] => int(1),
        [head @ 0xf1..=0xfd, ..] => Ok((Item::Int(i64::from(head & 0xf) - 1), 1)),
        [0x40..=0x80, ..] | [] => Err(CUT),
        _ => Err("a ziplist's element of an unknown form"),
    }
}

/// Field and value.
type Pair<'a> = (&'a [u8], &'a [u8]);

/// A zipmap that is read.
pub(super) struct Zipmap<'a> {
    rest: &'a [u8],
    left: Option<usize>,
}

impl<'a> Zipmap<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Result<Zipmap<'a>, Fault> {
        let [count, rest @ ..] = bytes else { return Err("a zipmap without a head") };
        Ok(Zipmap { rest, left: (*count < LONG).then_some(usize::from(*count)) })
    }

    pub(super) fn next(&mut self) -> Result<Option<Pair<'a>>, Fault> {
        if let [END] = self.rest {
            return match self.left {
                None | Some(0) => Ok(None),
                Some(_) => Err("a zipmap with fewer fields than it says"),
            };
        }
        let field = self.take(0)?;
        let value = self.take(1)?;
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or("a zipmap with more fields than it says")?;
        }
        Ok(Some((field, value)))
    }

    /// A field; or a value, before and behind which there is more.
    fn take(&mut self, unused_len: usize) -> Result<&'a [u8], Fault> {
        let (len, used) = long_len(self.rest).ok_or(CUT)?;
        let unused = self.rest[used..].first().map_or(0, |unused| usize::from(*unused) * unused_len);
        let start = used + unused_len;
        let text = self.rest.get(start..start + len).ok_or(CUT)?;
        self.rest = self.rest.get(start + len + unused..).ok_or(CUT)?;
        Ok(text)
    }
}
