//! The large form: a B+tree whose leaves hold the elements, and an index of the members.
//!
//! Inner nodes count what is below them, so a rank is found on the way down (by rank, score or member) or on the way up
//! (from a member that the index found). Every range is a range of ranks.
//! The index tells the leaf of a member, the leaf knows the rest: nothing is allocated per element, no pointer leads
//! to one. Splitting a leaf moves half of its members, which costs about one step in the index per insertion.
//! Nodes are numbered; a node that is not used is kept for the next one.
//! Always true: each member is in exactly one leaf and once in the index; no leaf of several is empty.

use super::index::Index;
use super::inner::{Child, Inner};
use super::leaf::{Leaf, NONE};
use super::order;
use kit::size::size_class;
use std::cmp::Ordering;
use std::ops::Range;

#[derive(Clone, Debug)]
pub(super) struct Tree {
    leaves: Vec<Leaf>,
    inners: Vec<Inner>,
    leaf_free: u32,
    inners_free: Vec<u32>,
    root: u32,
    /// 0: the root is a leaf.
    height: u8,
    len: usize,
    /// Allocated by all leaves.
    bytes: usize,
    index: Index,
}

/// Where an element stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) leaf: u32,
    pub(super) at: usize,
}

/// Bits of a member's hash: those for the index, and the tag in the leaf.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    #[inline]
    pub(super) fn of(member: &[u8]) -> Hash {
        Hash(crate::hashing::hash(member))
    }

    #[inline]
    fn index(self) -> u32 {
        self.0 as u32
    }

    #[inline]
    fn tag(self) -> u8 {
        (self.0 >> 24) as u8
    }
}

