//! A large list: packs in a row.
//!
//! A chunk is one allocation of up to 64 KiB. Pushing fills the chunk at that end and then opens a new one; what goes
//! in the middle of a full chunk cuts it in two; small neighbours are joined when elements are taken out. An element
//! of 8 KiB and more stands alone, so that nothing large is moved for the sake of others.
//! Finding a place reads the counts, 16 bytes for each chunk before it, from the nearer end.
//! Always true: no chunk is empty; `len` and `bytes` are the sums over all chunks.

use super::element::{Element, Item, payload_len};
use super::pack::{self, COUNT_MAX, HEAD_LEN, LISTPACK_HEAD, Pack, Side};
use crate::Thin;
use kit::size::size_class;
use std::collections::VecDeque;
use std::ops::Range;

/// Bytes of a full chunk: with the head of its `Thin` the allocation is a whole class. Half of it would spend 0.1 % more
/// on 64-byte elements, and half the time on an insertion in the middle (some microseconds).
pub(super) const BYTES_MAX: usize = 65_536 - 8;
/// From here on an element stands alone.
const LARGE_MIN: usize = 8192;
/// Above this, rather than moving so much at the expensive end of a chunk, a new one is opened.
const MOVED_MAX: usize = 2048;
/// Neighbours that together are no longer are joined.
const JOINED_MAX: usize = BYTES_MAX / 2;

#[derive(Clone, Debug)]
struct Chunk {
    pack: Thin,
    count: u32,
}

#[derive(Debug, Default)]
pub(super) struct Chunks {
    chunks: VecDeque<Chunk>,
    len: usize,
    /// Of the packs' allocations.
    bytes: usize,
}

/// Does an element of this code stand alone?
pub(super) fn is_large(code: u32) -> bool {
    payload_len(code) >= LARGE_MIN
}

/// Does it hold one large element and nothing else?
fn stands_alone(pack: &Thin) -> bool {
    pack.len() >= LARGE_MIN && Pack::of(pack).len() == 1
}

fn takes(pack: &Thin, element: &Element) -> bool {
    let view = Pack::of(pack);
    !is_large(element.code) && !stands_alone(pack) && view.len() < COUNT_MAX && view.grown_len(element) <= BYTES_MAX
}

impl Chunks {
    pub(super) fn from_pack(pack: Thin) -> Chunks {
        let mut chunks = Chunks::default();
        if !pack.is_empty() {
            chunks.put(0, pack);
        }
        chunks
    }

    /// Adds a pack behind all others.
    pub(super) fn push_pack(&mut self, pack: Thin) {
        if !pack.is_empty() {
            self.put(self.chunks.len(), pack);
        }
    }

    /// All in one pack. The caller knows that it is small.
    pub(super) fn into_pack(mut self) -> Thin {
        let mut all = self.chunks.pop_front().map(|chunk| chunk.pack).unwrap_or_default();
        self.chunks.iter().for_each(|chunk| pack::append(&mut all, &chunk.pack));
        all
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Packs.
    pub(super) fn count(&self) -> usize {
        self.chunks.len()
    }

    pub(super) fn pack(&self, i: usize) -> Pack<'_> {
        Pack::of(&self.chunks[i].pack)
    }

    pub(super) fn mem_bytes(&self) -> usize {
        self.bytes + size_class(size_of::<Chunks>()) + size_class(self.chunks.capacity() * size_of::<Chunk>())
    }

    pub(super) fn effort(&self) -> usize {
        self.chunks.len() + 2
    }

    /// The length of a listpack of all elements; counted no further than `max`.
    pub(super) fn listpack_len(&self, max: u64) -> u64 {
        let mut sum = LISTPACK_HEAD;
        for chunk in &self.chunks {
            sum += Pack::of(&chunk.pack).listpack_len() - LISTPACK_HEAD;
            if sum > max {
                break;
            }
        }
        sum
    }

    pub(super) fn duplicate(&self) -> Chunks {
        let chunks: VecDeque<Chunk> = self.chunks.iter().cloned().collect();
        let bytes = chunks.iter().map(|chunk| chunk.pack.mem_bytes()).sum();
        Chunks { chunks, len: self.len, bytes }
    }

