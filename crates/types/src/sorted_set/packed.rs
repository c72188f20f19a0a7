//! The small form: elements one behind the other, in order of score, then member.
//!
//! ```text
//! packed  := count u16 | element …              nothing at all when empty
//! element := score | length of the member (7 bits a byte, low ones first, high bit: more follows) | member
//! score   := 0..=239                             that number
//!          | 240 i16 | 241 i32 | 242 f32 | 243 f64       (little endian; whichever holds it exactly)
//! ```
//! Finding anything walks from the front, so it is for a few hundred elements at most.

use super::order;
use crate::Thin;
use std::cmp::Ordering;

pub(super) const COUNT_LEN: usize = 2;
/// As many as the count can tell, and as many bytes as may still be walked over.
pub(super) const ELEMENTS_MAX: usize = u16::MAX as usize;
pub(super) const BYTES_MAX: usize = 1 << 20;

const SMALL_MAX: u8 = 239;
const I16: u8 = 240;
const I32: u8 = 241;
const F32: u8 = 242;
const F64: u8 = 243;
const SCORE_LEN_MAX: usize = 9;

/// One element, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) member: &'a [u8],
    pub(super) score: f64,
    pub(super) rank: usize,
    start: usize,
    end: usize,
}

pub(super) fn len(bytes: &[u8]) -> usize {
    match bytes {
        [low, high, ..] => usize::from(u16::from_le_bytes([*low, *high])),
        _ => 0,
    }
}

pub(super) fn iter(bytes: &[u8]) -> Walk<'_> {
    Walk { bytes, rank: 0, at: COUNT_LEN.min(bytes.len()) }
}

#[derive(Clone)]
pub(super) struct Walk<'a> {
    bytes: &'a [u8],
    rank: usize,
    at: usize,
}

impl<'a> Iterator for Walk<'a> {
    type Item = At<'a>;

    #[inline]
    fn next(&mut self) -> Option<At<'a>> {
        if self.at == self.bytes.len() {
            return None;
        }
        let (start, rank) = (self.at, self.rank);
        let (score, score_len) = read_score(&self.bytes[start..]);
        let (len, len_len) = read_len(&self.bytes[start + score_len..]);
        let from = start + score_len + len_len;
        let end = from + len;
        (self.at, self.rank) = (end, rank + 1);
        Some(At { member: &self.bytes[from..end], score, rank, start, end })
    }
}

pub(super) fn find<'a>(bytes: &'a [u8], member: &[u8]) -> Option<At<'a>> {
    iter(bytes).find(|at| at.member == member)
}

/// Puts an element that is not there where it belongs.
pub(super) fn insert(to: &mut Thin, member: &[u8], score: f64) {
    // Here, as in Redis's listpacks, -0 is 0.
    let score = score + 0.0;
    let behind = iter(to).find(|at| order((at.score, at.member), (score, member)) == Ordering::Greater);
    let at = behind.map_or(to.len(), |at| at.start);
    let mut head = [0; SCORE_LEN_MAX + 10];
    let score_len = write_score(&mut head, score);
    let head_len = score_len + write_len(&mut head[score_len..], member.len());
    let count = len(to) as u16 + 1;
    if to.is_empty() {
        to.reserve(COUNT_LEN + head_len + member.len());
        to.extend(&count.to_le_bytes());
        to.extend(&head[..head_len]);
        to.extend(member);
        return;
    }
    to.reserve(head_len + member.len());
    to.insert(at, member);
    to.insert(at, &head[..head_len]);
    to[..COUNT_LEN].copy_from_slice(&count.to_le_bytes());
}

/// Adds an element at the end of a pack that is not in its place yet. Its count is not kept.
#[inline]
pub(super) fn append(to: &mut Vec<u8>, member: &[u8], score: f64) {
    let mut head = [0; SCORE_LEN_MAX + 10];
    let score_len = write_score(&mut head, score);
    let head_len = score_len + write_len(&mut head[score_len..], member.len());
    to.extend_from_slice(&head[..head_len]);
    to.extend_from_slice(member);
}

