//! A hash made of pairs that come one after the other, as from a file.

use super::packed::{self, HEAD, HEAD_TIMED};
use super::table::Table;
use super::text::Coded;
use super::{Form, Hash, Limits, Text, pairs};
use crate::rdb::{Bench, Seen};
use crate::{Heap, Thin};

/// So many fields are looked through one by one for a double.
const FEW: usize = 8;
/// Who announces more fields than this may be wrong: the rest of the buckets is made while growing.
const FIELDS_BELIEVED: usize = 1 << 16;

/// A hash that fills. While it is small it stands on the bench.
pub(crate) struct Loading<'a> {
    table: Option<Table>,
    bench: &'a mut Bench,
    limits: Limits,
    /// Can there be deadlines?
    timed: bool,
    /// Of the small form.
    count: usize,
    timed_count: usize,
}

impl<'a> Loading<'a> {
    /// For so many fields. Deadlines only come when they may.
    pub(crate) fn new(fields: usize, timed: bool, limits: &Limits, bench: &'a mut Bench) -> Loading<'a> {
        let limits = Limits {
            fields: limits.fields.min(packed::COUNT_MAX),
            text_len: limits.text_len.min(packed::TEXT_LEN_MAX),
        };
        let table = (fields > limits.fields).then(|| Table::with_fields(fields.min(FIELDS_BELIEVED)));
        bench.bytes.clear();
        bench.bytes.resize(if timed { HEAD_TIMED } else { HEAD }, 0);
        Loading { table, bench, limits, timed, count: 0, timed_count: 0 }
    }

    fn head(&self) -> usize {
        if self.timed { HEAD_TIMED } else { HEAD }
    }

    /// False, and it is not added, when the field is there already.
    #[inline]
    pub(crate) fn add(&mut self, field: Text<'_>, value: Text<'_>, deadline: Option<i64>) -> bool {
        debug_assert!(self.timed || deadline.is_none());
        let fits = self.table.is_none()
            && field.len().max(value.len()) <= self.limits.text_len
            && self.count < self.limits.fields
            && self.bench.bytes.len() < packed::BYTES_MAX;
        if !fits {
            let (mut a, mut b) = ([0; 20], [0; 20]);
            return self.grow_up().set(field.bytes(&mut a), value.bytes(&mut b), Some(deadline));
        }
        let (key, value, head) = (Coded::of(field), Coded::of(value), self.head());
        let Bench { seen, bytes, .. } = &mut *self.bench;
        if seen.looks() && is_there(bytes, self.count, head, &key, seen) {
            return false;
        }
        pairs::append(bytes, &key, deadline, &value);
        self.count += 1;
        self.timed_count += usize::from(deadline.is_some());
        true
    }

    /// The table; it gets what is on the bench when it is made.
    fn grow_up(&mut self) -> &mut Table {
        let (bytes, head) = (&self.bench.bytes, self.head());
        self.table.get_or_insert_with(|| {
            let mut table = Table::with_fields(self.count + 1);
            let (mut field, mut value) = ([0; 20], [0; 20]);
            for pair in packed::iter(bytes, head) {
                table.push(pair.field.bytes(&mut field), pair.value.bytes(&mut value), pair.deadline);
            }
            table
        })
    }

    pub(crate) fn done(self) -> Hash {
        let head = self.head();
        let form = match self.table {
            Some(table) => Form::Table(Heap::new(table)),
            None if self.count == 0 => return Hash::new(),
            None => {
                let bytes = &mut self.bench.bytes;
                bytes[..head].copy_from_slice(&(self.timed_count as u16).to_le_bytes()[..head]);
                let bytes = Thin::from(&bytes[..]);
                if self.timed { Form::Timed(bytes) } else { Form::Packed(bytes) }
            }
        };
        Hash { form }
    }
}

fn is_there(bytes: &[u8], count: usize, head: usize, key: &Coded<'_>, seen: &mut Seen) -> bool {
    if count >= FEW {
        if count == FEW {
            seen.reset();
            packed::iter(bytes, head).for_each(|pair| {
                seen.insert(Coded::of(pair.field).hash());
            });
        }
        if seen.insert(key.hash()) {
            return false;
        }
    }
    packed::find(bytes, head, key).is_some()
}
