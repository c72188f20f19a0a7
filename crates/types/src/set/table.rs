//! A hash table of members: linear hashing over packed buckets.
//!
//! With N buckets, 2^k <= N < 2^(k+1), a member lives in the bucket that its last k+1 hash bits name, or its last k
//! when there is no such bucket yet. Growing by one splits one bucket, shrinking by one joins the last to another:
//! no change pays for more than two. In the order of positions (the hash bits reversed) every bucket is an interval
//! and splitting halves it, so a walk by position survives growing and shrinking between its steps.
//! A bucket is one allocation of about 16 members, so what a member costs beyond its bytes is 2 for tag and code and
//! about 2 of bucket; text above 240 bytes stands by itself (`large.rs`).
//!
//! Always true: there is at least one bucket; `len`, `bucket_bytes` and `fullest` agree with the buckets (`fullest`
//! is never too small); every number of a large member is in exactly one bucket.

use super::bucket::{self, tag};
use super::large::Large;
use super::member::{Member, Record, Stored};
use super::segments::Segments;
use crate::Thin;
use kit::world::Rng;

/// Positions end here.
const POSITION_END: u64 = 1 << 32;
/// Bucket numbers have fewer bits than hashes have to offer.
const BUCKETS_MAX: usize = 1 << 31;

/// Members per bucket; above it one is split.
// A million members of 13 bytes took 18.3, 17.5 and 17.2 bytes each at 10, 16 and 24; times did not differ by more than
// noise.
const LOAD_MAX: usize = 16;
/// Below it two are joined; far enough from the above that they do not come and go.
const LOAD_MIN: usize = 11;
const STEPS_PER_CHANGE: usize = 2;

#[derive(Debug)]
pub(super) struct Table {
    buckets: Segments<Thin>,
    large: Large,
    len: usize,
    /// Of all buckets.
    bucket_bytes: usize,
    /// No bucket ever held more.
    fullest: usize,
    /// Used while splitting.
    scratch: Vec<bool>,
}

/// Where a member stands, until the next change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) bucket: u32,
    pub(super) i: u32,
}

