//! A sorted set made of elements that come one after the other, as from a file.
//!
//! Most come in the order of the set, or in the opposite one; any order is taken.

use super::tree::{Hash, Tree};
use super::{Form, Limits, SortedSet, order, packed};
use crate::rdb::{Bench, Seen};
use crate::{Heap, Thin, hashing};
use std::cmp::Ordering;

/// So many members are looked through one by one for a double.
const FEW: usize = 8;

/// A sorted set that fills. While it is small it stands on the bench.
pub(crate) struct Loading<'a> {
    tree: Option<Tree>,
    bench: &'a mut Bench,
    limits: Limits,
    /// Of the small form.
    count: usize,
}

impl<'a> Loading<'a> {
    /// For so many elements.
    pub(crate) fn new(count: usize, limits: Limits, bench: &'a mut Bench) -> Loading<'a> {
        let limits = Limits { entries: limits.entries.min(packed::ELEMENTS_MAX), ..limits };
        let tree = (count > limits.entries).then(Tree::new);
        bench.bytes.clear();
        bench.bytes.resize(packed::COUNT_LEN, 0);
        Loading { tree, bench, limits, count: 0 }
    }

    /// False, and it is not added, when the member is there already. The score is a number.
    #[inline]
    pub(crate) fn add(&mut self, member: &[u8], score: f64) -> bool {
        let fits = self.tree.is_none()
            && self.count < self.limits.entries
            && member.len() <= self.limits.value
            && self.bench.bytes.len() + member.len() < packed::BYTES_MAX;
        if !fits {
            let tree = self.grow_up();
            let hash = Hash::of(member);
            let new = tree.find(member, hash).is_none();
            if new {
                tree.insert(member, hash, score);
            }
            return new;
        }
        let Bench { seen, bytes, .. } = &mut *self.bench;
        if seen.looks() && is_there(bytes, self.count, member, seen) {
            return false;
        }
        packed::append(bytes, member, score);
        self.count += 1;
        true
    }

    /// The tree; it gets what is on the bench when it is made.
    fn grow_up(&mut self) -> &mut Tree {
        let bytes = &self.bench.bytes;
        self.tree.get_or_insert_with(|| {
            let mut tree = Tree::new();
            packed::iter(bytes).for_each(|at| tree.insert(at.member, Hash::of(at.member), at.score));
            tree
        })
    }

    pub(crate) fn done(self) -> SortedSet {
        if let Some(tree) = self.tree {
            return SortedSet { form: Form::Tree(Heap::new(tree)) };
        }
        let bytes = &mut self.bench.bytes;
        let count = (self.count as u16).to_le_bytes();
        bytes[..packed::COUNT_LEN].copy_from_slice(&count);
        let elements = || packed::iter(bytes).map(|at| (at.score, at.member));
        let packed = if self.count == 0 {
            Thin::new()
        } else if elements().is_sorted_by(|a, b| order(*a, *b) != Ordering::Greater) {
            Thin::from(&bytes[..])
        } else {
            let mut elements: Vec<_> = elements().collect();
            elements.sort_by(|a, b| order(*a, *b));
            let mut sorted = count.to_vec();
            elements.into_iter().for_each(|(score, member)| packed::append(&mut sorted, member, score));
            Thin::from(&sorted[..])
        };
        SortedSet { form: Form::Packed(packed) }
    }
}

fn is_there(bytes: &[u8], count: usize, member: &[u8], seen: &mut Seen) -> bool {
    if count >= FEW {
        if count == FEW {
            seen.reset();
            packed::iter(bytes).for_each(|at| {
                seen.insert(hashing::hash(at.member));
            });
        }
        if seen.insert(hashing::hash(member)) {
            return false;
        }
    }
    packed::iter(bytes).any(|at| at.member == member)
}
