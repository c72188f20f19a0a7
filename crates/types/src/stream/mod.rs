//! Streams: entries of fields and values, each under an ID larger than all before it, and groups that read them.
//!
//! `entries.rs` keeps the entries in packed chunks (`chunk.rs`, `wire.rs`), `group.rs` what is delivered to whom and
//! not acknowledged (`sorted.rs`). A stream is a value also when it is empty: it knows its last ID.
//! Changes of a group go through `in_group`, so that the bytes are counted in one place.

mod chunk;
mod entries;
mod group;
mod id;
mod parts;
mod sorted;
#[cfg(test)]
mod twin;
mod wire;

pub use chunk::{Entry, Pairs};
pub use entries::{ChunkLimits, ENTRY_SIZE_MAX, Entries, Range, RangeBack, Trim};
pub use group::{Consumer, ConsumerNo, Group, Pending};
pub use id::{ID_TEXT_MAX, Id};
pub(crate) use parts::{NewPart, Part};
pub use sorted::Sorted;
pub use wire::Value;

use crate::Heap;
use crate::object::forms;
use kit::size::size_class;

#[derive(Debug)]
pub struct Stream {
    form: Form,
}

forms! {
    enum Form of Stream {
        Chunks(Heap<Body>) = Stream,
    }
}

#[derive(Default, Debug)]
struct Body {
    entries: Entries,
    /// In the order of their names.
    groups: Vec<Group>,
    /// Bytes and effort of the groups' own allocations.
    group_bytes: usize,
    group_effort: usize,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream::new()
    }
}

impl Stream {
    pub fn new() -> Stream {
        Stream { form: Form::Chunks(Heap::new(Body::default())) }
    }

    #[inline]
    fn body(&self) -> &Body {
        match &self.form {
            Form::Chunks(body) => body,
        }
    }

    #[inline]
    fn body_mut(&mut self) -> &mut Body {
        match &mut self.form {
            Form::Chunks(body) => body,
        }
    }

    #[inline]
    pub fn entries(&self) -> &Entries {
        &self.body().entries
    }

    #[inline]
    pub fn entries_mut(&mut self) -> &mut Entries {
        &mut self.body_mut().entries
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Bytes of all its allocations, in constant time.
    #[inline]
    pub fn mem_bytes(&self) -> usize {
        let body = self.body();
        size_class(size_of::<Body>())
            + body.entries.mem_bytes()
            + size_class(body.groups.capacity() * size_of::<Group>())
            + body.group_bytes
    }

    /// About how many allocations freeing it takes.
    pub fn effort(&self) -> usize {
        self.body().entries.chunk_count() + self.body().group_effort
    }

    pub fn duplicate(&self) -> Stream {
        let body = self.body();
        let groups: Vec<Group> = body.groups.iter().map(group::copy).collect();
        let group_bytes = groups.iter().map(Group::mem_bytes).sum();
        let body = Body { entries: body.entries.clone(), groups, group_bytes, group_effort: body.group_effort };
        Stream { form: Form::Chunks(Heap::new(body)) }
    }

    /// Of the entries alone, as in Redis: who read them is not part of it.
    pub fn for_each_digest(&self, f: &mut dyn FnMut(&[&[u8]])) {
        for entry in self.entries().range(Id::MIN, Id::MAX) {
            let values: Vec<_> =
                entry.pairs().map(|(field, value)| (field, value.bytes(&mut [0; 20]).to_vec())).collect();
            let (ms, seq) = (entry.id.ms.to_le_bytes(), entry.id.seq.to_le_bytes());
            let mut parts: Vec<&[u8]> = vec![&ms, &seq];
            parts.extend(values.iter().flat_map(|(field, value)| [*field, value.as_slice()]));
            f(&parts);
        }
    }

    // ---- groups

    /// In the order of their names.
    pub fn groups(&self) -> &[Group] {
        &self.body().groups
    }

    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        let at = self.place(name).ok()?;
        Some(&self.body().groups[at])
    }

    /// Changes a group, the entries at hand; None when there is no such group.
    pub fn in_group<R>(&mut self, name: &[u8], change: impl FnOnce(&Entries, &mut Group) -> R) -> Option<R> {
        let at = self.place(name).ok()?;
        let body = self.body_mut();
        let group = &mut body.groups[at];
        let (bytes, effort) = (group.mem_bytes(), group.effort());
        let result = change(&body.entries, group);
        body.group_bytes = body.group_bytes + group.mem_bytes() - bytes;
        body.group_effort = body.group_effort + group.effort() - effort;
        Some(result)
    }

    /// False when there is one already.
    pub fn add_group(&mut self, name: &[u8], last_id: Id, entries_read: Option<u64>) -> bool {
        let Err(at) = self.place(name) else { return false };
        let group = Group::new(name, last_id, entries_read);
        let body = self.body_mut();
        body.group_bytes += group.mem_bytes();
        body.group_effort += group.effort();
        body.groups.insert(at, group);
        true
    }

    pub fn remove_group(&mut self, name: &[u8]) -> bool {
        let Ok(at) = self.place(name) else { return false };
        let body = self.body_mut();
        let group = body.groups.remove(at);
        body.group_bytes -= group.mem_bytes();
        body.group_effort -= group.effort();
        true
    }

    #[inline]
    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.body().groups.binary_search_by(|group| (*group.name).cmp(name))
    }
}
