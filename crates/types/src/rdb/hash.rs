//! Hashes.
//!
//! ```text
//! 4   HASH                 count | (field | value) …
//! 9   zipmap, 13 ziplist, 16 listpack                       of fields and values in turn
//! 22  HASH_2 of Valkey     count | (field | value | deadline i64) …              -1: none
//! 22  preview of Redis     count | (deadline as a length | field | value) …      0: none
//! 24  HASH_TIMED           first deadline i64 | count | (0, or 1 + deadline - first | field | value) …
//! 23, 25  listpack of field, value, deadline (0: none), those with a deadline first, in its order; before it, in 25,
//!     the first deadline i64
//! ```
//! Deadlines are Unix milliseconds below 2^48, low bytes first.

use super::listpack::{Fault, Reader, Writer};
use super::read::Reading;
use super::source::{Error, Source};
use super::text::{Text, read_blob, read_len, read_two};
use super::write::{Progress, To};
use super::{Family, kind, ziplist};
use crate::Hash;
use crate::hash::{Loading, Pair, Text as Stored};
use crate::list::Item;

const DEADLINE_MAX: i64 = (1 << 48) - 1;
const NONE: i64 = -1;

pub(super) fn step(hash: &Hash, place: &mut Option<usize>, to: &mut To<'_>) -> Progress {
    match to.kind {
        kind::HASH_LISTPACK => to.blob(|out| {
            let mut pack = Writer::new(out);
            for pair in hash.bucket(0) {
                put(&mut pack, pair.field);
                put(&mut pack, pair.value);
            }
            pack.finish();
        }),
        kind::HASH_LISTPACK_TIMED => {
            to.out.extend_from_slice(&hash.soonest().unwrap_or(0).to_le_bytes());
            let mut pairs: Vec<Pair<'_>> = hash.bucket(0).collect();
            pairs.sort_by_key(|pair| pair.deadline.unwrap_or(i64::MAX));
            to.blob(|out| {
                let mut pack = Writer::new(out);
                for pair in pairs {
                    put(&mut pack, pair.field);
                    put(&mut pack, pair.value);
                    pack.int(pair.deadline.unwrap_or(0));
                }
                pack.finish();
            });
        }
        _ => return step_plain(hash, place, to),
    }
    Progress::Done
}

fn step_plain(hash: &Hash, place: &mut Option<usize>, to: &mut To<'_>) -> Progress {
    let first = hash.soonest().unwrap_or(0);
    let mut bucket = place.unwrap_or_else(|| {
        if to.kind == kind::HASH_TIMED {
            to.out.extend_from_slice(&first.to_le_bytes());
        }
        to.len(hash.len());
        0
    });
    let buckets = hash.buckets().unwrap_or(1);
    while bucket < buckets && !to.is_full() {
        for pair in hash.bucket(bucket) {
            if to.kind == kind::HASH_TIMED {
                to.len(pair.deadline.map_or(0, |deadline| (deadline - first + 1) as usize));
            }
            put_string(to, pair.field);
            put_string(to, pair.value);
            if to.kind == kind::HASH_2 {
                to.out.extend_from_slice(&pair.deadline.unwrap_or(NONE).to_le_bytes());
            }
        }
        bucket += 1;
    }
    *place = Some(bucket);
    if bucket < buckets { Progress::More } else { Progress::Done }
}

#[inline]
fn put(pack: &mut Writer<'_>, text: Stored<'_>) {
    match text {
        Stored::Int(int) => pack.int(int),
        // Longer numbers are kept as such.
        Stored::Bytes(bytes @ [_]) => pack.text(bytes),
        Stored::Bytes(bytes) => pack.bytes(bytes),
    }
}

#[inline]
fn put_string(to: &mut To<'_>, text: Stored<'_>) {
    match text {
        Stored::Int(int) => to.int(int),
        Stored::Bytes(bytes) => to.string(bytes),
    }
}

/// A hash that fills, without those fields whose time is over.
struct Filling<'a> {
    hash: Loading<'a>,
    now: Option<i64>,
    expired: bool,
}

impl Filling<'_> {
    #[inline]
    fn add(&mut self, field: Stored<'_>, value: Stored<'_>, deadline: Option<i64>) -> Result<(), Fault> {
        if deadline.is_some_and(|deadline| self.now.is_some_and(|now| deadline <= now)) {
            self.expired = true;
            return Ok(());
        }
        match self.hash.add(field, value, deadline) {
            true => Ok(()),
            false => Err("a field that comes twice"),
        }
    }
}

