//! Walks over elements in order, either way.

use super::leaf::Leaf;
use super::packed::{self, Walk};
use super::tree::{Place, Tree};
use std::ops::Range;

/// Members and scores.
pub struct Iter<'a> {
    at: At<'a>,
    left: usize,
}

enum At<'a> {
    Packed(Walk<'a>),
    /// There is no way backwards: the elements, to be taken from the end.
    PackedBack(Vec<(&'a [u8], f64)>),
    Tree {
        tree: &'a Tree,
        leaf: &'a Leaf,
        at: usize,
        backwards: bool,
    },
}

impl<'a> Iter<'a> {
    pub(super) fn packed(bytes: &'a [u8], ranks: Range<usize>, backwards: bool) -> Iter<'a> {
        let left = ranks.len();
        let mut walk = packed::iter(bytes);
        if ranks.start > 0 {
            walk.nth(ranks.start - 1);
        }
        let at = match backwards {
            false => At::Packed(walk),
            true => At::PackedBack(walk.take(left).map(|at| (at.member, at.score)).collect()),
        };
        Iter { at, left }
    }

    pub(super) fn tree(tree: &'a Tree, ranks: Range<usize>, backwards: bool) -> Iter<'a> {
        let left = ranks.len();
        if left == 0 {
            return Iter { at: At::PackedBack(Vec::new()), left };
        }
        let Place { leaf, at } = tree.at_rank(if backwards { ranks.end - 1 } else { ranks.start });
        Iter { at: At::Tree { tree, leaf: tree.leaf(leaf), at, backwards }, left }
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<(&'a [u8], f64)> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.at {
            At::Packed(walk) => walk.next().map(|at| (at.member, at.score)),
            At::PackedBack(elements) => elements.pop(),
            At::Tree { tree, leaf, at, backwards } => {
                let here: &'a Leaf = leaf;
                let element = (here.member(*at), here.score(*at));
                if self.left > 0 {
                    match backwards {
                        false if *at + 1 < here.len() => *at += 1,
                        false => (*leaf, *at) = (tree.leaf(here.next), 0),
                        true if *at > 0 => *at -= 1,
                        true => {
                            *leaf = tree.leaf(here.prev);
                            *at = leaf.len() - 1;
                        }
                    }
                }
                Some(element)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
