//! Passing over values.

use super::source::{Error, Source};
use super::text::skip_string as text;
use super::{Family, STRING, kind, read_len};

/// Passes over a value without building it, and without a look into what is packed.
pub fn skip<S: Source>(type_byte: u8, source: &mut S, family: Family) -> Result<(), Error> {
    match type_byte {
        STRING
        | kind::HASH_ZIPMAP
        | kind::LIST_ZIPLIST
        | kind::SET_INTSET
        | kind::ZSET_ZIPLIST
        | kind::HASH_ZIPLIST
        | kind::HASH_LISTPACK
        | kind::ZSET_LISTPACK
        | kind::SET_LISTPACK => text(source),
        kind::LIST | kind::SET | kind::LIST_QUICKLIST => each(source, |source| text(source)),
        kind::HASH => each(source, |source| {
            text(source)?;
            text(source)
        }),
        kind::ZSET => each(source, |source| {
            text(source)?;
            let len = source.byte()?;
            source.pass(if len < super::sorted_set::NAN { u64::from(len) } else { 0 })
        }),
        kind::ZSET_2 => each(source, |source| {
            text(source)?;
            source.pass(8)
        }),
        kind::LIST_QUICKLIST_2 => each(source, |source| {
            read_len(source)?;
            text(source)
        }),
        kind::HASH_2 if family == Family::Valkey => each(source, |source| {
            text(source)?;
            text(source)?;
            source.pass(8)
        }),
        kind::HASH_TIMED_PREVIEW | kind::HASH_TIMED if family == Family::Redis => {
            source.pass(if type_byte == kind::HASH_TIMED { 8 } else { 0 })?;
            each(source, |source| {
                read_len(source)?;
                text(source)?;
                text(source)
            })
        }
        kind::HASH_LISTPACK_TIMED_PREVIEW | kind::HASH_LISTPACK_TIMED if family == Family::Redis => {
            source.pass(if type_byte == kind::HASH_LISTPACK_TIMED { 8 } else { 0 })?;
            text(source)
        }
        kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => stream(type_byte, source),
        kind::MODULE_1 | kind::MODULE_2 => Err(super::read::module(source)),
        _ => Err(Error::UnknownType { type_byte, offset: source.offset() }),
    }
}

fn stream<S: Source>(type_byte: u8, source: &mut S) -> Result<(), Error> {
    each(source, |source| {
        text(source)?;
        text(source)
    })?;
    let numbers = |source: &mut S, count| (0..count).try_for_each(|_| read_len(source).map(|_| ()));
    let (ids, times, group) = match type_byte {
        kind::STREAM_1 => (3, 8, 2),
        kind::STREAM_2 => (8, 8, 3),
        _ => (8, 16, 3),
    };
    numbers(source, ids)?;
    each(source, |source| {
        text(source)?;
        numbers(source, group)?;
        each(source, |source| {
            source.pass(24)?;
            numbers(source, 1)
        })?;
        each(source, |source| {
            text(source)?;
            source.pass(times)?;
            each(source, |source| source.pass(16))
        })
    })
}

fn each<S: Source>(source: &mut S, mut skip: impl FnMut(&mut S) -> Result<(), Error>) -> Result<(), Error> {
    (0..read_len(source)?).try_for_each(|_| skip(source))
}