impl Table {
    /// With buckets for so many members.
    pub(super) fn with_room(len: usize) -> Table {
        // Who announces more than this may be wrong; the rest is made while growing.
        const MAX: usize = 1 << 16;
        let count = len.min(MAX).div_ceil(LOAD_MAX).max(1);
        let mut buckets = Segments::with_room(count);
        (0..count).for_each(|_| buckets.push(Thin::new()));
        Table { buckets, large: Large::new(), len: 0, bucket_bytes: 0, fullest: 1, scratch: Vec::new() }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn mem_bytes(&self) -> usize {
        let scratch = kit::size::size_class(self.scratch.capacity());
        self.bucket_bytes + self.buckets.mem_bytes() + self.large.mem_bytes() + scratch
    }

    pub(super) fn allocations(&self) -> usize {
        self.buckets.len() + self.large.len()
    }

    /// A member of this hash will be looked for soon; `pass` as in `Object::prefetch`.
    #[inline]
    pub(super) fn prefetch(&self, hash: u64, pass: usize) {
        let bucket = self.buckets.get(self.bucket_of(hash as u32));
        match pass {
            0 => bucket.prefetch(),
            1 => bucket.prefetch_rest(),
            _ => {}
        }
    }

    #[inline]
    pub(super) fn find(&self, hash: u64, member: Member<'_>) -> Option<Place> {
        let at = self.bucket_of(hash as u32);
        let bucket = self.buckets.get(at);
        let i = match Record::of(member) {
            Some(record) => bucket::find(bucket, tag(hash), &record),
            None => self.find_large(at, hash, |text| Member::Text(text) == member),
        };
        i.map(|i| Place { bucket: at as u32, i: i as u32 })
    }

    fn find_large(&self, bucket: usize, hash: u64, is_it: impl Fn(&[u8]) -> bool) -> Option<usize> {
        bucket::find_large(self.buckets.get(bucket), tag(hash), |number| is_it(self.large.get(number)))
    }

    /// False when it is there already.
    #[inline]
    pub(super) fn add(&mut self, member: Member<'_>) -> bool {
        let hash = member.hash();
        if self.find(hash, member).is_some() {
            return false;
        }
        self.add_absent(hash, member);
        true
    }

    pub(super) fn add_absent(&mut self, hash: u64, member: Member<'_>) {
        let record = match (Record::of(member), member) {
            (Some(record), _) => record,
            (None, Member::Text(text)) => Record::large(self.large.push(text)),
            (None, Member::Int(_)) => unreachable!("numbers are short"),
        };
        let at = self.bucket_of(hash as u32);
        let bucket = self.buckets.get_mut(at);
        let before = bucket.mem_bytes();
        bucket::push(bucket, tag(hash), &record);
        self.bucket_bytes = self.bucket_bytes + bucket.mem_bytes() - before;
        self.fullest = self.fullest.max(bucket::count(bucket));
        self.len += 1;
        for _ in 0..STEPS_PER_CHANGE {
            if self.len <= self.buckets.len() * LOAD_MAX || self.buckets.len() == BUCKETS_MAX {
                break;
            }
            self.split();
        }
    }

    pub(super) fn remove_at(&mut self, place: Place) {
        let bucket = self.buckets.get_mut(place.bucket as usize);
        let stored = bucket::get(bucket, place.i as usize);
        let large = if let Stored::Large(number) = stored { Some(number) } else { None };
        let before = bucket.mem_bytes();
        bucket::remove(bucket, place.i as usize);
        self.bucket_bytes = self.bucket_bytes + bucket.mem_bytes() - before;
        self.len -= 1;
        if let Some(number) = large {
            self.remove_large(number);
        }
        for _ in 0..STEPS_PER_CHANGE {
            if self.len >= self.buckets.len() * LOAD_MIN || self.buckets.len() == 1 {
                break;
            }
            self.join();
        }
    }

    /// Forgets a large member that is in no bucket any more; the last one gets its number.
    fn remove_large(&mut self, number: u32) {
        self.large.remove(number);
        let last = self.large.len() as u32;
        if number == last {
            return;
        }
        let hash = Member::Text(self.large.get(number)).hash();
        let at = self.bucket_of(hash as u32);
        let bucket = self.buckets.get_mut(at);
        let i = bucket::find_large(bucket, tag(hash), |number| number == last);
        bucket::renumber(bucket, i.expect("every large member is in its bucket"), number);
    }

    /// The member at a place.
    #[inline]
    pub(super) fn at(&self, place: Place) -> Member<'_> {
        self.open(bucket::get(self.buckets.get(place.bucket as usize), place.i as usize))
    }

    #[inline]
    fn open<'a>(&'a self, stored: Stored<'a>) -> Member<'a> {
        match stored {
            Stored::Here(member) => member,
            Stored::Large(number) => Member::Text(self.large.get(number)),
        }
    }

    /// Any member, each equally likely. None when there is none.
    pub(super) fn random(&self, rng: &mut Rng) -> Option<Place> {
        if self.len == 0 {
            return None;
        }
        // A bucket drawn is kept as often as it is full; a third of the draws hit at the usual load.
        loop {
            let throw = rng.index(self.buckets.len() * self.fullest);
            let (at, i) = (throw / self.fullest, throw % self.fullest);
            if i < bucket::count(self.buckets.get(at)) {
                return Some(Place { bucket: at as u32, i: i as u32 });
            }
        }
    }

    /// Calls `f` with all members of the bucket at `position`. Gives the next position, None at the end.
    ///
    /// A member that is there during a whole walk from 0 to None is seen at least once.
    pub(super) fn scan(&self, position: u64, f: &mut dyn FnMut(Member<'_>)) -> Option<u64> {
        let position = u32::try_from(position).ok()?;
        let at = self.bucket_of(position.reverse_bits());
        bucket::iter(self.buckets.get(at)).for_each(|stored| f(self.open(stored)));
        // Its interval: all positions that lead to it.
        let bits = self.buckets.len().ilog2();
        let split = at >= 1 << bits || at + (1 << bits) < self.buckets.len();
        let len = POSITION_END >> (bits + u32::from(split));
        let end = (u64::from(position) & !(len - 1)) + len;
        (end < POSITION_END).then_some(end)
    }

    pub(super) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// The members of one bucket.
    pub(super) fn bucket(&self, nth: usize) -> impl Iterator<Item = Member<'_>> {
        bucket::iter(self.buckets.get(nth)).map(|stored| self.open(stored))
    }

