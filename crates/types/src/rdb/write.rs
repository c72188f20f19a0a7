//! Writing a value, a part at a time.

use super::{CannotHold, Form, hash, list, set, sorted_set, stream, type_byte};
use crate::Object;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Progress {
    More,
    Done,
}

/// A value on its way out. It must not change between the steps; which bytes a step writes may depend on the
/// budgets, the bytes of all steps together do not.
#[derive(Debug)]
pub struct Writing {
    form: Form,
    type_byte: u8,
    place: Place,
}

/// Where the next step begins. None: nothing was written.
#[derive(Debug)]
enum Place {
    Part(Option<usize>),
    Stream(stream::Place),
}

impl Writing {
    pub fn new(object: &Object, form: &Form) -> Result<Writing, CannotHold> {
        let type_byte = type_byte(object, form)?;
        let place = match object {
            Object::Stream(_) => Place::Stream(stream::Place::START),
            Object::List(_) | Object::Hash(_) | Object::Set(_) | Object::SortedSet(_) => Place::Part(None),
        };
        Ok(Writing { form: *form, type_byte, place })
    }

    pub fn type_byte(&self) -> u8 {
        self.type_byte
    }

    /// Writes on until about `budget` bytes were written, by an element or packed blob more than that. The object is
    /// the one it began with.
    pub fn step(&mut self, object: &Object, budget: usize, out: &mut Vec<u8>) -> Progress {
        let end = out.len().saturating_add(budget.max(1));
        let mut to = To { kind: self.type_byte, compress: self.form.compress, end, out };
        match (object, &mut self.place) {
            (Object::Hash(it), Place::Part(place)) => hash::step(it, place, &mut to),
            (Object::List(it), Place::Part(place)) => list::step(it, place, &mut to),
            (Object::Set(it), Place::Part(place)) => set::step(it, place, &mut to),
            (Object::SortedSet(it), Place::Part(place)) => sorted_set::step(it, place, &mut to),
            (Object::Stream(it), Place::Stream(place)) => stream::step(it, place, &mut to),
            (other, place) => unreachable!("a {:?} at {place:?}", other.type_of()),
        }
    }
}

/// Where a step writes to.
pub(super) struct To<'a> {
    pub(super) kind: u8,
    pub(super) compress: bool,
    end: usize,
    pub(super) out: &'a mut Vec<u8>,
}

impl To<'_> {
    /// Is the budget used up?
    pub(super) fn is_full(&self) -> bool {
        self.out.len() >= self.end
    }

    pub(super) fn len(&mut self, len: usize) {
        super::write_len(len as u64, self.out);
    }

    #[inline]
    pub(super) fn string(&mut self, text: &[u8]) {
        super::write_string(text, self.compress, self.out);
    }

    #[inline]
    pub(super) fn int(&mut self, int: i64) {
        super::write_int(int, self.out);
    }

    /// What `fill` appends, as one string.
    pub(super) fn blob(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.out.len();
        fill(self.out);
        super::text::seal(start, self.compress, self.out);
    }
}

/// Writes a value whole; the caller has written its `type_byte`.
pub fn write(object: &Object, form: &Form, out: &mut Vec<u8>) -> Result<(), CannotHold> {
    let mut writing = Writing::new(object, form)?;
    while writing.step(object, usize::MAX, out) == Progress::More {}
    Ok(())
}
