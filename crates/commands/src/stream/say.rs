//! IDs and entries in replies.

use exec::Error;
use proto::Reply;
use types::stream::{Entry, ID_TEXT_MAX, Id, Value};

#[inline]
pub(super) fn id(reply: &mut Reply, id: Id) {
    reply.bulk(id.text(&mut [0; ID_TEXT_MAX]));
}

/// `[id, [field, value, …]]`.
#[inline]
pub(super) fn entry(reply: &mut Reply, entry: &Entry<'_>) {
    reply.array(2);
    id(reply, entry.id);
    reply.array(2 * entry.field_count());
    for (field, value) in entry.pairs() {
        reply.bulk(field);
        match value {
            Value::Bytes(bytes) => reply.bulk(bytes),
            Value::Int(n) => reply.bulk_int(n),
        }
    }
}

/// As many of these entries as `count` allows.
pub(super) fn entries<'a>(reply: &mut Reply, entries: impl Iterator<Item = Entry<'a>>, count: usize) {
    let later = reply.array_later();
    let mut said = 0;
    for it in entries.take(count) {
        entry(reply, &it);
        said += 1;
    }
    reply.array_finish(later, said);
}

/// A number, or null when it is not known.
pub(super) fn int_or_null(reply: &mut Reply, n: Option<i64>) {
    match n {
        Some(n) => reply.int(n),
        None => reply.null(),
    }
}

/// Words of a request inside an error's text.
pub(super) fn shown(word: &[u8]) -> String {
    String::from_utf8_lossy(word).into_owned()
}

/// The results of a command that reads several streams: a map of keys, or pairs in RESP2; null when there are none.
#[derive(Default)]
pub(super) struct Streams {
    later: Option<proto::Later>,
    count: usize,
}

impl Streams {
    /// The entries of this stream follow.
    pub(super) fn next(&mut self, reply: &mut Reply, key: &[u8]) {
        if self.later.is_none() {
            self.later = Some(if reply.is_resp3() { reply.map_later() } else { reply.array_later() });
        }
        self.count += 1;
        if !reply.is_resp3() {
            reply.array(2);
        }
        reply.bulk(key);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn finish(self, reply: &mut Reply) -> Result<(), Error> {
        match self.later {
            None => reply.null_array(),
            Some(later) if reply.is_resp3() => reply.map_finish(later, self.count),
            Some(later) => reply.array_finish(later, self.count),
        }
        Ok(())
    }
}
