//! The large form: buckets of pairs, grown and shrunk one at a time.
//!
//! ```text
//! segments[bucket / 512][bucket % 512]: a Thin with about ten pairs, see `pairs.rs`
//! ```
//! Pairs stand in their bucket's one allocation, so a pair costs little more than its bytes, and a lookup reads a
//! few neighbouring cache lines. Linear hashing: when there are too many fields for the buckets, the next bucket in
//! turn is split, so no insert waits for more than one bucket. A bucket is an interval of positions (the hash's bits,
//! lowest first) and splitting halves it: that is why HSCAN's order survives growing and shrinking.
//! Always true: `bucket_bytes` is the sum over the buckets; a field stands in the bucket of its hash; long texts, and
//! no others, stand in `far`; deadlines are made with the first one and knows every deadline.

use kit::size::size_class;
use kit::world::Rng;

use super::deadlines::Deadlines;
use super::far::Far;
use super::pairs::{self, Pair, Pairs, Place};
use super::text::{Coded, Text};
use crate::{Thin, hashing};

const BUCKETS_PER_SEGMENT: usize = 512;
// At 10 a bucket is 1 to 3 cache lines long for usual fields; 16 saves 3 % more and reads twice as much.
const PAIRS_PER_BUCKET_MAX: usize = 10;
const PAIRS_PER_BUCKET_MIN: usize = 4;
/// More buckets than this are not made: positions have 32 bits.
const BUCKETS_MAX: usize = 1 << 31;
/// Longer texts stand in `Far`.
pub(super) const NEAR_LEN_MAX: usize = 512;

#[derive(Debug)]
pub(super) struct Table {
    /// The first one grows by doubling, the others are made whole.
    segments: Vec<Vec<Thin>>,
    buckets: usize,
    len: usize,
    bucket_bytes: usize,
    /// The most pairs a bucket ever had.
    most: usize,
    far: Far,
    deadlines: Option<Box<Deadlines>>,
}

/// A field to be found.
struct Sought<'a> {
    text: &'a [u8],
    coded: Coded<'a>,
    hash: u32,
}

impl<'a> Sought<'a> {
    fn new(text: &'a [u8]) -> Sought<'a> {
        let coded = if text.len() > NEAR_LEN_MAX { Coded::far(0) } else { Coded::new(text) };
        Sought { text, coded, hash: hash_of(text) }
    }
}

fn hash_of(field: &[u8]) -> u32 {
    hashing::hash(field) as u32
}

fn hash_of_text(field: Text<'_>) -> u32 {
    hash_of(field.bytes(&mut [0; 20]))
}

impl Table {
    /// With buckets for about so many fields.
    pub(super) fn with_fields(fields: usize) -> Table {
        let mut table = Table {
            segments: Vec::new(),
            buckets: 0,
            len: 0,
            bucket_bytes: 0,
            most: 0,
            far: Far::NONE,
            deadlines: None,
        };
        for _ in 0..fields.div_ceil(PAIRS_PER_BUCKET_MAX).max(1) {
            table.add_bucket(Thin::new());
        }
        table
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn timed(&self) -> usize {
        self.deadlines.as_ref().map_or(0, |deadlines| deadlines.fields)
    }

    pub(super) fn soonest(&self) -> Option<i64> {
        self.deadlines.as_ref()?.first().map(|(deadline, _)| deadline)
    }

    pub(super) fn is_all_due(&self, now: i64) -> bool {
        let deadlines = self.deadlines.as_ref().filter(|deadlines| deadlines.fields == self.len);
        deadlines.and_then(|deadlines| deadlines.last()).is_some_and(|last| last <= now)
    }

    pub(super) fn mem_bytes(&self) -> usize {
        let segments = self.segments.len() - 1;
        let first = self.segments[0].capacity();
        size_class(size_of::<Table>())
            + size_class(self.segments.capacity() * size_of::<Vec<Thin>>())
            + size_class(first * size_of::<Thin>())
            + segments * BUCKETS_PER_SEGMENT * size_of::<Thin>()
            + self.bucket_bytes
            + self.far.mem_bytes()
            + self.deadlines.as_ref().map_or(0, |deadlines| deadlines.mem_bytes())
    }

    pub(super) fn effort(&self) -> usize {
        self.segments.len() + self.buckets.min(self.len) + self.far.len()
    }

    // ---- one field -------------------------------------------------------------------------------------

    #[inline]
    pub(super) fn get(&self, field: &[u8]) -> Option<Pair<'_>> {
        let sought = Sought::new(field);
        let pairs = self.pairs(self.bucket_of(sought.hash));
        self.find(pairs, &sought).ok().map(|place| pairs.pair(place))
    }