    pub(super) fn iter(&self) -> Iter<'_> {
        Iter { table: self, next: 0, bucket: bucket::iter(&[]) }
    }

    /// Members of each bucket.
    pub(super) fn bucket_sizes(&self) -> Vec<usize> {
        (0..self.buckets.len()).map(|at| bucket::count(self.buckets.get(at))).collect()
    }

    /// No larger than it needs to be.
    pub(super) fn duplicate(&self) -> Table {
        let mut buckets = Segments::with_room(self.buckets.len());
        let mut bucket_bytes = 0;
        for i in 0..self.buckets.len() {
            let bucket = self.buckets.get(i).clone();
            bucket_bytes += bucket.mem_bytes();
            buckets.push(bucket);
        }
        Table {
            buckets,
            large: self.large.duplicate(),
            len: self.len,
            bucket_bytes,
            fullest: self.fullest,
            scratch: Vec::new(),
        }
    }

    #[inline]
    fn bucket_of(&self, bits: u32) -> usize {
        let count = self.buckets.len();
        let low = (1 << count.ilog2()) - 1;
        let at = bits as usize & (2 * low + 1);
        if at < count { at } else { at & low }
    }

    fn split(&mut self) {
        let added = self.buckets.len();
        let bit = 1 << added.ilog2();
        let parent = added - bit;
        let old = std::mem::take(self.buckets.get_mut(parent));
        let mut goes = std::mem::take(&mut self.scratch);
        goes.clear();
        goes.extend(bucket::iter(&old).map(|stored| self.open(stored).hash() as usize & bit != 0));
        let (stays, leaves) = bucket::split(&old, &goes);
        self.scratch = goes;
        self.bucket_bytes = self.bucket_bytes + stays.mem_bytes() + leaves.mem_bytes() - old.mem_bytes();
        *self.buckets.get_mut(parent) = stays;
        self.buckets.push(leaves);
    }

    fn join(&mut self) {
        let last = self.buckets.pop().expect("there is more than one bucket");
        let count = self.buckets.len();
        let into = self.buckets.get_mut(count - (1 << count.ilog2()));
        let joined = bucket::join(into, &last);
        self.bucket_bytes = self.bucket_bytes + joined.mem_bytes() - into.mem_bytes() - last.mem_bytes();
        self.fullest = self.fullest.max(bucket::count(&joined));
        *into = joined;
    }
}

/// All members, in no order.
#[derive(Clone, Debug)]
pub(super) struct Iter<'a> {
    table: &'a Table,
    next: usize,
    bucket: bucket::Iter<'a>,
}

/// Buckets lie anywhere: those that a walk comes to next are fetched while it is at this one.
const FETCHED_AHEAD: usize = 6;

impl<'a> Iterator for Iter<'a> {
    type Item = Member<'a>;