/// Reading.
impl Tree {
    pub(super) fn new() -> Tree {
        Tree {
            leaves: vec![Leaf::new()],
            inners: Vec::new(),
            leaf_free: NONE,
            inners_free: Vec::new(),
            root: 0,
            height: 0,
            len: 0,
            bytes: 0,
            index: Index::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn mem_bytes(&self) -> usize {
        size_class(size_of::<Tree>())
            + size_class(self.leaves.capacity() * size_of::<Leaf>())
            + size_class(self.inners.capacity() * size_of::<Inner>())
            + size_class(self.inners_free.capacity() * size_of::<u32>())
            + self.bytes
            + self.index.mem_bytes()
    }

    pub(super) fn effort(&self) -> usize {
        self.leaves.len() + self.index.bucket_count()
    }

    #[inline]
    pub(super) fn leaf(&self, id: u32) -> &Leaf {
        &self.leaves[id as usize]
    }

    #[inline]
    fn inner(&self, id: u32) -> &Inner {
        &self.inners[id as usize]
    }

    #[inline]
    pub(super) fn element(&self, place: Place) -> (f64, &[u8]) {
        self.leaf(place.leaf).element(place.at)
    }

    #[inline]
    pub(super) fn find(&self, member: &[u8], hash: Hash) -> Option<Place> {
        let tag = hash.tag();
        self.index.leaves(hash.index()).find_map(|leaf| {
            let at = self.leaf(leaf).find(tag, member)?;
            Some(Place { leaf, at })
        })
    }

    pub(super) fn rank_of(&self, place: Place) -> usize {
        let (mut rank, mut id, mut parent) = (place.at, place.leaf, self.leaf(place.leaf).parent);
        while parent != NONE {
            let inner = self.inner(parent);
            rank += inner.count_before(inner.place_of(id));
            (id, parent) = (parent, inner.parent);
        }
        rank
    }

    /// The element of a rank, which must be there.
    pub(super) fn at_rank(&self, rank: usize) -> Place {
        debug_assert!(rank < self.len);
        let (mut rest, mut id) = (rank, self.root);
        for _ in 0..self.height {
            let inner = self.inner(id);
            let mut i = 0;
            while i + 1 < inner.len() && rest >= inner.counts()[i] as usize {
                rest -= inner.counts()[i] as usize;
                i += 1;
            }
            id = inner.children()[i];
        }
        Place { leaf: id, at: rest }
    }

    /// Elements with a lower score than this one; with `equal`, those with this score too.
    pub(super) fn count_below(&self, score: f64, equal: bool) -> usize {
        let before = |other: f64| if equal { other <= score } else { other < score };
        let (leaf, rank) = self.descend(|_, inner, i| before(inner.scores()[i]));
        rank + self.leaf(leaf).count_while(|leaf, i| before(leaf.score(i)))
    }

    /// The same by members: their order is that of the set where all scores are equal.
    pub(super) fn count_below_lex(&self, member: &[u8], equal: bool) -> usize {
        let before = |other: &[u8]| if equal { other <= member } else { other < member };
        let (leaf, rank) = self.descend(|tree, inner, i| before(tree.first_below(inner, i).1));
        rank + self.leaf(leaf).count_while(|leaf, i| before(leaf.member(i)))
    }

    /// The leaf in which an element would stand.
    fn leaf_for(&self, score: f64, member: &[u8]) -> u32 {
        let begins_before = |tree: &Tree, inner: &Inner, i: usize| match inner.scores()[i].partial_cmp(&score) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => order(tree.first_below(inner, i), (score, member)) != Ordering::Greater,
            _ => false,
        };
        self.descend(begins_before).0
    }

    /// Goes down into the last child that begins before what is looked for. Also gives the elements passed by.
    #[inline]
    fn descend(&self, begins_before: impl Fn(&Tree, &Inner, usize) -> bool) -> (u32, usize) {
        let (mut id, mut rank) = (self.root, 0);
        for _ in 0..self.height {
            let inner = self.inner(id);
            let (mut low, mut high) = (1, inner.len());
            while low < high {
                let middle = (low + high) / 2;
                if begins_before(self, inner, middle) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            rank += inner.count_before(low - 1);
            id = inner.children()[low - 1];
        }
        (id, rank)
    }

    /// The first element below a child.
    fn first_below(&self, inner: &Inner, i: usize) -> (f64, &[u8]) {
        let (mut id, mut height) = (inner.children()[i], inner.height - 1);
        while height > 0 {
            (id, height) = (self.inner(id).children()[0], height - 1);
        }
        self.leaf(id).element(0)
    }

    /// Tells the elements at a position of the scan; the next position, 0 at the end.
    pub(super) fn scan(&self, position: u32, tell: &mut dyn FnMut(&[u8], f64)) -> u32 {
        let (words, next) = self.index.scan(position);
        let mut words: Vec<(u32, u32)> = words.collect();
        words.sort_unstable();
        // The same word twice: two members of one hash in one leaf. Both are told for the first of them.
        words.dedup();
        for (hash, leaf) in words {
            let leaf = self.leaf(leaf);
            let tag = Hash(u64::from(hash)).tag();
            for i in (0..leaf.len()).filter(|&i| leaf.tag(i) == tag) {
                if Hash::of(leaf.member(i)).index() == hash {
                    tell(leaf.member(i), leaf.score(i));
                }
            }
        }
        next
    }
}

/// Changing.
impl Tree {
    /// Puts in a member that is not there.
    pub(super) fn insert(&mut self, member: &[u8], hash: Hash, score: f64) {
        let mut leaf = self.leaf_for(score, member);
        let mut at = self.leaf(leaf).place(score, member);
        while !self.leaf(leaf).has_room(member.len()) {
            (leaf, at) = self.make_room(leaf, at);
        }
        self.change_leaf(leaf, |leaf| leaf.insert(at, hash.tag(), score, member));
        self.index.insert(hash.index(), leaf);
        self.count(leaf, 1);
        self.len += 1;
    }

    /// Another score for an element.
    pub(super) fn set_score(&mut self, place: Place, member: &[u8], hash: Hash, score: f64) {
        if self.leaf(place.leaf).stays(place.at, score) {
            return self.leaves[place.leaf as usize].set_score(place.at, score);
        }
        self.remove(place, hash);
        self.insert(member, hash, score);
    }

    pub(super) fn remove(&mut self, place: Place, hash: Hash) {
        self.index.remove(hash.index(), place.leaf);
        self.remove_in_leaf(place.leaf, place.at..place.at + 1);
    }

    /// Removes the elements of these ranks, which must be there.
    pub(super) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let mut left = ranks.len();
        while left > 0 {
            let place = self.at_rank(ranks.start);
            let leaf = self.leaf(place.leaf);
            let end = leaf.len().min(place.at + left);
            for i in place.at..end {
                self.index.remove(Hash::of(leaf.member(i)).index(), place.leaf);
            }
            self.remove_in_leaf(place.leaf, place.at..end);
            left -= end - place.at;
        }
    }

    /// The index knows already.
    fn remove_in_leaf(&mut self, id: u32, range: Range<usize>) {
        let count = range.len();
        self.change_leaf(id, |leaf| leaf.remove(range));
        self.count(id, -(count as isize));
        self.len -= count;
        if self.height == 0 {
            return;
        }
        let leaf = self.leaf(id);
        if leaf.len() == 0 {
            self.drop_leaf(id);
        } else if leaf.is_sparse() {
            self.join_with_neighbour(id);
        }
    }

    #[inline]
    fn change_leaf(&mut self, id: u32, change: impl FnOnce(&mut Leaf)) {
        let leaf = &mut self.leaves[id as usize];
        let before = leaf.mem_bytes();
        change(leaf);
        self.bytes = self.bytes + leaf.mem_bytes() - before;
    }

    /// So many elements more or less in a leaf: its ancestors count them.
    #[inline]
    fn count(&mut self, leaf: u32, change: isize) {
        let (mut id, mut parent) = (leaf, self.leaf(leaf).parent);
        while parent != NONE {
            let inner = &mut self.inners[parent as usize];
            inner.add(inner.place_of(id), change);
            (id, parent) = (parent, inner.parent);
        }
    }

    /// Makes two leaves of one that is full; gives leaf and place for the element that belongs at `at`.
    fn make_room(&mut self, id: u32, at: usize) -> (u32, usize) {
        let leaf = self.leaf(id);
        let len = leaf.len();
        // At either end of the set, and beside a single long member, the new element goes into a leaf of its own:
        // elements that come in order leave full leaves behind.
        if at == len && (leaf.next == NONE || len == 1) {
            return (self.add_leaf_after(id, Leaf::new()), 0);
        }
        if at == 0 && (leaf.prev == NONE || len == 1) {
            // What is here moves on, and this leaf takes the new one.
            let all = self.leaves[id as usize].split_off(0);
            self.add_leaf_after(id, all);
            return (id, 0);
        }
        let middle = self.leaf(id).middle();
        let mut right = Leaf::new();
        self.change_leaf(id, |leaf| right = leaf.split_off(middle));
        let new = self.add_leaf_after(id, right);
        if at <= middle { (id, at) } else { (new, at - middle) }
    }

    /// Takes in a leaf with elements that were in `left` before, or with none.
    fn add_leaf_after(&mut self, left: u32, mut leaf: Leaf) -> u32 {
        let (parent, next) = (self.leaf(left).parent, self.leaf(left).next);
        let new = match self.leaf_free {
            NONE => self.leaves.len() as u32,
            free => free,
        };
        (leaf.parent, leaf.prev, leaf.next) = (parent, left, next);
        for i in 0..leaf.len() {
            self.index.moved(Hash::of(leaf.member(i)).index(), left, new);
        }
        // An empty one gets a score of which nothing is known but that it is the highest: it stands at the very end,
        // or beside a single member, whose score is the bound for both.
        let score = if leaf.len() > 0 { leaf.score(0) } else { self.last_score(left) };
        let count = leaf.len();
        let _ = count;
        new_leaf(self, leaf, new);
        if next != NONE {
            self.leaves[next as usize].prev = new;
        }
        self.leaves[left as usize].next = new;
        self.add_child_after(left, parent, 0, Child { id: new, score, count });
        new
    }

    fn last_score(&self, leaf: u32) -> f64 {
        let leaf = self.leaf(leaf);
        leaf.score(leaf.len() - 1)
    }
}

fn new_leaf(tree: &mut Tree, leaf: Leaf, id: u32) {
    tree.bytes += leaf.mem_bytes();
    if id == tree.leaf_free {
        tree.leaf_free = tree.leaves[id as usize].next;
        tree.leaves[id as usize] = leaf;
    } else {
        tree.leaves.push(leaf);
    }
}
