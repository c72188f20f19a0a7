//! Records sorted by ID, in chunks of at most 64: the lists of what is pending.
//!
//! New ones nearly always come at the end and fill whole chunks; old ones mostly go from the front. Everything else is
//! found by two binary searches and moves at most one chunk's records.
//! Always true: no chunk is empty, and IDs ascend through all of them.

use super::id::Id;
use kit::size::size_class;
use std::collections::VecDeque;

const CHUNK_LEN_MAX: usize = 64;

/// A record that knows its ID.
pub trait ById: Copy {
    fn id(&self) -> Id;
}

impl ById for Id {
    fn id(&self) -> Id {
        *self
    }
}

#[derive(Debug)]
pub struct Sorted<T> {
    chunks: VecDeque<Vec<T>>,
    len: usize,
    /// Of all chunks.
    bytes: usize,
}

impl<T: ById> Default for Sorted<T> {
    fn default() -> Sorted<T> {
        Sorted { chunks: VecDeque::new(), len: 0, bytes: 0 }
    }
}

impl<T: ById> Sorted<T> {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of all its allocations.
    pub fn mem_bytes(&self) -> usize {
        self.bytes + size_class(self.chunks.capacity() * size_of::<Vec<T>>())
    }

    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    pub fn first(&self) -> Option<&T> {
        self.chunks.front()?.first()
    }

    pub fn last(&self) -> Option<&T> {
        self.chunks.back()?.last()
    }

    pub fn get(&self, id: Id) -> Option<&T> {
        let (chunk, at) = self.find(id).ok()?;
        Some(&self.chunks[chunk][at])
    }

    /// The record, whose ID must stay.
    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let (chunk, at) = self.find(id).ok()?;
        Some(&mut self.chunks[chunk][at])
    }

    pub fn contains(&self, id: Id) -> bool {
        self.find(id).is_ok()
    }

    /// Adds a record; false, and nothing happens, when there is one with its ID.
    pub fn insert(&mut self, record: T) -> bool {
        let (mut chunk, mut at) = match self.find(record.id()) {
            Ok(_) => return false,
            Err(place) => place,
        };
        self.len += 1;
        if chunk == self.chunks.len() {
            match self.chunks.back() {
                Some(last) if last.len() < CHUNK_LEN_MAX => {
                    chunk -= 1;
                    at = last.len();
                }
                Some(_) => {
                    self.push_chunk(Vec::with_capacity(CHUNK_LEN_MAX));
                }
                None => {
                    self.push_chunk(Vec::new());
                }
            }
        } else if self.chunks[chunk].len() == CHUNK_LEN_MAX {
            let upper = self.chunks[chunk].split_off(CHUNK_LEN_MAX / 2);
            self.bytes += of(&upper);
            self.chunks.insert(chunk + 1, upper);
            if at > CHUNK_LEN_MAX / 2 {
                chunk += 1;
                at -= CHUNK_LEN_MAX / 2;
            }
        }
        let records = &mut self.chunks[chunk];
        self.bytes -= of(records);
        records.insert(at, record);
        self.bytes += of(records);
        true
    }

    pub fn remove(&mut self, id: Id) -> Option<T> {
        let (chunk, at) = self.find(id).ok()?;
        self.len -= 1;
        let records = &mut self.chunks[chunk];
        let record = records.remove(at);
        if records.is_empty() {
            self.drop_chunk(chunk);
        } else if records.len() < CHUNK_LEN_MAX / 4 {
            self.join(chunk);
        }
        Some(record)
    }

    /// Joins a chunk with a neighbour if both are small, or gives back half of its room.
    fn join(&mut self, chunk: usize) {
        let len = self.chunks[chunk].len();
        let fits = |at: usize| self.chunks.get(at).is_some_and(|other| len + other.len() <= CHUNK_LEN_MAX / 2);
        let lower = match chunk.checked_sub(1) {
            Some(before) if fits(before) => before,
            _ if fits(chunk + 1) => chunk,
            _ => {
                let records = &mut self.chunks[chunk];
                if records.capacity() >= 4 * len.max(4) {
                    self.bytes -= of(records);
                    records.shrink_to(2 * len);
                    self.bytes += of(records);
                }
                return;
            }
        };
        let upper = std::mem::take(&mut self.chunks[lower + 1]);
        self.bytes -= of(&upper);
        self.drop_chunk(lower + 1);
        let records = &mut self.chunks[lower];
        self.bytes -= of(records);
        records.extend_from_slice(&upper);
        self.bytes += of(records);
    }

    fn drop_chunk(&mut self, at: usize) {
        if let Some(gone) = self.chunks.remove(at) {
            self.bytes -= of(&gone);
        }
        if self.chunks.capacity() > 16 && self.chunks.len() * 4 < self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }

    fn push_chunk(&mut self, records: Vec<T>) {
        self.bytes += of(&records);
        self.chunks.push_back(records);
    }

    /// The first record at or behind `id` and all that follow.
    pub fn from(&self, id: Id) -> impl Iterator<Item = &T> {
        let (chunk, at) = match self.find(id) {
            Ok(place) | Err(place) => place,
        };
        let behind = self.chunks.range((chunk + 1).min(self.chunks.len())..).flatten();
        self.chunks.get(chunk).map_or(&[][..], |records| &records[at..]).iter().chain(behind)
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flatten()
    }

    /// Where a record is, or would be.
    #[inline]
    fn find(&self, id: Id) -> Result<(usize, usize), (usize, usize)> {
        let below = |records: &Vec<T>| records.last().is_some_and(|last| last.id() < id);
        // Mostly the first chunk (acknowledged in order) or behind the last one (delivered).
        let chunk = match (self.chunks.front(), self.chunks.back()) {
            (Some(first), _) if !below(first) => 0,
            (_, Some(last)) if below(last) => return Err((self.chunks.len(), 0)),
            (None, _) | (_, None) => return Err((0, 0)),
            _ => self.chunks.partition_point(below),
        };
        match self.chunks[chunk].binary_search_by_key(&id, T::id) {
            Ok(at) => Ok((chunk, at)),
            Err(at) => Err((chunk, at)),
        }
    }
}