    #[inline]
    fn next(&mut self) -> Option<Member<'a>> {
        loop {
            if let Some(stored) = self.bucket.next() {
                return Some(self.table.open(stored));
            }
            if self.next == self.table.buckets.len() {
                return None;
            }
            self.bucket = bucket::iter(self.table.buckets.get(self.next));
            self.next += 1;
            if self.next + FETCHED_AHEAD < self.table.buckets.len() {
                self.table.buckets.get(self.next + FETCHED_AHEAD).prefetch();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    impl Table {
        /// Everything that is said to be always true.
        fn check(&self) {
            self.buckets.check();
            let (mut len, mut bytes, mut numbers) = (0, 0, BTreeSet::new());
            for at in 0..self.buckets.len() {
                let bucket = self.buckets.get(at);
                bytes += bucket.mem_bytes();
                assert!(bucket::count(bucket) <= self.fullest);
                for (i, stored) in bucket::iter(bucket).enumerate() {
                    if let Stored::Large(number) = stored {
                        assert!(numbers.insert(number));
                    }
                    let member = self.open(stored);
                    let place = Place { bucket: at as u32, i: i as u32 };
                    assert_eq!(self.find(member.hash(), member), Some(place));
                    assert_eq!(self.at(place), member);
                    len += 1;
                }
            }
            assert_eq!((len, bytes), (self.len, self.bucket_bytes));
            assert!(numbers.into_iter().eq(0..self.large.len() as u32));
        }
    }

    fn text(number: u64) -> Vec<u8> {
        match number % 7 {
            0 => number.to_string().into_bytes(),
            1 => format!("{number:0>300}").into_bytes(),
            _ => format!("member:{number}").into_bytes(),
        }
    }

    #[test]
    fn agrees_with_a_twin() {
        let seeds = if cfg!(miri) { 1 } else { 12 };
        for seed in 0..seeds {
            let (mut rng, mut table, mut twin) = (Rng::new(seed), Table::with_room(1), BTreeSet::new());
            let members = [3, 50, 1000, 5000][seed as usize % 4];
            let steps = members * 6;
            for step in 0..steps {
                let text = text(rng.below(members));
                let member = Member::of(&text);
                // It grows in the first half and shrinks in the second.
                if rng.below(10) < if step < steps / 2 { 7 } else { 2 } {
                    assert_eq!(table.add(member), twin.insert(text.clone()), "seed {seed} step {step}");
                } else {
                    let place = table.find(member.hash(), member);
                    assert_eq!(place.is_some(), twin.remove(&text), "seed {seed} step {step}");
                    place.into_iter().for_each(|place| table.remove_at(place));
                }
                if step % (steps / 8 + 1) == 0 {
                    table.check();
                    let copy = table.duplicate();
                    copy.check();
                    assert!(copy.mem_bytes() <= table.mem_bytes());
                }
            }
            let all: BTreeSet<Vec<u8>> = table.iter().map(Member::to_vec).collect();
            assert_eq!((all, table.len()), (twin.clone(), twin.len()));
            for text in &twin {
                let member = Member::of(text);
                let place = table.find(member.hash(), member).expect("a member of the twin");
                table.remove_at(place);
            }
            table.check();
            assert_eq!((table.len(), table.buckets.len(), table.bucket_bytes), (0, 1, 0));
            assert!(table.random(&mut rng).is_none());
        }
    }

    #[test]
    fn scan_sees_what_is_there_all_the_time() {
        for seed in 0..40 {
            let (mut rng, mut table) = (Rng::new(seed), Table::with_room(1));
            let stay: Vec<Vec<u8>> = (0..1 + rng.below(500)).map(|i| format!("stay:{i}").into_bytes()).collect();
            stay.iter().for_each(|text| assert!(table.add(Member::of(text))));
            let mut passing: Vec<Vec<u8>> = (0..6000).map(|i| format!("passing:{i}").into_bytes()).collect();
            let shrinks = rng.one_in(2);
            if shrinks {
                passing.iter().for_each(|text| assert!(table.add(Member::of(text))));
            }
            let (mut seen, mut position) = (BTreeSet::new(), Some(0));
            while let Some(at) = position {
                position = table.scan(at, &mut |member| {
                    seen.insert(member.to_vec());
                });
                assert!(position.is_none_or(|next| next > at && next < POSITION_END));
                for _ in 0..rng.below(60) {
                    let Some(text) = passing.pop() else { break };
                    let member = Member::of(&text);
                    match table.find(member.hash(), member) {
                        Some(place) => table.remove_at(place),
                        None => table.add_absent(member.hash(), member),
                    }
                }
            }
            assert!(stay.iter().all(|text| seen.contains(text)), "seed {seed}");
            assert_eq!(table.scan(POSITION_END, &mut |_| panic!("beyond the end")), None);
        }
    }

    #[test]
    fn random_is_uniform() {
        let (mut table, mut rng) = (Table::with_room(1), Rng::new(3));
        (0..5000u64).for_each(|i| assert!(table.add(Member::Int(i as i64))));
        let mut counts = vec![0u32; 5000];
        for _ in 0..5000 * 100 {
            let place = table.random(&mut rng).expect("not empty");
            match table.at(place) {
                Member::Int(n) => counts[n as usize] += 1,
                Member::Text(text) => panic!("{text:?}"),
            }
        }
        // Chi square with 4999 degrees of freedom: mean 4999, standard deviation 100.
        let chi: f64 = counts.iter().map(|&count| (f64::from(count) - 100.0).powi(2) / 100.0).sum();
        assert!((4400.0..5600.0).contains(&chi), "{chi}");
    }

    #[test]
    fn room_is_made_at_once() {
        for len in [0, 1, 16, 17, 1000, 1 << 40] {
            let mut table = Table::with_room(len);
            assert!(table.buckets.len() <= 4096 && table.buckets.len() * LOAD_MAX >= len.min(1 << 16));
            (0..100).for_each(|i| assert!(table.add(Member::Int(i))));
            table.check();
        }
    }
}
