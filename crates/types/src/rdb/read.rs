//! Reading a value of any type.

use super::seen::Bench;
use super::source::{Error, Source};
use super::text::{Scratch, Text, read_string};
use super::{Family, STRING, hash, kind, list, set, sorted_set, stream};
use crate::Object;

/// Up to where small forms are made: the options of the types.
#[derive(Clone, Copy, Debug)]
pub struct Thresholds {
    pub hash: crate::hash::Limits,
    pub list: crate::list::Limit,
    pub set: crate::set::Limits,
    pub sorted_set: crate::sorted_set::Limits,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            hash: crate::hash::Limits { fields: 512, text_len: 64 },
            list: crate::list::Limit::default(),
            set: crate::set::Limits::USUAL,
            sorted_set: crate::sorted_set::Limits::default(),
        }
    }
}

/// How values are read. Made once for many of them: it has room that is used again.
pub struct Reading {
    pub thresholds: Thresholds,
    /// What type 22 means.
    pub family: Family,
    /// Fields of hashes whose deadline is not later are left out. None: all are kept.
    pub now: Option<i64>,
    pub(super) scratch: Scratch,
    pub(super) bench: Bench,
}

impl Reading {
    /// `deep`: small collections are searched for members that come twice. (Large ones always are, and everything
    /// else is checked anyway.) Who has a checksum can do without.
    pub fn new(thresholds: Thresholds, family: Family, now: Option<i64>, deep: bool) -> Reading {
        Reading { thresholds, family, now, scratch: Scratch::default(), bench: Bench::new(deep) }
    }
}

/// A value that was read.
#[derive(Debug)]
pub enum Value {
    Bytes(Vec<u8>),
    /// A string that is a number.
    Int(i64),
    Object(Object),
    /// A collection of nothing, which no key holds (old versions wrote some).
    Empty,
    /// A hash, all of whose fields had died by `Reading::now`.
    Expired,
}

/// Reads the value behind a type byte.
pub fn read<S: Source>(type_byte: u8, source: &mut S, reading: &mut Reading) -> Result<Value, Error> {
    let value = read_value(type_byte, source, reading);
    reading.scratch.iter_mut().for_each(trim);
    reading.bench.trim();
    value
}

/// Room that one huge value needed is given back.
pub(super) fn trim(room: &mut Vec<u8>) {
    const KEPT_MAX: usize = 1 << 20;
    if room.capacity() > KEPT_MAX {
        *room = Vec::new();
    }
}

fn read_value<S: Source>(type_byte: u8, source: &mut S, reading: &mut Reading) -> Result<Value, Error> {
    let object: Object = match type_byte {
        STRING => {
            return Ok(match read_string(source, &mut reading.scratch[0])? {
                Text::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
                Text::Int(int) => Value::Int(int),
            });
        }
        kind::LIST | kind::LIST_ZIPLIST | kind::LIST_QUICKLIST | kind::LIST_QUICKLIST_2 => {
            list::read(type_byte, source, reading)?.into()
        }
        kind::SET | kind::SET_INTSET | kind::SET_LISTPACK => set::read(type_byte, source, reading)?.into(),
        kind::ZSET | kind::ZSET_2 | kind::ZSET_ZIPLIST | kind::ZSET_LISTPACK => {
            sorted_set::read(type_byte, source, reading)?.into()
        }
        kind::HASH | kind::HASH_ZIPMAP | kind::HASH_ZIPLIST | kind::HASH_LISTPACK | kind::HASH_2.. => {
            let (hash, expired) = hash::read(type_byte, source, reading)?;
            if hash.is_empty() && expired {
                return Ok(Value::Expired);
            }
            hash.into()
        }
        kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => {
            return Ok(Value::Object(stream::read(type_byte, source, reading)?.into()));
        }
        kind::MODULE_1 | kind::MODULE_2 => return Err(module(source)),
        _ => return Err(Error::UnknownType { type_byte, offset: source.offset() }),
    };
    Ok(if object.is_empty() { Value::Empty } else { Value::Object(object) })
}

/// What a value of this type is, for messages about one that is wrong.
pub fn type_name(type_byte: u8) -> &'static str {
    match type_byte {
        kind::HASH_ZIPMAP => "Zipmap",
        kind::LIST_ZIPLIST | kind::LIST_QUICKLIST => "Ziplist",
        kind::SET_INTSET => "Intset",
        kind::ZSET_ZIPLIST => "Zset ziplist",
        kind::HASH_ZIPLIST => "Hash ziplist",
        kind::STREAM_1 | kind::STREAM_2 | kind::STREAM_3 => "Stream listpack",
        kind::HASH_LISTPACK | kind::HASH_LISTPACK_TIMED_PREVIEW | kind::HASH_LISTPACK_TIMED => "Hash listpack",
        kind::ZSET_LISTPACK => "Zset listpack",
        kind::LIST_QUICKLIST_2 => "Listpack",
        kind::SET_LISTPACK => "Set listpack",
        _ => "Value",
    }
}

/// The refusal of a module's value, with the module's name if that can be read.
pub(super) fn module(source: &mut impl Source) -> Error {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let offset = source.offset();
    match super::read_len(source) {
        Err(error) => error,
        Ok(id) => {
            // Nine letters of six bits, then a version of ten.
            let letters = (0..9).map(|i| LETTERS[(id >> (58 - 6 * i)) as usize & 63] as char);
            Error::Module { name: letters.collect(), offset }
        }
    }
}
