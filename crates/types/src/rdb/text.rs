//! Lengths and strings.
//!
//! ```text
//! length := 00llllll | 01llllll llllllll | 10000000 u32 | 10000001 u64        high bytes first
//! string := length | byte …
//!         | 11000000 i8 | 11000001 i16 | 11000010 i32                        low bytes first: its digits
//!         | 11000011 | length of the packed | length | packed                see `lzf.rs`
//! ```

use super::lzf;
use super::source::{Error, Source};
use kit::text::{format_i64, parse_i64};
use std::ops::Range;

const LEN_U32: u8 = 0x80;
const LEN_U64: u8 = 0x81;
const INT8: u8 = 0xc0;
const INT16: u8 = 0xc1;
const INT32: u8 = 0xc2;
const PACKED: u8 = 0xc3;
/// A head of this form, at most.
const LEN_MAX: usize = 9;
/// Digits and sign of the largest number that has a short form.
const SHORT_INT_DIGITS: usize = 11;
/// Shorter ones are not packed, and nothing is when less than this is won.
const PACKED_MIN: usize = 21;
const WIN_MIN: usize = 4;

// ---- writing

fn len_bytes(len: u64) -> ([u8; LEN_MAX], usize) {
    let mut bytes = [0; LEN_MAX];
    let used = match len {
        0..0x40 => {
            bytes[0] = len as u8;
            1
        }
        0x40..0x4000 => {
            bytes[..2].copy_from_slice(&(len as u16 | 0x4000).to_be_bytes());
            2
        }
        0x4000..=0xffff_ffff => {
            bytes[0] = LEN_U32;
            bytes[1..5].copy_from_slice(&(len as u32).to_be_bytes());
            5
        }
        _ => {
            bytes[0] = LEN_U64;
            bytes[1..].copy_from_slice(&len.to_be_bytes());
            9
        }
    };
    (bytes, used)
}

pub fn write_len(len: u64, out: &mut Vec<u8>) {
    if len < 0x40 {
        return out.push(len as u8);
    }
    let (bytes, used) = len_bytes(len);
    out.extend_from_slice(&bytes[..used]);
}

/// A string, in its shortest form.
#[inline]
pub fn write_string(text: &[u8], compress: bool, out: &mut Vec<u8>) {
    if text.len() <= SHORT_INT_DIGITS
        && let Some(int) = parse_i64(text).and_then(|int| i32::try_from(int).ok())
    {
        return write_short_int(int, out);
    }
    if compress && text.len() >= PACKED_MIN && write_packed(text, out) {
        return;
    }
    write_len(text.len() as u64, out);
    out.extend_from_slice(text);
}

/// A string that is a number.
#[inline]
pub fn write_int(int: i64, out: &mut Vec<u8>) {
    match i32::try_from(int) {
        Ok(int) => write_short_int(int, out),
        Err(_) => {
            let mut digits = [0; 20];
            let digits = format_i64(&mut digits, int);
            write_len(digits.len() as u64, out);
            out.extend_from_slice(digits);
        }
    }
}

fn write_short_int(int: i32, out: &mut Vec<u8>) {
    let [a, b, c, d] = int.to_le_bytes();
    if i8::try_from(int).is_ok() {
        out.extend_from_slice(&[INT8, a]);
    } else if i16::try_from(int).is_ok() {
        out.extend_from_slice(&[INT16, a, b]);
    } else {
        out.extend_from_slice(&[INT32, a, b, c, d]);
    }
}

/// False, and nothing is written, when packing wins nothing.
fn write_packed(text: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let head = 1 + 2 * LEN_MAX;
    out.resize(start + head + text.len() - WIN_MIN, 0);
    let Some(packed) = lzf::pack(text, &mut out[start + head..]) else {
        out.truncate(start);
        return false;
    };
    let (packed_len, a) = len_bytes(packed as u64);
    let (len, b) = len_bytes(text.len() as u64);
    out[start] = PACKED;
    out[start + 1..start + 1 + a].copy_from_slice(&packed_len[..a]);
    out[start + 1 + a..start + 1 + a + b].copy_from_slice(&len[..b]);
    out.copy_within(start + head..start + head + packed, start + 1 + a + b);
    out.truncate(start + 1 + a + b + packed);
    true
}

