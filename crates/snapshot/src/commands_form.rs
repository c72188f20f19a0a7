//! Entries as the commands that make them: the base of the append-only file with `aof-use-rdb-preamble no`.
//!
//! A collection is several commands of at most `ELEMENTS_MAX` elements. A base counts only when it is whole, so they need
//! no frame. Large values are written in parts (`Place`), as in the RDB form.

use crate::options;
use crate::walk::{Form, Part};
use exec::Node;
use keyspace::{Digits, EntryRef};
use kit::text::format_f64;
use types::stream::Id;
use types::{Hash, List, Object, Set, SortedSet, Stream};

const ELEMENTS_MAX: usize = 64;

pub(crate) struct Commands;

/// The time, if it is noted, and function libraries, before all keys.
pub(crate) fn head(node: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    if node.config.get(&options::TIMESTAMPS) {
        out.extend_from_slice(format!("#TS:{}\r\n", node.now().secs()).as_bytes());
    }
    for library in &*node.libraries.lock() {
        command(&mut out, &[b"FUNCTION", b"LOAD", library]);
    }
    out
}

impl Form for Commands {
    fn write(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Result<(), String> {
        let mut place = Place::Start;
        while !place.step(out, entry, usize::MAX) {}
        Ok(())
    }

    fn begin(&self, _: &mut Vec<u8>, _: EntryRef<'_>) -> Result<Part, String> {
        Ok(Part::Commands(Place::Start))
    }

    fn select(&self, out: &mut Vec<u8>, db: usize) {
        command(out, &[b"SELECT", db.to_string().as_bytes()]);
    }
}

/// Where the next step of writing an entry begins. The entry does not change between the steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Start,
    /// A string, of which so many bytes were written.
    Text(usize),
    /// Of a list its nth part, of a set or hash its nth bucket, of a sorted set a rank.
    Elements(usize),
    /// Deadlines of fields, from this bucket on.
    FieldDeadlines(usize),
    Entries(Id),
    Group(usize),
    Pending(usize, Id),
    Deadline,
    End,
}

impl Place {
    /// Writes on until about `budget` bytes were written; true at the end.
    pub(crate) fn step(&mut self, out: &mut Vec<u8>, entry: EntryRef<'_>, budget: usize) -> bool {
        let end = out.len().saturating_add(budget.max(1));
        while *self != Place::End && out.len() < end {
            *self = self.write(out, entry, end);
        }
        *self == Place::End
    }

    /// Writes what stands here, and gives the next place.
    fn write(self, out: &mut Vec<u8>, entry: EntryRef<'_>, end: usize) -> Place {
        let key = entry.key();
        if self == Place::Deadline {
            if let Some(deadline) = entry.deadline() {
                command(out, &[b"PEXPIREAT", key, deadline.0.to_string().as_bytes()]);
            }
            return Place::End;
        }
        let Some(object) = entry.object() else { return write_text(out, entry, self, end) };
        match (&*object, self) {
            (Object::List(list), Place::Start) => write_list(out, key, list, 0),
            (Object::List(list), Place::Elements(at)) => write_list(out, key, list, at),
            (Object::Set(set), Place::Start) => write_set(out, key, set, 0),
            (Object::Set(set), Place::Elements(at)) => write_set(out, key, set, at),
            (Object::Hash(hash), Place::Start) => write_hash(out, key, hash, 0),
            (Object::Hash(hash), Place::Elements(at)) => write_hash(out, key, hash, at),
            (Object::Hash(hash), Place::FieldDeadlines(at)) => write_field_deadlines(out, key, hash, at),
            (Object::SortedSet(sorted), Place::Start) => write_sorted_set(out, key, sorted, 0),
            (Object::SortedSet(sorted), Place::Elements(at)) => write_sorted_set(out, key, sorted, at),
            (Object::Stream(stream), Place::Start) => write_entries(out, key, stream, Id::MIN),
            (Object::Stream(stream), Place::Entries(from)) => write_entries(out, key, stream, from),
            (Object::Stream(stream), Place::Group(at)) => write_group(out, key, stream, at),
            (Object::Stream(stream), Place::Pending(at, from)) => write_pending(out, key, stream, at, from),
            (other, place) => unreachable!("a {:?} at {place:?}", other.type_of()),
        }
    }
}

