//! Tests of all types together: there and back, golden payloads, and bytes that are wrong.

mod golden;
mod hostile;
mod refused;
mod round_trip;

use super::{Reading, Slice, Source, Thresholds, Value, read};
use crate::{Object, Stream};

/// All that an object holds, in one order whatever its encoding is.
fn content(object: &Object) -> Vec<String> {
    let mut all = Vec::new();
    object.for_each_digest(&mut |parts| {
        all.push(parts.iter().map(|part| part.escape_ascii().to_string()).collect::<Vec<_>>().join("|"));
    });
    all.sort();
    if let Object::Stream(stream) = object {
        all.push(whole_stream(stream));
    }
    all
}

fn whole_stream(stream: &Stream) -> String {
    let entries = stream.entries();
    let mut told = format!(
        "last {} deleted {} added {} first {:?}",
        entries.last_id(),
        entries.max_deleted,
        entries.added,
        entries.first_id()
    );
    for group in stream.groups() {
        told += &format!(" group {} {} {:?}", group.name.escape_ascii(), group.last_id, group.entries_read);
        for consumer in group.consumers() {
            told += &format!(
                " consumer {} {} {:?} {:?}",
                consumer.name.escape_ascii(),
                consumer.seen_ms,
                consumer.active_ms,
                consumer.pending().iter().collect::<Vec<_>>()
            );
        }
        for record in group.pending().iter() {
            let of = group.consumer(record.consumer).name.escape_ascii().to_string();
            told += &format!(" pending {} {} {} {of}", record.id, record.delivered_ms, record.count);
        }
    }
    told
}

/// What stands behind a type byte, to the end.
fn read_all(type_byte: u8, bytes: &[u8], reading: &mut Reading) -> Value {
    let mut source = Slice::new(bytes);
    let value = read(type_byte, &mut source, reading).unwrap_or_else(|error| panic!("{type_byte}: {error}"));
    assert!(source.rest().is_empty(), "{} bytes are left", source.buffered().len());
    value
}

fn reading(family: super::Family) -> Reading {
    Reading::new(Thresholds::default(), family, None, true)
}
