//! Entries of a stream, packed: up to about a hundred behind one another.
//!
//! ```text
//! chunk  := head length number | field count number | field bytes … | dead bytes … | entry …
//! entry  := (length of the rest · 2 + same) number | ms beyond the base's number | seq number | rest
//! rest   := value …                              same: the fields are the head's
//!         | field count number | (field bytes | value) …
//! ```
//! Numbers, bytes and values stand as told in `wire.rs`. The head has the field names of the entry that the chunk
//! began with; streams nearly always repeat them. The base is that entry's ID; a seq counts from the base's while the
//! ms is the base's, else from 0. Taking entries from the front only moves `start`; the dead bytes go when they are
//! the larger half.
//! Always true: a chunk holds at least one entry, IDs ascend, and none is below the base.

use super::id::Id;
use super::wire::{self, NUMBER_MAX, Out, VALUE_HEAD_MAX, Value};
use crate::Thin;

pub(super) struct Chunk {
    pub base: Id,
    bytes: Thin,
    pub count: u32,
    /// Entries ever added, those removed since included: it decides when the chunk is full, as in Redis, where removed
    /// ones stay as tombstones (rough trimming shows the difference).
    pub made: u32,
    /// Where the first entry stands.
    start: u32,
}

/// One entry, as it stands in its chunk.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub id: Id,
    /// The names, when they are the chunk's.
    head: Option<&'a [u8]>,
    rest: &'a [u8],
}

/// The words of an entry to be stored: field, value, field, value …
pub(super) struct Words<'w, F> {
    pub count: usize,
    pub get: &'w F,
}

impl<'a, F: Fn(usize) -> &'a [u8]> Words<'_, F> {
    fn fields(&self) -> usize {
        self.count / 2
    }

    /// Their bytes alone.
    pub(super) fn size(&self) -> usize {
        (0..self.count).map(|i| (self.get)(i).len()).sum()
    }
}

/// Entries up to this size are put together on the stack.
const SMALL: usize = 256;

impl Chunk {
    /// A chunk that begins with this entry. `room`: bytes it will probably need.
    pub(super) fn with<'a, F: Fn(usize) -> &'a [u8]>(id: Id, words: &Words<'_, F>, room: usize) -> Chunk {
        let mut chunk = Chunk::begin(id, words.fields(), |i| (words.get)(2 * i), room);
        chunk.push(id, words);
        chunk
    }