    /// Sets a value, and its deadline unless that is to stay. True when the field is new.
    pub(super) fn set(&mut self, field: &[u8], value: &[u8], deadline: Option<Option<i64>>) -> bool {
        let sought = Sought::new(field);
        let bucket = self.bucket_of(sought.hash);
        let pairs = self.pairs(bucket);
        match self.find(pairs, &sought) {
            Ok(place) => {
                let far = pairs.far_value(place);
                let before = pairs.deadline(place);
                if let Some(far) = far {
                    self.far.remove(far);
                }
                let value = code(&mut self.far, value);
                self.change_bucket(bucket, |bytes| pairs::set_value(bytes, place, &value));
                if let Some(deadline) = deadline
                    && deadline != before
                {
                    self.set_deadline(field, deadline);
                }
                false
            }
            Err(count) => {
                self.most = self.most.max(count + 1);
                self.add(bucket, &sought, value, deadline.flatten());
                if self.len > self.buckets * PAIRS_PER_BUCKET_MAX && self.buckets < BUCKETS_MAX {
                    self.split();
                }
                true
            }
        }
    }

    /// A field that is not there, without growing.
    pub(super) fn push(&mut self, field: &[u8], value: &[u8], deadline: Option<i64>) {
        let sought = Sought::new(field);
        let bucket = self.bucket_of(sought.hash);
        self.add(bucket, &sought, value, deadline);
        self.most = self.most.max(self.pairs(bucket).count(0));
    }

    fn add(&mut self, bucket: usize, sought: &Sought<'_>, value: &[u8], deadline: Option<i64>) {
        let field = code(&mut self.far, sought.text);
        let value = code(&mut self.far, value);
        self.change_bucket(bucket, |bytes| pairs::push(bytes, &field, deadline, &value));
        if let Some(deadline) = deadline {
            self.deadlines.get_or_insert_default().add(deadline, sought.hash);
        }
        self.len += 1;
    }

    pub(super) fn remove(&mut self, field: &[u8]) -> bool {
        let sought = Sought::new(field);
        let bucket = self.bucket_of(sought.hash);
        let Ok(place) = self.find(self.pairs(bucket), &sought) else { return false };
        self.remove_at(bucket, place, sought.hash);
        self.shrink();
        true
    }

    /// False when there is no such field.
    pub(super) fn set_deadline(&mut self, field: &[u8], deadline: Option<i64>) -> bool {
        let sought = Sought::new(field);
        let bucket = self.bucket_of(sought.hash);
        let Ok(place) = self.find(self.pairs(bucket), &sought) else { return false };
        self.forget_deadline(bucket, place, sought.hash);
        self.change_bucket(bucket, |bytes| pairs::set_deadline(bytes, place, deadline));
        if let Some(deadline) = deadline {
            self.deadlines.get_or_insert_default().add(deadline, sought.hash);
        } else if self.timed() == 0 {
            self.deadlines = None;
        }
        true
    }

    /// Removes up to `budget` fields whose deadline has come, and says their names to `f`. True when more are due.
    pub(super) fn remove_due(&mut self, now: i64, budget: &mut usize, f: &mut dyn FnMut(&[u8])) -> bool {
        while let Some((deadline, hash)) = self.deadlines.as_ref().and_then(|deadlines| deadlines.first()) {
            if deadline > now {
                break;
            }
            if *budget == 0 {
                return true;
            }
            let bucket = self.bucket_of(hash);
            let pairs = self.pairs(bucket);
            let due = pairs
                .places(0)
                .find(|&place| pairs.deadline(place) == Some(deadline) && hash_of_text(pairs.field(place)) == hash);
            let place = due.expect("every deadline that is known is a field's");
            f(pairs.field(place).bytes(&mut [0; 20]));
            self.remove_at(bucket, place, hash);
            self.shrink();
            *budget -= 1;
        }
        false
    }

    fn remove_at(&mut self, bucket: usize, place: Place, hash: u32) {
        self.forget_deadline(bucket, place, hash);
        for far in self.pairs(bucket).far_places(place).into_iter().flatten() {
            self.far.remove(far);
        }
        self.change_bucket(bucket, |bytes| bytes.remove(place.start..place.end));
        self.len -= 1;
        if self.timed() == 0 {
            self.deadlines = None;
        }
    }

    /// Takes the deadline of a pair out of the index, not out of the pair.
    fn forget_deadline(&mut self, bucket: usize, place: Place, hash: u32) {
        let pairs = self.pairs(bucket);
        let Some(deadline) = pairs.deadline(place) else { return };
        let shared = pairs.places(0).any(|other| {
            other.start != place.start
                && pairs.deadline(other) == Some(deadline)
                && hash_of_text(pairs.field(other)) == hash
        });
        if let Some(deadlines) = &mut self.deadlines {
            deadlines.remove(deadline, hash, shared);
        }
    }

