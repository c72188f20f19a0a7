//! The bytes of a reply, kept in parts.
//!
//! Bytes are written into the tail; when it is full it is sealed and a new one begins, so what was
//! written is never copied to make room. A sealed part is a buffer of ours or a chunk shared with
//! other connections. Written bytes are named by their place in the connection's whole output
//! (`Mark`), so a mark stays right while earlier parts are sent and thrown away.
//!
//! Always true: `sealed_len` and `sealed_mem` are the sums over the sealed parts; `sent` bytes of
//! the first part are gone; only the tail has room.
//! Knows nothing of RESP.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

/// Size of the first part and of the chunks after it, unless one word needs more.
pub const REPLY_PART_BYTES: usize = 16 * 1024;

/// A shared chunk up to this size is copied: that costs less than one more part to send.
pub const SHARED_COPY_BYTES_MAX: usize = 1024;

// Sealing a tail that is nearly empty, as before a shared chunk, would tie up its 16 KiB.
const SEAL_COPY_BYTES_MAX: usize = REPLY_PART_BYTES / 4;

/// A place in the output, to which it can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub(crate) u64);

#[derive(Debug, Clone)]
enum Part {
    Own(Vec<u8>),
    Shared(Arc<[u8]>),
}

impl Part {
    fn bytes(&self) -> &[u8] {
        match self {
            Part::Own(bytes) => bytes,
            Part::Shared(bytes) => bytes,
        }
    }