fn of<T>(records: &Vec<T>) -> usize {
    size_class(records.capacity() * size_of::<T>())
}

impl<T: ById> Clone for Sorted<T> {
    fn clone(&self) -> Sorted<T> {
        let chunks: VecDeque<Vec<T>> = self.chunks.clone();
        let bytes = chunks.iter().map(of).sum();
        Sorted { chunks, len: self.len, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;
    use std::collections::BTreeSet;

    fn check(sorted: &Sorted<Id>, twin: &BTreeSet<Id>) {
        assert!(sorted.iter().eq(twin.iter()));
        assert_eq!((sorted.len(), sorted.is_empty()), (twin.len(), twin.is_empty()));
        assert_eq!((sorted.first(), sorted.last()), (twin.first(), twin.last()));
        assert!(sorted.chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= CHUNK_LEN_MAX));
        assert_eq!(sorted.bytes, sorted.chunks.iter().map(of).sum::<usize>());
    }

    #[test]
    fn agrees_with_a_set() {
        for seed in 0..30 {
            let (mut rng, mut sorted, mut twin) = (Rng::new(seed), Sorted::<Id>::default(), BTreeSet::new());
            let mut next = 0;
            for step in 0..1_000 {
                let any = Id::new(rng.below(next + 2), 0);
                match rng.below(if step < 600 { 6 } else { 12 }) {
                    0..4 => {
                        next += 1 + rng.below(3);
                        let id = Id::new(next, 0);
                        assert_eq!(sorted.insert(id), twin.insert(id));
                    }
                    4 => assert_eq!(sorted.insert(any), twin.insert(any)),
                    5 => {
                        assert_eq!(sorted.remove(any).is_some(), twin.remove(&any));
                        let first = twin.pop_first();
                        assert_eq!(first.and_then(|id| sorted.remove(id)), first);
                    }
                    6..11 => {
                        let victim = twin.range(any..).next().copied().unwrap_or(any);
                        assert_eq!(sorted.remove(victim).is_some(), twin.remove(&victim));
                    }
                    _ => {
                        assert!(sorted.from(any).eq(twin.range(any..)));
                        assert_eq!(sorted.get(any), twin.get(&any));
                        assert_eq!(
                            (sorted.contains(any), sorted.get_mut(any).is_some()),
                            (twin.contains(&any), twin.contains(&any))
                        );
                    }
                }
                if step % 20 == 0 {
                    check(&sorted, &twin);
                }
            }
            check(&sorted, &twin);
            check(&sorted.clone(), &twin);
        }
    }

    #[test]
    fn small_and_full() {
        let mut sorted = Sorted::<Id>::default();
        for ms in 0..6_400 {
            sorted.insert(Id::new(ms, 0));
        }
        assert_eq!(sorted.chunk_count(), 100, "ascending IDs fill their chunks");
        let full = sorted.mem_bytes();
        for ms in (0..6_400).filter(|ms| ms % 32 > 0) {
            sorted.remove(Id::new(ms, 0));
        }
        assert!(sorted.chunk_count() < 20 && sorted.mem_bytes() * 4 < full, "{}", sorted.chunk_count());
    }
}
