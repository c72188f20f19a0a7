//! Entries as the commands that make them: the base of the append-only file with `aof-use-rdb-preamble no`.
//!
//! A collection is several commands of at most `ELEMENTS_MAX` elements. A base counts only when it is whole, so they need
//! no frame.

use crate::options;
use crate::walk::{Form, Part};
use exec::Node;
use keyspace::{Digits, EntryRef};
use kit::text::format_f64;
use types::stream::{Group, Id};
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
        let key = entry.key();
        match entry.object() {
            None => command(out, &[b"SET", key, entry.value().text(&mut Digits::default())]),
            Some(object) => match &*object {
                Object::List(list) => write_list(out, key, list),
                Object::Set(set) => write_set(out, key, set),
                Object::Hash(hash) => write_hash(out, key, hash),
                Object::SortedSet(sorted) => write_sorted_set(out, key, sorted),
                Object::Stream(stream) => write_stream(out, key, stream),
            },
        }
        if let Some(deadline) = entry.deadline() {
            command(out, &[b"PEXPIREAT", key, deadline.0.to_string().as_bytes()]);
        }
        Ok(())
    }

    /// As commands values are written whole: nobody who has large ones should switch the RDB preamble off.
    fn begin(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Result<Option<Part>, String> {
        self.write(out, entry).map(|()| None)
    }

    fn select(&self, out: &mut Vec<u8>, db: usize) {
        command(out, &[b"SELECT", db.to_string().as_bytes()]);
    }
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

/// Commands `name key element …`; `each` writes one element, which is `width` words.
fn many<T>(
    out: &mut Vec<u8>,
    name: &str,
    key: &[u8],
    (count, width): (usize, usize),
    elements: impl Iterator<Item = T>,
    mut each: impl FnMut(&mut Vec<u8>, T),
) {
    for (i, element) in elements.enumerate() {
        if i % ELEMENTS_MAX == 0 {
            header(out, 2 + width * (count - i).min(ELEMENTS_MAX));
            word(out, name.as_bytes());
            word(out, key);
        }
        each(out, element);
    }
}

fn write_list(out: &mut Vec<u8>, key: &[u8], list: &List) {
    many(out, "RPUSH", key, (list.len(), 1), list.iter(), |out, item| word(out, item.bytes(&mut Digits::default())));
}

fn write_set(out: &mut Vec<u8>, key: &[u8], set: &Set) {
    many(out, "SADD", key, (set.len(), 1), set.iter(), |out, member| word(out, member.bytes(&mut Digits::default())));
}

fn write_hash(out: &mut Vec<u8>, key: &[u8], hash: &Hash) {
    many(out, "HSET", key, (hash.len(), 2), hash.iter(), |out, pair| {
        word(out, pair.field.bytes(&mut Digits::default()));
        word(out, pair.value.bytes(&mut Digits::default()));
    });
    for pair in hash.iter() {
        if let Some(deadline) = pair.deadline {
            let (mut digits, deadline) = (Digits::default(), deadline.to_string());
            let field = pair.field.bytes(&mut digits);
            command(out, &[b"HPEXPIREAT", key, deadline.as_bytes(), b"FIELDS", b"1", field]);
        }
    }
}

fn write_sorted_set(out: &mut Vec<u8>, key: &[u8], sorted: &SortedSet) {
    many(out, "ZADD", key, (sorted.len(), 2), sorted.iter(), |out, (member, score)| {
        word(out, format_f64(score).as_bytes());
        word(out, member);
    });
}

fn write_stream(out: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    let entries = stream.entries();
    for entry in entries.range(Id::MIN, Id::MAX) {
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
    stream.groups().iter().for_each(|group| write_group(out, key, group));
}

fn write_group(out: &mut Vec<u8>, key: &[u8], group: &Group) {
    let last = id(group.last_id);
    let read = group.entries_read.map_or_else(|| "-1".to_owned(), |read| read.to_string());
    command(out, &[b"XGROUP", b"CREATE", key, &group.name, &last, b"ENTRIESREAD", read.as_bytes()]);
    for consumer in group.consumers() {
        command(out, &[b"XGROUP", b"CREATECONSUMER", key, &group.name, &consumer.name]);
    }
    for pending in group.pending().iter() {
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
}

fn id(id: Id) -> Vec<u8> {
    id.text(&mut [0; types::stream::ID_TEXT_MAX]).to_vec()
}
