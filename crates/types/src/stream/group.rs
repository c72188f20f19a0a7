//! A consumer group of a stream: how far it has read, who reads, and what was delivered but not acknowledged.
//!
//! What is pending stands once in the group's list, as a record with its consumer; a consumer's own list has the IDs
//! alone. A consumer is known by a number that stays while it lives, so that others may come and go.
//! Always true: an ID stands in a consumer's list exactly when the group's record names that consumer.

use super::id::Id;
use super::sorted::{ById, Sorted};
use kit::size::size_class;

/// An entry that was delivered and not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending {
    pub id: Id,
    /// When it was delivered last.
    pub delivered_ms: i64,
    /// How often it was; stops at the largest number.
    pub count: u32,
    pub consumer: ConsumerNo,
}

impl ById for Pending {
    fn id(&self) -> Id {
        self.id
    }
}

/// Number of a consumer within its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConsumerNo(u32);

#[derive(Clone, Debug)]
pub struct Consumer {
    pub name: Box<[u8]>,
    /// When it tried to read or claim last.
    pub seen_ms: i64,
    /// When it got something last; None: never.
    pub active_ms: Option<i64>,
    pending: Sorted<Id>,
}

impl Consumer {
    /// IDs of what was delivered to it and not acknowledged.
    pub fn pending(&self) -> &Sorted<Id> {
        &self.pending
    }

    fn mem_bytes(&self) -> usize {
        size_class(self.name.len()) + self.pending.mem_bytes()
    }
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: Box<[u8]>,
    /// The last entry that was delivered to anybody.
    pub last_id: Id,
    /// How many entries of the stream's whole life are behind that one; None when it cannot be told.
    pub entries_read: Option<u64>,
    pending: Sorted<Pending>,
    /// By number; gaps are numbers to be used again.
    consumers: Vec<Option<Consumer>>,
    /// Numbers in the order of the names.
    order: Vec<ConsumerNo>,
    /// Bytes of the consumers' own allocations.
    consumer_bytes: usize,
}

impl Group {
    pub(super) fn new(name: &[u8], last_id: Id, entries_read: Option<u64>) -> Group {
        Group {
            name: name.into(),
            last_id,
            entries_read,
            pending: Sorted::default(),
            consumers: Vec::new(),
            order: Vec::new(),
            consumer_bytes: 0,
        }
    }

    /// Bytes of its allocations.
    pub fn mem_bytes(&self) -> usize {
        size_class(self.name.len())
            + self.pending.mem_bytes()
            + size_class(self.consumers.capacity() * size_of::<Option<Consumer>>())
            + size_class(self.order.capacity() * size_of::<ConsumerNo>())
            + self.consumer_bytes
    }

    /// About how many allocations freeing it takes.
    pub(super) fn effort(&self) -> usize {
        // A consumer's list is a part of the group's.
        3 + 2 * self.pending.chunk_count() + 3 * self.order.len()
    }

    // ---- consumers

    pub fn consumer_count(&self) -> usize {
        self.order.len()
    }

    /// In the order of their names.
    pub fn consumers(&self) -> impl Iterator<Item = &Consumer> {
        self.order.iter().map(|&no| self.consumer(no))
    }

    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerNo> {
        self.place(name).ok().map(|at| self.order[at])
    }

    /// A number that `find_consumer`, `make_consumer` or a pending record gave.
    pub fn consumer(&self, no: ConsumerNo) -> &Consumer {
        self.consumers[no.0 as usize].as_ref().expect("who is gone has nothing pending")
    }

    fn consumer_mut(&mut self, no: ConsumerNo) -> &mut Consumer {
        self.consumers[no.0 as usize].as_mut().expect("who is gone has nothing pending")
    }

    /// The consumer of this name, and whether it is new.
    pub fn make_consumer(&mut self, name: &[u8], now_ms: i64) -> (ConsumerNo, bool) {
        let at = match self.place(name) {
            Ok(at) => return (self.order[at], false),
            Err(at) => at,
        };
        let made = Consumer { name: name.into(), seen_ms: now_ms, active_ms: None, pending: Sorted::default() };
        self.consumer_bytes += made.mem_bytes();
        let free = if self.order.len() < self.consumers.len() {
            self.consumers.iter().position(Option::is_none)
        } else {
            None
        };
        let no = free.unwrap_or_else(|| {
            self.consumers.push(None);
            self.consumers.len() - 1
        });
        self.consumers[no] = Some(made);
        let no = ConsumerNo(no as u32);
        self.order.insert(at, no);
        (no, true)
    }

    /// It reads or claims, with or without success.
    pub fn seen(&mut self, no: ConsumerNo, now_ms: i64) {
        self.consumer_mut(no).seen_ms = now_ms;
    }

    /// It got something.
    pub fn active(&mut self, no: ConsumerNo, now_ms: i64) {
        self.consumer_mut(no).active_ms = Some(now_ms);
    }