/// Makes a string of what was written from `start` on: puts the head before it, and packs it if that is wanted.
pub(super) fn seal(start: usize, compress: bool, out: &mut Vec<u8>) {
    let len = out.len() - start;
    if compress && len >= PACKED_MIN {
        let end = out.len();
        out.resize(end + len - WIN_MIN, 0);
        let (text, to) = out[start..].split_at_mut(len);
        if let Some(packed) = lzf::pack(text, to) {
            let (packed_len, a) = len_bytes(packed as u64);
            let (full_len, b) = len_bytes(len as u64);
            // Whatever is packed was longer than its head, which takes its place.
            let mut head = [PACKED; 1 + 2 * LEN_MAX];
            head[1..1 + a].copy_from_slice(&packed_len[..a]);
            head[1 + a..1 + a + b].copy_from_slice(&full_len[..b]);
            let head = &head[..1 + a + b];
            out[start..start + head.len()].copy_from_slice(head);
            out.copy_within(end..end + packed, start + head.len());
            return out.truncate(start + head.len() + packed);
        }
        out.truncate(end);
    }
    let (head, used) = len_bytes(len as u64);
    out.extend_from_slice(&head[..used]);
    out[start..].rotate_right(used);
}

// ---- reading

/// A string that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Text<'a> {
    Bytes(&'a [u8]),
    /// The digits of a number.
    Int(i64),
}

impl<'a> Text<'a> {
    /// Its bytes; digits are written into `digits`.
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut [u8; 20]) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Int(int) => format_i64(digits, int),
        }
    }
}

enum Head {
    Len(u64),
    Special(u8),
}

/// The head that stands `at` bytes behind where the source is, and where it ends.
#[inline]
fn head_at<S: Source>(source: &mut S, at: usize) -> Result<(Head, usize), Error> {
    let first = source.need(at + 1)?[at];
    match first >> 6 {
        0 => Ok((Head::Len(u64::from(first)), at + 1)),
        1 => {
            let second = source.need(at + 2)?[at + 1];
            Ok((Head::Len(u64::from(first & 0x3f) << 8 | u64::from(second)), at + 2))
        }
        2 => {
            let width = match first {
                LEN_U32 => 4,
                LEN_U64 => 8,
                _ => return Err(Error::corrupt("a length of an unknown form", source)),
            };
            let end = at + 1 + width;
            let bytes = &source.need(end)?[at + 1..end];
            Ok((Head::Len(bytes.iter().fold(0, |len, &byte| len << 8 | u64::from(byte))), end))
        }
        _ => Ok((Head::Special(first), at + 1)),
    }
}

fn len_at<S: Source>(source: &mut S, at: usize) -> Result<(usize, usize), Error> {
    match head_at(source, at)? {
        // Longer than any memory: whoever waits for so many bytes finds that they do not come.
        (Head::Len(len), end) => Ok((usize::try_from(len).unwrap_or(usize::MAX).min(usize::MAX / 4), end)),
        (Head::Special(_), _) => Err(Error::corrupt("a number where a length belongs", source)),
    }
}

/// Takes a length, or a number that is written as one.
pub fn read_len<S: Source>(source: &mut S) -> Result<u64, Error> {
    match head_at(source, 0)? {
        (Head::Len(len), end) => {
            source.advance(end);
            Ok(len)
        }
        (Head::Special(_), _) => Err(Error::corrupt("a number where a length belongs", source)),
    }
}

/// Where a string stands in a source, counted from what was not taken yet.
#[derive(Debug)]
pub(super) enum Piece {
    Bytes(Range<usize>),
    Int(i64),
    Packed { at: Range<usize>, len: usize },
}