    /// A chunk for entries that mostly have these fields, and none yet.
    pub(super) fn begin<'a>(base: Id, fields: usize, field: impl Fn(usize) -> &'a [u8], room: usize) -> Chunk {
        let names: usize = (0..fields).map(|i| field(i).len() + NUMBER_MAX).sum();
        let mut head = vec![0; names + NUMBER_MAX];
        let mut out = Out { buf: &mut head, len: 0 };
        out.number(fields as u64);
        (0..fields).for_each(|i| out.bytes(field(i)));
        let head_len = out.len;
        let mut len = [0; NUMBER_MAX];
        let mut out = Out { buf: &mut len, len: 0 };
        out.number(head_len as u64);
        let len_len = out.len;
        let mut bytes = Thin::with_capacity(room);
        bytes.extend(&len[..len_len]);
        bytes.extend(&head[..head_len]);
        Chunk { base, start: bytes.len() as u32, bytes, count: 0, made: 0 }
    }

    /// The names in the head.
    pub(super) fn head_fields(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let bytes = &self.bytes[..];
        let (_, at) = wire::number(bytes, 0);
        let (count, mut at) = wire::number(bytes, at);
        (0..count as usize).map(move |_| {
            let (field, end) = wire::bytes(bytes, at);
            at = end;
            field
        })
    }

    /// Adds an entry; its ID is the largest.
    pub(super) fn push<'a, F: Fn(usize) -> &'a [u8]>(&mut self, id: Id, words: &Words<'_, F>) {
        let same = self.has_fields(words);
        let bound = 3 * NUMBER_MAX + words.size() + words.count * VALUE_HEAD_MAX.max(NUMBER_MAX);
        let (mut small, mut large);
        let buf = if NUMBER_MAX + bound <= SMALL {
            small = [0; SMALL];
            &mut small[..]
        } else {
            large = vec![0; NUMBER_MAX + bound];
            &mut large[..]
        };
        // The length goes before it when it is known.
        let mut out = Out { buf, len: NUMBER_MAX };
        out.number(id.ms - self.base.ms);
        out.number(if id.ms == self.base.ms { id.seq - self.base.seq } else { id.seq });
        if same {
            (1..words.count).step_by(2).for_each(|i| out.value((words.get)(i)));
        } else {
            out.number(words.fields() as u64);
            for i in (0..words.count).step_by(2) {
                out.bytes((words.get)(i));
                out.value((words.get)(i + 1));
            }
        }
        let Out { buf, len } = out;
        let size = 2 * (len - NUMBER_MAX) as u64 + u64::from(same);
        let mut head = [0; NUMBER_MAX];
        let mut out = Out { buf: &mut head, len: 0 };
        out.number(size);
        let head_len = out.len;
        let from = NUMBER_MAX - head_len;
        buf[from..NUMBER_MAX].copy_from_slice(&head[..head_len]);
        self.bytes.extend(&buf[from..len]);
        self.count += 1;
        self.made = self.made.saturating_add(1);
    }

    fn has_fields<'a, F: Fn(usize) -> &'a [u8]>(&self, words: &Words<'_, F>) -> bool {
        let (_, at) = wire::number(&self.bytes, 0);
        let (fields, mut at) = wire::number(&self.bytes, at);
        fields == words.fields() as u64
            && (0..words.fields()).all(|i| {
                let (name, end) = wire::bytes(&self.bytes, at);
                at = end;
                name == (words.get)(2 * i)
            })
    }

    pub(super) fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn mem_bytes(&self) -> usize {
        self.bytes.mem_bytes()
    }

    /// Nothing is added any more.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink();
    }

    pub(super) fn first(&self) -> Entry<'_> {
        self.entry(self.start as usize).0
    }

    pub(super) fn start(&self) -> usize {
        self.start as usize
    }

    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// The ID of the entry at `at`, where its rest begins, where it ends, whether its fields are the head's.
    #[inline]
    fn id_at(&self, at: usize) -> (Id, usize, usize, bool) {
        let bytes = &self.bytes[..];
        let (size, body) = wire::number(bytes, at);
        let (ms, at) = wire::number(bytes, body);
        let (seq, rest) = wire::number(bytes, at);
        let seq = if ms == 0 { self.base.seq + seq } else { seq };
        (Id { ms: self.base.ms + ms, seq }, rest, body + (size / 2) as usize, size % 2 == 1)
    }

    /// The entry at `at`, and where the next one stands.
    #[inline]
    pub(super) fn entry(&self, at: usize) -> (Entry<'_>, usize) {
        let (id, rest, end, same) = self.id_at(at);
        let head = same.then(|| {
            let (_, head) = wire::number(&self.bytes, 0);
            &self.bytes[head..]
        });
        (Entry { id, head, rest: &self.bytes[rest..end] }, end)
    }

    /// Where the first entry at or behind `id` stands; the end when there is none.
    #[inline]
    pub(super) fn seek(&self, id: Id) -> usize {
        let (mut at, end) = (self.start as usize, self.bytes.len());
        while at < end {
            let (here, _, next, _) = self.id_at(at);
            if here >= id {
                return at;
            }
            at = next;
        }
        end
    }

    /// Where the entries of these IDs stand, one after the other.
    pub(super) fn places(&self, from: Id, to: Id, into: &mut Vec<u32>) {
        into.clear();
        let (mut at, end) = (self.start as usize, self.bytes.len());
        while at < end {
            let (id, _, next, _) = self.id_at(at);
            if id > to {
                return;
            }
            if id >= from {
                into.push(at as u32);
            }
            at = next;
        }
    }

    pub(super) fn find(&self, id: Id) -> Option<Entry<'_>> {
        let at = self.seek(id);
        if at == self.bytes.len() {
            return None;
        }
        let (entry, _) = self.entry(at);
        (entry.id == id).then_some(entry)
    }

    pub(super) fn last_id(&self) -> Id {
        let (mut at, mut last) = (self.start as usize, self.base);
        while at < self.bytes.len() {
            (last, _, at, _) = self.id_at(at);
        }
        last
    }

    /// Removes an entry; false when there is none. The caller drops a chunk whose last one went.
    pub(super) fn remove(&mut self, id: Id) -> bool {
        let at = self.seek(id);
        if at == self.bytes.len() {
            return false;
        }
        let (here, _, end, _) = self.id_at(at);
        if here != id {
            return false;
        }
        self.count -= 1;
        if at == self.start as usize {
            self.cut_to(end);
        } else {
            self.bytes.remove(at..end);
        }
        true
    }

    /// Removes `count` entries from the front, fewer than there are.
    pub(super) fn remove_front(&mut self, count: u32) {
        debug_assert!(count < self.count);
        let mut at = self.start as usize;
        for _ in 0..count {
            (_, _, at, _) = self.id_at(at);
        }
        self.count -= count;
        self.cut_to(at);
    }

    fn cut_to(&mut self, start: usize) {
        self.start = start as u32;
        let (head_len, head) = wire::number(&self.bytes, 0);
        let head_end = head + head_len as usize;
        if self.count > 0 && 2 * (start - head_end) > self.bytes.len() - head_end {
            self.bytes.remove(head_end..start);
            self.start = head_end as u32;
        }
    }
}

impl Clone for Chunk {
    fn clone(&self) -> Chunk {
        Chunk { bytes: self.bytes.clone(), ..*self }
    }
}

impl<'a> Entry<'a> {
    /// Number of fields.
    pub fn field_count(&self) -> usize {
        wire::number(self.head.unwrap_or(self.rest), 0).0 as usize
    }

    /// Are its fields those of its chunk's head?
    pub(crate) fn has_common_fields(&self) -> bool {
        self.head.is_some()
    }

    /// Fields with their values.
    pub fn pairs(&self) -> Pairs<'a> {
        let (count, at) = wire::number(self.head.unwrap_or(self.rest), 0);
        match self.head {
            Some(head) => Pairs { left: count as usize, head: Some((head, at)), rest: self.rest, at: 0 },
            None => Pairs { left: count as usize, head: None, rest: self.rest, at },
        }
    }
}

pub struct Pairs<'a> {
    left: usize,
    /// The head's names and where the next one stands.
    head: Option<(&'a [u8], usize)>,
    rest: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let field = match &mut self.head {
            Some((head, at)) => {
                let (field, end) = wire::bytes(head, *at);
                *at = end;
                field
            }
            None => {
                let (field, end) = wire::bytes(self.rest, self.at);
                self.at = end;
                field
            }
        };
        let (value, end) = wire::value(self.rest, self.at);
        self.at = end;
        Some((field, value))
    }
}
