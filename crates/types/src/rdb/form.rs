//! What may be written, and which type byte a value has then.

use super::kind;
use crate::{Encoding, Object, Stream};
use std::fmt;

/// Redis and Valkey count versions of their own since 12 and 80, and give type 22 different meanings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    Redis,
    Valkey,
}

impl Family {
    /// Whose version of the format it is.
    pub fn of_version(version: u16) -> Family {
        if version >= VALKEY_9 { Family::Valkey } else { Family::Redis }
    }
}

/// First versions of the format that have something.
const ZSET_IN_BINARY: u16 = 8;
const STREAMS: u16 = 9;
const LISTPACKS: u16 = 10;
const SETS_AS_LISTPACKS: u16 = 11;
const TIMED_FIELDS: u16 = 12;
const VALKEY_9: u16 = 80;

/// What may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// Version of the format: 10 is Redis 7.0, 11 is 7.2 and Valkey 8, 12 is Redis 7.4 and 8, 80 is Valkey 9.
    pub version: u16,
    pub family: Family,
    /// Compress strings and packed blobs longer than 20 bytes.
    pub compress: bool,
}

impl Form {
    /// The newest we know.
    pub const NEWEST: Form = Form { version: TIMED_FIELDS, family: Family::Redis, compress: true };

    /// For DUMP of a string.
    pub const fn for_dump_of_string(compress: bool) -> Form {
        Form { version: LISTPACKS, family: Family::Redis, compress }
    }

    /// For DUMP: the oldest version, from Redis 7.0 on, that holds this value whole.
    pub fn for_dump(object: &Object, compress: bool) -> Form {
        let version = match object {
            Object::Hash(_) if object.has_deadlines() => TIMED_FIELDS,
            Object::Stream(stream) if knows_activity(stream) => SETS_AS_LISTPACKS,
            _ => LISTPACKS,
        };
        Form { version, family: Family::Redis, compress }
    }

    pub(super) fn has_listpacks(&self) -> bool {
        self.version >= LISTPACKS
    }
}

/// Is there a consumer whose last activity was not when it was seen last? Older forms take them for the same.
fn knows_activity(stream: &Stream) -> bool {
    let mut consumers = stream.groups().iter().flat_map(|group| group.consumers());
    consumers.any(|consumer| consumer.active_ms != Some(consumer.seen_ms))
}

/// A value that does not fit into a form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CannotHold {
    pub what: &'static str,
    pub form: Form,
}

impl fmt::Display for CannotHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, family) = (self.form.version, self.form.family);
        write!(f, "RDB version {version} ({family:?}) cannot hold {}", self.what)
    }
}

impl std::error::Error for CannotHold {}

/// The type byte that stands before the value.
pub fn type_byte(object: &Object, form: &Form) -> Result<u8, CannotHold> {
    let version = form.version;
    let refuse = |what| Err(CannotHold { what, form: *form });
    if object.has_deadlines() {
        let packed = object.encoding() == Encoding::HashTimed;
        return match form.family {
            Family::Redis if version >= TIMED_FIELDS && packed => Ok(kind::HASH_LISTPACK_TIMED),
            Family::Redis if version >= TIMED_FIELDS => Ok(kind::HASH_TIMED),
            Family::Valkey if version >= VALKEY_9 => Ok(kind::HASH_2),
            Family::Redis | Family::Valkey => refuse("deadlines of fields"),
        };
    }
    Ok(match object.encoding() {
        Encoding::HashPacked | Encoding::HashTimed if form.has_listpacks() => kind::HASH_LISTPACK,
        Encoding::HashPacked | Encoding::HashTimed | Encoding::HashTable => kind::HASH,
        Encoding::ListPacked | Encoding::ListChunks if form.has_listpacks() => kind::LIST_QUICKLIST_2,
        Encoding::ListPacked | Encoding::ListChunks => kind::LIST,
        Encoding::SetInts => kind::SET_INTSET,
        Encoding::SetPacked if version >= SETS_AS_LISTPACKS => kind::SET_LISTPACK,
        Encoding::SetPacked | Encoding::SetTable => kind::SET,
        Encoding::SortedSetPacked if form.has_listpacks() => kind::ZSET_LISTPACK,
        Encoding::SortedSetPacked | Encoding::SortedSetTree if version >= ZSET_IN_BINARY => kind::ZSET_2,
        Encoding::SortedSetPacked | Encoding::SortedSetTree => kind::ZSET,
        Encoding::Stream if version >= SETS_AS_LISTPACKS => kind::STREAM_3,
        Encoding::Stream if version >= LISTPACKS => kind::STREAM_2,
        Encoding::Stream if version >= STREAMS => kind::STREAM_1,
        Encoding::Stream => return refuse("streams"),
    })
}
