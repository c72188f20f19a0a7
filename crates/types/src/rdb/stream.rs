//! Streams.
//!
//! ```text
//! 15, 19, 21   chunks | (string of an ID, 16 bytes | listpack) …
//!              entries | last ID                                     an ID by two lengths: ms, number
//!              from 19 on: first ID | largest deleted ID | entries ever added
//!              groups | group …
//! group     := name | last ID | from 19 on: entries read
//!              pending | (ID, 16 bytes | delivered i64 | deliveries) …
//!              consumers | consumer …
//! consumer  := name | seen i64 | from 21 on: active i64 (-1: never) | pending | (ID, 16 bytes) …
//! listpack  := entries | deleted | fields | field … | 0 | entry …
//! entry     := flags (1: deleted, 2: the fields above) | ms - base's ms | number - base's number
//!              (fields | (field | value) …, or value …) | elements of the entry so far
//! ```
//! IDs of 16 bytes have high bytes first, moments low ones. The base is the ID beside the listpack.

use super::kind;
use super::listpack::{Fault, Reader, Writer};
use super::read::Reading;
use super::source::{Error, Source};
use super::text::{Text, read_blob, read_len, read_string};
use super::write::{Progress, To};
use crate::Stream;
use crate::list::Item;
use crate::stream::{Entries, Group, Id, NewPart, Part, Value};
use std::ops::Range;

const DELETED: i64 = 1;
const COMMON_FIELDS: i64 = 2;
const NEVER: i64 = -1;
/// Entries read, when nobody has counted.
const UNKNOWN: u64 = u64::MAX;
/// Records of what is pending between two looks at the budget.
const STRIDE: usize = 64;

/// Where the next step of writing begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Chunk(usize),
    Group(usize),
    /// What is pending in a group, from an ID on.
    Pending(usize, Id),
    /// The nth consumer of a group.
    Consumer(usize, usize),
    ConsumerPending(usize, usize, Id),
    End,
}

impl Place {
    pub(super) const START: Place = Place::Chunk(0);
}

pub(super) fn step(stream: &Stream, place: &mut Place, to: &mut To<'_>) -> Progress {
    while !to.is_full() {
        *place = write_part(stream, *place, to);
        if let Place::End = place {
            return Progress::Done;
        }
    }
    Progress::More
}

/// Writes what stands at a place, and gives the next one.
fn write_part(stream: &Stream, place: Place, to: &mut To<'_>) -> Place {
    let entries = stream.entries();
    match place {
        Place::Chunk(at) => {
            if at == 0 {
                to.len(entries.chunk_count());
            }
            if at < entries.chunk_count() {
                write_chunk(&entries.part(at), to);
                return Place::Chunk(at + 1);
            }
            write_ids(entries, to);
            to.len(stream.groups().len());
            next_group(stream, 0)
        }
        Place::Group(at) => {
            let group = &stream.groups()[at];
            to.string(&group.name);
            write_id(group.last_id, to);
            if to.kind != kind::STREAM_1 {
                number(group.entries_read.unwrap_or(UNKNOWN), to);
            }
            to.len(group.pending().len());
            Place::Pending(at, Id::MIN)
        }
        Place::Pending(at, from) => {
            let group = &stream.groups()[at];
            let mut records = group.pending().from(from);
            for record in records.by_ref().take(STRIDE) {
                raw_id(record.id, to);
                to.out.extend_from_slice(&record.delivered_ms.to_le_bytes());
                number(u64::from(record.count), to);
            }
            if let Some(next) = records.next() {
                return Place::Pending(at, next.id);
            }
            to.len(group.consumer_count());
            next_consumer(stream, at, 0)
        }
        Place::Consumer(at, nth) => {
            let Some(consumer) = stream.groups()[at].consumers().nth(nth) else { return next_group(stream, at + 1) };
            to.string(&consumer.name);
            to.out.extend_from_slice(&consumer.seen_ms.to_le_bytes());
            if to.kind == kind::STREAM_3 {
                to.out.extend_from_slice(&consumer.active_ms.unwrap_or(NEVER).to_le_bytes());
            }
            to.len(consumer.pending().len());
            Place::ConsumerPending(at, nth, Id::MIN)
        }
        Place::ConsumerPending(at, nth, from) => {
            let consumer = stream.groups()[at].consumers().nth(nth);
            let mut ids = consumer.into_iter().flat_map(|consumer| consumer.pending().from(from));
            ids.by_ref().take(STRIDE).for_each(|id| raw_id(*id, to));
            match ids.next() {
                Some(id) => Place::ConsumerPending(at, nth, *id),
                None => next_consumer(stream, at, nth + 1),
            }
        }
        Place::End => Place::End,
    }
}

fn next_group(stream: &Stream, at: usize) -> Place {
    if at < stream.groups().len() { Place::Group(at) } else { Place::End }
}

fn next_consumer(stream: &Stream, group: usize, nth: usize) -> Place {
    if nth < stream.groups()[group].consumer_count() {
        Place::Consumer(group, nth)
    } else {
        next_group(stream, group + 1)
    }
}