    /// A shared chunk counts in full for everyone who holds it: limits are per connection.
    fn mem_bytes(&self) -> usize {
        match self {
            Part::Own(bytes) => bytes.capacity(),
            Part::Shared(bytes) => bytes.len(),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Parts {
    sealed: VecDeque<Part>,
    tail: Vec<u8>,
    sealed_len: usize,
    sealed_mem: usize,
    /// Bytes of the first part that have been sent.
    sent: usize,
    /// Place in the output where the first part begins.
    base: u64,
}

impl Parts {
    /// Bytes not sent yet.
    pub(crate) fn len(&self) -> usize {
        self.sealed_len + self.tail.len() - self.sent
    }

    pub(crate) fn mem_bytes(&self) -> usize {
        self.sealed_mem + self.tail.capacity() + self.sealed.capacity() * size_of::<Part>()
    }

    pub(crate) fn count(&self) -> usize {
        self.sealed.len() + usize::from(!self.tail.is_empty())
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.base + (self.sealed_len + self.tail.len()) as u64)
    }

    /// The tail, if `len` more bytes fit into it without a new part.
    #[inline(always)]
    pub(crate) fn room(&mut self, len: usize) -> Option<&mut Vec<u8>> {
        (self.tail.capacity() - self.tail.len() >= len).then_some(&mut self.tail)
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self.room(bytes.len()) {
            Some(tail) => tail.extend_from_slice(bytes),
            None => self.push_slow(bytes, 0),
        }
    }

    /// Bytes that must lie in one part, so that they can be replaced later.
    pub(crate) fn push_whole(&mut self, bytes: &[u8]) -> Mark {
        debug_assert!(bytes.len() <= REPLY_PART_BYTES);
        if self.room(bytes.len()).is_none() {
            self.seal();
        }
        let mark = self.mark();
        // What is sealed in a hurry leaves an empty tail of some size, or none at all.
        if self.tail.is_empty() && self.tail.capacity() < bytes.len() {
            self.tail = Vec::with_capacity(REPLY_PART_BYTES);
        }
        self.push(bytes);
        mark
    }

    /// Fills the tail up and goes on in new parts. `more` bytes are known to follow at once, so a
    /// part made for a large word has room for its line end too.
    #[cold]
    #[inline(never)]
    pub(crate) fn push_slow(&mut self, bytes: &[u8], more: usize) {
        if self.tail.capacity() == 0 && bytes.len() + more <= REPLY_PART_BYTES {
            self.tail.reserve_exact(REPLY_PART_BYTES);
            self.tail.extend_from_slice(bytes);
            return;
        }
        let room = (self.tail.capacity() - self.tail.len()).min(bytes.len());
        let (here, there) = bytes.split_at(room);
        self.tail.extend_from_slice(here);
        if there.is_empty() {
            return;
        }
        self.seal();
        let wanted = (there.len() + more).max(REPLY_PART_BYTES);
        if self.tail.capacity() < wanted {
            self.tail = Vec::with_capacity(wanted);
        }
        self.tail.extend_from_slice(there);
    }

    pub(crate) fn push_shared(&mut self, bytes: Arc<[u8]>) {
        if bytes.len() <= SHARED_COPY_BYTES_MAX {
            self.push(&bytes);
        } else {
            self.seal();
            self.push_part(Part::Shared(bytes));
        }
    }

    /// Appends what `other` has not sent yet.
    pub(crate) fn append(&mut self, mut other: Parts) {
        if other.sealed.is_empty() && other.tail.len() - other.sent <= SEAL_COPY_BYTES_MAX {
            self.push(&other.tail[other.sent..]);
            return;
        }
        if other.sealed.is_empty() {
            other.seal();
        }
        // Sent bytes can only be forgotten in the first part, and here it no longer is the first.
        if other.sent > 0
            && let Some(first) = other.sealed.front_mut()
        {
            let rest = Part::Own(first.bytes()[other.sent..].to_vec());
            *first = rest;
        }
        self.seal();
        for part in other.sealed {
            self.push_part(part);
        }
        if other.tail.is_empty() {
            return;
        }
        if other.tail.len() <= SEAL_COPY_BYTES_MAX {
            self.push(&other.tail);
        } else {
            self.tail = other.tail;
        }
    }

    /// Takes everything after the mark back. What was sent cannot be: then only the rest goes.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        let first_unsent = self.base + self.sent as u64;
        debug_assert!(mark.0 >= first_unsent, "taking back bytes that were sent");
        let keep_len = mark.0.max(first_unsent).saturating_sub(self.base) as usize;
        if keep_len >= self.sealed_len {
            self.tail.truncate(keep_len - self.sealed_len);
            self.tail.shrink_to(REPLY_PART_BYTES);
            return;
        }
        self.tail.clear();
        while self.sealed_len > keep_len {
            let Some(part) = self.pop_sealed() else { break };
            let part_keep_len = keep_len.saturating_sub(self.sealed_len);
            if part_keep_len == 0 {
                continue;
            }
            match part {
                Part::Own(mut bytes) => {
                    bytes.truncate(part_keep_len);
                    bytes.shrink_to(REPLY_PART_BYTES);
                    self.tail = bytes;
                }
                // No mark points into a shared chunk, but one that has gone stale may.
                Part::Shared(bytes) => self.tail.extend_from_slice(&bytes[..part_keep_len]),
            }
        }
    }

    /// Puts `new` in place of the `old_len` bytes after `at`, in one part of ours. Bytes behind it
    /// in the same part move, at most `REPLY_PART_BYTES` of them: a part that holds more is one
    /// large word, written at once, with nothing inside that could be replaced.
    pub(crate) fn replace(&mut self, at: Mark, old_len: usize, new: &[u8]) {
        assert!(at.0 >= self.base + self.sent as u64, "replacing bytes that were sent");
        assert!(new.len() >= old_len);
        let offset = (at.0 - self.base) as usize;
        let longer_by = new.len() - old_len;
        if offset >= self.sealed_len {
            let offset = offset - self.sealed_len;
            if let Some(tail) = self.room(longer_by) {
                splice(tail, offset, old_len, new);
                return;
            }
            // The tail is full: what stands behind the replaced bytes becomes the new tail.
            let behind = self.tail.split_off(offset + old_len);
            self.tail.truncate(offset);
            self.push(new);
            self.push(&behind);
            return;
        }
        let (mut idx, mut start) = (self.sealed.len(), self.sealed_len);
        while start > offset {
            idx -= 1;
            start -= self.sealed[idx].bytes().len();
        }
        let Part::Own(bytes) = &mut self.sealed[idx] else {
            unreachable!("what is replaced was written by push");
        };
        let mem_before = bytes.capacity();
        splice(bytes, offset - start, old_len, new);
        self.sealed_mem += bytes.capacity() - mem_before;
        self.sealed_len += longer_by;
    }

    pub(crate) fn first(&self) -> &[u8] {
        match self.sealed.front() {
            Some(part) => &part.bytes()[self.sent..],
            None => &self.tail[self.sent..],
        }
    }

    pub(crate) fn slices(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.sent;
        self.sealed
            .iter()
            .map(Part::bytes)
            .chain(std::iter::once(self.tail.as_slice()))
            .map(move |bytes| &bytes[std::mem::take(&mut skip)..])
            .filter(|bytes| !bytes.is_empty())
    }

    pub(crate) fn fill_slices<'a>(&'a self, out: &mut [IoSlice<'a>], mut len_max: usize) -> usize {
        let mut count = 0;
        for (slot, bytes) in out.iter_mut().zip(self.slices()) {
            let bytes = &bytes[..bytes.len().min(len_max)];
            if bytes.is_empty() {
                break;
            }
            len_max -= bytes.len();
            *slot = IoSlice::new(bytes);
            count += 1;
        }
        count
    }

    /// `count` more bytes have been sent.
    pub(crate) fn consume(&mut self, count: usize) {
        assert!(count <= self.len(), "sent {count} bytes of {}", self.len());
        self.sent += count;
        while let Some(first) = self.sealed.front() {
            let first_len = first.bytes().len();
            if self.sent < first_len {
                return;
            }
            self.sent -= first_len;
            self.base += first_len as u64;
            self.sealed_len -= first_len;
            self.sealed_mem -= first.mem_bytes();
            self.sealed.pop_front();
        }
        if self.sent == self.tail.len() {
            self.clear();
        }
    }

    /// Throws everything away but a first part of the usual size.
    pub(crate) fn clear(&mut self) {
        self.base += (self.sealed_len + self.tail.len()) as u64;
        self.sent = 0;
        self.sealed_len = 0;
        self.sealed_mem = 0;
        self.sealed.clear();
        self.sealed.shrink_to(SEALED_COUNT_KEPT);
        self.tail.clear();
        if self.tail.capacity() != REPLY_PART_BYTES {
            self.tail = Vec::new();
        }
    }

    pub(crate) fn take(&mut self) -> Parts {
        let base = self.mark().0;
        std::mem::replace(self, Parts { base, ..Parts::default() })
    }

    /// Gives the first part's allocation back when there is nothing in it.
    pub(crate) fn shrink(&mut self) {
        if self.len() == 0 {
            self.clear();
            self.tail = Vec::new();
            self.sealed = VecDeque::new();
        }
    }

    fn seal(&mut self) {
        if self.tail.is_empty() {
            return;
        }
        let bytes = if self.tail.len() <= SEAL_COPY_BYTES_MAX {
            let bytes = self.tail.as_slice().to_vec();
            self.tail.clear();
            bytes
        } else {
            std::mem::take(&mut self.tail)
        };
        self.push_part(Part::Own(bytes));
    }

    fn push_part(&mut self, part: Part) {
        debug_assert!(self.tail.is_empty(), "parts are in order");
        self.sealed_len += part.bytes().len();
        self.sealed_mem += part.mem_bytes();
        self.sealed.push_back(part);
    }

    fn pop_sealed(&mut self) -> Option<Part> {
        let part = self.sealed.pop_back()?;
        self.sealed_len -= part.bytes().len();
        self.sealed_mem -= part.mem_bytes();
        Some(part)
    }
}

// 32 parts are half a megabyte of reply: a list of them is worth keeping, a longer one is not.
const SEALED_COUNT_KEPT: usize = 32;

fn splice(bytes: &mut Vec<u8>, offset: usize, old_len: usize, new: &[u8]) {
    let (over, more) = new.split_at(old_len);
    let end = offset + old_len;
    bytes[offset..end].copy_from_slice(over);
    if more.is_empty() {
        return;
    }
    let len = bytes.len();
    bytes.reserve_exact(more.len());
    bytes.extend_from_slice(more);
    bytes.copy_within(end..len, end + more.len());
    bytes[end..end + more.len()].copy_from_slice(more);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(parts: &Parts) -> Vec<u8> {
        parts.slices().flatten().copied().collect()
    }

    /// What stands in the struct's story.
    fn check(parts: &Parts) {
        assert_eq!(parts.sealed_len, parts.sealed.iter().map(|part| part.bytes().len()).sum::<usize>());
        assert_eq!(parts.sealed_mem, parts.sealed.iter().map(Part::mem_bytes).sum::<usize>());
        assert_eq!(parts.len(), bytes(parts).len());
        assert!(parts.sealed.iter().all(|part| !part.bytes().is_empty()));
    }

    #[test]
    fn grows_in_parts_and_never_moves_what_is_written() {
        let mut parts = Parts::default();
        assert_eq!(parts.mem_bytes(), 0);
        parts.push(b"abc");
        assert_eq!(parts.tail.capacity(), REPLY_PART_BYTES);
        let address = parts.tail.as_ptr();
        for idx in 0..10_000u32 {
            parts.push(&idx.to_be_bytes());
        }
        check(&parts);
        assert_eq!(parts.first().as_ptr(), address);
        assert_eq!(parts.count(), 40_003_usize.div_ceil(REPLY_PART_BYTES));
        assert!(parts.mem_bytes() < 3 * REPLY_PART_BYTES + 1024);
    }

    #[test]
    fn a_large_word_gets_a_part_of_its_size() {
        let mut parts = Parts::default();
        parts.push(b"head");
        parts.push_slow(&vec![7; 1 << 20], 2);
        parts.push(b"\r\n");
        check(&parts);
        assert_eq!(parts.count(), 2);
        assert!(parts.mem_bytes() <= (1 << 20) + REPLY_PART_BYTES + 1024);
    }

    #[test]
    fn sends_in_any_steps() {
        let mut parts = Parts::default();
        let all: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        for piece in all.chunks(999) {
            parts.push(piece);
        }
        let (mut sent, mut step) = (Vec::new(), 1);
        while parts.len() > 0 {
            let mut slices = [IoSlice::new(&[]); 3];
            let count = parts.fill_slices(&mut slices, usize::MAX);
            let front: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter()).copied().collect();
            let len = front.len().min(step);
            sent.extend_from_slice(&front[..len]);
            parts.consume(len);
            check(&parts);
            step = step * 3 + 1;
        }
        assert_eq!(sent, all);
        assert_eq!(parts.count(), 0);
    }

