//! Long texts of a table: they would be moved too often where the others stand.
//!
//! Places are numbered; a place that is given up is used again.

const PLACES_PER_CHUNK: usize = 1024;

#[derive(Debug, Clone)]
pub(super) struct Far {
    /// Every chunk but the last is full, so nothing long is ever moved.
    chunks: Vec<Vec<Place>>,
    /// The first of the free places, each of which names the next.
    free: Option<u32>,
    used: usize,
    /// Bytes of the texts' allocations.
    text_bytes: usize,
}

#[derive(Debug, Clone)]
enum Place {
    Used(Box<[u8]>),
    Free(Option<u32>),
}

impl Far {
    pub(super) const NONE: Far = Far { chunks: Vec::new(), free: None, used: 0, text_bytes: 0 };

    pub(super) fn len(&self) -> usize {
        self.used
    }

    pub(super) fn mem_bytes(&self) -> usize {
        use kit::size::size_class;
        let Some(last) = self.chunks.last() else { return 0 };
        let full = (self.chunks.len() - 1) * size_class(PLACES_PER_CHUNK * size_of::<Place>());
        let last = size_class(last.capacity() * size_of::<Place>());
        self.text_bytes + full + last + size_class(self.chunks.capacity() * size_of::<Vec<Place>>())
    }

    pub(super) fn get(&self, place: u32) -> &[u8] {
        match &self.chunks[place as usize / PLACES_PER_CHUNK][place as usize % PLACES_PER_CHUNK] {
            Place::Used(text) => text,
            Place::Free(_) => unreachable!("place {place} is free"),
        }
    }

    pub(super) fn add(&mut self, text: &[u8]) -> u32 {
        self.used += 1;
        self.text_bytes += kit::size::size_class(text.len());
        let used = Place::Used(text.into());
        if let Some(place) = self.free {
            let at = self.place(place);
            self.free = match std::mem::replace(at, used) {
                Place::Free(next) => next,
                Place::Used(_) => unreachable!("place {place} is not free"),
            };
            return place;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == PLACES_PER_CHUNK) {
            self.chunks.push(Vec::new());
        }
        let before = (self.chunks.len() - 1) * PLACES_PER_CHUNK;
        let chunk = self.chunks.last_mut().expect("pushed just now");
        if chunk.len() == chunk.capacity() {
            chunk.reserve_exact(chunk.len().max(4).min(PLACES_PER_CHUNK - chunk.len()));
        }
        chunk.push(used);
        u32::try_from(before + chunk.len() - 1).expect("four billion long texts")
    }

    pub(super) fn remove(&mut self, place: u32) {
        let next = self.free;
        if let Place::Used(text) = std::mem::replace(self.place(place), Place::Free(next)) {
            self.text_bytes -= kit::size::size_class(text.len());
        }
        self.free = Some(place);
        self.used -= 1;
        if self.used == 0 {
            *self = Far::NONE;
        }
    }

    fn place(&mut self, place: u32) -> &mut Place {
        &mut self.chunks[place as usize / PLACES_PER_CHUNK][place as usize % PLACES_PER_CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let mut far = Far::NONE;
        let places: Vec<u32> = (0..3000u32).map(|i| far.add(&i.to_le_bytes().repeat(50))).collect();
        assert_eq!(places, (0..3000).collect::<Vec<_>>());
        for place in [5, 1500, 2999] {
            far.remove(place);
        }
        assert_eq!([far.add(b"a"), far.add(b"b"), far.add(b"c")], [2999, 1500, 5]);
        assert_eq!((far.add(b"d"), far.get(5), far.get(6)), (3000, &b"c"[..], &6u32.to_le_bytes().repeat(50)[..]));
        assert!(far.mem_bytes() > 3000 * 200);
        (0..3001).for_each(|place| far.remove(place));
        assert_eq!((far.len(), far.mem_bytes()), (0, 0));
    }
}