fn write_ids(entries: &Entries, to: &mut To<'_>) {
    to.len(entries.len());
    write_id(entries.last_id(), to);
    if to.kind != kind::STREAM_1 {
        write_id(entries.first_id().unwrap_or_default(), to);
        write_id(entries.max_deleted, to);
        number(entries.added, to);
    }
}

fn number(number: u64, to: &mut To<'_>) {
    super::write_len(number, to.out);
}

fn write_id(id: Id, to: &mut To<'_>) {
    number(id.ms, to);
    number(id.seq, to);
}

fn raw_id(id: Id, to: &mut To<'_>) {
    to.out.extend_from_slice(&id.ms.to_be_bytes());
    to.out.extend_from_slice(&id.seq.to_be_bytes());
}

fn write_chunk(part: &Part<'_>, to: &mut To<'_>) {
    let base = part.base();
    to.len(2 * size_of::<u64>());
    raw_id(base, to);
    to.blob(|out| {
        let mut pack = Writer::new(out);
        let fields = part.common_fields();
        pack.int(part.len() as i64);
        pack.int(0);
        pack.int(fields.len() as i64);
        fields.for_each(|field| pack.text(field));
        pack.int(0);
        for entry in part.entries() {
            let common = entry.has_common_fields();
            pack.int(if common { COMMON_FIELDS } else { 0 });
            pack.int(entry.id.ms.wrapping_sub(base.ms) as i64);
            pack.int(entry.id.seq.wrapping_sub(base.seq) as i64);
            let count = entry.field_count() as i64;
            if !common {
                pack.int(count);
            }
            for (field, value) in entry.pairs() {
                if !common {
                    pack.text(field);
                }
                match value {
                    Value::Int(int) => pack.int(int),
                    Value::Bytes(bytes) => pack.bytes(bytes),
                }
            }
            pack.int(elements(common, count));
        }
        pack.finish();
    });
}

/// Elements of an entry without the one that tells it.
fn elements(common: bool, fields: i64) -> i64 {
    if common { 3 + fields } else { 4 + 2 * fields }
}

// ---- reading

pub(super) fn read<S: Source>(kind: u8, source: &mut S, reading: &mut Reading) -> Result<Stream, Error> {
    let Reading { scratch: [scratch, _], .. } = reading;
    let mut stream = Stream::new();
    let entries = stream.entries_mut();
    let chunks = read_len(source)?;
    let mut words = Words::default();
    for _ in 0..chunks {
        let offset = source.offset();
        let base = match read_string(source, scratch)? {
            Text::Bytes(bytes) => id_of(bytes),
            Text::Int(_) => None,
        };
        let base = base.ok_or(Error::Corrupt { what: "a chunk of a stream without its ID", offset })?;
        let offset = source.offset();
        let blob = read_blob(source, scratch)?;
        read_chunk(base, blob, entries, &mut words).map_err(|what| Error::Corrupt { what, offset })?;
    }
    let len = read_len(source)?;
    if len > 0 && chunks == 0 {
        return Err(Error::corrupt("a stream that lacks its entries", source));
    }
    let last_id = read_id(source)?;
    entries.set_last_id(last_id.max(entries.last_id()));
    entries.added = entries.len() as u64;
    if kind != kind::STREAM_1 {
        read_id(source)?; // of the first entry, which we know
        entries.max_deleted = read_id(source)?;
        entries.added = read_len(source)?;
    }
    for _ in 0..read_len(source)? {
        read_group(kind, source, scratch, &mut stream)?;
    }
    Ok(stream)
}

fn read_id<S: Source>(source: &mut S) -> Result<Id, Error> {
    Ok(Id { ms: read_len(source)?, seq: read_len(source)? })
}

fn id_of(bytes: &[u8]) -> Option<Id> {
    let (ms, seq) = bytes.split_first_chunk()?;
    Some(Id { ms: u64::from_be_bytes(*ms), seq: u64::from_be_bytes(seq.try_into().ok()?) })
}

fn read_raw_id<S: Source>(source: &mut S) -> Result<Id, Error> {
    let (ms, seq) = (source.array()?, source.array()?);
    Ok(Id { ms: u64::from_be_bytes(ms), seq: u64::from_be_bytes(seq) })
}

fn read_ms<S: Source>(source: &mut S) -> Result<i64, Error> {
    Ok(i64::from_le_bytes(source.array()?))
}

/// The words of an entry: those that are numbers are printed.
#[derive(Default)]
struct Words {
    digits: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Word<'a> {
    Bytes(&'a [u8]),
    /// Among the digits.
    Digits(Range<usize>),
}

impl Words {
    fn word<'a>(&mut self, item: Item<'a>) -> Word<'a> {
        match item {
            Item::Bytes(bytes) => Word::Bytes(bytes),
            Item::Int(int) => {
                let start = self.digits.len();
                kit::text::write_i64(&mut self.digits, int);
                Word::Digits(start..self.digits.len())
            }
        }
    }

    fn get<'a>(&'a self, word: &'a Word<'a>) -> &'a [u8] {
        match word {
            Word::Bytes(bytes) => bytes,
            Word::Digits(range) => &self.digits[range.clone()],
        }
    }
}

