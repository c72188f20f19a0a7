//! Annotation lines: what a segment says beside its commands. Loaders of Redis 7 and Valkey skip lines that begin with `#`.
//!
//! ```text
//! #TS:<seconds since 1970>\r\n                        as Redis has it, before the first command of that second
//! #{\r\n                                              a batch of ours begins
//! #basalt <version> <position> <seconds>\r\n          first in a segment's first batch, and again when the file was
//!                                                     opened again: the position at this place of the stream
//! #}<position> <length> <lag> <crc32c, 8 hex>\r\n     the batch ends: position here; bytes from `#{` to this line's `#`;
//!                                                     how far the synced position was behind `position` when this was
//!                                                     made; checksum of all bytes from `#{` to before the checksum
//! ```
//!
//! The brackets tell a reader what to believe: bytes between them are ours and are believed when the checksum is right;
//! an open bracket at the end of the file is a torn write. Bytes outside were appended by a Redis that opened our folder,
//! and are believed as they are. `lag` tells whether damage hit bytes that were synced (the disk has failed us) or bytes
//! that a power cut may take.
//!
//! crc32c rather than xxh3: it finds every burst of up to 32 bits for certain, any tool can check it, and CPUs have an
//! instruction for it, which the crate `crc32c` uses: 10 GB/s and more, a tenth of what `kit`'s tables need.

use kit::text::{parse_u64, write_u64};

pub(crate) const VERSION: u64 = 1;
pub(crate) const OPEN: &[u8] = b"#{\r\n";
const TIME: &[u8] = b"#TS:";
const START: &[u8] = b"#basalt ";
const CLOSE: &[u8] = b"#}";
/// Redis reads annotations into 1024 bytes; ours are far shorter.
pub(crate) const LINE_BYTES_MAX: usize = 1024;
/// Digits of the checksum, and the end of its line.
pub(crate) const CRC_AND_END: usize = 8 + 2;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    Time(i64),
    Open,
    Start {
        version: u64,
        position: u64,
        seconds: u64,
    },
    Close {
        position: u64,
        len: u64,
        lag: u64,
        crc: u32,
    },
    /// Somebody else's.
    Other,
}

pub(crate) fn write_time(out: &mut Vec<u8>, seconds: i64) {
    out.extend_from_slice(TIME);
    kit::text::write_i64(out, seconds);
    out.extend_from_slice(b"\r\n");
}

pub(crate) fn write_start(out: &mut Vec<u8>, position: u64, seconds: i64) {
    out.extend_from_slice(START);
    write_u64(out, VERSION);
    out.push(b' ');
    write_u64(out, position);
    out.push(b' ');
    write_u64(out, seconds.max(0) as u64);
    out.extend_from_slice(b"\r\n");
}

/// The closing line with zeros for the checksum; gives the place of its digits.
pub(crate) fn write_close(out: &mut Vec<u8>, position: u64, len: u64, lag: u64) -> usize {
    out.extend_from_slice(CLOSE);
    for number in [position, len, lag] {
        write_u64(out, number);
        out.push(b' ');
    }
    let at = out.len();
    out.extend_from_slice(b"00000000\r\n");
    at
}

pub(crate) fn write_crc(digits: &mut [u8], crc: u32) {
    for (at, digit) in digits.iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(crc >> (28 - 4 * at)) as usize & 15];
    }
}

/// A line without its `\r\n`. `None`: it is damaged. It looks like one of ours and is spelled wrongly, or it is not text:
/// zeros in the middle of a line would hide what follows up to the next line end.
pub(crate) fn parse(line: &[u8]) -> Option<Line> {
    if line.iter().any(|b| b.is_ascii_control()) {
        return None;
    }
    if line == &OPEN[..2] {
        return Some(Line::Open);
    }
    if let Some(rest) = line.strip_prefix(CLOSE) {
        let mut fields = rest.split(|b| *b == b' ');
        let (position, len, lag) = (number(fields.next())?, number(fields.next())?, number(fields.next())?);
        let crc = crc(fields.next()?)?;
        return fields.next().is_none().then_some(Line::Close { position, len, lag, crc });
    }
    if let Some(rest) = line.strip_prefix(START) {
        let mut fields = rest.split(|b| *b == b' ');
        let (version, position) = (number(fields.next())?, number(fields.next())?);
        // A later version may say more.
        return Some(Line::Start { version, position, seconds: number(fields.next())? });
    }
    if let Some(rest) = line.strip_prefix(TIME) {
        return Some(kit::text::parse_i64(rest).map_or(Line::Other, Line::Time));
    }
    // `#{x` is a bracket with a changed byte, not somebody else's remark.
    (!line.starts_with(&OPEN[..2])).then_some(Line::Other)
}

fn number(field: Option<&[u8]>) -> Option<u64> {
    parse_u64(field?)
}

fn crc(field: &[u8]) -> Option<u32> {
    if field.len() != 8 {
        return None;
    }
    field.iter().try_fold(0, |crc: u32, b| {
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'f' => b - b'a' + 10,
            _ => return None,
        };
        Some(crc << 4 | u32::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_and_read_back() {
        let mut out = Vec::new();
        write_time(&mut out, 1_628_217_470);
        out.extend_from_slice(OPEN);
        write_start(&mut out, 123, 1_700_000_000);
        let at = write_close(&mut out, 456, 78, 9);
        write_crc(&mut out[at..at + 8], 0x00ab_cdef);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text, "#TS:1628217470\r\n#{\r\n#basalt 1 123 1700000000\r\n#}456 78 9 00abcdef\r\n");
        let lines: Vec<_> = text.lines().map(|line| parse(line.as_bytes()).unwrap()).collect();
        assert_eq!(
            lines,
            [
                Line::Time(1_628_217_470),
                Line::Open,
                Line::Start { version: 1, position: 123, seconds: 1_700_000_000 },
                Line::Close { position: 456, len: 78, lag: 9, crc: 0x00ab_cdef },
            ]
        );
    }

    #[test]
    fn the_fast_checksum_is_the_one_of_kit() {
        let bytes: Vec<u8> = (0..10_000u32).map(|n| (n * n) as u8).collect();
        for len in [0, 1, 7, 8, 9, 100, 1024, 8191, 10_000] {
            assert_eq!(crc32c::crc32c(&bytes[..len]), kit::crc::crc32c(&bytes[..len]));
        }
    }

    #[test]
    fn others_and_broken_ones() {
        assert_eq!(parse(b"#hello"), Some(Line::Other));
        assert_eq!(parse(b"#TS:soon"), Some(Line::Other));
        assert_eq!(parse(b"#TS:1\0\0"), None);
        for broken in ["#{x", "#}1 2 3", "#}1 2 3 0000000g", "#}1 2 3 000000001", "#}1 2 3 00000000 4", "#basalt 1 x 1"]
        {
            assert_eq!(parse(broken.as_bytes()), None, "{broken}");
        }
    }
}