    #[inline]
    fn find(&self, pairs: Pairs<'_>, sought: &Sought<'_>) -> Result<Place, usize> {
        if sought.text.len() > NEAR_LEN_MAX { pairs.find_far(0, sought.text) } else { pairs.find(0, &sought.coded) }
    }

    // ---- all fields ------------------------------------------------------------------------------------

    pub(super) fn buckets(&self) -> usize {
        self.buckets
    }

    /// The pairs of the nth bucket; None behind the last.
    pub(super) fn bucket(&self, nth: usize) -> Option<Pairs<'_>> {
        (nth < self.buckets).then(|| self.pairs(nth))
    }

    /// This field will be looked for soon; `pass` as in `Object::prefetch`.
    #[inline]
    pub(super) fn prefetch_field(&self, field: &[u8], pass: usize) {
        let at = self.bucket_of(hash_of(field));
        let bucket = &self.segments[at / BUCKETS_PER_SEGMENT][at % BUCKETS_PER_SEGMENT];
        match pass {
            0 => bucket.prefetch(),
            1 => bucket.prefetch_rest(),
            _ => {}
        }
    }

    /// A walk will come to the nth bucket soon.
    #[inline]
    pub(super) fn prefetch(&self, nth: usize) {
        if nth < self.buckets {
            self.segments[nth / BUCKETS_PER_SEGMENT][nth % BUCKETS_PER_SEGMENT].prefetch();
        }
    }

    /// Calls `f` with the pairs of the bucket at a position, and gives the position of the next.
    pub(super) fn scan<'a>(&'a self, position: u32, f: &mut dyn FnMut(Pair<'a>)) -> Option<u32> {
        let bits = position.reverse_bits();
        let bucket = self.bucket_of(bits);
        let pairs = self.pairs(bucket);
        pairs.places(0).for_each(|place| f(pairs.pair(place)));
        let width = self.buckets.next_power_of_two();
        let half = width / 2;
        // The buckets whose turn to be split has not come in this round have one bit less.
        let whole = bucket >= half || bucket + half < self.buckets;
        let depth = width.trailing_zeros() - u32::from(!whole);
        let shift = 32 - depth;
        let next = ((u64::from(position) >> shift) + 1) << shift;
        u32::try_from(next).ok()
    }