const ODD: Fault = "a chunk of a stream that is not in order";

fn read_chunk(base: Id, blob: &[u8], entries: &mut Entries, words: &mut Words) -> Result<(), Fault> {
    let mut pack = Reader::new(blob)?;
    let (live, dead) = (pack.expect_int()?, pack.expect_int()?);
    let field_count = pack.expect_int()?;
    if live < 0 || dead < 0 || field_count < 0 {
        return Err(ODD);
    }
    words.digits.clear();
    let mut fields = Vec::new();
    for _ in 0..field_count {
        fields.push(words.word(pack.expect()?));
    }
    if pack.expect_int()? != 0 {
        return Err(ODD);
    }
    let kept = words.digits.len();
    let mut part = NewPart::new(base, fields.len(), |i| words.get(&fields[i]));
    let (mut seen_live, mut seen_dead) = (0, 0);
    let mut list: Vec<Word<'_>> = Vec::new();
    while let Some(flags) = pack.next()? {
        let Item::Int(flags) = flags else { return Err(ODD) };
        if flags & !(DELETED | COMMON_FIELDS) != 0 {
            return Err(ODD);
        }
        let (ms, seq) = (pack.expect_int()?, pack.expect_int()?);
        let id = Id { ms: base.ms.wrapping_add_signed(ms), seq: base.seq.wrapping_add_signed(seq) };
        words.digits.truncate(kept);
        list.clear();
        let common = flags & COMMON_FIELDS != 0;
        let count = if common { field_count } else { pack.expect_int()? };
        for i in 0..count.max(0) {
            match common {
                // As many as there are fields.
                true => list.push(fields[i as usize].clone()),
                false => list.push(words.word(pack.expect()?)),
            }
            list.push(words.word(pack.expect()?));
        }
        if count < 1 || pack.expect_int()? != elements(common, count) {
            return Err(ODD);
        }
        if flags & DELETED != 0 {
            seen_dead += 1;
            continue;
        }
        seen_live += 1;
        if !part.push(id, list.len(), |i| words.get(&list[i])) {
            return Err(ODD);
        }
    }
    if (seen_live, seen_dead) != (live, dead) || !entries.add_part(part, dead as u64) {
        return Err(ODD);
    }
    Ok(())
}

/// What a group's list tells of an entry that is pending.
struct Record {
    id: Id,
    delivered_ms: i64,
    count: u32,
    consumer: Option<usize>,
}

fn read_group<S: Source>(kind: u8, source: &mut S, scratch: &mut Vec<u8>, stream: &mut Stream) -> Result<(), Error> {
    let offset = source.offset();
    let corrupt = |what| Err(Error::Corrupt { what, offset });
    let name = read_string(source, scratch)?.bytes(&mut [0; 20]).to_vec();
    let last_id = read_id(source)?;
    let entries_read = match kind {
        kind::STREAM_1 => stream.entries().count_up_to(last_id),
        _ => Some(read_len(source)?).filter(|read| *read <= i64::MAX as u64),
    };
    let mut pending = Vec::new();
    for _ in 0..read_len(source)? {
        let (id, delivered_ms) = (read_raw_id(source)?, read_ms(source)?);
        let count = u32::try_from(read_len(source)?).unwrap_or(u32::MAX);
        pending.push(Record { id, delivered_ms, count, consumer: None });
    }
    pending.sort_by_key(|record| record.id);
    if pending.is_sorted_by(|a, b| a.id < b.id) && !stream.add_group(&name, last_id, entries_read) {
        return corrupt("a group of a stream that comes twice");
    }
    if !pending.is_sorted_by(|a, b| a.id < b.id) {
        return corrupt("a pending entry of a group that comes twice");
    }
    let mut numbers = Vec::new();
    for nth in 0..read_len(source)? {
        let consumer = read_string(source, scratch)?.bytes(&mut [0; 20]).to_vec();
        let seen_ms = read_ms(source)?;
        let active_ms = if kind == kind::STREAM_3 { read_ms(source)? } else { seen_ms };
        let made = stream.in_group(&name, |_, group| {
            let (no, new) = group.make_consumer(&consumer, seen_ms);
            if active_ms != NEVER {
                group.active(no, active_ms);
            }
            new.then_some(no)
        });
        let Some(Some(no)) = made else { return corrupt("Duplicate stream consumer detected") };
        numbers.push(no);
        for _ in 0..read_len(source)? {
            let id = read_raw_id(source)?;
            let Ok(at) = pending.binary_search_by_key(&id, |record| record.id) else {
                return corrupt("a pending entry of a consumer that its group does not know");
            };
            if pending[at].consumer.replace(nth as usize).is_some() {
                return corrupt("a pending entry of two consumers");
            }
        }
    }
    let assign = |_: &Entries, group: &mut Group| {
        pending.iter().all(|record| {
            let Some(nth) = record.consumer else { return false };
            group.assign(record.id, numbers[nth], record.delivered_ms, record.count);
            true
        })
    };
    match stream.in_group(&name, assign) {
        Some(true) => Ok(()),
        _ => corrupt("a pending entry of a group that no consumer has"),
    }
}
