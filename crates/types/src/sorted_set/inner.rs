//! An inner node of the tree: its children, how many elements are below each, and where each begins.
//!
//! Always true: `scores[i]` is at most the lowest score below child `i` and at least the highest below child `i - 1`.
//! (`scores[0]` is not looked at.) Which of several members of that very score is the first one is asked of the leaf.

use super::leaf::NONE;

pub(super) const CHILDREN_MAX: usize = 64;

#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) parent: u32,
    len: u8,
    /// 1: the children are leaves.
    pub(super) height: u8,
    scores: [f64; CHILDREN_MAX],
    children: [u32; CHILDREN_MAX],
    counts: [u32; CHILDREN_MAX],
}

/// A child, as its parent knows it.
#[derive(Clone, Copy)]
pub(super) struct Child {
    pub(super) id: u32,
    pub(super) score: f64,
    pub(super) count: usize,
}

impl Inner {
    pub(super) fn new(height: u8) -> Inner {
        let (scores, zeros) = ([0.0; CHILDREN_MAX], [0; CHILDREN_MAX]);
        Inner { parent: NONE, len: 0, height, scores, children: zeros, counts: zeros }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() == CHILDREN_MAX
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.len() < CHILDREN_MAX / 4
    }

    #[inline]
    pub(super) fn children(&self) -> &[u32] {
        &self.children[..self.len()]
    }

    #[inline]
    pub(super) fn scores(&self) -> &[f64] {
        &self.scores[..self.len()]
    }

    #[inline]
    pub(super) fn counts(&self) -> &[u32] {
        &self.counts[..self.len()]
    }

    /// Elements below the first `n` children.
    #[inline]
    pub(super) fn count_before(&self, n: usize) -> usize {
        self.counts[..n].iter().map(|&count| count as usize).sum()
    }

    #[inline]
    pub(super) fn place_of(&self, child: u32) -> usize {
        self.children().iter().position(|&id| id == child).expect("a child is known to its parent")
    }

    pub(super) fn child(&self, i: usize) -> Child {
        Child { id: self.children[i], score: self.scores[i], count: self.counts[i] as usize }
    }

    pub(super) fn set(&mut self, i: usize, child: Child) {
        (self.children[i], self.scores[i], self.counts[i]) = (child.id, child.score, child.count as u32);
    }

    pub(super) fn set_score(&mut self, i: usize, score: f64) {
        self.scores[i] = score;
    }

    #[inline]
    pub(super) fn add(&mut self, i: usize, change: isize) {
        self.counts[i] = self.counts[i].wrapping_add_signed(change as i32);
    }

    pub(super) fn insert(&mut self, i: usize, child: Child) {
        let n = self.len();
        self.scores.copy_within(i..n, i + 1);
        self.children.copy_within(i..n, i + 1);
        self.counts.copy_within(i..n, i + 1);
        self.len += 1;
        self.set(i, child);
    }

    pub(super) fn remove(&mut self, i: usize) {
        let n = self.len();
        self.scores.copy_within(i + 1..n, i);
        self.children.copy_within(i + 1..n, i);
        self.counts.copy_within(i + 1..n, i);
        self.len -= 1;
    }

    /// Moves the children from `at` on into a node of their own.
    pub(super) fn split_off(&mut self, at: usize) -> Inner {
        let mut right = Inner { parent: self.parent, ..Inner::new(self.height) };
        for i in at..self.len() {
            right.insert(i - at, self.child(i));
        }
        self.len = at as u8;
        right
    }
}
