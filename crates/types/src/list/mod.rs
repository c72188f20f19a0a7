//! Lists.
//!
//! One pack of elements while it is small (`pack.rs`), a chain of packs when it is not (`chunks.rs`). Where the border
//! is, is told by the caller as a `Limit`: `make_room` before elements are added, `shrunk` after some were taken away.
//! Whoever forgets that gets a list that changes its form only where the packed form could not hold more.

mod chunks;
mod element;
mod limit;
mod load;
mod pack;
#[cfg(test)]
mod tests;

pub use element::{Element, Item};
pub use limit::Limit;
pub(crate) use load::Loading;
pub(crate) use pack::PackBuilder;
pub use pack::Side;

use crate::object::forms;
use crate::{Heap, Thin};
use chunks::Chunks;
use pack::{COUNT_MAX, LISTPACK_HEAD, Pack};
use std::ops::Range;

#[derive(Debug)]
pub struct List {
    form: Form,
}

forms! {
    enum Form of List {
        Packed(Thin) = ListPacked,
        Chunks(Heap<Chunks>) = ListChunks,
    }
}

/// More than any limit lets a packed list have.
const PACKED_BYTES_MAX: usize = 1 << 17;

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

/// Looking.
impl List {
    pub fn new() -> List {
        List { form: Form::Packed(Thin::new()) }
    }

    #[inline]
    pub fn len(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => Pack::of(bytes).len(),
            Form::Chunks(chunks) => chunks.len(),
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        match &self.form {
            Form::Packed(bytes) => bytes.is_empty(),
            Form::Chunks(chunks) => chunks.len() == 0,
        }
    }

    pub fn get(&self, i: usize) -> Option<Item<'_>> {
        if i >= self.len() {
            return None;
        }
        match &self.form {
            Form::Packed(bytes) => Some(Pack::of(bytes).get(i)),
            Form::Chunks(chunks) => chunks.get(i),
        }
    }

    /// The first or the last element.
    #[inline]
    pub fn end(&self, side: Side) -> Option<Item<'_>> {
        match &self.form {
            Form::Packed(bytes) if bytes.is_empty() => None,
            Form::Packed(bytes) => Some(Pack::of(bytes).end(side)),
            Form::Chunks(chunks) => chunks.end(side),
        }
    }

    pub fn iter(&self) -> Iter<'_> {
        self.walk(Side::Front, 0)
    }

    /// From one end to the other, without the first `skip`.
    #[inline]
    pub fn walk(&self, from: Side, skip: usize) -> Iter<'_> {
        let way = match &self.form {
            Form::Packed(bytes) => Way::Packed(Pack::of(bytes).walk(from, skip)),
            Form::Chunks(chunks) => Way::Chunks(chunks.walk(from, skip)),
        };
        Iter { way, left: self.len().saturating_sub(skip) }
    }

    /// Parts it is kept in; they are numbered from 0.
    pub fn part_count(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 1,
            Form::Chunks(chunks) => chunks.count(),
        }
    }

    /// One of them. A packed list has one part.
    pub fn part(&self, i: usize) -> Part<'_> {
        match &self.form {
            Form::Packed(bytes) => Part(Pack::of(bytes)),
            Form::Chunks(chunks) => Part(chunks.pack(i)),
        }
    }

    /// Chunks, and bytes of a listpack of all elements; None for a list in one pack.
    pub fn chunks(&self) -> Option<(usize, u64)> {
        match &self.form {
            Form::Packed(_) => None,
            Form::Chunks(chunks) => Some((chunks.count(), chunks.listpack_len(u64::MAX))),
        }
    }

    /// Bytes of all its allocations, in constant time.
    pub fn mem_bytes(&self) -> usize {
        match &self.form {
            Form::Packed(bytes) => bytes.mem_bytes(),
            Form::Chunks(chunks) => chunks.mem_bytes(),
        }
    }

    /// About how many allocations freeing it takes.
    pub fn effort(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 1,
            Form::Chunks(chunks) => chunks.effort(),
        }
    }

    pub fn duplicate(&self) -> List {
        let form = match &self.form {
            Form::Packed(bytes) => Form::Packed(bytes.clone()),
            Form::Chunks(chunks) => Form::Chunks(Heap::new(chunks.duplicate())),
        };
        List { form }
    }

    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        let mut digits = [0; 20];
        for (i, item) in self.iter().enumerate() {
            f(&[&(i as u64).to_le_bytes(), item.bytes(&mut digits)]);
        }
    }
}

/// Changing. Places behind the end are a mistake of the caller's.
impl List {
    /// Adds an element at the back.
    pub fn push(&mut self, element: &[u8]) {
        self.push_at(Side::Back, element);
    }

    #[inline]
    pub fn push_at(&mut self, side: Side, element: &[u8]) {
        let element = Element::new(element);
        match self.room_for(&element) {
            Form::Packed(bytes) => pack::push(bytes, side, &element),
            Form::Chunks(chunks) => chunks.push(side, &element),
        }
    }

