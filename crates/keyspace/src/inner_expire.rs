//! Index of the collections of one database in one shard whose elements have deadlines: which is to be looked at next.
//!
//! A set of u64, made as the expiry index's: `deadline in units of 16 ms 38 | low bits of the key's hash 26`. Elements
//! come and go inside a collection without anybody telling the index: who gives an element a deadline notes the key,
//! and an entry whose time comes is put right then, or thrown away.
//! Always true: every collection with such elements has an entry at or before the first of their deadlines. There may
//! be more; when they have doubled since all were checked, all are checked again.

use std::collections::BTreeSet;

use kit::world::UnixMs;

use crate::buckets::LOCATING_BITS;
use crate::entry::EntryRef;
use crate::expire::{LOW_MASK, UNIT_MAX, low_of, unit_end, unit_of};
use crate::hash::KeyHash;
use crate::table::Table;

const STALE_MIN: usize = 64;
// A node of a BTreeSet has room for 11 and is two thirds full on average.
const ENTRY_BYTES: usize = 14;

#[derive(Default)]
pub(crate) struct InnerIndex {
    set: BTreeSet<u64>,
    /// Entries after which all are checked.
    len_max: usize,
}

impl InnerIndex {
    pub(crate) fn memory_bytes(&self) -> usize {
        self.set.len() * ENTRY_BYTES
    }

    /// A collection of `table`, which stands there already, has elements of which the first dies at `deadline`.
    pub(crate) fn note(&mut self, table: &Table, hash: KeyHash, deadline: UnixMs) {
        let entry = unit_of(deadline) << LOCATING_BITS | low_of(hash);
        if self.set.insert(entry) && self.set.len() > self.len_max.max(STALE_MIN) {
            let lows: BTreeSet<u64> = self.set.iter().map(|entry| entry & LOW_MASK).collect();
            self.set = lows.into_iter().filter_map(|low| true_entry(table, low)).collect();
            self.len_max = 2 * self.set.len();
        }
    }

    /// A collection with elements whose deadline has come. Each look costs one of `budget`; None with a budget left
    /// means that nothing is due.
    pub(crate) fn due<'a>(&mut self, table: &'a Table, now: UnixMs, budget: &mut u32) -> Option<EntryRef<'a>> {
        while *budget > 0 {
            let &first = self.set.first()?;
            let unit = first >> LOCATING_BITS;
            if unit == UNIT_MAX || unit_end(unit) > now {
                return None;
            }
            *budget -= 1;
            if let Some((entry, deadline)) = table.first_by((first & LOW_MASK) as u32, EntryRef::inner_deadline)
                && deadline <= now
            {
                return Some(entry);
            }
            self.set.pop_first();
            self.set.extend(true_entry(table, first & LOW_MASK));
        }
        None
    }
}

/// What the index should hold for the keys whose hash ends in `low`.
fn true_entry(table: &Table, low: u64) -> Option<u64> {
    let (_, deadline) = table.first_by(low as u32, EntryRef::inner_deadline)?;
    Some(unit_of(deadline) << LOCATING_BITS | low)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kit::world::Rng;
    use types::Hash;
    use types::hash::{Life, Limits};

    use super::*;
    use crate::entry::Entry;
    use crate::shard::tests::{hash, key, shard};

    const LIMITS: Limits = Limits { fields: 4, text_len: 64 };

    #[test]
    fn every_hash_comes_up_when_a_field_is_due() {
        let (mut shard, mut rng, mut twin) = (shard(1), Rng::new(1), BTreeMap::new());
        for step in 0..20_000i64 {
            let (number, now) = (rng.below(300), step * 10);
            let key = key(number);
            let at = hash(&shard, &key);
            match rng.below(4) {
                0 => {
                    shard.remove(0, at, &key);
                    twin.remove(&key);
                }
                1 if !twin.contains_key(&key) => {
                    let (mut fields, deadline) = (Hash::new(), now + rng.below(5000) as i64);
                    fields.set(b"f", b"v", Life::Until(deadline), &LIMITS);
                    (0..rng.below(8)).for_each(|i| assert!(fields.set(&[i as u8], b"v", Life::Forever, &LIMITS)));
                    shard.insert(0, at, Entry::with_object(&key, fields.into(), None, 0));
                    twin.insert(key, deadline);
                }
                2 if twin.contains_key(&key) => {
                    let deadline = now + rng.below(5000) as i64;
                    let mut object = shard.find_mut(0, at, &key).and_then(|entry| entry.object_mut()).expect("a hash");
                    let types::Object::Hash(fields) = &mut *object else { panic!("no hash") };
                    assert!(fields.set_deadline(b"f", Some(deadline)));
                    drop(object);
                    shard.note_inner_deadline(0, at, &key);
                    twin.insert(key, deadline);
                }
                _ => {
                    let mut budget = 1000;
                    while let Some(entry) = shard.due_inner(0, UnixMs(now), &mut budget) {
                        let key = entry.key().to_vec();
                        assert!(twin.remove(&key).is_some_and(|deadline| deadline <= now));
                        shard.remove(0, hash(&shard, &key), &key);
                    }
                    assert!(budget > 0 && twin.values().all(|&deadline| deadline > now - 16), "step {step}");
                }
            }
            assert_eq!(shard.inner_deadline_count(0), twin.len());
        }
    }
}
