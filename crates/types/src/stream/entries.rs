//! The entries of a stream: chunks in the order of their IDs, and what the stream remembers of those that are gone.
//!
//! The index is a queue of chunks, searched by the ID each began with. Entries come at the end; most go from the front.
//! Always true: no chunk is empty, all IDs are at most `last_id`.

use super::chunk::{Chunk, Entry, Words};
use super::id::Id;
use kit::size::size_class;
use std::collections::VecDeque;
use std::fmt;

/// How large a chunk may become; 0: no limit.
#[derive(Clone, Copy, Debug)]
pub struct ChunkLimits {
    pub bytes: u64,
    pub entries: u64,
}

/// The words of one entry together, at most. A chunk has a 32-bit length.
pub const ENTRY_SIZE_MAX: usize = 1 << 30;

/// What trimming may take away.
#[derive(Clone, Copy, Debug)]
pub enum Trim {
    Exactly,
    /// Whole chunks only, and no more entries than this; 0: no limit.
    Roughly(u64),
}

#[derive(Default)]
pub struct Entries {
    chunks: VecDeque<Chunk>,
    len: usize,
    /// Of all chunks.
    bytes: usize,
    /// The largest ID ever given.
    last_id: Id,
    /// The largest ID ever deleted (not trimmed).
    pub max_deleted: Id,
    /// How many entries were ever added.
    pub added: u64,
}

impl Entries {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// Later entries get larger IDs than this; never below an entry that is there.
    pub fn set_last_id(&mut self, id: Id) {
        debug_assert!(self.chunks.back().is_none_or(|chunk| chunk.last_id() <= id));
        self.last_id = id;
    }

    pub(super) fn chunk(&self, i: usize) -> &Chunk {
        &self.chunks[i]
    }

    /// Adds a chunk behind all others; the ID of its last entry. `added` is for the caller to set.
    pub(super) fn add_chunk(&mut self, chunk: Chunk, last: Id) {
        debug_assert!(chunk.count > 0 && chunk.last_id() == last);
        self.bytes += chunk.mem_bytes();
        self.len += chunk.count as usize;
        self.chunks.push_back(chunk);
        self.last_id = self.last_id.max(last);
    }

    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    pub fn mem_bytes(&self) -> usize {
        self.bytes + size_class(self.chunks.capacity() * size_of::<Chunk>())
    }

    /// The ID of the first entry that is there.
    pub fn first_id(&self) -> Option<Id> {
        Some(self.chunks.front()?.first().id)
    }

    /// The ID of the last entry that is there.
    pub fn final_id(&self) -> Option<Id> {
        // Mostly it is the last one that was given.
        Some(self.chunks.back()?.last_id())
    }

