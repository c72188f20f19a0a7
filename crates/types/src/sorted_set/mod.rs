//! Sorted sets: members, each with a score, in order of score, then member.
//!
//! Small ones are a row of bytes (`packed.rs`), large ones a tree with an index of its members (`tree.rs`). A form
//! outgrown is never gone back to. Whatever range somebody asks for, by score, by member or by rank, is a range of
//! ranks here: `count_below` gives its ends, `range` walks over it, `remove_ranks` removes it.
//! Scores are compared as numbers, so 0 and -0 are the same place; no score is NaN (the callers refuse it).

use crate::object::forms;
use crate::{Heap, Thin};
use std::cmp::Ordering;
use std::ops::Range;

mod index;
mod inner;
mod iter;
mod leaf;
mod load;
mod packed;
mod tree;

pub use iter::Iter;
pub(crate) use load::Loading;
use tree::{Hash, Tree};

/// Order of elements: score, then member.
#[inline]
fn order(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(b.1))
}

/// Up to where a sorted set stays packed (`zset-max-listpack-entries`, `-value`).
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub entries: usize,
    pub value: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { entries: 128, value: 64 }
    }
}

#[derive(Debug)]
pub struct SortedSet {
    form: Form,
}

forms! {
    enum Form of SortedSet {
        Packed(Thin) = SortedSetPacked,
        Tree(Heap<Tree>) = SortedSetTree,
    }
}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet::new()
    }
}

/// Reading.
impl SortedSet {
    pub fn new() -> SortedSet {
        SortedSet { form: Form::Packed(Thin::new()) }
    }

    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => packed::len(bytes),
            Form::Tree(tree) => tree.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Packed(bytes) => bytes.is_empty(),
            Form::Tree(tree) => tree.len() == 0,
        }
    }

    #[inline]
    pub(crate) fn prefetch(&self, member: &[u8], pass: usize) {
        if let Form::Tree(tree) = &self.form {
            tree.prefetch(Hash::of(member), pass);
        }
    }

    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Packed(bytes) => packed::find(bytes, member).map(|at| at.score),
            Form::Tree(tree) => {
                let place = tree.find(member, Hash::of(member))?;
                Some(tree.leaf(place.leaf).score(place.at))
            }
        }
    }

    pub fn contains(&self, member: &[u8]) -> bool {
        self.score(member).is_some()
    }

    /// Members before this one, and its score.
    pub fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.form {
            Form::Packed(bytes) => packed::find(bytes, member).map(|at| (at.rank, at.score)),
            Form::Tree(tree) => {
                let place = tree.find(member, Hash::of(member))?;
                Some((tree.rank_of(place), tree.leaf(place.leaf).score(place.at)))
            }
        }
    }

    /// Members with a lower score than this one; with `equal`, those with this score too.
    pub fn count_below(&self, score: f64, equal: bool) -> usize {
        match &self.form {
            Form::Packed(bytes) => {
                packed::iter(bytes).take_while(|at| at.score < score || (equal && at.score == score)).count()
            }
            Form::Tree(tree) => tree.count_below(score, equal),
        }
    }

    /// The same by members, in a set where all scores are equal. (In another one: some number.)
    pub fn count_below_lex(&self, member: &[u8], equal: bool) -> usize {
        match &self.form {
            Form::Packed(bytes) => {
                packed::iter(bytes).take_while(|at| at.member < member || (equal && at.member == member)).count()
            }
            Form::Tree(tree) => tree.count_below_lex(member, equal),
        }
    }

    /// Member and score of a rank.
    pub fn at_rank(&self, rank: usize) -> Option<(&[u8], f64)> {
        self.range(rank..rank.saturating_add(1), false).next()
    }

    pub fn iter(&self) -> Iter<'_> {
        self.range(0..self.len(), false)
    }

    /// Members and scores of the elements of these ranks, as far as they are there; `backwards` from the last to
    /// the first.
    pub fn range(&self, ranks: Range<usize>, backwards: bool) -> Iter<'_> {
        let end = ranks.end.min(self.len());
        let start = ranks.start.min(end);
        match &self.form {
            Form::Packed(bytes) => Iter::packed(bytes, start..end, backwards),
            Form::Tree(tree) => Iter::tree(tree, start..end, backwards),
        }
    }

    /// One step of a walk that tells every member that is there from its beginning to its end, maybe more than once:
    /// begins with position 0, goes on with what is returned until that is 0 again. Tells `count` members or more
    /// when there are so many; a small set whole.
    pub fn scan(&self, position: u64, count: u64, tell: &mut dyn FnMut(&[u8], f64)) -> u64 {
        match &self.form {
            Form::Packed(bytes) => {
                packed::iter(bytes).for_each(|at| tell(at.member, at.score));
                0
            }
            Form::Tree(tree) => {
                let (mut told, mut steps) = (0, 0);
                let mut next = position as u32;
                loop {
                    next = tree.scan(next, &mut |member, score| {
                        told += 1;
                        tell(member, score);
                    });
                    steps += 1;
                    if next == 0 || told >= count || steps >= count.saturating_mul(10) {
                        return u64::from(next);
                    }
                }
            }
        }
    }

    /// Bytes of all its allocations, in constant time.
    pub fn mem_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => bytes.mem_bytes(),
            Form::Tree(tree) => tree.mem_bytes(),
        }
    }

    /// About how many allocations freeing it takes.
    pub fn effort(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 1,
            Form::Tree(tree) => tree.effort(),
        }
    }

    pub fn duplicate(&self) -> SortedSet {
        let form = match &self.form {
            Form::Packed(bytes) => Form::Packed(bytes.clone()),
            Form::Tree(tree) => Form::Tree(Heap::new(tree.duplicate())),
        };
        SortedSet { form }
    }

    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        self.iter().for_each(|(member, score)| f(&[member, &score.to_bits().to_le_bytes()]));
    }
}