/// The string that stands `at` bytes behind where the source is, all of it being here, and where it ends.
#[inline]
pub(super) fn piece_at<S: Source>(source: &mut S, at: usize) -> Result<(Piece, usize), Error> {
    let (head, start) = head_at(source, at)?;
    let special = match head {
        Head::Len(len) => {
            let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX)).min(usize::MAX / 2);
            source.need(end)?;
            return Ok((Piece::Bytes(start..end), end));
        }
        Head::Special(special) => special,
    };
    let width = match special {
        INT8 => 1,
        INT16 => 2,
        INT32 => 4,
        PACKED => {
            let (packed_len, end) = len_at(source, start)?;
            let (len, start) = len_at(source, end)?;
            if !lzf::is_possible(packed_len, len) {
                return Err(Error::corrupt("a packed string with an impossible length", source));
            }
            source.need(start + packed_len)?;
            return Ok((Piece::Packed { at: start..start + packed_len, len }, start + packed_len));
        }
        _ => return Err(Error::corrupt("a string of an unknown form", source)),
    };
    let end = start + width;
    let bytes = &source.need(end)?[start..end];
    let sign = if bytes[width - 1] & 0x80 == 0 { 0 } else { 0xff };
    let mut int = [sign; 8];
    int[..width].copy_from_slice(bytes);
    Ok((Piece::Int(i64::from_le_bytes(int)), end))
}

impl Piece {
    /// The string in the bytes that were taken for it; `scratch` is for one that is packed.
    #[inline]
    fn text<'a>(&self, taken: &'a [u8], offset: u64, scratch: &'a mut Vec<u8>) -> Result<Text<'a>, Error> {
        match self {
            Piece::Bytes(range) => Ok(Text::Bytes(&taken[range.clone()])),
            Piece::Int(int) => Ok(Text::Int(*int)),
            Piece::Packed { at, len } => {
                scratch.clear();
                match lzf::unpack(&taken[at.clone()], *len, scratch) {
                    Some(()) => Ok(Text::Bytes(scratch)),
                    None => Err(Error::Corrupt { what: "a packed string that cannot be unpacked", offset }),
                }
            }
        }
    }
}

/// Takes a string. It stays until the source is used again; `scratch` holds it if it was packed.
#[inline]
pub fn read_string<'a, S: Source>(source: &'a mut S, scratch: &'a mut Vec<u8>) -> Result<Text<'a>, Error> {
    let (piece, end) = piece_at(source, 0)?;
    let offset = source.offset();
    piece.text(source.take(end), offset, scratch)
}

/// Passes over a string.
pub fn skip_string<S: Source>(source: &mut S) -> Result<(), Error> {
    let (head, end) = head_at(source, 0)?;
    source.advance(end);
    match head {
        Head::Len(len) => source.pass(len),
        Head::Special(INT8) => source.pass(1),
        Head::Special(INT16) => source.pass(2),
        Head::Special(INT32) => source.pass(4),
        Head::Special(PACKED) => {
            let len = read_len(source)?;
            read_len(source)?;
            source.pass(len)
        }
        Head::Special(_) => Err(Error::corrupt("a string of an unknown form", source)),
    }
}

/// Takes a string and the bytes behind it, all of which are here at one time. `tail` tells their number from the first.
#[inline]
pub(super) fn read_with<'a, S: Source>(
    source: &'a mut S,
    scratch: &'a mut Vec<u8>,
    tail: impl FnOnce(u8) -> usize,
) -> Result<(Text<'a>, &'a [u8]), Error> {
    let (piece, end) = piece_at(source, 0)?;
    let tail = tail(source.need(end + 1)?[end]);
    source.need(end + tail)?;
    let offset = source.offset();
    let (taken, tail) = source.take(end + tail).split_at(end);
    Ok((piece.text(taken, offset, scratch)?, tail))
}

/// Room for two strings that are packed.
pub(super) type Scratch = [Vec<u8>; 2];

/// Takes two strings and `tail` bytes behind them, all of which are here at one time.
#[inline]
pub(super) fn read_two<'a, S: Source>(
    source: &'a mut S,
    tail: usize,
    [a, b]: &'a mut Scratch,
) -> Result<(Text<'a>, Text<'a>, &'a [u8]), Error> {
    let (first, end) = piece_at(source, 0)?;
    let (second, end) = piece_at(source, end)?;
    source.need(end + tail)?;
    let offset = source.offset();
    let (taken, tail) = source.take(end + tail).split_at(end);
    Ok((first.text(taken, offset, a)?, second.text(taken, offset, b)?, tail))
}