    /// Adds an entry; its ID is above all others. `word(i)`: field, value, field, value …, `count` of them.
    pub fn append<'a>(&mut self, id: Id, count: usize, word: impl Fn(usize) -> &'a [u8], limits: ChunkLimits) {
        debug_assert!(id > self.last_id && count >= 2 && count.is_multiple_of(2));
        let words = Words { count, get: &word };
        let size = words.size();
        assert!(size <= ENTRY_SIZE_MAX, "the caller refuses entries of more than {ENTRY_SIZE_MAX} bytes");
        match self.chunks.back_mut() {
            Some(last) if has_room(last, size, limits) => {
                self.bytes -= last.mem_bytes();
                last.push(id, &words);
                self.bytes += last.mem_bytes();
            }
            last => {
                let mut room = 0;
                if let Some(last) = last {
                    self.bytes -= last.mem_bytes();
                    last.shrink();
                    self.bytes += last.mem_bytes();
                    // Like the one before it, if that was not an odd one.
                    room = last.len_bytes().min(4096);
                }
                let chunk = Chunk::with(id, &words, room);
                self.bytes += chunk.mem_bytes();
                self.chunks.push_back(chunk);
            }
        }
        self.len += 1;
        self.added += 1;
        self.last_id = id;
    }

    pub fn get(&self, id: Id) -> Option<Entry<'_>> {
        self.chunks[self.chunk_of(id)?].find(id)
    }

    pub fn contains(&self, id: Id) -> bool {
        self.get(id).is_some()
    }

    /// Deletes an entry; false when there is none.
    pub fn delete(&mut self, id: Id) -> bool {
        let Some(at) = self.chunk_of(id) else { return false };
        let chunk = &mut self.chunks[at];
        let before = chunk.mem_bytes();
        if !chunk.remove(id) {
            return false;
        }
        self.bytes -= before;
        if chunk.count == 0 {
            self.drop_chunk(at);
        } else {
            self.bytes += chunk.mem_bytes();
        }
        self.len -= 1;
        self.max_deleted = self.max_deleted.max(id);
        true
    }

    /// The chunk that has the entry of this ID, if any has.
    #[inline]
    fn chunk_of(&self, id: Id) -> Option<usize> {
        self.chunks.partition_point(|chunk| chunk.base <= id).checked_sub(1)
    }

    /// Takes entries from the front until no more than `keep` are left; how many went.
    pub fn trim_to_len(&mut self, keep: u64, trim: Trim) -> u64 {
        let mut gone = 0;
        while self.len as u64 > keep {
            let Some(first) = self.chunks.front() else { break };
            let (count, excess) = (u64::from(first.count), self.len as u64 - keep);
            if matches!(trim, Trim::Roughly(limit) if limit > 0 && gone + count > limit) {
                break;
            }
            if count <= excess {
                self.drop_first();
                gone += count;
                continue;
            }
            if let Trim::Exactly = trim {
                self.cut_first(excess as u32);
                gone += excess;
            }
            break;
        }
        gone
    }

    /// Takes the entries below an ID from the front; how many went.
    pub fn trim_below(&mut self, id: Id, trim: Trim) -> u64 {
        let mut gone = 0;
        while let Some(first) = self.chunks.front() {
            let count = u64::from(first.count);
            if first.base >= id || matches!(trim, Trim::Roughly(limit) if limit > 0 && gone + count > limit) {
                break;
            }
            // The next chunk's base says it without a look at the entries.
            let all = self.chunks.get(1).is_some_and(|next| next.base <= id) || first.last_id() < id;
            if all {
                self.drop_first();
                gone += count;
                continue;
            }
            if let Trim::Exactly = trim {
                let (mut at, mut below) = (first.start(), 0);
                let end = first.seek(id);
                while at < end {
                    (_, at) = first.entry(at);
                    below += 1;
                }
                if below > 0 {
                    self.cut_first(below);
                    gone += u64::from(below);
                }
            }
            break;
        }
        gone
    }

    fn drop_first(&mut self) {
        if let Some(first) = self.chunks.front() {
            self.bytes -= first.mem_bytes();
            self.len -= first.count as usize;
            self.drop_chunk(0);
        }
    }

    fn drop_chunk(&mut self, at: usize) {
        self.chunks.remove(at);
        if self.chunks.capacity() > 64 && self.chunks.len() * 4 < self.chunks.capacity() {
            self.chunks.shrink_to(self.chunks.len() * 2);
        }
    }

    fn cut_first(&mut self, count: u32) {
        if let Some(first) = self.chunks.front_mut() {
            self.bytes -= first.mem_bytes();
            first.remove_front(count);
            self.bytes += first.mem_bytes();
            self.len -= count as usize;
        }
    }

    /// Entries from one ID to another, both included.
    pub fn range(&self, from: Id, to: Id) -> Range<'_> {
        let chunk = self.chunk_of(from).unwrap_or(0);
        let at =
            self.chunks.get(chunk).map_or(0, |chunk| if from <= chunk.base { chunk.start() } else { chunk.seek(from) });
        Range { chunks: &self.chunks, chunk, at, to }
    }

    /// The same backwards.
    pub fn range_back(&self, from: Id, to: Id) -> RangeBack<'_> {
        let chunk = self.chunks.partition_point(|chunk| chunk.base <= to);
        RangeBack { chunks: &self.chunks, chunk, places: Vec::new(), from, to }
    }

    pub fn final_entry(&self) -> Option<Entry<'_>> {
        self.range_back(Id::MIN, Id::MAX).next()
    }

    // ---- how far a group is behind

    /// How many entries of the stream's whole life are at or before this ID, if that can be told.
    pub fn count_up_to(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        let Some(first) = self.first_id() else {
            return (id <= self.last_id).then_some(self.added);
        };
        if id == self.last_id {
            return Some(self.added);
        }
        // Behind a deletion, or in the future: nobody has counted.
        if id > self.last_id || (!id.is_min() && id < self.max_deleted) {
            return None;
        }
        if !self.max_deleted.is_min() && self.max_deleted >= first {
            return None;
        }
        let gone = self.added.saturating_sub(self.len as u64);
        match id.cmp(&first) {
            std::cmp::Ordering::Less => Some(gone),
            std::cmp::Ordering::Equal => Some(gone + 1),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// May an entry at or behind this ID have been deleted from among those that are there?
    pub fn has_hole_from(&self, id: Id) -> bool {
        match self.first_id() {
            None => false,
            Some(first) => !self.max_deleted.is_min() && first <= self.max_deleted && id <= self.max_deleted,
        }
    }

    /// What a group's `entries_read` becomes when it is at `last_id` and gets the entry `id` behind it.
    pub fn read_on(&self, last_id: Id, entries_read: Option<u64>, id: Id) -> Option<u64> {
        match entries_read {
            // Nothing is missing between the two: one more.
            Some(read) if self.first_id().is_some_and(|first| last_id >= first) && !self.has_hole_from(last_id) => {
                Some(read.saturating_add(1))
            }
            _ => self.count_up_to(id),
        }
    }

    /// How many entries a group that has read so far has not, if that can be told.
    pub fn lag(&self, last_id: Id, entries_read: Option<u64>) -> Option<i64> {
        let Some(first) = self.first_id() else { return Some(0) };
        if self.added == 0 {
            return Some(0);
        }
        if first > last_id && first > self.max_deleted {
            return Some(self.len as i64);
        }
        let read = match entries_read {
            Some(read) if !self.has_hole_from(last_id) => read,
            _ => self.count_up_to(last_id)?,
        };
        Some((self.added as i64).wrapping_sub(read as i64))
    }
}

fn has_room(chunk: &Chunk, size: usize, limits: ChunkLimits) -> bool {
    let bytes = (chunk.len_bytes() + size) as u64;
    let bytes_max = if limits.bytes == 0 { ENTRY_SIZE_MAX as u64 } else { limits.bytes.min(ENTRY_SIZE_MAX as u64) };
    let entries_max = if limits.entries == 0 { u64::from(u32::MAX) } else { limits.entries };
    bytes < bytes_max && u64::from(chunk.made) < entries_max
}

pub struct Range<'a> {
    chunks: &'a VecDeque<Chunk>,
    chunk: usize,
    at: usize,
    to: Id,
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let mut chunk = self.chunks.get(self.chunk)?;
        if self.at == chunk.end() {
            self.chunk += 1;
            chunk = self.chunks.get(self.chunk)?;
            self.at = chunk.start();
        }
        let (entry, next) = chunk.entry(self.at);
        if entry.id > self.to {
            return None;
        }
        self.at = next;
        Some(entry)
    }
}

