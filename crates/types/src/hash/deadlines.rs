//! Which field of a table dies next.
//!
//! A set of (deadline, hash of the field): the hash leads to the bucket, and the bucket to the field. Two fields
//! with equal hashes that die at one moment share an element; the table looks for the other before it removes one.

use std::collections::BTreeSet;

/// Deadline u48 | hash u32, high bytes first, so that their order is the order of time.
type Element = [u8; 10];
// A node of a BTreeSet has room for 11 and is two thirds full on average, in a tree that grew at random.
const ELEMENT_BYTES: usize = 18;

#[derive(Debug, Clone, Default)]
pub(super) struct Deadlines {
    set: BTreeSet<Element>,
    /// Fields that have a deadline.
    pub(super) fields: usize,
}

impl Deadlines {
    pub(super) fn mem_bytes(&self) -> usize {
        size_of::<Deadlines>() + self.set.len() * ELEMENT_BYTES
    }

    pub(super) fn add(&mut self, deadline: i64, hash: u32) {
        self.set.insert(element(deadline, hash));
        self.fields += 1;
    }

    /// A field with this deadline is gone; `shared`: another one with the same hash has it too.
    pub(super) fn remove(&mut self, deadline: i64, hash: u32, shared: bool) {
        if !shared {
            self.set.remove(&element(deadline, hash));
        }
        self.fields -= 1;
    }

    /// The soonest deadline, and the hash of who has it.
    pub(super) fn first(&self) -> Option<(i64, u32)> {
        self.set.first().map(read)
    }

    /// The last deadline.
    pub(super) fn last(&self) -> Option<i64> {
        self.set.last().map(|element| read(element).0)
    }
}

fn read(element: &Element) -> (i64, u32) {
    let [d0, d1, d2, d3, d4, d5, hash @ ..] = *element;
    (i64::from_be_bytes([0, 0, d0, d1, d2, d3, d4, d5]), u32::from_be_bytes(hash))
}

fn element(deadline: i64, hash: u32) -> Element {
    let [_, _, d0, d1, d2, d3, d4, d5] = deadline.clamp(0, super::pairs::DEADLINE_MAX).to_be_bytes();
    let [h0, h1, h2, h3] = hash.to_be_bytes();
    [d0, d1, d2, d3, d4, d5, h0, h1, h2, h3]
}