/// Changing.
impl SortedSet {
    /// Gives a member this score; the score it had.
    pub fn insert(&mut self, member: &[u8], score: f64, limits: Limits) -> Option<f64> {
        self.update(member, limits, |_| Some(score))
    }

    /// Looks a member up once, and gives it the score that `decide` says when told its score; nothing happens when it
    /// says none, or the same again. Gives the score it had.
    #[inline]
    pub fn update(
        &mut self,
        member: &[u8],
        limits: Limits,
        decide: impl FnOnce(Option<f64>) -> Option<f64>,
    ) -> Option<f64> {
        match &mut self.form {
            Form::Packed(bytes) => {
                let found = packed::find(bytes, member).map(|at| (at.rank, at.score));
                let old = found.map(|(_, score)| score);
                let Some(score) = decide(old) else { return old };
                debug_assert!(!score.is_nan());
                match found {
                    Some((_, old)) if old == score => {}
                    Some((rank, _)) => {
                        packed::remove(bytes, rank..rank + 1);
                        packed::insert(bytes, member, score);
                    }
                    None if packed::len(bytes) < limits.entries.min(packed::ELEMENTS_MAX)
                        && member.len() <= limits.value
                        && bytes.len() + member.len() < packed::BYTES_MAX =>
                    {
                        packed::insert(bytes, member, score);
                    }
                    None => {
                        self.grow_up();
                        self.insert(member, score, limits);
                    }
                }
                old
            }
            Form::Tree(tree) => {
                let hash = Hash::of(member);
                let found = tree.find(member, hash);
                let old = found.map(|place| tree.leaf(place.leaf).score(place.at));
                let Some(score) = decide(old) else { return old };
                debug_assert!(!score.is_nan());
                match found {
                    Some(_) if old == Some(score) => {}
                    Some(place) => tree.set_score(place, member, hash, score),
                    None => tree.insert(member, hash, score),
                }
                old
            }
        }
    }

    /// Removes a member; its score.
    pub fn remove(&mut self, member: &[u8]) -> Option<f64> {
        match &mut self.form {
            Form::Packed(bytes) => {
                let (rank, score) = packed::find(bytes, member).map(|at| (at.rank, at.score))?;
                packed::remove(bytes, rank..rank + 1);
                Some(score)
            }
            Form::Tree(tree) => {
                let hash = Hash::of(member);
                let place = tree.find(member, hash)?;
                let score = tree.leaf(place.leaf).score(place.at);
                tree.remove(place, hash);
                Some(score)
            }
        }
    }

    /// Removes the elements of these ranks, as far as they are there; how many there were.
    pub fn remove_ranks(&mut self, ranks: Range<usize>) -> usize {
        let end = ranks.end.min(self.len());
        let ranks = ranks.start.min(end)..end;
        let count = ranks.len();
        match &mut self.form {
            Form::Packed(bytes) => packed::remove(bytes, ranks),
            Form::Tree(tree) => tree.remove_ranks(ranks),
        }
        count
    }

    /// The large form, whatever the size: for a set that is known to become large, too.
    pub fn grow_up(&mut self) {
        let Form::Packed(bytes) = &self.form else { return };
        let mut tree = Tree::new();
        for at in packed::iter(bytes) {
            tree.insert(at.member, Hash::of(at.member), at.score);
        }
        self.form = Form::Tree(Heap::new(tree));
    }

    /// For tests that need any element.
    pub fn push(&mut self, member: &[u8]) {
        self.insert(member, 0.0, Limits::default());
    }
}

#[cfg(test)]
mod tests;