    /// The chunk that holds the `i`-th element, and its place there; behind the last one when there is none.
    fn locate(&self, i: usize) -> (usize, usize) {
        if i < self.len / 2 {
            let mut before = 0;
            for (at, chunk) in self.chunks.iter().enumerate() {
                let behind = before + chunk.count as usize;
                if i < behind {
                    return (at, i - before);
                }
                before = behind;
            }
        }
        let mut before = self.len;
        for (at, chunk) in self.chunks.iter().enumerate().rev() {
            before -= chunk.count as usize;
            if i >= before {
                let within = i - before;
                return if within < chunk.count as usize { (at, within) } else { (at + 1, 0) };
            }
        }
        (0, 0)
    }

    fn end_idx(&self, side: Side) -> Option<usize> {
        match side {
            Side::Front => (!self.chunks.is_empty()).then_some(0),
            Side::Back => self.chunks.len().checked_sub(1),
        }
    }

    pub(super) fn get(&self, i: usize) -> Option<Item<'_>> {
        let (at, within) = self.locate(i);
        Some(Pack::of(&self.chunks.get(at)?.pack).get(within))
    }

    pub(super) fn end(&self, side: Side) -> Option<Item<'_>> {
        Some(Pack::of(&self.chunks[self.end_idx(side)?].pack).end(side))
    }

    /// From one end to the other, without the first `skip`.
    pub(super) fn walk(&self, from: Side, skip: usize) -> Walk<'_> {
        let mut walk =
            Walk { chunks: &self.chunks, next: 0..self.chunks.len(), from, within: Pack::of(&[]).walk(from, 0) };
        if skip >= self.len {
            walk.next = 0..0;
            return walk;
        }
        let (at, within) = self.locate(if from == Side::Front { skip } else { self.len - 1 - skip });
        let pack = Pack::of(&self.chunks[at].pack);
        let skipped = if from == Side::Front { within } else { pack.len() - 1 - within };
        walk.within = pack.walk(from, skipped);
        walk.next = if from == Side::Front { at + 1..self.chunks.len() } else { 0..at };
        walk
    }

    /// Changes one pack and keeps the sums.
    fn change<R>(&mut self, at: usize, change: impl FnOnce(&mut Thin) -> R) -> R {
        let chunk = &mut self.chunks[at];
        let (bytes, count) = (chunk.pack.mem_bytes(), chunk.count);
        let result = change(&mut chunk.pack);
        chunk.count = Pack::of(&chunk.pack).len() as u32;
        self.bytes = self.bytes - bytes + chunk.pack.mem_bytes();
        self.len = self.len - count as usize + chunk.count as usize;
        result
    }

    fn put(&mut self, at: usize, pack: Thin) {
        let count = Pack::of(&pack).len() as u32;
        self.bytes += pack.mem_bytes();
        self.len += count as usize;
        self.chunks.insert(at, Chunk { pack, count });
    }

    fn take(&mut self, at: usize) -> Option<Thin> {
        let chunk = self.chunks.remove(at)?;
        self.bytes -= chunk.pack.mem_bytes();
        self.len -= chunk.count as usize;
        if self.chunks.len() * 4 < self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
        Some(chunk.pack)
    }

    pub(super) fn push(&mut self, side: Side, element: &Element) {
        if let Some(at) = self.end_idx(side) {
            let pack = &self.chunks[at].pack;
            let dear = pack.len() > MOVED_MAX && !Pack::of(pack).is_cheap(side);
            if !dear && takes(pack, element) {
                return self.change(at, |pack| pack::push(pack, side, element));
            }
        }
        let mut pack = Thin::new();
        pack::push(&mut pack, side, element);
        self.put(if side == Side::Front { 0 } else { self.chunks.len() }, pack);
    }

    /// Takes `count` elements away from one end; there are so many.
    pub(super) fn pop(&mut self, side: Side, mut count: usize) {
        while let Some(at) = self.end_idx(side).filter(|_| count > 0) {
            let held = self.chunks[at].count as usize;
            if held > count {
                return self.change(at, |pack| pack::pop(pack, side, count));
            }
            count -= held;
            self.take(at);
        }
    }

    /// Puts an element in before the `i`-th.
    pub(super) fn insert(&mut self, i: usize, element: &Element) {
        if i == 0 {
            return self.push(Side::Front, element);
        }
        if i >= self.len {
            return self.push(Side::Back, element);
        }
        let (at, within) = self.locate(i);
        if takes(&self.chunks[at].pack, element) {
            return self.change(at, |pack| pack::insert(pack, within, element));
        }
        if within > 0 {
            let tail = self.change(at, |pack| pack::split_off(pack, within));
            self.put(at + 1, tail);
            return self.insert_between(at + 1, element);
        }
        self.insert_between(at, element);
    }

    /// Puts an element in before a chunk, at the end of the one before it, or in a chunk of its own.
    fn insert_between(&mut self, at: usize, element: &Element) {
        let before = at.checked_sub(1).filter(|before| takes(&self.chunks[*before].pack, element));
        if let Some(before) = before {
            return self.change(before, |pack| pack::push(pack, Side::Back, element));
        }
        if self.chunks.get(at).is_some_and(|chunk| takes(&chunk.pack, element)) {
            return self.change(at, |pack| pack::push(pack, Side::Front, element));
        }
        let mut pack = Thin::new();
        pack::push(&mut pack, Side::Back, element);
        self.put(at, pack);
    }

    pub(super) fn replace(&mut self, i: usize, element: &Element) {
        let (at, within) = self.locate(i);
        let pack = &self.chunks[at].pack;
        let alone = Pack::of(pack).len() == 1;
        if alone || takes(pack, element) {
            return self.change(at, |pack| pack::replace(pack, within, element));
        }
        self.insert(i, element);
        self.remove(i + 1..i + 2);
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        let mut left = range.len();
        let (mut at, mut within) = self.locate(range.start);
        while left > 0 && at < self.chunks.len() {
            let held = self.chunks[at].count as usize;
            let doomed = left.min(held - within);
            if doomed == held {
                self.take(at);
            } else {
                self.change(at, |pack| pack::remove(pack, within..within + doomed));
                at += 1;
            }
            left -= doomed;
            within = 0;
        }
        self.join(at);
        if at > 0 {
            self.join(at - 1);
        }
    }

    /// Joins a chunk with the one before it when both are small; true when it did.
    fn join(&mut self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1).filter(|_| at < self.chunks.len()) else { return false };
        let (one, two) = (&self.chunks[before], &self.chunks[at]);
        let len = one.pack.len() + two.pack.len() + 2 * (one.count + two.count) as usize - HEAD_LEN;
        let few = (one.count + two.count) as usize <= COUNT_MAX;
        let small = len <= JOINED_MAX && few && !stands_alone(&one.pack) && !stands_alone(&two.pack);
        if let Some(more) = small.then(|| self.take(at)).flatten() {
            self.change(before, |pack| pack::append(pack, &more));
        }
        small
    }

    /// Takes out at most `max` elements that are equal to this one, from one end on; how many it were.
    pub(super) fn remove_equal(&mut self, element: &Element, from: Side, max: usize) -> usize {
        let mut removed = 0;
        let mut next = if from == Side::Front { 0 } else { self.chunks.len() };
        while removed < max {
            let at = match from {
                Side::Front if next < self.chunks.len() => next,
                Side::Back if next > 0 => next - 1,
                Side::Front | Side::Back => break,
            };
            let doomed = equal(&self.chunks[at].pack, element, from, max - removed);
            removed += doomed.len();
            let gone = doomed.len() == self.chunks[at].count as usize;
            if gone {
                self.take(at);
            } else if !doomed.is_empty() {
                self.change(at, |pack| pack::remove_many(pack, &doomed));
            }
            // Only with the one before on the way, which was searched already.
            let joined = !doomed.is_empty() && !gone && self.join(if from == Side::Front { at } else { at + 1 });
            next = match from {
                Side::Front if gone || joined => at,
                Side::Front => at + 1,
                Side::Back => at,
            };
        }
        removed
    }
}

/// Places of the elements that are equal to this one, ascending; at most `max`, from one end on.
pub(super) fn equal(pack: &Thin, element: &Element, from: Side, max: usize) -> Vec<usize> {
    let view = Pack::of(pack);
    let found = view.walk(from, 0).enumerate().filter(|(_, item)| element.is(*item)).map(|(i, _)| i).take(max);
    match from {
        Side::Front => found.collect(),
        Side::Back => {
            let mut places: Vec<usize> = found.map(|i| view.len() - 1 - i).collect();
            places.reverse();
            places
        }
    }
}

/// Elements of all chunks, in either direction.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    chunks: &'a VecDeque<Chunk>,
    next: Range<usize>,
    from: Side,
    within: pack::Walk<'a>,
}

impl<'a> Iterator for Walk<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            if let Some(item) = self.within.next() {
                return Some(item);
            }
            let at = if self.from == Side::Front { self.next.next() } else { self.next.next_back() }?;
            self.within = Pack::of(&self.chunks[at].pack).walk(self.from, 0);
        }
    }
}