/// Takes a string that is a packed blob.
pub(super) fn read_blob<'a, S: Source>(source: &'a mut S, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], Error> {
    let offset = source.offset();
    match read_string(source, scratch)? {
        Text::Bytes(bytes) => Ok(bytes),
        Text::Int(_) => Err(Error::Corrupt { what: "a number where a packed value belongs", offset }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rdb::Slice;

    fn there_and_back(text: &[u8], compress: bool) -> usize {
        let mut out = Vec::new();
        write_string(text, compress, &mut out);
        let (mut source, mut scratch) = (Slice::new(&out), Vec::new());
        let read = read_string(&mut source, &mut scratch).expect("written just now");
        assert_eq!(read.bytes(&mut [0; 20]), text);
        assert!(source.rest().is_empty());
        for len in 0..out.len().min(30) {
            let read = read_string(&mut Slice::new(&out[..len]), &mut scratch).map(|_| ());
            assert!(matches!(read, Err(Error::Short { .. })), "{len}");
        }
        let mut sealed = b"before".to_vec();
        sealed.extend_from_slice(text);
        seal(6, compress, &mut sealed);
        assert_eq!(&sealed[..6], b"before");
        let read = read_blob(&mut Slice::new(&sealed[6..]), &mut scratch).expect("written just now").to_vec();
        assert_eq!(read, text);
        out.len()
    }

    #[test]
    fn strings() {
        for (text, len) in [
            ("", 1),
            ("a", 2),
            ("0", 2),
            ("-128", 2),
            ("128", 3),
            ("32767", 3),
            ("32768", 5),
            ("-2147483648", 5),
            ("2147483648", 11),
            ("007", 4),
            ("aaaaaaaaaaaaaaaaaaaaa", 8),
        ] {
            assert_eq!(there_and_back(text.as_bytes(), true), len, "{text}");
        }
        for len in [20, 63, 64, 16_383, 16_384, 100_000] {
            let text: Vec<u8> = (0..len).map(|i: u32| (i.wrapping_mul(0x9e37_79b1) >> 24) as u8).collect();
            there_and_back(&text, true);
            let plain = there_and_back(&text, false) - text.len();
            assert_eq!(plain, [1, 2, 5][usize::from(len >= 64) + usize::from(len >= 16_384)]);
            assert!(there_and_back(&b"abcdefg".repeat(len as usize / 7), true) <= len as usize / 20 + 24);
        }
    }

    #[test]
    fn numbers() {
        for int in [0, -1, 127, 128, -32_769, i64::from(i32::MAX), i64::from(i32::MAX) + 1, i64::MIN] {
            let (mut out, mut twin) = (Vec::new(), Vec::new());
            write_int(int, &mut out);
            write_string(int.to_string().as_bytes(), true, &mut twin);
            assert_eq!(out, twin);
        }
        for len in [0, 63, 64, 16_383, 16_384, u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX] {
            let mut out = Vec::new();
            write_len(len, &mut out);
            assert_eq!(read_len(&mut Slice::new(&out)).expect("written just now"), len);
        }
    }

    #[test]
    fn believes_nothing() {
        let mut scratch = Vec::new();
        for bytes in [
            &[0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0][..],
            &[0x80, 0xff, 0xff, 0xff, 0xff, 0],
            &[0x82, 0, 0, 0, 0],
            &[0xc4, 0],
            &[0xc3, 1, 0x80, 0xff, 0xff, 0xff, 0xff, 0],
            &[0xc3, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0],
            &[0xc3, 0xc0, 1],
            &[0xc3, 2, 2, 0, 0],
        ] {
            assert!(read_string(&mut Slice::new(bytes), &mut scratch).is_err(), "{bytes:?}");
            assert!(scratch.capacity() < 1000);
        }
        assert!(read_len(&mut Slice::new(&[0xc0, 1])).is_err());
        assert!(read_blob(&mut Slice::new(&[0xc0, 1]), &mut scratch).is_err());
    }
}