    /// Takes `count` elements away from one end, or all when there are fewer.
    #[inline]
    pub fn pop(&mut self, side: Side, count: usize) {
        let count = count.min(self.len());
        match &mut self.form {
            _ if count == 0 => {}
            Form::Packed(bytes) => pack::pop(bytes, side, count),
            Form::Chunks(chunks) => chunks.pop(side, count),
        }
    }

    /// Puts an element in before the `i`-th.
    pub fn insert(&mut self, i: usize, element: &[u8]) {
        assert!(i <= self.len(), "{i} of {}", self.len());
        let element = Element::new(element);
        match self.room_for(&element) {
            Form::Packed(bytes) => pack::insert(bytes, i, &element),
            Form::Chunks(chunks) => chunks.insert(i, &element),
        }
    }

    /// Puts an element in the place of the `i`-th.
    pub fn replace(&mut self, i: usize, element: &[u8]) {
        assert!(i < self.len(), "{i} of {}", self.len());
        let element = Element::new(element);
        match self.room_for(&element) {
            Form::Packed(bytes) => pack::replace(bytes, i, &element),
            Form::Chunks(chunks) => chunks.replace(i, &element),
        }
    }

    pub fn remove(&mut self, range: Range<usize>) {
        assert!(range.start <= range.end && range.end <= self.len(), "{range:?} of {}", self.len());
        match &mut self.form {
            _ if range.is_empty() => {}
            Form::Packed(bytes) => pack::remove(bytes, range),
            Form::Chunks(chunks) => chunks.remove(range),
        }
    }

    /// Takes out elements equal to this one, at most `max`, from one end on; how many it were.
    pub fn remove_equal(&mut self, element: &Element, from: Side, max: usize) -> usize {
        match &mut self.form {
            Form::Packed(bytes) => {
                let doomed = chunks::equal(bytes, element, from, max);
                if !doomed.is_empty() {
                    pack::remove_many(bytes, &doomed);
                }
                doomed.len()
            }
            Form::Chunks(chunks) => chunks.remove_equal(element, from, max),
        }
    }

    /// The form, changed when a pack cannot take this element at all.
    #[inline]
    fn room_for(&mut self, element: &Element) -> &mut Form {
        if let Form::Packed(bytes) = &self.form {
            let pack = Pack::of(bytes);
            let fits = element.payload().len() <= pack::LEN_MAX
                && pack.len() < COUNT_MAX
                && bytes.len() + element.payload().len() <= PACKED_BYTES_MAX;
            if !fits {
                self.unpack();
            }
        }
        &mut self.form
    }

    fn unpack(&mut self) {
        if let Form::Packed(bytes) = &mut self.form {
            let chunks = Chunks::from_pack(std::mem::take(bytes));
            self.form = Form::Chunks(Heap::new(chunks));
        }
    }
}

/// Which form it has.
impl List {
    /// Before `count` elements of together `bytes` bytes are added or put in places of others.
    #[inline]
    pub fn make_room(&mut self, limit: Limit, bytes: usize, count: usize) {
        if let Form::Packed(packed) = &self.form {
            let pack = Pack::of(packed);
            let len = if packed.is_empty() { LISTPACK_HEAD } else { pack.listpack_len() };
            if !limit.admits(len.saturating_add(bytes as u64), (pack.len() + count) as u64) {
                self.unpack();
            }
        }
    }

    /// After elements were taken away or became smaller: back to one pack, when half the limit is enough.
    #[inline]
    pub fn shrunk(&mut self, limit: Limit) {
        if let Form::Chunks(chunks) = &mut self.form {
            pack_if(chunks, limit.half()).into_iter().for_each(|bytes| self.form = Form::Packed(bytes));
        }
    }

    /// After it was made elsewhere: one pack if the limit allows it.
    pub fn settle(&mut self, limit: Limit) {
        match &mut self.form {
            Form::Packed(_) => self.make_room(limit, 0, 0),
            Form::Chunks(chunks) => {
                pack_if(chunks, limit).into_iter().for_each(|bytes| self.form = Form::Packed(bytes));
            }
        }
    }
}

fn pack_if(chunks: &mut Heap<Chunks>, limit: Limit) -> Option<Thin> {
    let small = limit.admits(0, chunks.len() as u64)
        && limit.admits(chunks.listpack_len(PACKED_BYTES_MAX as u64), chunks.len() as u64);
    small.then(|| std::mem::take(&mut **chunks).into_pack())
}

/// A part of a list: elements that stand together.
pub struct Part<'a>(Pack<'a>);

impl<'a> Part<'a> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How long a listpack of the same elements would be.
    pub(crate) fn listpack_len(&self) -> u64 {
        self.0.listpack_len()
    }

    pub fn items(&self) -> impl Iterator<Item = Item<'a>> + use<'a> {
        self.0.walk(Side::Front, 0)
    }
}

/// The elements, from one end to the other.
#[derive(Clone)]
pub struct Iter<'a> {
    way: Way<'a>,
    left: usize,
}

#[derive(Clone)]
enum Way<'a> {
    Packed(pack::Walk<'a>),
    Chunks(chunks::Walk<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.way {
            Way::Packed(walk) => walk.next(),
            Way::Chunks(walk) => walk.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Iter<'_> {}