    /// One of all pairs, all equally likely.
    pub(super) fn random(&self, rng: &mut Rng) -> Pair<'_> {
        // Fair: a throw names one of `most` places in one of the buckets, and counts if a pair stands there.
        loop {
            let pairs = self.pairs(rng.index(self.buckets));
            let nth = rng.index(self.most);
            if let Some(place) = pairs.places(0).nth(nth) {
                return pairs.pair(place);
            }
        }
    }

    // ---- buckets ---------------------------------------------------------------------------------------

    #[inline]
    fn bucket_of(&self, hash: u32) -> usize {
        let mask = self.buckets.next_power_of_two() - 1;
        let bucket = hash as usize & mask;
        if bucket < self.buckets { bucket } else { bucket & (mask >> 1) }
    }

    /// Fields of each bucket.
    pub(super) fn bucket_sizes(&self) -> Vec<usize> {
        (0..self.buckets).map(|bucket| self.pairs(bucket).places(0).count()).collect()
    }

    #[inline]
    fn pairs(&self, bucket: usize) -> Pairs<'_> {
        Pairs::new(&self.segments[bucket / BUCKETS_PER_SEGMENT][bucket % BUCKETS_PER_SEGMENT], &self.far)
    }

    #[inline]
    fn change_bucket(&mut self, bucket: usize, change: impl FnOnce(&mut Thin)) {
        let bytes = &mut self.segments[bucket / BUCKETS_PER_SEGMENT][bucket % BUCKETS_PER_SEGMENT];
        let before = bytes.mem_bytes();
        change(bytes);
        self.bucket_bytes = self.bucket_bytes - before + bytes.mem_bytes();
    }

    fn add_bucket(&mut self, bytes: Thin) {
        self.bucket_bytes += bytes.mem_bytes();
        if self.buckets.is_multiple_of(BUCKETS_PER_SEGMENT) {
            let first = self.segments.is_empty();
            if first {
                self.segments.reserve_exact(1);
            }
            self.segments.push(Vec::with_capacity(if first { 1 } else { BUCKETS_PER_SEGMENT }));
        }
        let segment = self.segments.last_mut().expect("pushed when the one before was full");
        if segment.len() == segment.capacity() {
            segment.reserve_exact(segment.len());
        }
        segment.push(bytes);
        self.buckets += 1;
    }

    /// Adds a bucket, with the pairs that are its own from the one that had them so far.
    fn split(&mut self) {
        let new = self.buckets;
        self.add_bucket(Thin::new());
        let half = self.buckets.next_power_of_two() / 2;
        let old = new & (half - 1);
        let pairs = self.pairs(old);
        let (mut stay, mut go) = (0, 0);
        let mine = |place: Place| hash_of_text(pairs.field(place)) as usize & half != 0;
        // Twice over the few pairs, so that each side is one allocation of the right size.
        let mut moves = [0u64; 4];
        for (i, place) in pairs.places(0).enumerate() {
            let moving = mine(place);
            if moving && let Some(word) = moves.get_mut(i / 64) {
                *word |= 1 << (i % 64);
            }
            *(if moving { &mut go } else { &mut stay }) += place.end - place.start;
        }
        let (mut staying, mut going) = (Thin::with_capacity(stay), Thin::with_capacity(go));
        for (i, place) in pairs.places(0).enumerate() {
            let moving = moves.get(i / 64).map_or_else(|| mine(place), |word| word >> (i % 64) & 1 != 0);
            (if moving { &mut going } else { &mut staying }).extend(pairs.raw(place));
        }
        self.change_bucket(old, |bytes| *bytes = staying);
        self.change_bucket(new, |bytes| *bytes = going);
    }

    /// Gives the last bucket's pairs back to the one they came from, when there are few fields for the buckets.
    fn shrink(&mut self) {
        if self.buckets == 1 || self.len >= self.buckets * PAIRS_PER_BUCKET_MIN {
            return;
        }
        let half = self.buckets.next_power_of_two() / 2;
        let only = self.segments.len() == 1;
        let segment = self.segments.last_mut().expect("there is a bucket");
        let bytes = segment.pop().expect("no segment is empty");
        if segment.is_empty() {
            self.segments.pop();
        } else if only && segment.capacity() > 4 * segment.len() {
            segment.shrink_to(segment.len().next_power_of_two());
        }
        if self.segments.capacity() > 4 * self.segments.len() {
            self.segments.shrink_to_fit();
        }
        self.buckets -= 1;
        self.bucket_bytes -= bytes.mem_bytes();
        let old = self.buckets & (half - 1);
        self.change_bucket(old, |to| to.extend(&bytes));
        self.most = self.most.max(self.pairs(old).count(0));
    }

    #[cfg(test)]
    pub(super) fn check(&self) {
        assert_eq!(self.segments.iter().map(Vec::len).sum::<usize>(), self.buckets);
        assert_eq!(self.segments.iter().flatten().map(Thin::mem_bytes).sum::<usize>(), self.bucket_bytes);
        let (mut len, mut timed, mut far, mut soonest) = (0, 0, 0, None::<i64>);
        for bucket in 0..self.buckets {
            let pairs = self.pairs(bucket);
            assert!(pairs.count(0) <= self.most);
            for place in pairs.places(0) {
                let pair = pairs.pair(place);
                assert_eq!(self.bucket_of(hash_of_text(pair.field)), bucket);
                let places = pairs.far_places(place).map(|far| far.is_some());
                assert_eq!(places, [pair.field, pair.value].map(|text| text.len() > NEAR_LEN_MAX));
                far += places.iter().filter(|far| **far).count();
                len += 1;
                timed += usize::from(pair.deadline.is_some());
                soonest = [soonest, pair.deadline].into_iter().flatten().min();
            }
        }
        assert_eq!((len, timed, far, soonest), (self.len, self.timed(), self.far.len(), self.soonest()));
        assert!(self.len <= self.buckets * PAIRS_PER_BUCKET_MAX);
        assert_eq!(self.timed() > 0, self.deadlines.is_some());
    }
}

impl Clone for Table {
    /// With no more room than it needs.
    fn clone(&self) -> Table {
        let mut table = Table {
            segments: Vec::with_capacity(self.segments.len()),
            buckets: 0,
            len: self.len,
            bucket_bytes: 0,
            most: self.most,
            far: self.far.clone(),
            deadlines: self.deadlines.clone(),
        };
        self.segments.iter().flatten().for_each(|bucket| table.add_bucket(bucket.clone()));
        table
    }
}

/// The form of a text in a table.
fn code<'a>(far: &mut Far, text: &'a [u8]) -> Coded<'a> {
    if text.len() > NEAR_LEN_MAX { Coded::far(far.add(text)) } else { Coded::new(text) }
}