    /// Removes a consumer with all that is pending for it: how many that were. None when there is no such consumer.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let at = self.place(name).ok()?;
        let no = self.order.remove(at);
        let gone = self.consumers[no.0 as usize].take()?;
        self.consumer_bytes -= gone.mem_bytes();
        for &id in gone.pending.iter() {
            self.pending.remove(id);
        }
        while self.consumers.last().is_some_and(Option::is_none) {
            self.consumers.pop();
        }
        Some(gone.pending.len())
    }

    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.order.binary_search_by(|&no| (*self.consumer(no).name).cmp(name))
    }

    // ---- what is pending

    pub fn pending(&self) -> &Sorted<Pending> {
        &self.pending
    }

    /// An entry is delivered: to be acknowledged by this consumer, whoever had it before.
    pub fn deliver(&mut self, id: Id, to: ConsumerNo, now_ms: i64) {
        self.assign(id, to, now_ms, 1);
    }

    /// Puts what is pending, or is not yet, into the hands of a consumer.
    pub fn assign(&mut self, id: Id, to: ConsumerNo, delivered_ms: i64, count: u32) {
        let new = Pending { id, delivered_ms, count, consumer: to };
        let is_last = self.pending.last().is_none_or(|last| last.id < id);
        match if is_last { None } else { self.pending.get_mut(id) } {
            Some(record) => {
                let old = std::mem::replace(record, new);
                if old.consumer == to {
                    return;
                }
                self.in_list(old.consumer, |list| list.remove(id).is_some());
            }
            None => {
                self.pending.insert(new);
            }
        }
        self.in_list(to, |list| list.insert(id));
    }

    /// Delivered once more to the one who has it.
    pub fn redeliver(&mut self, id: Id, now_ms: i64) {
        if let Some(record) = self.pending.get_mut(id) {
            record.delivered_ms = now_ms;
            record.count = record.count.saturating_add(1);
        }
    }

    /// Nobody waits for it any more; false when nobody did.
    pub fn acknowledge(&mut self, id: Id) -> bool {
        let Some(record) = self.pending.remove(id) else { return false };
        self.in_list(record.consumer, |list| list.remove(id).is_some());
        true
    }

    fn in_list(&mut self, no: ConsumerNo, change: impl FnOnce(&mut Sorted<Id>) -> bool) {
        let list = &mut self.consumer_mut(no).pending;
        let before = list.mem_bytes();
        let changed = change(list);
        let after = list.mem_bytes();
        debug_assert!(changed, "the group's list and the consumers' agree");
        self.consumer_bytes = self.consumer_bytes + after - before;
    }

    /// All of them, for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut ids = 0;
        for &no in &self.order {
            let consumer = self.consumer(no);
            ids += consumer.pending.len();
            assert!(consumer.pending.iter().all(|&id| self.pending.get(id).is_some_and(|it| it.consumer == no)));
        }
        assert_eq!(ids, self.pending.len());
        assert_eq!(self.consumer_bytes, self.consumers().map(Consumer::mem_bytes).sum::<usize>());
        assert!(self.consumers().map(|it| &it.name).is_sorted());
    }
}

/// A copy with no more room than it needs.
pub(super) fn copy(group: &Group) -> Group {
    let mut copy = group.clone();
    copy.consumer_bytes = copy.consumers().map(Consumer::mem_bytes).sum();
    copy
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;
    use std::collections::BTreeMap;

    fn id(n: u64) -> Id {
        Id::new(n, 0)
    }

    #[test]
    fn one_record_in_two_lists() {
        let mut group = Group::new(b"g", Id::MIN, None);
        let (a, new) = group.make_consumer(b"a", 5);
        assert!(new && !group.make_consumer(b"a", 9).1 && group.consumer(a).seen_ms == 5);
        let (b, _) = group.make_consumer(b"0", 5);
        group.deliver(id(1), a, 10);
        group.deliver(id(2), a, 10);
        group.redeliver(id(2), 20);
        group.assign(id(1), b, 30, 7);
        group.check();
        assert_eq!(group.pending().get(id(1)), Some(&Pending { id: id(1), delivered_ms: 30, count: 7, consumer: b }));
        assert_eq!(group.pending().get(id(2)).map(|it| (it.delivered_ms, it.count)), Some((20, 2)));
        assert_eq!(group.consumers().map(|it| &*it.name).collect::<Vec<_>>(), [b"0", b"a"]);
        assert!(group.acknowledge(id(1)) && !group.acknowledge(id(1)));
        assert_eq!((group.remove_consumer(b"a"), group.remove_consumer(b"a")), (Some(1), None));
        assert!(group.pending().is_empty() && group.consumer_count() == 1);
        let (again, new) = group.make_consumer(b"z", 5);
        assert!(new && again != b);
        group.check();
    }

    #[test]
    fn agrees_with_a_map() {
        for seed in 0..20 {
            let (mut rng, mut group, mut twin) = (Rng::new(seed), Group::new(b"g", Id::MIN, None), BTreeMap::new());
            for _ in 0..2_000 {
                let name = [b'a' + rng.below(4) as u8];
                let at = id(rng.below(200));
                match rng.below(20) {
                    0..10 => {
                        let (no, _) = group.make_consumer(&name, 0);
                        group.assign(at, no, 3, 2);
                        twin.insert(at, name);
                    }
                    10..19 => assert_eq!(group.acknowledge(at), twin.remove(&at).is_some()),
                    _ => {
                        let had = twin.values().filter(|of| **of == name).count();
                        twin.retain(|_, of| *of != name);
                        assert_eq!(group.remove_consumer(&name).unwrap_or(0), had);
                    }
                }
            }
            group.check();
            copy(&group).check();
            let ours: Vec<_> = group.pending().iter().map(|it| (it.id, group.consumer(it.consumer).name[0])).collect();
            assert_eq!(ours, twin.iter().map(|(id, name)| (*id, name[0])).collect::<Vec<_>>());
        }
    }
}
