//! Lists.
//!
//! ```text
//! 1   LIST                 count | element …
//! 10  ziplist of the elements
//! 14  LIST_QUICKLIST       count | ziplist …
//! 18  LIST_QUICKLIST_2     count | (1 | element, or 2 | listpack) …
//! ```
//! Large lists are written as the listpacks of some kilobytes that Redis likes to have in memory, whatever the size of
//! our chunks is.

use super::kind;
use super::listpack::{Fault, Reader, Writer};
use super::read::Reading;
use super::source::{Error, Source};
use super::text::{Text, read_blob, read_len, read_string};
use super::write::{Progress, To};
use super::ziplist;
use crate::List;
use crate::list::{Item, Loading, Part};

const PLAIN: u64 = 1;
const PACKED: u64 = 2;
/// Bytes of a listpack, about.
const NODE_BYTES: u64 = 8192;

pub(super) fn step(list: &List, place: &mut Option<usize>, to: &mut To<'_>) -> Progress {
    let plain = to.kind == kind::LIST;
    let parts = list.part_count();
    let mut at = place.unwrap_or_else(|| {
        let nodes = || (0..parts).map(|at| nodes(&list.part(at))).sum();
        to.len(if plain { list.len() } else { nodes() });
        0
    });
    while at < parts && !to.is_full() {
        let part = list.part(at);
        match plain {
            true => part.items().for_each(|item| element(item, to)),
            false => write_nodes(&part, to),
        }
        at += 1;
    }
    *place = Some(at);
    if at < parts { Progress::More } else { Progress::Done }
}

/// Nodes of a quicklist that a part becomes.
fn nodes(part: &Part<'_>) -> usize {
    let wanted = part.listpack_len().div_ceil(NODE_BYTES) as usize;
    wanted.clamp(1, part.len().max(1))
}

fn write_nodes(part: &Part<'_>, to: &mut To<'_>) {
    let (nodes, len) = (nodes(part), part.len());
    let mut items = part.items();
    if len == 1 && part.listpack_len() > NODE_BYTES {
        to.len(PLAIN as usize);
        return items.for_each(|item| element(item, to));
    }
    for node in 0..nodes {
        let count = (node + 1) * len / nodes - node * len / nodes;
        to.len(PACKED as usize);
        to.blob(|out| {
            let mut pack = Writer::new(out);
            items.by_ref().take(count).for_each(|item| pack.item(item));
            pack.finish();
        });
    }
}

fn element(item: Item<'_>, to: &mut To<'_>) {
    match item {
        Item::Int(int) => to.int(int),
        Item::Bytes(bytes) => to.string(bytes),
    }
}

pub(super) fn read<S: Source>(kind: u8, source: &mut S, reading: &mut Reading) -> Result<List, Error> {
    let Reading { thresholds, scratch: [scratch, _], bench, .. } = reading;
    let mut list = Loading::new(&mut bench.pack);
    let nodes = if kind == kind::LIST_ZIPLIST { 1 } else { read_len(source)? };
    for _ in 0..nodes {
        let container = match kind {
            kind::LIST_QUICKLIST_2 => read_len(source)?,
            kind::LIST => PLAIN,
            _ => PACKED,
        };
        let offset = source.offset();
        match container {
            PLAIN => match read_string(source, scratch)? {
                Text::Int(int) => list.add(Item::Int(int)),
                // An empty element has its place in a listpack.
                Text::Bytes(b"") if kind == kind::LIST_QUICKLIST_2 => {
                    return Err(Error::Corrupt { what: "a node of a list with nothing in it", offset });
                }
                // Perhaps more digits than have a short form.
                Text::Bytes(bytes) => list.add_text(bytes),
            },
            PACKED => {
                let blob = read_blob(source, scratch)?;
                let done = match kind {
                    kind::LIST_QUICKLIST_2 => read_listpack(blob, &mut list),
                    _ => read_ziplist(blob, &mut list),
                };
                done.map_err(|what| Error::Corrupt { what, offset })?;
            }
            _ => return Err(Error::Corrupt { what: "a node of a list of an unknown form", offset }),
        }
    }
    Ok(list.done(thresholds.list))
}

fn read_listpack(blob: &[u8], list: &mut Loading<'_>) -> Result<(), Fault> {
    let mut pack = Reader::new(blob)?;
    while let Some(item) = pack.next()? {
        match item {
            Item::Int(int) => list.add(Item::Int(int)),
            // A number that somebody wrote as a text.
            Item::Bytes(bytes) => list.add_text(bytes),
        }
    }
    Ok(())
}

fn read_ziplist(blob: &[u8], list: &mut Loading<'_>) -> Result<(), Fault> {
    let mut ziplist = ziplist::Reader::new(blob)?;
    while let Some(item) = ziplist.next()? {
        match item {
            Item::Int(int) => list.add(Item::Int(int)),
            Item::Bytes(bytes) => list.add_text(bytes),
        }
    }
    Ok(())
}