    #[test]
    fn a_shared_chunk_is_not_copied_unless_small() {
        let (small, large): (Arc<[u8]>, Arc<[u8]>) = ([1; 10].into(), [2; 5000].into());
        let mut parts = Parts::default();
        for _ in 0..100 {
            parts.push_shared(small.clone());
            parts.push_shared(large.clone());
        }
        check(&parts);
        assert_eq!((Arc::strong_count(&small), Arc::strong_count(&large)), (1, 101));
        assert_eq!(parts.len(), 100 * 5010);
        // Ten bytes between large chunks do not tie up 16 KiB each.
        assert!(parts.mem_bytes() < 100 * 5010 + 2 * REPLY_PART_BYTES);
        parts.consume(5010 * 50 + 3);
        check(&parts);
        assert_eq!(Arc::strong_count(&large), 51);
    }

    #[test]
    fn truncate_takes_parts_back() {
        for len in [0, 1, 5000, REPLY_PART_BYTES - 1, REPLY_PART_BYTES, REPLY_PART_BYTES + 1, 50_000] {
            let mut parts = Parts::default();
            parts.push(&vec![1; len]);
            let (mark, before) = (parts.mark(), bytes(&parts));
            parts.push(b"more");
            parts.push_shared(Arc::from([2; 4000]));
            parts.push(&[3; 40_000]);
            parts.truncate(mark);
            check(&parts);
            assert_eq!(bytes(&parts), before, "{len}");
            parts.push(b"again");
            assert_eq!(parts.len(), len + 5);
        }
    }