pub struct RangeBack<'a> {
    chunks: &'a VecDeque<Chunk>,
    /// The chunk in whose entries we are; the one before it comes next.
    chunk: usize,
    /// Of the entries not given yet, in order.
    places: Vec<u32>,
    from: Id,
    to: Id,
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(at) = self.places.pop() {
                return Some(self.chunks[self.chunk].entry(at as usize).0);
            }
            // Whatever stands before a chunk that begins below the range is below it too.
            if self.chunks.get(self.chunk).is_some_and(|chunk| chunk.base < self.from) {
                return None;
            }
            self.chunk = self.chunk.checked_sub(1)?;
            self.chunks[self.chunk].places(self.from, self.to, &mut self.places);
        }
    }
}

impl Clone for Entries {
    /// With no more room than it needs.
    fn clone(&self) -> Entries {
        let chunks: VecDeque<Chunk> = self.chunks.iter().cloned().collect();
        let bytes = chunks.iter().map(Chunk::mem_bytes).sum();
        Entries { chunks, bytes, ..*self }
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "last {} deleted {} added {} ", self.last_id, self.max_deleted, self.added)?;
        let pairs = |entry: Entry<'_>| {
            let pair = |(field, value): (&[u8], super::Value<'_>)| {
                format!("{}={}", field.escape_ascii(), value.bytes(&mut [0; 20]).escape_ascii())
            };
            (entry.id, entry.pairs().map(pair).collect::<Vec<_>>())
        };
        f.debug_list().entries(self.range(Id::MIN, Id::MAX).map(pairs)).finish()
    }
}
