//! Values in RDB form: one codec for DUMP and RESTORE, snapshots, the base of the log, and full sync.
//!
//! **Writing.** A `Form` says what may be written: a version of the format, whose family it is, and whether texts
//! are compressed. `Writing` writes the value of an object in parts: its place is a bucket, a rank, a chunk or an ID,
//! never a borrow, so the shard's lock may be given back between two steps as long as the value does not change.
//! `write` does all in one step. The type byte comes first and is written by the caller (`Writing::type_byte`): keys
//! stand between the two in files. What a form cannot hold is refused (`CannotHold`), never lost; except that forms
//! older than 11 know no time of activity of a stream's consumers, and those older than 10 less of streams.
//! Strings are no objects: `write_string` and `write_int`, with the type byte `STRING`.
//!
//! **Reading.** A `Source` gives bytes: a slice, or a `Buffered` file. `read` makes a value of a type byte and what
//! follows it; `read_string` is for keys and strings, and allocates nothing; `skip` passes over a value. All types of
//! Redis 2 to 8.0 and Valkey 9.0 are read, whatever the form of writing is. Nothing that is read is believed: lengths
//! only count when the bytes have arrived, packed blobs are walked through whole, and what does not fit
//! (a field twice, a score that is no number, an order that is none) is an `Error::Corrupt` with its place.
//!
//! `type.rs` files are named after the object; `listpack.rs`, `ziplist.rs` and `intset.rs` know the packed blobs,
//! `text.rs` lengths and strings, `lzf.rs` their compression.

mod form;
mod hash;
mod intset;
mod list;
mod listpack;
mod lzf;
mod payload;
mod read;
mod seen;
mod set;
mod skip;
mod sorted_set;
mod source;
mod stream;
#[cfg(test)]
mod tests;
mod text;
mod write;
mod ziplist;

pub use form::{CannotHold, Family, Form, type_byte};
pub use payload::{dump, dump_string, open_payload, seal_payload};
pub use read::{Reading, Thresholds, Value, read, type_name};
pub use skip::skip;
pub use source::{Buffered, Error, Slice, Source};
pub use text::{Text, read_len, read_string, skip_string, write_int, write_len, write_string};
pub use write::{Progress, Writing, write};

pub(crate) use seen::{Bench, Seen};

/// The type byte of a string.
pub const STRING: u8 = 0;

/// Type bytes of the other values. Numbers of Redis; 22 is two things, see `Family`.
mod kind {
    pub(super) const LIST: u8 = 1;
    pub(super) const SET: u8 = 2;
    pub(super) const ZSET: u8 = 3;
    pub(super) const HASH: u8 = 4;
    pub(super) const ZSET_2: u8 = 5;
    pub(super) const MODULE_1: u8 = 6;
    pub(super) const MODULE_2: u8 = 7;
    pub(super) const HASH_ZIPMAP: u8 = 9;
    pub(super) const LIST_ZIPLIST: u8 = 10;
    pub(super) const SET_INTSET: u8 = 11;
    pub(super) const ZSET_ZIPLIST: u8 = 12;
    pub(super) const HASH_ZIPLIST: u8 = 13;
    pub(super) const LIST_QUICKLIST: u8 = 14;
    pub(super) const STREAM_1: u8 = 15;
    pub(super) const HASH_LISTPACK: u8 = 16;
    pub(super) const ZSET_LISTPACK: u8 = 17;
    pub(super) const LIST_QUICKLIST_2: u8 = 18;
    pub(super) const STREAM_2: u8 = 19;
    pub(super) const SET_LISTPACK: u8 = 20;
    pub(super) const STREAM_3: u8 = 21;
    /// Valkey 9: a hash of fields with deadlines. In Redis's family the next one.
    pub(super) const HASH_2: u8 = 22;
    /// Previews of Redis 7.4.
    pub(super) const HASH_TIMED_PREVIEW: u8 = 22;
    pub(super) const HASH_LISTPACK_TIMED_PREVIEW: u8 = 23;
    pub(super) const HASH_TIMED: u8 = 24;
    pub(super) const HASH_LISTPACK_TIMED: u8 = 25;
}