fn write_text(out: &mut Vec<u8>, entry: EntryRef<'_>, place: Place, end: usize) -> Place {
    let mut digits = Digits::default();
    let text = entry.value().text(&mut digits);
    let from = match place {
        Place::Text(from) => from,
        _ => {
            header(out, 3);
            word(out, b"SET");
            word(out, entry.key());
            out.extend_from_slice(format!("${}\r\n", text.len()).as_bytes());
            0
        }
    };
    let to = from.saturating_add(end.saturating_sub(out.len())).min(text.len());
    out.extend_from_slice(&text[from..to]);
    if to < text.len() {
        return Place::Text(to);
    }
    out.extend_from_slice(b"\r\n");
    Place::Deadline
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    header(out, words.len());
    words.iter().for_each(|text| word(out, text));
}

fn header(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(format!("*{count}\r\n").as_bytes());
}

fn word(out: &mut Vec<u8>, text: &[u8]) {
    out.extend_from_slice(format!("${}\r\n", text.len()).as_bytes());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// Commands `name key element …`, each of up to `ELEMENTS_MAX` elements of `width` words.
struct Elements<'o, 'k> {
    out: &'o mut Vec<u8>,
    name: &'static str,
    key: &'k [u8],
    width: usize,
    words: Vec<u8>,
    count: usize,
}

impl<'o, 'k> Elements<'o, 'k> {
    fn new(out: &'o mut Vec<u8>, name: &'static str, key: &'k [u8], width: usize) -> Elements<'o, 'k> {
        Elements { out, name, key, width, words: Vec::new(), count: 0 }
    }

    fn add(&mut self, words: &[&[u8]]) {
        debug_assert!(words.len() == self.width);
        words.iter().for_each(|text| word(&mut self.words, text));
        self.count += 1;
        if self.count == ELEMENTS_MAX {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if self.count > 0 {
            header(self.out, 2 + self.width * self.count);
            word(self.out, self.name.as_bytes());
            word(self.out, self.key);
            self.out.append(&mut self.words);
            self.count = 0;
        }
    }
}

/// From this part on, to the end of a command at least.
fn write_list(out: &mut Vec<u8>, key: &[u8], list: &List, mut at: usize) -> Place {
    let (start, mut elements) = (out.len(), Elements::new(out, "RPUSH", key, 1));
    while at < list.part_count() && elements.out.len() == start {
        list.part(at).items().for_each(|item| elements.add(&[item.bytes(&mut Digits::default())]));
        at += 1;
    }
    elements.finish();
    if at < list.part_count() { Place::Elements(at) } else { Place::Deadline }
}

fn write_set(out: &mut Vec<u8>, key: &[u8], set: &Set, mut at: usize) -> Place {
    let (start, mut elements) = (out.len(), Elements::new(out, "SADD", key, 1));
    while at < set.buckets() && elements.out.len() == start {
        set.bucket(at).for_each(|member| elements.add(&[member.bytes(&mut Digits::default())]));
        at += 1;
    }
    elements.finish();
    if at < set.buckets() { Place::Elements(at) } else { Place::Deadline }
}

fn write_hash(out: &mut Vec<u8>, key: &[u8], hash: &Hash, mut at: usize) -> Place {
    let buckets = hash.buckets().unwrap_or(1);
    let (start, mut elements) = (out.len(), Elements::new(out, "HSET", key, 2));
    while at < buckets && elements.out.len() == start {
        for pair in hash.bucket(at) {
            elements.add(&[pair.field.bytes(&mut Digits::default()), pair.value.bytes(&mut Digits::default())]);
        }
        at += 1;
    }
    elements.finish();
    match at < buckets {
        true => Place::Elements(at),
        false if hash.soonest().is_some() => Place::FieldDeadlines(0),
        false => Place::Deadline,
    }
}

fn write_field_deadlines(out: &mut Vec<u8>, key: &[u8], hash: &Hash, at: usize) -> Place {
    for pair in hash.bucket(at) {
        if let Some(deadline) = pair.deadline {
            let (mut digits, deadline) = (Digits::default(), deadline.to_string());
            let field = pair.field.bytes(&mut digits);
            command(out, &[b"HPEXPIREAT", key, deadline.as_bytes(), b"FIELDS", b"1", field]);
        }
    }
    if at + 1 < hash.buckets().unwrap_or(1) { Place::FieldDeadlines(at + 1) } else { Place::Deadline }
}

fn write_sorted_set(out: &mut Vec<u8>, key: &[u8], sorted: &SortedSet, at: usize) -> Place {
    let end = (at + ELEMENTS_MAX).min(sorted.len());
    let mut elements = Elements::new(out, "ZADD", key, 2);
    sorted.range(at..end, false).for_each(|(member, score)| elements.add(&[format_f64(score).as_bytes(), member]));
    elements.finish();
    if end < sorted.len() { Place::Elements(end) } else { Place::Deadline }
}

fn write_entries(out: &mut Vec<u8>, key: &[u8], stream: &Stream, from: Id) -> Place {
    let entries = stream.entries();
    for (i, entry) in entries.range(from, Id::MAX).enumerate() {
        if i == ELEMENTS_MAX {
            return Place::Entries(entry.id);
        }
        header(out, 3 + 2 * entry.field_count());
        word(out, b"XADD");
        word(out, key);
        word(out, &id(entry.id));
        for (field, value) in entry.pairs() {
            word(out, field);
            word(out, value.bytes(&mut Digits::default()));
        }
    }
    if entries.is_empty() {
        // An entry that goes at once: the stream is there, and has none.
        let first = if entries.last_id().is_min() { Id::new(0, 1) } else { entries.last_id() };
        command(out, &[b"XADD", key, b"MAXLEN", b"0", &id(first), b"x", b"y"]);
    }
    let (last, deleted, added) = (id(entries.last_id()), id(entries.max_deleted), entries.added.to_string());
    command(out, &[b"XSETID", key, &last, b"ENTRIESADDED", added.as_bytes(), b"MAXDELETEDID", &deleted]);
    Place::Group(0)
}

fn write_group(out: &mut Vec<u8>, key: &[u8], stream: &Stream, at: usize) -> Place {
    let Some(group) = stream.groups().get(at) else { return Place::Deadline };
    let last = id(group.last_id);
    let read = group.entries_read.map_or_else(|| "-1".to_owned(), |read| read.to_string());
    command(out, &[b"XGROUP", b"CREATE", key, &group.name, &last, b"ENTRIESREAD", read.as_bytes()]);
    for consumer in group.consumers() {
        command(out, &[b"XGROUP", b"CREATECONSUMER", key, &group.name, &consumer.name]);
    }
    Place::Pending(at, Id::MIN)
}

fn write_pending(out: &mut Vec<u8>, key: &[u8], stream: &Stream, at: usize, from: Id) -> Place {
    let group = &stream.groups()[at];
    for (i, pending) in group.pending().from(from).enumerate() {
        if i == ELEMENTS_MAX {
            return Place::Pending(at, pending.id);
        }
        let consumer = &group.consumer(pending.consumer).name;
        let (time, count) = (pending.delivered_ms.to_string(), pending.count.to_string());
        command(
            out,
            &[
                b"XCLAIM",
                key,
                &group.name,
                consumer,
                b"0",
                &id(pending.id),
                b"TIME",
                time.as_bytes(),
                b"RETRYCOUNT",
                count.as_bytes(),
                b"JUSTID",
                b"FORCE",
            ],
        );
    }
    Place::Group(at + 1)
}

fn id(id: Id) -> Vec<u8> {
    id.text(&mut [0; types::stream::ID_TEXT_MAX]).to_vec()
}
