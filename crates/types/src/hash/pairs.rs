//! Field-value pairs one behind the other, as they stand in a packed hash and in a bucket of a table.
//!
//! ```text
//! pair := field | [deadline u48] | value        field and value as in `text.rs`
//! ```
//! The mark of a field's head says that a deadline follows, in Unix milliseconds: pairs without one do not pay.

use super::far::Far;
use super::text::{Coded, MARK, Text, far_at, len_at, text_at};
use crate::Thin;

/// The last moment that fits.
pub(super) const DEADLINE_MAX: i64 = (1 << 48) - 1;
const DEADLINE_LEN: usize = 6;

/// A field, its value, and the moment it dies at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair<'a> {
    pub field: Text<'a>,
    pub value: Text<'a>,
    /// Unix milliseconds.
    pub deadline: Option<i64>,
}

impl Pair<'_> {
    /// Is its time over?
    #[inline]
    pub fn is_due(&self, now: i64) -> bool {
        self.deadline.is_some_and(|deadline| deadline <= now)
    }
}

/// Where a pair stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: usize,
    value: usize,
    pub(super) end: usize,
    timed: bool,
}

/// Pairs to be read.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a> {
    bytes: &'a [u8],
    far: &'a Far,
}

impl<'a> Pairs<'a> {
    pub(super) fn new(bytes: &'a [u8], far: &'a Far) -> Pairs<'a> {
        Pairs { bytes, far }
    }

    #[inline]
    pub(super) fn place(self, start: usize) -> Place {
        let timed = self.bytes[start] & MARK != 0;
        let value = start + len_at(self.bytes, start) + if timed { DEADLINE_LEN } else { 0 };
        Place { start, value, end: value + len_at(self.bytes, value), timed }
    }

    /// Looks for a field from `start` on. Not there: the number of pairs that were looked at.
    #[inline]
    pub(super) fn find(self, mut start: usize, field: &Coded) -> Result<Place, usize> {
        let mut count = 0;
        while start < self.bytes.len() {
            let place = self.place(start);
            if field.stands_at(self.bytes, start) {
                return Ok(place);
            }
            count += 1;
            start = place.end;
        }
        Err(count)
    }

    /// The same for a field that is kept elsewhere.
    pub(super) fn find_far(self, start: usize, field: &[u8]) -> Result<Place, usize> {
        let mut count = 0;
        for place in self.places(start) {
            if far_at(self.bytes, place.start).is_some_and(|at| self.far.get(at) == field) {
                return Ok(place);
            }
            count += 1;
        }
        Err(count)
    }

    pub(super) fn places(self, mut start: usize) -> impl Iterator<Item = Place> + use<'a> {
        std::iter::from_fn(move || {
            (start < self.bytes.len()).then(|| {
                let place = self.place(start);
                start = place.end;
                place
            })
        })
    }

    /// The pair that begins at `start`, and where it ends; None at the end.
    #[inline]
    pub(super) fn pair_at(self, start: usize) -> Option<(Pair<'a>, usize)> {
        if start >= self.bytes.len() {
            return None;
        }
        let place = self.place(start);
        Some((self.pair(place), place.end))
    }

    pub(super) fn count(self, start: usize) -> usize {
        self.places(start).count()
    }

    #[inline]
    pub(super) fn pair(self, place: Place) -> Pair<'a> {
        Pair {
            field: self.field(place),
            value: text_at(self.bytes, place.value, self.far),
            deadline: self.deadline(place),
        }
    }

    #[inline]
    pub(super) fn field(self, place: Place) -> Text<'a> {
        text_at(self.bytes, place.start, self.far)
    }

    #[inline]
    pub(super) fn deadline(self, place: Place) -> Option<i64> {
        place.timed.then(|| {
            let mut bytes = [0; 8];
            bytes[..DEADLINE_LEN].copy_from_slice(&self.bytes[place.value - DEADLINE_LEN..place.value]);
            i64::from_le_bytes(bytes)
        })
    }

    /// Places in `Far` that the pair uses.
    pub(super) fn far_places(self, place: Place) -> [Option<u32>; 2] {
        [far_at(self.bytes, place.start), far_at(self.bytes, place.value)]
    }

    pub(super) fn far_value(self, place: Place) -> Option<u32> {
        far_at(self.bytes, place.value)
    }

    /// The pair's own bytes.
    pub(super) fn raw(self, place: Place) -> &'a [u8] {
        &self.bytes[place.start..place.end]
    }
}

pub(super) fn len_of(field: &Coded, deadline: Option<i64>, value: &Coded) -> usize {
    field.len() + value.len() + if deadline.is_some() { DEADLINE_LEN } else { 0 }
}

/// Adds a pair at the end.
pub(super) fn push(to: &mut Thin, field: &Coded, deadline: Option<i64>, value: &Coded) {
    let start = to.len();
    to.reserve(len_of(field, deadline, value));
    to.extend(field.head());
    to.extend(field.body());
    if let Some(deadline) = deadline {
        to[start] |= MARK;
        to.extend(&coded_deadline(deadline));
    }
    to.extend(value.head());
    to.extend(value.body());
}

/// The same at the end of a pack that is not in its place yet.
#[inline]
pub(super) fn append(to: &mut Vec<u8>, field: &Coded, deadline: Option<i64>, value: &Coded) {
    let start = to.len();
    to.extend_from_slice(field.head());
    to.extend_from_slice(field.body());
    if let Some(deadline) = deadline {
        to[start] |= MARK;
        to.extend_from_slice(&coded_deadline(deadline));
    }
    to.extend_from_slice(value.head());
    to.extend_from_slice(value.body());
}

/// Puts another value in the place of a pair's.
pub(super) fn set_value(to: &mut Thin, place: Place, value: &Coded) {
    let Place { value: start, end, .. } = place;
    let (head, body) = (value.head(), value.body());
    if value.len() == end - start {
        to[start..start + head.len()].copy_from_slice(head);
        to[start + head.len()..end].copy_from_slice(body);
    } else if body.is_empty() {
        to.splice(start..end, head);
    } else {
        // The head takes the place of the first byte, which every value has.
        to.splice(start + 1..end, body);
        to.splice(start..start + 1, head);
    }
}

/// Gives a pair a deadline, another one, or none.
pub(super) fn set_deadline(to: &mut Thin, place: Place, deadline: Option<i64>) {
    let Place { start, value, timed, .. } = place;
    match (timed, deadline) {
        (true, Some(deadline)) => to[value - DEADLINE_LEN..value].copy_from_slice(&coded_deadline(deadline)),
        (true, None) => {
            to[start] &= !MARK;
            to.remove(value - DEADLINE_LEN..value);
        }
        (false, Some(deadline)) => {
            to[start] |= MARK;
            to.insert(value, &coded_deadline(deadline));
        }
        (false, None) => {}
    }
}

fn coded_deadline(deadline: i64) -> [u8; DEADLINE_LEN] {
    let bytes = deadline.clamp(0, DEADLINE_MAX).to_le_bytes();
    bytes[..DEADLINE_LEN].try_into().expect("six of eight bytes")
}
