//! INFO keysizes: of each database and type, how many keys have a length of 0, 1, 2 to 3, 4 to 7 and so on:
//! bytes of strings, elements of the others. Streams are not counted, as in Redis.
//!
//! Nothing is kept for this while commands run: it is counted when asked for, shard by shard, which takes a
//! look at every key. So it comes only by its name: what watches a server asks for `all` every few seconds.

use super::Look;
use super::page::Page;
use keyspace::{EntryRef, ValueRef};
use types::Type;

/// In the order they are shown, under the names of tools that read them.
const TYPES: [(Type, &str); 5] = [
    (Type::String, "strings_sizes"),
    (Type::List, "lists_items"),
    (Type::Set, "sets_items"),
    (Type::SortedSet, "zsets_items"),
    (Type::Hash, "hashes_items"),
];

/// Bin 0 counts the empty, bin n the lengths from 2^(n-1) on.
const BINS: usize = u64::BITS as usize + 1;

type Counts = [[u64; BINS]; TYPES.len()];

pub(super) fn write(page: &mut Page, look: &mut Look) {
    let databases = look.ctx.node.databases;
    for db in (0..databases).filter(|&db| look.ctx.node.keyspace.len(db) > 0).collect::<Vec<_>>() {
        let counts = count(look, db);
        for ((_, name), bins) in TYPES.iter().zip(&counts) {
            let shown: Vec<String> = (bins.iter().enumerate().filter(|(_, count)| **count > 0))
                .map(|(bin, count)| format!("{}={count}", bin_name(bin)))
                .collect();
            if !shown.is_empty() {
                page.field(&format!("db{db}_distrib_{name}"), shown.join(","));
            }
        }
    }
}

fn count(look: &mut Look, db: usize) -> Counts {
    let mut counts: Counts = [[0; BINS]; TYPES.len()];
    look.ctx.db.each_shard(|_, shard| {
        shard.for_each(db, &mut |entry| {
            let kind = entry.kind().type_of();
            if let Some(row) = TYPES.iter().position(|(of, _)| *of == kind) {
                counts[row][(u64::BITS - length(entry).leading_zeros()) as usize] += 1;
            }
        });
    });
    counts
}

fn length(entry: EntryRef<'_>) -> u64 {
    match entry.value() {
        ValueRef::Object(object) => object.view().len() as u64,
        text => text.text(&mut keyspace::Digits::default()).len() as u64,
    }
}

/// The shortest length of the bin, from 1024 on in units of it.
fn bin_name(bin: usize) -> String {
    const UNITS: [&str; 7] = ["", "K", "M", "G", "T", "P", "E"];
    match bin.checked_sub(1) {
        None => "0".to_string(),
        Some(power) => format!("{}{}", 1 << (power % 10), UNITS[power / 10]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::info;
    use super::bin_name;
    use crate::node;

    #[test]
    fn lengths_by_powers_of_two() {
        let mut node = node(&[]);
        node.converse("SET a \"\"; SET b 123; SET c 1234; SET d 12345; RPUSH l 1 2 3; SADD s x; HSET h f v g w");
        node.converse("SELECT 3; ZADD z 1 a; XADD x 1 f v");
        assert_eq!(
            info(&mut node, "INFO keysizes"),
            "# Keysizes\r\ndb0_distrib_strings_sizes:0=1,2=1,4=2\r\ndb0_distrib_lists_items:2=1\r\n\
             db0_distrib_sets_items:1=1\r\ndb0_distrib_hashes_items:2=1\r\ndb3_distrib_zsets_items:1=1\r\n",
        );
        assert!(!info(&mut node, "INFO everything").contains("Keysizes"));
    }

    #[test]
    fn names_of_bins() {
        let names = [0, 1, 2, 3, 10, 11, 21, 30, 64].map(bin_name);
        assert_eq!(names, ["0", "1", "2", "4", "512", "1K", "1M", "512M", "8E"]);
    }
}
