//! The chunks of a stream from outside: to be written as they are, and to be made of what is read.

use super::chunk::{Chunk, Entry, Words};
use super::entries::{ENTRY_SIZE_MAX, Entries};
use super::id::Id;

/// A chunk, to be looked at.
pub(crate) struct Part<'a>(pub(super) &'a Chunk);

impl<'a> Part<'a> {
    /// No entry's ID is below this one.
    pub(crate) fn base(&self) -> Id {
        self.0.base
    }

    pub(crate) fn len(&self) -> usize {
        self.0.count as usize
    }

    /// The names that the entries with `has_common_fields` have.
    pub(crate) fn common_fields(&self) -> impl ExactSizeIterator<Item = &'a [u8]> + use<'a> {
        self.0.head_fields()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let (chunk, mut at) = (self.0, self.0.start());
        std::iter::from_fn(move || {
            (at < chunk.end()).then(|| {
                let (entry, next) = chunk.entry(at);
                at = next;
                entry
            })
        })
    }
}

/// A chunk that fills with entries that were in one before.
pub(crate) struct NewPart {
    chunk: Chunk,
    last: Option<Id>,
}

impl NewPart {
    /// Each name of a field is used once or more by the entries that come, most probably.
    pub(crate) fn new<'a>(base: Id, field_count: usize, field: impl Fn(usize) -> &'a [u8]) -> NewPart {
        NewPart { chunk: Chunk::begin(base, field_count, field, 0), last: None }
    }

    /// Adds an entry of `count` words: field, value, field, value … False, and nothing happens, when its ID is out of
    /// order or it is too large.
    pub(crate) fn push<'a>(&mut self, id: Id, count: usize, word: impl Fn(usize) -> &'a [u8]) -> bool {
        let words = Words { count, get: &word };
        let in_order = id >= self.chunk.base && self.last.is_none_or(|last| last < id);
        if !in_order || count < 2 || words.size().saturating_add(self.chunk.len_bytes()) > ENTRY_SIZE_MAX {
            return false;
        }
        self.chunk.push(id, &words);
        self.last = Some(id);
        true
    }
}

impl Entries {
    pub(crate) fn part(&self, i: usize) -> Part<'_> {
        Part(self.chunk(i))
    }

    /// Adds a chunk, if there is an entry in it, behind all others. `dead` entries were in it once. False, and nothing
    /// happens, when its IDs belong before others.
    pub(crate) fn add_part(&mut self, part: NewPart, dead: u64) -> bool {
        let NewPart { mut chunk, last } = part;
        let Some(last) = last else { return true };
        if self.final_id().is_some_and(|before| before >= chunk.base) {
            return false;
        }
        chunk.made = chunk.made.saturating_add(u32::try_from(dead).unwrap_or(u32::MAX));
        chunk.shrink();
        self.add_chunk(chunk, last);
        true
    }
}
