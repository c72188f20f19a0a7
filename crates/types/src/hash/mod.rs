//! Hashes: fields with values, each field with a deadline of its own if it is given one.
//!
//! Small ones are pairs in a row in one `Thin` (Packed; Timed once a field has had a deadline), larger ones a `Table`.
//! There is no way back from a larger form but through an empty hash.
//! A field past its deadline is still here, and counted, until somebody removes it: what time it is, and so whether
//! a field is to be seen, is the caller's business.
//! Always true: a packed hash has its count in front, and at most `Limits` fields when it was last changed.

mod deadlines;
mod far;
mod pairs;
mod table;
#[cfg(test)]
mod tests;
mod text;

use kit::world::Rng;

use crate::object::forms;
use crate::{Heap, Thin};
use far::Far;
use pairs::{Pairs, Place};
use table::Table;
use text::Coded;

pub use pairs::Pair;
pub use text::Text;

/// A hash. See the top of the file.
#[derive(Debug)]
pub struct Hash {
    form: Form,
}

forms! {
    enum Form of Hash {
        Packed(Thin) = HashPacked,
        Timed(Thin) = HashTimed,
        Table(Heap<Table>) = HashTable,
    }
}

/// How far a hash is packed: `hash-max-listpack-entries`, `hash-max-listpack-value`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub entries: usize,
    /// Bytes of a field or a value.
    pub text_len: usize,
}

/// What becomes of a field's deadline when its value is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// None from now on.
    Forever,
    /// As it was.
    Keep,
    /// Unix milliseconds.
    Until(i64),
}

/// Limits of ours, whatever is configured: a change moves what stands behind it.
const PACKED_TEXT_MAX: usize = 1 << 16;
const PACKED_BYTES_MAX: usize = 1 << 24;
const PACKED_ENTRIES_MAX: usize = u16::MAX as usize;

// A packed hash that is not empty: count u16 | pairs. With deadlines: count u16 | fields with a deadline u16 | pairs.
const COUNT_LEN: usize = 2;
const TIMED_LEN: usize = 2;

static NOWHERE: Far = Far::NONE;

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    pub fn new() -> Hash {
        Hash { form: Form::Packed(Thin::new()) }
    }

    /// Fields, those past their deadline included.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) | Form::Timed(bytes) => number_at(bytes, 0),
            Form::Table(table) => table.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fields that have a deadline.
    pub fn timed_len(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 0,
            Form::Timed(bytes) => number_at(bytes, COUNT_LEN),
            Form::Table(table) => table.timed(),
        }
    }

    /// The first deadline, in Unix milliseconds.
    pub fn soonest(&self) -> Option<i64> {
        match &self.form {
            Form::Packed(_) => None,
            Form::Timed(bytes) => packed(bytes, TIMED).filter_map(|pair| pair.deadline).min(),
            Form::Table(table) => table.soonest(),
        }
    }

    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<Pair<'_>> {
        match &self.form {
            Form::Packed(bytes) => packed_get(bytes, PLAIN, field),
            Form::Timed(bytes) => packed_get(bytes, TIMED, field),
            Form::Table(table) => table.get(field),
        }
    }

    /// Sets a field. True when it is new (one past its deadline is not).
    pub fn set(&mut self, field: &[u8], value: &[u8], life: Life, limits: &Limits) -> bool {
        self.make_room(field.len().max(value.len()), limits);
        let deadline = match life {
            Life::Forever => Some(None),
            Life::Keep => None,
            Life::Until(deadline) => Some(Some(deadline)),
        };
        if let Some(Some(_)) = deadline {
            self.make_timed();
        }
        let (bytes, head) = match &mut self.form {
            Form::Packed(bytes) => (bytes, PLAIN),
            Form::Timed(bytes) => (bytes, TIMED),
            Form::Table(table) => return table.set(field, value, deadline),
        };
        let (key, value) = (Coded::new(field), Coded::new(value));
        let found = Pairs::new(bytes, &NOWHERE).find(head.min(bytes.len()), &key);
        match found {
            Ok(place) => {
                pairs::set_value(bytes, place, &value);
                if let Some(deadline) = deadline
                    && (deadline.is_some() || Pairs::new(bytes, &NOWHERE).deadline(place).is_some())
                {
                    self.set_deadline(field, deadline);
                }
                false
            }
            Err(count) if count < limits.entries.min(PACKED_ENTRIES_MAX) && bytes.len() < PACKED_BYTES_MAX => {
                if bytes.is_empty() {
                    bytes.reserve(head + key.len() + value.len() + if deadline.flatten().is_some() { 6 } else { 0 });
                    bytes.extend(&[0; TIMED][..head]);
                }
                pairs::push(bytes, &key, deadline.flatten(), &value);
                add_at(bytes, 0, 1);
                if deadline.flatten().is_some() {
                    add_at(bytes, COUNT_LEN, 1);
                }
                true
            }
            Err(_) => {
                self.make_table();
                let Form::Table(table) = &mut self.form else { unreachable!("made just now") };
                let Life::Until(deadline) = life else { return table.set(field, value_of(&value), Some(None)) };
                table.set(field, value_of(&value), Some(Some(deadline)))
            }
        }
    }
}