/// The hash, and whether fields were left out because their time is over.
pub(super) fn read<S: Source>(kind: u8, source: &mut S, reading: &mut Reading) -> Result<(Hash, bool), Error> {
    let Reading { thresholds, family, now, scratch, bench } = reading;
    let limits = &thresholds.hash;
    let valkey = kind == kind::HASH_2 && *family == Family::Valkey;
    let known =
        kind <= kind::HASH_LISTPACK || valkey || (*family == Family::Redis && kind <= kind::HASH_LISTPACK_TIMED);
    if !known {
        return Err(Error::UnknownType { type_byte: kind, offset: source.offset() });
    }
    let timed = kind > kind::HASH_LISTPACK;
    let mut first = 0;
    if kind == kind::HASH_TIMED || kind == kind::HASH_LISTPACK_TIMED {
        first = i64::from_le_bytes(source.array()?);
        if !(0..=DEADLINE_MAX).contains(&first) {
            return Err(Error::corrupt("a deadline of a field out of range", source));
        }
    }
    let packed = !matches!(kind, kind::HASH | kind::HASH_2 | kind::HASH_TIMED);
    if packed {
        let offset = source.offset();
        let blob = read_blob(source, &mut scratch[0])?;
        let fields = match kind {
            kind::HASH_ZIPMAP => 0,
            kind::HASH_ZIPLIST => ziplist::Reader::new(blob).ok().and_then(|list| list.count()).unwrap_or(0) / 2,
            kind::HASH_LISTPACK => count(blob) / 2,
            _ => count(blob) / 3,
        };
        let hash = Loading::new(fields, timed, limits, bench);
        let mut filling = Filling { hash, now: *now, expired: false };
        return match read_packed(kind, blob, &mut filling) {
            Err(what) => Err(Error::Corrupt { what, offset }),
            Ok(()) => Ok((filling.hash.done(), filling.expired)),
        };
    }
    let count = read_len(source)?;
    let hash = Loading::new(usize::try_from(count).unwrap_or(usize::MAX), timed, limits, bench);
    let mut filling = Filling { hash, now: *now, expired: false };
    for _ in 0..count {
        let mut deadline = 0;
        if timed && !valkey {
            let told = read_len(source)?;
            deadline = i64::try_from(told).unwrap_or(i64::MAX);
            if kind == kind::HASH_TIMED && told > 0 {
                deadline = first.saturating_add(deadline - 1).max(1);
            }
        }
        let offset = source.offset();
        let (field, value, tail) = read_two(source, if valkey { size_of::<i64>() } else { 0 }, scratch)?;
        if let Some(told) = tail.first_chunk() {
            deadline = i64::from_le_bytes(*told);
        }
        check(deadline, if valkey { NONE } else { 0 })
            .and_then(|deadline| filling.add(stored(field), stored(value), deadline))
            .map_err(|what| Error::Corrupt { what, offset })?;
    }
    Ok((filling.hash.done(), filling.expired))
}

fn count(blob: &[u8]) -> usize {
    Reader::new(blob).ok().and_then(|pack| pack.count()).unwrap_or(0)
}

/// 0, which stands for none in other forms, becomes 1: both were over long ago.
fn check(deadline: i64, none: i64) -> Result<Option<i64>, Fault> {
    match deadline {
        _ if deadline == none => Ok(None),
        0..=DEADLINE_MAX => Ok(Some(deadline.max(1))),
        _ => Err("a deadline of a field out of range"),
    }
}

#[inline]
fn stored(text: Text<'_>) -> Stored<'_> {
    match text {
        Text::Bytes(bytes) => Stored::Bytes(bytes),
        Text::Int(int) => Stored::Int(int),
    }
}

#[inline]
fn of_item(item: Item<'_>) -> Stored<'_> {
    match item {
        Item::Bytes(bytes) => Stored::Bytes(bytes),
        Item::Int(int) => Stored::Int(int),
    }
}

fn read_packed(kind: u8, blob: &[u8], filling: &mut Filling<'_>) -> Result<(), Fault> {
    match kind {
        kind::HASH_ZIPMAP => {
            let mut map = ziplist::Zipmap::new(blob)?;
            while let Some((field, value)) = map.next()? {
                filling.add(Stored::Bytes(field), Stored::Bytes(value), None)?;
            }
        }
        kind::HASH_ZIPLIST => {
            let mut list = ziplist::Reader::new(blob)?;
            while let Some(field) = list.next()? {
                let value = list.next()?.ok_or("a field without a value")?;
                filling.add(of_item(field), of_item(value), None)?;
            }
        }
        kind::HASH_LISTPACK => {
            let mut pack = Reader::new(blob)?;
            while let Some(field) = pack.next()? {
                let value = pack.expect()?;
                filling.add(of_item(field), of_item(value), None)?;
            }
        }
        _ => {
            let mut pack = Reader::new(blob)?;
            let mut last = 0;
            while let Some(field) = pack.next()? {
                let value = pack.expect()?;
                let deadline = check(pack.expect_int()?, 0)?;
                let order = deadline.unwrap_or(i64::MAX);
                if order < last {
                    return Err("deadlines of fields out of order");
                }
                last = order;
                filling.add(of_item(field), of_item(value), deadline)?;
            }
        }
    }
    Ok(())
}
