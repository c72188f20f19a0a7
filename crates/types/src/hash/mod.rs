//! Hashes: fields with values, each field with a deadline of its own if it is given one.
//!
//! Small ones are pairs in a row in one `Thin` (Packed; Timed once a field has had a deadline), larger ones a `Table`.
//! There is no way back to a smaller form. A deadline stands beside its field, so reading one costs no second look.
//! A field past its deadline is still here, and counted, until somebody removes it: what time it is, and so whether
//! a field is to be seen, is the caller's business.

mod deadlines;
mod far;
mod load;
mod packed;
mod pairs;
mod table;
#[cfg(test)]
mod tests;
mod text;

use kit::world::Rng;

use crate::object::forms;
use crate::{Heap, Thin};
use packed::{HEAD, HEAD_TIMED};
use pairs::Pairs;
use table::Table;

pub(crate) use load::Loading;

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
    pub fields: usize,
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

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Hash {
    pub fn new() -> Hash {
        Hash { form: Form::Packed(Thin::new()) }
    }

    #[inline]
    pub(crate) fn prefetch(&self, field: &[u8], pass: usize) {
        if let Form::Table(table) = &self.form {
            table.prefetch_field(field, pass);
        }
    }

    /// Fields, those past their deadline included.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => packed::len(bytes, HEAD),
            Form::Timed(bytes) => packed::len(bytes, HEAD_TIMED),
            Form::Table(table) => table.len(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Packed(bytes) | Form::Timed(bytes) => bytes.is_empty(),
            Form::Table(table) => table.len() == 0,
        }
    }

    /// Fields that have a deadline.
    #[inline]
    pub fn timed_len(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 0,
            Form::Timed(bytes) => packed::timed(bytes),
            Form::Table(table) => table.timed(),
        }
    }

    /// The first deadline, in Unix milliseconds.
    pub fn soonest(&self) -> Option<i64> {
        match &self.form {
            Form::Packed(_) => None,
            Form::Timed(bytes) => packed::iter(bytes, HEAD_TIMED).filter_map(|pair| pair.deadline).min(),
            Form::Table(table) => table.soonest(),
        }
    }

    /// Has every field passed its deadline?
    pub fn is_all_due(&self, now: i64) -> bool {
        match &self.form {
            Form::Packed(_) => false,
            Form::Timed(bytes) => packed::iter(bytes, HEAD_TIMED).all(|pair| pair.is_due(now)),
            Form::Table(table) => table.is_all_due(now),
        }
    }

    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<Pair<'_>> {
        match &self.form {
            Form::Packed(bytes) => packed::get(bytes, HEAD, field),
            Form::Timed(bytes) => packed::get(bytes, HEAD_TIMED, field),
            Form::Table(table) => table.get(field),
        }
    }

    /// Sets a field. True when it is new (one past its deadline is not).
    pub fn set(&mut self, field: &[u8], value: &[u8], life: Life, limits: &Limits) -> bool {
        let deadline = match life {
            Life::Forever => Some(None),
            Life::Keep => None,
            Life::Until(deadline) => Some(Some(deadline)),
        };
        let text_len = field.len().max(value.len());
        if text_len <= limits.text_len.min(packed::TEXT_LEN_MAX) {
            if let Some(Some(_)) = deadline {
                self.make_timed();
            }
            let done = match &mut self.form {
                Form::Packed(bytes) => packed::set(bytes, HEAD, field, value, deadline, limits.fields),
                Form::Timed(bytes) => packed::set(bytes, HEAD_TIMED, field, value, deadline, limits.fields),
                Form::Table(table) => return table.set(field, value, deadline),
            };
            if let Some(new) = done {
                return new;
            }
        }
        self.make_table().set(field, value, deadline)
    }

    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.form {
            Form::Packed(bytes) => packed::remove(bytes, HEAD, field),
            Form::Timed(bytes) => packed::remove(bytes, HEAD_TIMED, field),
            Form::Table(table) => table.remove(field),
        }
    }

    /// Gives a field a deadline, or takes it away. False when there is no such field.
    pub fn set_deadline(&mut self, field: &[u8], deadline: Option<i64>) -> bool {
        if deadline.is_some() {
            self.make_timed();
        }
        match &mut self.form {
            Form::Packed(bytes) => packed::get(bytes, HEAD, field).is_some(),
            Form::Timed(bytes) => packed::set_deadline(bytes, field, deadline),
            Form::Table(table) => table.set_deadline(field, deadline),
        }
    }

    /// Removes up to `budget` fields whose deadline has come, which it counts down, and says their names to `f`.
    /// True when more are due.
    pub fn remove_due(&mut self, now: i64, budget: &mut usize, f: &mut dyn FnMut(&[u8])) -> bool {
        match &mut self.form {
            Form::Packed(_) => false,
            Form::Timed(bytes) => packed::remove_due(bytes, now, budget, f),
            Form::Table(table) => table.remove_due(now, budget, f),
        }
    }

    pub fn iter(&self) -> Iter<'_> {
        match &self.form {
            Form::Packed(bytes) => Iter { pairs: packed::read(bytes), at: HEAD, table: None, bucket: 0 },
            Form::Timed(bytes) => Iter { pairs: packed::read(bytes), at: HEAD_TIMED, table: None, bucket: 0 },
            Form::Table(table) => Iter { pairs: packed::read(&[]), at: 0, table: Some(table), bucket: 0 },
        }
    }

    /// Buckets of the large form; they are numbered from 0. None of a packed one.
    pub fn buckets(&self) -> Option<usize> {
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => None,
            Form::Table(table) => Some(table.buckets()),
        }
    }

    /// The pairs of one bucket, none behind the last; of a packed hash all pairs.
    pub fn bucket(&self, nth: usize) -> impl Iterator<Item = Pair<'_>> {
        let (pairs, at) = match &self.form {
            Form::Packed(bytes) => (Some(packed::read(bytes)), HEAD),
            Form::Timed(bytes) => (Some(packed::read(bytes)), HEAD_TIMED),
            Form::Table(table) => (table.bucket(nth), 0),
        };
        pairs.into_iter().flat_map(move |pairs| pairs.places(at).map(move |place| pairs.pair(place)))
    }

    /// Calls `f` with some of the pairs and gives the next position; None at the end. Who begins at 0 and goes on to
    /// None has seen every field that was here all the time. A packed hash is told whole.
    pub fn scan<'a>(&'a self, position: u32, f: &mut dyn FnMut(Pair<'a>)) -> Option<u32> {
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => {
                self.iter().for_each(f);
                None
            }
            Form::Table(table) => table.scan(position, f),
        }
    }

    /// One of all pairs, all equally likely. None when there are none.
    pub fn random(&self, rng: &mut Rng) -> Option<Pair<'_>> {
        if self.is_empty() {
            return None;
        }
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => self.iter().nth(rng.index(self.len())),
            Form::Table(table) => Some(table.random(rng)),
        }
    }

    /// Is it packed, so that reading all of it is cheap?
    pub fn is_packed(&self) -> bool {
        matches!(self.form, Form::Packed(_) | Form::Timed(_))
    }

    /// Fields of each bucket of its table; None while it is small.
    pub fn bucket_sizes(&self) -> Option<Vec<usize>> {
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => None,
            Form::Table(table) => Some(table.bucket_sizes()),
        }
    }

    /// Bytes of all its allocations, in constant time.
    #[inline]
    pub fn mem_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) | Form::Timed(bytes) => bytes.mem_bytes(),
            Form::Table(table) => table.mem_bytes(),
        }
    }

    /// About how many allocations freeing it takes.
    pub fn effort(&self) -> usize {
        match &self.form {
            Form::Packed(_) | Form::Timed(_) => 1,
            Form::Table(table) => table.effort(),
        }
    }

    pub fn duplicate(&self) -> Hash {
        let form = match &self.form {
            Form::Packed(bytes) => Form::Packed(bytes.clone()),
            Form::Timed(bytes) => Form::Timed(bytes.clone()),
            Form::Table(table) => Form::Table(table.clone()),
        };
        Hash { form }
    }

    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        let (mut field, mut value) = ([0; 20], [0; 20]);
        for pair in self.iter() {
            let deadline = pair.deadline.map(i64::to_le_bytes);
            let parts =
                [pair.field.bytes(&mut field), pair.value.bytes(&mut value), deadline.as_ref().map_or(&[], |it| it)];
            f(if deadline.is_some() { &parts } else { &parts[..2] });
        }
    }

    fn make_timed(&mut self) {
        if let Form::Packed(bytes) = &mut self.form {
            self.form = Form::Timed(packed::make_timed(std::mem::take(bytes)));
        }
    }

    fn make_table(&mut self) -> &mut Table {
        if self.is_packed() {
            let mut table = Table::with_fields(self.len() + 1);
            let (mut field, mut value) = ([0; 20], [0; 20]);
            for pair in self.iter() {
                table.push(pair.field.bytes(&mut field), pair.value.bytes(&mut value), pair.deadline);
            }
            self.form = Form::Table(Heap::new(table));
        }
        match &mut self.form {
            Form::Table(table) => table,
            Form::Packed(_) | Form::Timed(_) => unreachable!("made just now"),
        }
    }
}

/// Buckets lie anywhere: those that a walk comes to next are fetched while it is at this one.
const FETCHED_AHEAD: usize = 6;

/// All pairs of a hash, in its own order.
pub struct Iter<'a> {
    pairs: Pairs<'a>,
    /// The next pair stands here.
    at: usize,
    table: Option<&'a Table>,
    /// The next bucket of the table.
    bucket: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Pair<'a>;

    #[inline]
    fn next(&mut self) -> Option<Pair<'a>> {
        loop {
            if let Some((pair, end)) = self.pairs.pair_at(self.at) {
                self.at = end;
                return Some(pair);
            }
            let table = self.table?;
            self.pairs = table.bucket(self.bucket)?;
            self.bucket += 1;
            self.at = 0;
            table.prefetch(self.bucket + FETCHED_AHEAD);
        }
    }
}
