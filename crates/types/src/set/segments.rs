//! Items in a row that grows by one at a time, never moving more than a few.
//!
//! Segments of 512 items; a short row has one, of about the size it needs.
//! Always true: all segments but the last are full, and none is empty.

use kit::size::size_class;

const SEGMENT_LEN: usize = 512;

#[derive(Debug)]
pub(super) struct Segments<T> {
    segments: Vec<Vec<T>>,
    len: usize,
    /// Of the segments, what the items hold not counted.
    segment_bytes: usize,
}

impl<T> Segments<T> {
    pub(super) const fn new() -> Segments<T> {
        Segments { segments: Vec::new(), len: 0, segment_bytes: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Of the row, what the items hold not counted.
    pub(super) fn mem_bytes(&self) -> usize {
        size_class(self.segments.capacity() * size_of::<Vec<T>>()) + self.segment_bytes
    }

    pub(super) fn with_room(len: usize) -> Segments<T> {
        let mut segments = Segments::new();
        let first = Vec::with_capacity(len.min(SEGMENT_LEN));
        segments.segment_bytes = bytes(&first);
        segments.segments.push(first);
        segments
    }

    #[inline]
    pub(super) fn get(&self, i: usize) -> &T {
        &self.segments[i / SEGMENT_LEN][i % SEGMENT_LEN]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, i: usize) -> &mut T {
        &mut self.segments[i / SEGMENT_LEN][i % SEGMENT_LEN]
    }

    pub(super) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(SEGMENT_LEN) && (self.len > 0 || self.segments.is_empty()) {
            // The first grows with the set; whoever fills it will fill the next.
            let room = if self.len == 0 { 4 } else { SEGMENT_LEN };
            let segment = Vec::with_capacity(room);
            self.segment_bytes += bytes(&segment);
            self.segments.push(segment);
        }
        let segment = self.segments.last_mut().expect("was pushed if there was none");
        if segment.len() == segment.capacity() {
            self.segment_bytes -= bytes(segment);
            let room = (segment.len() + segment.len() / 4 + 4).min(SEGMENT_LEN);
            segment.reserve_exact(room - segment.len());
            self.segment_bytes += bytes(segment);
        }
        segment.push(item);
        self.len += 1;
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let segment = self.segments.last_mut()?;
        let item = segment.pop()?;
        self.len -= 1;
        self.segment_bytes -= bytes(segment);
        if segment.is_empty() {
            self.segments.pop();
        } else {
            // The only one shrinks with the set.
            if self.len < SEGMENT_LEN && 4 * segment.len() <= segment.capacity() {
                segment.shrink_to(2 * segment.len());
            }
            self.segment_bytes += bytes(segment);
        }
        Some(item)
    }
}

fn bytes<T>(segment: &Vec<T>) -> usize {
    size_class(segment.capacity() * size_of::<T>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Thin;

    impl<T> Segments<T> {
        /// The running sum, counted anew.
        pub(in crate::set) fn check(&self) {
            assert_eq!(self.segment_bytes, self.segments.iter().map(bytes).sum::<usize>());
            assert_eq!(self.len, self.segments.iter().map(Vec::len).sum::<usize>());
            let full = self.segments.split_last().map_or(&[][..], |(_, before)| before);
            assert!(full.iter().all(|segment| segment.len() == SEGMENT_LEN));
        }
    }

    #[test]
    fn grows_and_shrinks() {
        let mut segments = Segments::new();
        for i in 0..1300u32 {
            segments.push(Thin::from(&i.to_le_bytes()[..]));
            assert_eq!(segments.get(i as usize)[..], i.to_le_bytes());
        }
        segments.check();
        *segments.get_mut(600) = Thin::new();
        for i in (0..1300u32).rev() {
            let bucket = segments.pop().expect("not empty");
            assert!(bucket[..] == i.to_le_bytes() || i == 600);
            assert_eq!(segments.len(), i as usize);
            if i % 100 == 0 {
                segments.check();
            }
        }
        assert!(segments.pop().is_none());
        assert!(segments.mem_bytes() <= 4 * 24, "{}", segments.mem_bytes());
    }
}
