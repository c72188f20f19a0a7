//! Sets.
//!
//! ```text
//! 2   SET                  count | member …
//! 11  intset, 20 listpack of the members
//! ```

use super::listpack::{Fault, Reader, Writer};
use super::read::Reading;
use super::seen::Bench;
use super::source::{Error, Source};
use super::text::{Text, read_blob, read_len, read_string};
use super::write::{Progress, To};
use super::{intset, kind};
use crate::Set;
use crate::list::Item;
use crate::set::{Limits, Loading, Member};

pub(super) fn step(set: &Set, place: &mut Option<usize>, to: &mut To<'_>) -> Progress {
    match to.kind {
        kind::SET_INTSET => {
            let (width, numbers) = set.as_ints().unwrap_or((2, &[]));
            to.blob(|out| intset::write(width, numbers, out));
            Progress::Done
        }
        kind::SET_LISTPACK => {
            to.blob(|out| {
                let mut pack = Writer::new(out);
                set.iter().for_each(|member| match member {
                    Member::Int(int) => pack.int(int),
                    Member::Text(text) => pack.bytes(text),
                });
                pack.finish();
            });
            Progress::Done
        }
        _ => {
            let mut bucket = place.unwrap_or_else(|| {
                to.len(set.len());
                0
            });
            let buckets = set.buckets();
            while bucket < buckets && !to.is_full() {
                set.bucket(bucket).for_each(|member| match member {
                    Member::Int(int) => to.int(int),
                    Member::Text(text) => to.string(text),
                });
                bucket += 1;
            }
            *place = Some(bucket);
            if bucket < buckets { Progress::More } else { Progress::Done }
        }
    }
}

const TWICE: Fault = "a member that comes twice";

pub(super) fn read<S: Source>(kind: u8, source: &mut S, reading: &mut Reading) -> Result<Set, Error> {
    let Reading { thresholds, scratch: [scratch, _], bench, .. } = reading;
    let limits = &thresholds.set;
    if kind == kind::SET {
        return read_plain(source, scratch, limits, bench);
    }
    let offset = source.offset();
    let blob = read_blob(source, scratch)?;
    let set = if kind == kind::SET_INTSET { of_intset(blob, limits) } else { of_listpack(blob, limits, bench) };
    set.map_err(|what| Error::Corrupt { what, offset })
}

fn read_plain<S: Source>(
    source: &mut S,
    scratch: &mut Vec<u8>,
    limits: &Limits,
    bench: &mut Bench,
) -> Result<Set, Error> {
    let count = read_len(source)?;
    let count_believed = usize::try_from(count).unwrap_or(usize::MAX);
    let mut loading = Loading::new(count_believed, limits, bench);
    // As long as there are only numbers.
    let mut ints = (count_believed <= limits.ints).then(Set::new);
    for _ in 0..count {
        let offset = source.offset();
        let member = member(read_string(source, scratch)?);
        let new = match (&mut ints, member) {
            (Some(ints), Member::Int(_)) => ints.add(member, limits),
            (Some(before), Member::Text(_)) => {
                before.iter().for_each(|int| {
                    loading.add(int);
                });
                ints = None;
                loading.add(member)
            }
            (None, _) => loading.add(member),
        };
        if !new {
            return Err(Error::Corrupt { what: TWICE, offset });
        }
    }
    Ok(ints.unwrap_or_else(|| loading.done()))
}

fn of_intset(blob: &[u8], limits: &Limits) -> Result<Set, Fault> {
    let (width, numbers) = intset::read(blob)?;
    Ok(Set::of_ints(width, numbers, limits))
}

fn of_listpack(blob: &[u8], limits: &Limits, bench: &mut Bench) -> Result<Set, Fault> {
    let mut pack = Reader::new(blob)?;
    let mut loading = Loading::new(pack.count().unwrap_or(usize::MAX), limits, bench);
    while let Some(item) = pack.next()? {
        let member = match item {
            Item::Int(int) => Member::Int(int),
            Item::Bytes(bytes) => Member::of(bytes),
        };
        if !loading.add(member) {
            return Err(TWICE);
        }
    }
    Ok(loading.done())
}

#[inline]
fn member(text: Text<'_>) -> Member<'_> {
    match text {
        Text::Bytes(bytes) => Member::of(bytes),
        Text::Int(int) => Member::Int(int),
    }
}