    #[test]
    fn truncate_gives_memory_back() {
        for lead in [0, 10] {
            let mut parts = Parts::default();
            parts.push(&vec![1; lead]);
            let mark = parts.mark();
            parts.push_slow(&[2; 1 << 20], 2);
            parts.truncate(mark);
            assert!(parts.mem_bytes() <= REPLY_PART_BYTES + 1024);
            // A mark inside a large word is a stale one; it must not keep the word.
            parts.push_slow(&[3; 1 << 20], 2);
            parts.push(&[4; 100]);
            parts.truncate(Mark(mark.0 + REPLY_PART_BYTES as u64 + 5));
            assert!(parts.mem_bytes() <= 3 * REPLY_PART_BYTES);
        }
    }

    #[test]
    fn a_mark_stays_right_while_earlier_bytes_go() {
        let mut parts = Parts::default();
        parts.push(&[1; 40_000]);
        let mark = parts.mark();
        parts.push(&[2; 20_000]);
        parts.consume(39_999);
        parts.truncate(mark);
        assert_eq!(bytes(&parts), [1]);
        parts.consume(1);
        assert_eq!(parts.mark(), mark);
        parts.push(&[3; 7]);
        parts.clear();
        assert_eq!(parts.mark(), Mark(mark.0 + 7));
        let taken = parts.take();
        assert_eq!((taken.mark(), parts.mark()), (Mark(mark.0 + 7), Mark(mark.0 + 7)));
    }