/// Removes the elements of these ranks, which must be there.
pub(super) fn remove(from: &mut Thin, ranks: std::ops::Range<usize>) {
    let count = len(from);
    if ranks.is_empty() {
        return;
    }
    if ranks.len() == count {
        return from.clear();
    }
    let (mut start, mut end) = (from.len(), from.len());
    for at in iter(from).skip(ranks.start) {
        if at.rank == ranks.start {
            start = at.start;
        }
        if at.rank == ranks.end - 1 {
            end = at.end;
            break;
        }
    }
    from.remove(start..end);
    from[..COUNT_LEN].copy_from_slice(&((count - ranks.len()) as u16).to_le_bytes());
}

fn write_score(to: &mut [u8], score: f64) -> usize {
    let mut put = |kind: u8, bytes: &[u8]| {
        to[0] = kind;
        to[1..=bytes.len()].copy_from_slice(bytes);
        1 + bytes.len()
    };
    let whole = score as i32;
    // Bits, because a negative zero is not 0.
    if f64::from(whole).to_bits() == score.to_bits() {
        return match (u8::try_from(whole), i16::try_from(whole)) {
            (Ok(small), _) if small <= SMALL_MAX => put(small, &[]),
            (_, Ok(short)) => put(I16, &short.to_le_bytes()),
            _ => put(I32, &whole.to_le_bytes()),
        };
    }
    let single = score as f32;
    match f64::from(single).to_bits() == score.to_bits() {
        true => put(F32, &single.to_le_bytes()),
        false => put(F64, &score.to_le_bytes()),
    }
}

/// The score, and how many bytes it takes.
#[inline]
fn read_score(bytes: &[u8]) -> (f64, usize) {
    let rest = &bytes[1..];
    match bytes[0] {
        I16 => (f64::from(i16::from_le_bytes(first(rest))), 3),
        I32 => (f64::from(i32::from_le_bytes(first(rest))), 5),
        F32 => (f64::from(f32::from_le_bytes(first(rest))), 5),
        F64 => (f64::from_le_bytes(first(rest)), 9),
        small => (f64::from(small), 1),
    }
}

#[inline]
fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("elements are written whole")
}

fn write_len(to: &mut [u8], mut len: usize) -> usize {
    let mut used = 0;
    while len > 0x7f {
        to[used] = (len & 0x7f) as u8 | 0x80;
        (len, used) = (len >> 7, used + 1);
    }
    to[used] = len as u8;
    used + 1
}

/// The length, and how many bytes it takes.
#[inline]
fn read_len(bytes: &[u8]) -> (usize, usize) {
    if bytes[0] & 0x80 == 0 {
        return (usize::from(bytes[0]), 1);
    }
    let mut len = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        len |= usize::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return (len, i + 1);
        }
    }
    unreachable!("elements are written whole")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_read_back_bit_by_bit() {
        let odd = [0.0, -0.0, 1.0, 239.0, 240.0, -1.0, 32767.0, 32768.0, -32769.0, 2147483647.0, 2147483648.0];
        let odder = [0.5, 0.1, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e10, -3.25];
        for score in odd.into_iter().chain(odder) {
            let mut bytes = [0; SCORE_LEN_MAX];
            let len = write_score(&mut bytes, score);
            let (back, back_len) = read_score(&bytes);
            assert_eq!((back.to_bits(), back_len), (score.to_bits(), len), "{score}");
        }
    }

    #[test]
    fn long_members_have_their_length() {
        let (mut thin, long) = (Thin::new(), vec![b'x'; 70_000]);
        insert(&mut thin, &long, 1.0);
        insert(&mut thin, b"a", 1.0);
        assert_eq!(iter(&thin).map(|at| at.member.len()).collect::<Vec<_>>(), [1, 70_000]);
        remove(&mut thin, 0..1);
        assert_eq!((len(&thin), find(&thin, &long).map(|at| at.rank)), (1, Some(0)));
        remove(&mut thin, 0..1);
        assert_eq!((len(&thin), thin.mem_bytes()), (0, 0));
    }
}
