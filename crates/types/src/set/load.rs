//! A set made of members that come one after the other, as from a file.

use super::bucket::{self, small, tag};
use super::member::{Member, Record, payload_len};
use super::{Form, Limits, Set};
use crate::Thin;
use crate::rdb::{Bench, Seen};

/// So many members are looked through one by one for a double.
const FEW: usize = 8;

/// A set that fills, with a member at least that is no number. While it is small it stands on the bench.
pub(crate) struct Loading<'a> {
    /// The large one.
    set: Option<Set>,
    bench: &'a mut Bench,
    limits: Limits,
}

impl<'a> Loading<'a> {
    /// For so many members.
    pub(crate) fn new(count: usize, limits: &Limits, bench: &'a mut Bench) -> Loading<'a> {
        let set = (count > limits.packed()).then(|| {
            let mut set = Set::new();
            set.make_table(count);
            set
        });
        bench.bytes.clear();
        bench.codes.clear();
        bench.tags.clear();
        Loading { set, bench, limits: *limits }
    }

    /// False, and it is not added, when it is there already.
    #[inline]
    pub(crate) fn add(&mut self, member: Member<'_>) -> bool {
        let record = match (&mut self.set, Record::of(member)) {
            (Some(set), _) => return set.add(member, &self.limits),
            (None, Some(record))
                if member.text_len() <= self.limits.packed_value() && self.bench.tags.len() < self.limits.packed() =>
            {
                record
            }
            (None, _) => {
                let mut set = self.pack();
                set.make_table(0);
                return self.set.insert(set).add(member, &self.limits);
            }
        };
        let hash = member.hash();
        let Bench { seen, bytes, codes, tags, .. } = &mut *self.bench;
        if seen.looks() && is_there(bytes, codes, tags, hash, &record, seen) {
            return false;
        }
        tags.push(tag(hash));
        codes.push(record.code);
        bytes.extend_from_slice(record.payload());
        true
    }

    fn pack(&self) -> Set {
        let Bench { bytes, codes, tags, .. } = &*self.bench;
        if tags.is_empty() {
            return Set::new();
        }
        let mut packed = Thin::with_capacity(bucket::HEAD + 2 * tags.len() + bytes.len());
        packed.extend(&(tags.len() as u16).to_le_bytes());
        packed.extend(tags);
        packed.extend(codes);
        packed.extend(bytes);
        Set { form: Form::Packed(packed) }
    }

    pub(crate) fn done(mut self) -> Set {
        self.set.take().unwrap_or_else(|| self.pack())
    }
}

fn is_there(bytes: &[u8], codes: &[u8], tags: &[u8], hash: u64, record: &Record<'_>, seen: &mut Seen) -> bool {
    if tags.len() >= FEW {
        if tags.len() == FEW {
            seen.reset();
            let mut at = 0;
            for &code in codes {
                let end = at + payload_len(code);
                seen.insert(small(super::member::Stored::read(code, &bytes[at..end])).hash());
                at = end;
            }
        }
        if seen.insert(hash) {
            return false;
        }
    }
    let mut at = 0;
    tags.iter().zip(codes).any(|(&has_tag, &code)| {
        let start = at;
        at += payload_len(code);
        has_tag == tag(hash) && code == record.code && bytes[start..at] == *record.payload()
    })
}
