//! A leaf of the tree: some dozens of elements in order, in one buffer.
//!
//! ```text
//! tag u8 each | start u16 each | score f64 each | the members' bytes
//! ```
//! A tag is 8 bits of the member's hash, a start counts from where the bytes begin. Parts grow in place; the buffer is
//! always a whole size class, so a half empty leaf is a small one.
//! Always true: more than one element only within `BYTES_MAX`, so a start fits; a larger member has a leaf to itself.

use super::order;
use crate::Thin;
use std::cmp::Ordering;
use std::ops::Range;

pub(super) const ELEMENTS_MAX: usize = 64;
const BYTES_MAX: usize = 4096;
/// Of an element, beside its member.
const HEAD_LEN: usize = 11;

pub(super) const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Leaf {
    data: Thin,
    len: u16,
    /// The inner node above; `NONE` for the root.
    pub(super) parent: u32,
    pub(super) prev: u32,
    /// Of a leaf that is not used: the next such one.
    pub(super) next: u32,
}

impl Leaf {
    pub(super) fn new() -> Leaf {
        Leaf { data: Thin::new(), len: 0, parent: NONE, prev: NONE, next: NONE }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.len)
    }

    pub(super) fn mem_bytes(&self) -> usize {
        self.data.mem_bytes()
    }

    #[inline]
    pub(super) fn score(&self, i: usize) -> f64 {
        let at = 3 * self.len() + 8 * i;
        f64::from_le_bytes(*self.data[at..].first_chunk().expect("scores are whole"))
    }

    #[inline]
    pub(super) fn tag(&self, i: usize) -> u8 {
        self.data[i]
    }

    #[inline]
    fn start(&self, i: usize) -> usize {
        let at = self.len() + 2 * i;
        usize::from(u16::from_le_bytes([self.data[at], self.data[at + 1]]))
    }

    #[inline]
    pub(super) fn member(&self, i: usize) -> &[u8] {
        let bytes = &self.data[HEAD_LEN * self.len()..];
        let end = if i + 1 < self.len() { self.start(i + 1) } else { bytes.len() };
        &bytes[self.start(i)..end]
    }

    #[inline]
    pub(super) fn element(&self, i: usize) -> (f64, &[u8]) {
        (self.score(i), self.member(i))
    }

    /// Its tags and starts.
    #[inline]
    pub(super) fn prefetch(&self) {
        self.data.prefetch();
    }

    /// Score and bytes of the first member with this tag, once `prefetch` has had its time.
    #[inline]
    pub(super) fn prefetch_element(&self, tag: u8) {
        if let Some(i) = self.data[..self.len()].iter().position(|&other| other == tag) {
            self.data.prefetch_at(3 * self.len() + 8 * i);
            self.data.prefetch_at(HEAD_LEN * self.len() + self.start(i));
        }
    }

    /// Where this member stands.
    #[inline]
    pub(super) fn find(&self, tag: u8, member: &[u8]) -> Option<usize> {
        let tags = &self.data[..self.len()];
        (0..tags.len()).find(|&i| tags[i] == tag && self.member(i) == member)
    }

    /// Elements for which `before` holds; it holds for the first ones and for no later one.
    #[inline]
    pub(super) fn count_while(&self, mut before: impl FnMut(&Leaf, usize) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if before(self, middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Where an element that is not there belongs.
    #[inline]
    pub(super) fn place(&self, score: f64, member: &[u8]) -> usize {
        self.count_while(|leaf, i| match leaf.score(i).partial_cmp(&score) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => leaf.member(i) < member,
            _ => false,
        })
    }

    pub(super) fn set_score(&mut self, i: usize, score: f64) {
        let at = 3 * self.len() + 8 * i;
        self.data[at..at + 8].copy_from_slice(&score.to_le_bytes());
    }

    /// Would this score change the order?
    pub(super) fn stays(&self, i: usize, score: f64) -> bool {
        let key = (score, self.member(i));
        (i > 0 && order(self.element(i - 1), key) == Ordering::Less)
            && (i + 1 < self.len() && order(key, self.element(i + 1)) == Ordering::Less)
    }

    pub(super) fn has_room(&self, member_len: usize) -> bool {
        self.len == 0 || (self.len() < ELEMENTS_MAX && self.data.len() + HEAD_LEN + member_len <= BYTES_MAX)
    }

    /// Few enough to be worth joining with a neighbour.
    pub(super) fn is_sparse(&self) -> bool {
        self.len() < ELEMENTS_MAX / 4 && self.data.len() < BYTES_MAX / 4
    }

    pub(super) fn may_join(&self, other: &Leaf) -> bool {
        self.len() + other.len() <= ELEMENTS_MAX * 3 / 4 && self.data.len() + other.data.len() <= BYTES_MAX * 3 / 4
    }

    pub(super) fn insert(&mut self, i: usize, tag: u8, score: f64, member: &[u8]) {
        debug_assert!(self.has_room(member.len()));
        let n = self.len();
        let start = if i < n { self.start(i) } else { self.data.len() - HEAD_LEN * n };
        self.data.reserve(HEAD_LEN + member.len());
        // From the back, so that no place moves before it is used.
        self.data.insert(HEAD_LEN * n + start, member);
        self.data.insert(3 * n + 8 * i, &score.to_le_bytes());
        self.data.insert(n + 2 * i, &(start as u16).to_le_bytes());
        self.data.insert(i, &[tag]);
        self.len += 1;
        self.shift_starts(i + 1, |start| start + member.len() as u16);
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        let n = self.len();
        let Range { start: from, end: to } = range;
        if to - from == n {
            (self.data, self.len) = (Thin::new(), 0);
            return;
        }
        let bytes_from = self.start(from);
        let bytes_to = if to < n { self.start(to) } else { self.data.len() - HEAD_LEN * n };
        self.data.remove(HEAD_LEN * n + bytes_from..HEAD_LEN * n + bytes_to);
        self.data.remove(3 * n + 8 * from..3 * n + 8 * to);
        self.data.remove(n + 2 * from..n + 2 * to);
        self.data.remove(from..to);
        self.len -= (to - from) as u16;
        self.shift_starts(from, |start| start - (bytes_to - bytes_from) as u16);
    }

    #[inline]
    fn shift_starts(&mut self, from: usize, shift: impl Fn(u16) -> u16) {
        let n = self.len();
        let (starts, _) = self.data[n + 2 * from..3 * n].as_chunks_mut::<2>();
        for start in starts {
            *start = shift(u16::from_le_bytes(*start)).to_le_bytes();
        }
    }

    /// The index at which the bytes fall in two halves; there are at least two elements.
    pub(super) fn middle(&self) -> usize {
        let half = self.data.len() / 2;
        (1..self.len() - 1).find(|&i| HEAD_LEN * i + self.start(i) >= half).unwrap_or(self.len() - 1)
    }

    /// Moves the elements from `at` on into a leaf of their own.
    pub(super) fn split_off(&mut self, at: usize) -> Leaf {
        let right = self.slice(at..self.len());
        let left = self.slice(0..at);
        (self.data, self.len) = (left.data, left.len);
        right
    }

    fn slice(&self, range: Range<usize>) -> Leaf {
        let n = self.len();
        let Range { start: from, end: to } = range.clone();
        let bytes_from = self.start(from);
        let bytes_to = if to < n { self.start(to) } else { self.data.len() - HEAD_LEN * n };
        let mut data = Thin::with_capacity(HEAD_LEN * (to - from) + bytes_to - bytes_from);
        data.extend(&self.data[from..to]);
        for i in range {
            data.extend(&((self.start(i) - bytes_from) as u16).to_le_bytes());
        }
        data.extend(&self.data[3 * n + 8 * from..3 * n + 8 * to]);
        data.extend(&self.data[HEAD_LEN * n + bytes_from..HEAD_LEN * n + bytes_to]);
        Leaf { data, len: (to - from) as u16, ..Leaf::new() }
    }

    /// The elements of both, in one buffer.
    pub(super) fn join(left: &Leaf, right: &Leaf) -> (Thin, u16) {
        let (n, m) = (left.len(), right.len());
        let left_bytes = left.data.len() - HEAD_LEN * n;
        let mut data = Thin::with_capacity(left.data.len() + right.data.len());
        data.extend(&left.data[..n]);
        data.extend(&right.data[..m]);
        data.extend(&left.data[n..3 * n]);
        for i in 0..m {
            data.extend(&((right.start(i) + left_bytes) as u16).to_le_bytes());
        }
        data.extend(&left.data[3 * n..HEAD_LEN * n]);
        data.extend(&right.data[3 * m..HEAD_LEN * m]);
        data.extend(&left.data[HEAD_LEN * n..]);
        data.extend(&right.data[HEAD_LEN * m..]);
        (data, (n + m) as u16)
    }

    pub(super) fn take_content(&mut self, (data, len): (Thin, u16)) {
        (self.data, self.len) = (data, len);
    }
}
