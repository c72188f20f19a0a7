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

#[derive(Debug)]
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

    /// A copy, with no more room than it needs.
    pub(super) fn duplicate(&self) -> Tree {
        let leaves = self.leaves.clone();
        Tree {
            bytes: leaves.iter().map(Leaf::mem_bytes).sum(),
            leaves,
            inners: self.inners.clone(),
            inners_free: self.inners_free.clone(),
            index: self.index.duplicate(),
            ..*self
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

    /// A member of this hash will be looked for soon: its words in the index, then the leaf, then its bytes there.
    #[inline]
    pub(super) fn prefetch(&self, hash: Hash, pass: usize) {
        match pass {
            0 => self.index.prefetch(hash.index()),
            1 => self.index.leaves(hash.index()).for_each(|leaf| self.leaf(leaf).prefetch()),
            _ => self.index.leaves(hash.index()).for_each(|leaf| self.leaf(leaf).prefetch_element(hash.tag())),
        }
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
            (leaf, at) = self.make_room(leaf, at, score);
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
            let leaf = &self.leaves[place.leaf as usize];
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
    fn make_room(&mut self, id: u32, at: usize, score: f64) -> (u32, usize) {
        let leaf = self.leaf(id);
        let len = leaf.len();
        // At either end of the set, and beside a single long member, the new element goes into a leaf of its own:
        // elements that come in order leave full leaves behind.
        if at == len && (leaf.next == NONE || len == 1) {
            return (self.add_leaf(id, true, Leaf::new(), score), 0);
        }
        if at == 0 && (leaf.prev == NONE || len == 1) {
            return (self.add_leaf(id, false, Leaf::new(), score), 0);
        }
        let middle = self.leaf(id).middle();
        let mut right = Leaf::new();
        self.change_leaf(id, |leaf| right = leaf.split_off(middle));
        let begin = right.score(0);
        let new = self.add_leaf(id, true, right, begin);
        if at <= middle { (id, at) } else { (new, at - middle) }
    }

    /// Takes in a leaf at either side of another: with elements that were there before, or with none yet.
    fn add_leaf(&mut self, beside: u32, after: bool, mut leaf: Leaf, begin: f64) -> u32 {
        let new = if self.leaf_free == NONE { self.leaves.len() as u32 } else { self.leaf_free };
        assert!(new != NONE, "a sorted set of 2^32 leaves");
        for i in 0..leaf.len() {
            self.index.moved(Hash::of(leaf.member(i)).index(), beside, new);
        }
        let neighbour = self.leaf(beside);
        (leaf.prev, leaf.next) = if after { (beside, neighbour.next) } else { (neighbour.prev, beside) };
        let (prev, next, count) = (leaf.prev, leaf.next, leaf.len());
        self.bytes += leaf.mem_bytes();
        if new == self.leaf_free {
            self.leaf_free = std::mem::replace(&mut self.leaves[new as usize], leaf).next;
        } else {
            self.leaves.push(leaf);
        }
        if prev != NONE {
            self.leaves[prev as usize].next = new;
        }
        if next != NONE {
            self.leaves[next as usize].prev = new;
        }
        self.add_child(beside, 0, after, Child { id: new, score: begin, count });
        new
    }

    /// A leaf is empty, or its elements have moved: it goes.
    fn drop_leaf(&mut self, id: u32) {
        let mut free = Leaf::new();
        free.next = self.leaf_free;
        let leaf = std::mem::replace(&mut self.leaves[id as usize], free);
        self.leaf_free = id;
        self.bytes -= leaf.mem_bytes();
        if leaf.prev != NONE {
            self.leaves[leaf.prev as usize].next = leaf.next;
        }
        if leaf.next != NONE {
            self.leaves[leaf.next as usize].prev = leaf.prev;
        }
        self.remove_child(leaf.parent, id);
    }

    /// Makes one leaf of two when they are small. The members of the smaller one move.
    fn join_with_neighbour(&mut self, id: u32) {
        let parent = self.leaf(id).parent;
        let inner = self.inner(parent);
        let i = inner.place_of(id);
        let fits = |i: usize| {
            let (left, right) = (inner.children()[i], inner.children()[i + 1]);
            self.leaf(left).may_join(self.leaf(right)).then_some((i, left, right))
        };
        let right = if i + 1 < inner.len() { fits(i) } else { None };
        let Some((i, left, right)) = right.or_else(|| if i > 0 { fits(i - 1) } else { None }) else { return };
        let (begin, count) = (inner.child(i).score, inner.child(i).count + inner.child(i + 1).count);
        let (a, b) = (self.leaf(left), self.leaf(right));
        let content = Leaf::join(a, b);
        let (stays, goes) = if a.len() < b.len() { (right, left) } else { (left, right) };
        let going = &self.leaves[goes as usize];
        for i in 0..going.len() {
            self.index.moved(Hash::of(going.member(i)).index(), goes, stays);
        }
        self.change_leaf(stays, |leaf| leaf.take_content(content));
        let inner = &mut self.inners[parent as usize];
        inner.set(inner.place_of(goes), Child { id: goes, score: begin, count: 0 });
        inner.set(inner.place_of(stays), Child { id: stays, score: begin, count });
        self.drop_leaf(goes);
    }
}

/// Inner nodes.
impl Tree {
    fn parent_of(&self, id: u32, height: u8) -> u32 {
        if height == 0 { self.leaf(id).parent } else { self.inner(id).parent }
    }

    fn set_parent(&mut self, id: u32, height: u8, parent: u32) {
        if height == 0 {
            self.leaves[id as usize].parent = parent;
        } else {
            self.inners[id as usize].parent = parent;
        }
    }

    fn new_inner(&mut self, inner: Inner) -> u32 {
        match self.inners_free.pop() {
            Some(id) => {
                self.inners[id as usize] = inner;
                id
            }
            None => {
                self.inners.push(inner);
                (self.inners.len() - 1) as u32
            }
        }
    }

    /// Enters a node at either side of another of the same height; what is below it was below that one.
    fn add_child(&mut self, beside: u32, height: u8, after: bool, child: Child) {
        let mut parent = self.parent_of(beside, height);
        if parent == NONE {
            let mut root = Inner::new(height + 1);
            root.insert(0, Child { id: beside, score: f64::NEG_INFINITY, count: self.len });
            parent = self.new_inner(root);
            self.set_parent(beside, height, parent);
            (self.root, self.height) = (parent, height + 1);
        } else if self.inner(parent).is_full() {
            self.split_inner(parent);
            parent = self.parent_of(beside, height);
        }
        let first = if after { None } else { Some(self.leaf(beside).score(0)) };
        let inner = &mut self.inners[parent as usize];
        let i = inner.place_of(beside);
        inner.add(i, -(child.count as isize));
        match first {
            None => inner.insert(i + 1, child),
            Some(first) => {
                // It begins where the other one did.
                let begin = inner.child(i).score;
                inner.insert(i, Child { score: begin, ..child });
                inner.set_score(i + 1, first);
            }
        }
        self.set_parent(child.id, height, parent);
    }

    fn split_inner(&mut self, id: u32) {
        let inner = &mut self.inners[id as usize];
        // Where nodes are added at the end, full ones stay behind.
        let at = if inner.parent == NONE { inner.len() / 2 } else { inner.len() * 5 / 8 };
        let (height, right) = (inner.height, inner.split_off(at));
        let child = Child { id: 0, score: right.scores()[0], count: right.count_before(right.len()) };
        let below = right.children().to_vec();
        let new = self.new_inner(right);
        for id in below {
            self.set_parent(id, height - 1, new);
        }
        self.add_child(id, height, true, Child { id: new, ..child });
    }

    /// A child that has nothing below it any more goes.
    fn remove_child(&mut self, parent: u32, child: u32) {
        let inner = &mut self.inners[parent as usize];
        inner.remove(inner.place_of(child));
        if inner.len() == 0 {
            let above = inner.parent;
            self.inners_free.push(parent);
            self.remove_child(above, parent);
        } else if inner.is_sparse() && inner.parent != NONE {
            self.join_inner(parent);
        }
        while self.height > 0 && self.inner(self.root).len() == 1 {
            let (old, only) = (self.root, self.inner(self.root).children()[0]);
            self.inners_free.push(old);
            (self.root, self.height) = (only, self.height - 1);
            self.set_parent(only, self.height, NONE);
        }
    }

    fn join_inner(&mut self, id: u32) {
        let parent = self.inner(id).parent;
        let above = self.inner(parent);
        let i = above.place_of(id);
        let fits = |i: usize| {
            let (left, right) = (above.children()[i], above.children()[i + 1]);
            let len = self.inner(left).len() + self.inner(right).len();
            (len <= super::inner::CHILDREN_MAX * 3 / 4).then_some((i, left, right))
        };
        let right = if i + 1 < above.len() { fits(i) } else { None };
        let Some((i, left, right)) = right.or_else(|| if i > 0 { fits(i - 1) } else { None }) else { return };
        let Child { score: begin, count, .. } = above.child(i + 1);
        let (height, moving) = (self.inner(right).height, self.inner(right).clone());
        for j in 0..moving.len() {
            let child = moving.child(j);
            let score = if j == 0 { begin } else { child.score };
            let to = &mut self.inners[left as usize];
            to.insert(to.len(), Child { score, ..child });
            self.set_parent(child.id, height - 1, left);
        }
        let above = &mut self.inners[parent as usize];
        above.add(i, count as isize);
        above.set(i + 1, Child { id: right, score: begin, count: 0 });
        self.inners_free.push(right);
        self.remove_child(parent, right);
    }
}

#[cfg(test)]
impl Tree {
    /// Everything that is always true.
    pub(super) fn check(&self) {
        let bytes: usize = self.leaves.iter().map(Leaf::mem_bytes).sum();
        assert_eq!(self.bytes, bytes);
        let mut leaves = Vec::new();
        assert_eq!(self.check_below(self.root, self.height, NONE, &mut leaves), self.len);
        let mut prev = NONE;
        for (i, &id) in leaves.iter().enumerate() {
            let leaf = self.leaf(id);
            assert_eq!((leaf.prev, leaf.next), (prev, leaves.get(i + 1).copied().unwrap_or(NONE)));
            prev = id;
            for at in 0..leaf.len() {
                let member = leaf.member(at);
                assert_eq!(self.find(member, Hash::of(member)), Some(Place { leaf: id, at }));
            }
        }
    }

    fn check_below(&self, id: u32, height: u8, parent: u32, leaves: &mut Vec<u32>) -> usize {
        assert_eq!(self.parent_of(id, height), parent);
        if height == 0 {
            leaves.push(id);
            assert!(self.leaf(id).len() > 0 || self.height == 0);
            return self.leaf(id).len();
        }
        let inner = self.inner(id);
        assert!(inner.height == height && inner.len() > usize::from(parent == NONE));
        let mut sum = 0;
        for i in 0..inner.len() {
            let child = inner.child(i);
            assert_eq!(self.check_below(child.id, height - 1, id, leaves), child.count);
            assert!(i == 0 || self.first_below(inner, i).0 >= child.score);
            sum += child.count;
        }
        sum
    }
}