    #[test]
    fn clear_keeps_the_usual_first_part_only() {
        let mut parts = Parts::default();
        parts.push(b"x");
        parts.clear();
        assert_eq!(parts.mem_bytes(), REPLY_PART_BYTES);
        parts.push(&[0; 100_000]);
        parts.push_slow(&[0; 100_000], 0);
        parts.clear();
        assert!(parts.mem_bytes() <= REPLY_PART_BYTES + 1024);
        parts.shrink();
        assert_eq!(parts.mem_bytes(), 0);
    }

    #[test]
    fn append_hands_parts_over() {
        for (ours, theirs, sent) in [(0, 10, 3), (10, 0, 0), (10, 5000, 4999), (9000, 50_000, 20_000), (0, 50_000, 100)]
        {
            let (mut parts, mut other) = (Parts::default(), Parts::default());
            parts.push(&vec![1; ours]);
            other.push(&vec![2; theirs]);
            other.consume(sent);
            let mut expected = bytes(&parts);
            expected.extend(bytes(&other));
            parts.append(other);
            check(&parts);
            assert_eq!(bytes(&parts), expected);
            parts.push(b"on");
            check(&parts);
        }
    }

    #[test]
    fn replace_moves_what_is_behind() {
        for before in [0, 3, REPLY_PART_BYTES - 6, REPLY_PART_BYTES - 3, REPLY_PART_BYTES, 40_000] {
            for behind in [0, 10, REPLY_PART_BYTES - 20, REPLY_PART_BYTES, 60_000] {
                let mut parts = Parts::default();
                parts.push(&vec![1; before]);
                let at = parts.push_whole(b"*0\r\n");
                parts.push(&vec![2; behind]);
                parts.replace(Mark(at.0 + 1), 3, b"1234567\r\n");
                check(&parts);
                let mut expected = vec![1; before];
                expected.extend_from_slice(b"*1234567\r\n");
                expected.resize(expected.len() + behind, 2);
                assert_eq!(bytes(&parts), expected, "{before} {behind}");
            }
        }
    }
}
