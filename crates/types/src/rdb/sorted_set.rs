//! Sorted sets.
//!
//! ```text
//! 3   ZSET                 count | (member | length u8 | digits of the score) …      253: NaN, 254: inf, 255: -inf
//! 5   ZSET_2               count | (member | score f64) …                            low bytes first
//! 12  ziplist, 17 listpack of members and scores in turn, in the order of the set
//! ```
//! The large ones are written from the highest score down, for the sake of Redis, which is faster then.

use super::listpack::{Fault, Reader, Writer};
use super::read::Reading;
use super::source::{Error, Source};
use super::text::{read_blob, read_len, read_with};
use super::write::{Progress, To};
use super::{kind, ziplist};
use crate::SortedSet;
use crate::list::Item;
use crate::sorted_set::Loading;
use kit::text::{parse_f64, write_f64};

/// Elements between two looks at the budget.
const STRIDE: usize = 256;
/// From here on a length is none, but a number that has no digits.
pub(super) const NAN: u8 = 253;
const INFINITY: u8 = 254;
const NEG_INFINITY: u8 = 255;

pub(super) fn step(set: &SortedSet, place: &mut Option<usize>, to: &mut To<'_>) -> Progress {
    if to.kind == kind::ZSET_LISTPACK {
        to.blob(|out| {
            let mut pack = Writer::new(out);
            let mut digits = Vec::with_capacity(32);
            for (member, score) in set.iter() {
                pack.text(member);
                match whole(score) {
                    Some(int) => pack.int(int),
                    None => {
                        digits.clear();
                        write_f64(&mut digits, score);
                        pack.bytes(&digits);
                    }
                }
            }
            pack.finish();
        });
        return Progress::Done;
    }
    // Elements that are not written yet.
    let mut left = place.unwrap_or_else(|| {
        to.len(set.len());
        set.len()
    });
    while left > 0 && !to.is_full() {
        let start = left.saturating_sub(STRIDE);
        for (member, score) in set.range(start..left, true) {
            to.string(member);
            if to.kind == kind::ZSET_2 {
                to.out.extend_from_slice(&score.to_le_bytes());
                continue;
            }
            match score {
                f64::INFINITY => to.out.push(INFINITY),
                f64::NEG_INFINITY => to.out.push(NEG_INFINITY),
                _ => {
                    let at = to.out.len();
                    to.out.push(0);
                    write_f64(to.out, score);
                    to.out[at] = (to.out.len() - at - 1) as u8;
                }
            }
        }
        left = start;
    }
    *place = Some(left);
    if left > 0 { Progress::More } else { Progress::Done }
}

/// The score as the number that stands for it in a listpack.
fn whole(score: f64) -> Option<i64> {
    let int = score as i64;
    // Bits, because a negative zero is not 0; and 2^63, which is no i64, comes back as another number.
    (int as f64).to_bits().eq(&score.to_bits()).then_some(int).filter(|int| *int != i64::MAX)
}

pub(super) fn read<S: Source>(kind: u8, source: &mut S, reading: &mut Reading) -> Result<SortedSet, Error> {
    let Reading { thresholds, scratch: [scratch, _], bench, .. } = reading;
    let limits = thresholds.sorted_set;
    if matches!(kind, kind::ZSET | kind::ZSET_2) {
        let count = read_len(source)?;
        let mut loading = Loading::new(usize::try_from(count).unwrap_or(usize::MAX), limits, bench);
        for _ in 0..count {
            let offset = source.offset();
            let (member, tail) = read_with(source, scratch, |first| match (kind, first) {
                (kind::ZSET_2, _) => size_of::<f64>(),
                (_, NAN | INFINITY | NEG_INFINITY) => 1,
                (_, len) => 1 + usize::from(len),
            })?;
            let score = match (kind, tail) {
                (kind::ZSET_2, _) => tail.first_chunk().map(|bytes| f64::from_le_bytes(*bytes)),
                (_, [INFINITY]) => Some(f64::INFINITY),
                (_, [NEG_INFINITY]) => Some(f64::NEG_INFINITY),
                (_, [_, digits @ ..]) => parse_f64(digits),
                (_, []) => None,
            };
            add(&mut loading, member.bytes(&mut [0; 20]), score).map_err(|what| Error::Corrupt { what, offset })?;
        }
        return Ok(loading.done());
    }
    let offset = source.offset();
    let blob = read_blob(source, scratch)?;
    let result = match kind {
        kind::ZSET_LISTPACK => Reader::new(blob).and_then(|mut pack| {
            let mut loading = Loading::new(pack.count().unwrap_or(usize::MAX) / 2, limits, bench);
            while let Some(member) = pack.next()? {
                let score = pack.expect()?;
                add_items(&mut loading, member, score)?;
            }
            Ok(loading.done())
        }),
        _ => ziplist::Reader::new(blob).and_then(|mut list| {
            let mut loading = Loading::new(list.count().unwrap_or(usize::MAX) / 2, limits, bench);
            while let Some(member) = list.next()? {
                let score = list.next()?.ok_or("a member without a score")?;
                add_items(&mut loading, member, score)?;
            }
            Ok(loading.done())
        }),
    };
    result.map_err(|what| Error::Corrupt { what, offset })
}

fn add(loading: &mut Loading<'_>, member: &[u8], score: Option<f64>) -> Result<(), Fault> {
    match score {
        Some(score) if !score.is_nan() => match loading.add(member, score) {
            true => Ok(()),
            false => Err("a member that comes twice"),
        },
        _ => Err("a score that is no number"),
    }
}

fn add_items(loading: &mut Loading<'_>, member: Item<'_>, score: Item<'_>) -> Result<(), Fault> {
    let score = match score {
        Item::Int(int) => Some(int as f64),
        Item::Bytes(digits) => parse_f64(digits),
    };
    add(loading, member.bytes(&mut [0; 20]), score)
}
