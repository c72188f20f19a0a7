//! One hash table: keys of one database in one shard.
//!
//! Linear hashing. With N buckets, 2^k <= N < 2^(k+1), a key lives in the bucket that its last k+1 hash
//! bits name, or its last k when there is no such bucket yet. Growing by one splits one bucket, shrinking
//! by one merges the last; so no insert pays for more than two splits, and bytes per key do not jump at
//! powers of two. In the order of positions (the hash bits reversed) every bucket is an interval, and
//! splitting halves it: `scan` walks positions and so survives growing and shrinking between calls.
//!
//! Always true: words of a bucket are filled from the left; an overflow line holds at least two words;
//! buckets at and above the count are empty; the gauges in the header agree with the entries.
//! Knows nothing of locks: the owner of a `Table` may change it, and what others may look at meanwhile is
//! told in `buckets.rs`.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, Release};

use kit::world::{Rng, UnixMs};

use crate::buckets::{
    self, BUCKET_WORDS, BUCKETS_MAX, Gauges, Header, LOCATING_BITS, OVERFLOW_WORDS, Retired, bucket_of, change,
    is_link, pack, pointer, tag,
};
use crate::entry::{Entry, EntryMut, EntryRef};
use crate::hash::{KeyHash, KeyHasher};
use crate::table_stats::TableStats;

/// Positions end here.
pub const POSITION_END: u64 = 1 << 32;

/// Keys per bucket, in halves: above it a bucket is split.
// By computation, 6.5 keys a bucket cost 11.1 to 11.7 bytes a key, overflow counted, and put 10 to 17 % of
// the keys behind a second cache line; 5.5 cost 12.3 to 12.9 and 6 to 11 %; 7.5 cost 10.4 to 11 and 16 to
// 22 %. Measured (examples/speed, a million keys, entries of 56 bytes, B/key allocated in all): 5.5 70.7,
// 6.5 68.9, 7.5 68.2; the times did not differ by more than noise, with prefetching or without.
const LOAD_HALVES_MAX: usize = 13;
/// Below it buckets are merged. Far enough from the above that segments do not come and go.
const LOAD_HALVES_MIN: usize = 10;
const STEPS_PER_CHANGE: usize = 2;

/// Spare overflow lines that are kept for the next chains beyond a share of those in use.
const SPARE_LINES_MIN: usize = 16;

pub(crate) struct Table {
    header: Option<Header>,
    buckets: u32,
    segment_bytes: usize,
    overflow_lines: usize,
    spare: Vec<NonNull<u8>>,
    scratch: Vec<u64>,
    hasher: Arc<KeyHasher>,
    retired: Arc<Retired>,
}

// SAFETY: a Table owns its entries and lines; the parts that others look at are atomics.
unsafe impl Send for Table {}

impl Table {
    pub(crate) fn new(hasher: Arc<KeyHasher>, retired: Arc<Retired>) -> Table {
        Table {
            header: None,
            buckets: 0,
            segment_bytes: 0,
            overflow_lines: 0,
            spare: Vec::new(),
            scratch: Vec::new(),
            hasher,
            retired,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.gauges().map_or(0, |gauges| gauges.len.load(Relaxed))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn deadline_count(&self) -> usize {
        self.gauges().map_or(0, |gauges| gauges.deadlines.load(Relaxed))
    }

    pub(crate) fn bucket_count(&self) -> usize {
        self.buckets as usize
    }

    /// Bytes of the entries, their collections, and the table around them.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.own_bytes() + self.gauges().map_or(0, |gauges| gauges.entry_bytes.load(Relaxed))
    }

    /// Bytes of the table alone.
    pub(crate) fn own_bytes(&self) -> usize {
        let Some(header) = self.header else { return 0 };
        let lines = (self.overflow_lines + self.spare.len()) * buckets::overflow_layout().size();
        // SAFETY: a table frees nothing that it has.
        unsafe { header.bytes() + self.segment_bytes + lines }
    }

    #[inline]
    pub(crate) fn find(&self, hash: KeyHash, key: &[u8]) -> Option<EntryRef<'_>> {
        self.find_word(hash, key).map(entry_in)
    }

    #[inline]
    pub(crate) fn find_mut(&mut self, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'_>> {
        let table = &*self;
        let word = table.find_word(hash, key)?;
        let gauges = table.gauges()?;
        // SAFETY: `find_word` gives words with entries, counted when they came in; `&mut self` is held.
        Some(unsafe { EntryMut::new(word, gauges) })
    }

    /// Adds an entry whose key is not in the table. `publish` is to show this header in place of the one before.
    pub(crate) fn insert(&mut self, hash: KeyHash, entry: Entry, publish: &mut dyn FnMut(Header)) {
        debug_assert!(self.find(hash, entry.as_ref().key()).is_none(), "insert is for absent keys");
        if self.buckets == 0 {
            self.add_bucket(publish);
        }
        let (bytes, deadline) = (entry.as_ref().value_bytes(), entry.as_ref().has_deadline());
        let inner = entry.as_ref().has_inner_deadlines();
        self.append(bucket_of(hash.bits(), self.buckets), pack(entry.into_raw(), hash.tag()));
        let gauges = self.gauges().expect("a table with buckets has a header");
        change(&gauges.len, 0, 1);
        gauges.change_bytes(0, bytes);
        gauges.change_deadline(false, deadline);
        gauges.change_inner_deadlines(false, inner);
        for _ in 0..STEPS_PER_CHANGE {
            if 2 * self.len() <= self.bucket_count() * LOAD_HALVES_MAX || self.buckets == BUCKETS_MAX {
                break;
            }
            self.split(publish);
        }
    }

    pub(crate) fn remove(&mut self, hash: KeyHash, key: &[u8]) -> Option<Entry> {
        let (bucket, place) =
            self.find_place(hash.bits(), |word| tag(word) == hash.tag() && ref_of(word).key() == key)?;
        Some(self.remove_at(bucket, place))
    }

    /// Calls `f` with all entries of the bucket at `position`. Gives the next position, None at the end.
    ///
    /// An entry that is in the table during a whole walk from 0 to None is seen at least once.
    pub(crate) fn scan(&self, position: u64, f: &mut dyn FnMut(EntryRef<'_>)) -> Option<u64> {
        if self.buckets == 0 {
            return None;
        }
        let position = u32::try_from(position).ok()?;
        for word in self.words(bucket_of(position.reverse_bits(), self.buckets)) {
            f(entry_in(word));
        }
        let (_, end) = self.interval(position);
        (end < POSITION_END).then_some(end)
    }

    /// Every key is equally likely, but for those in chains of more than 16.
    pub(crate) fn random(&self, rng: &mut Rng) -> Option<EntryRef<'_>> {
        const WORDS: u64 = 16;
        if self.is_empty() {
            return None;
        }
        // A throw hits with len / (16 * buckets), 0.3 to 0.4 at the usual load.
        for _ in 0..64 {
            let throw = rng.below(u64::from(self.buckets) * WORDS);
            if let Some(word) = self.words((throw / WORDS) as u32).nth((throw % WORDS) as usize) {
                return Some(entry_in(word));
            }
        }
        // A thin table: the first entry after a random place.
        let start = rng.below(u64::from(self.buckets)) as u32;
        (start..self.buckets).chain(0..start).find_map(|bucket| {
            let count = self.words(bucket).count() as u64;
            (count > 0).then(|| self.words(bucket).nth(rng.below(count) as usize).map(entry_in))?
        })
    }

    /// Up to `count` different entries that stand together at a random place. Gives their number.
    pub(crate) fn sample(&self, rng: &mut Rng, count: usize, f: &mut dyn FnMut(EntryRef<'_>)) -> usize {
        let mut taken = 0;
        if self.is_empty() {
            return 0;
        }
        let start = rng.below(u64::from(self.buckets)) as u32;
        for bucket in (start..self.buckets).chain(0..start) {
            for word in self.words(bucket) {
                if taken == count {
                    return taken;
                }
                f(entry_in(word));
                taken += 1;
            }
        }
        taken
    }

    /// All entries, in no order.
    pub(crate) fn for_each(&self, f: &mut dyn FnMut(EntryRef<'_>)) {
        for bucket in 0..self.buckets {
            self.words(bucket).for_each(|word| f(entry_in(word)));
        }
    }

    /// Frees at least `count` entries from the end, or what there is. True while there is more.
    pub(crate) fn drop_step(&mut self, count: usize) -> bool {
        let mut budget = count.max(1);
        while self.buckets > 0 && budget > 0 {
            let bucket = self.buckets - 1;
            let words = self.take_words(bucket);
            for &word in &words {
                let at = pointer(word).expect("words of entries are not 0");
                // SAFETY: the word was taken out of the bucket, so the entry is ours alone.
                let entry = unsafe { Entry::from_raw(at) };
                self.count_out(entry.as_ref());
            }
            budget = budget.saturating_sub(words.len() + 1);
            self.scratch = words;
            self.remove_bucket();
        }
        if self.buckets > 0 {
            return true;
        }
        if let Some(header) = self.header.take() {
            // SAFETY: a table that is dropped is not published.
            unsafe { self.retired.add_header(header) };
        }
        for line in self.spare.drain(..) {
            self.retired.add(line, buckets::overflow_layout());
        }
        false
    }

    pub(crate) fn stats(&self) -> TableStats {
        let mut stats = TableStats {
            len: self.len(),
            buckets: self.bucket_count(),
            overflow_lines: self.overflow_lines,
            ..TableStats::default()
        };
        for bucket in 0..self.buckets {
            let count = self.words(bucket).count();
            stats.filled[count.min(stats.filled.len() - 1)] += 1;
            if count > BUCKET_WORDS {
                stats.far += count - (BUCKET_WORDS - 1);
            }
        }
        stats
    }

    // ---- for the expiry index: keys by the low bits of their hash ------------------------------------

    /// Takes out a key of the bucket of `low` whose deadline has come.
    pub(crate) fn remove_due(&mut self, low: u32, now: UnixMs) -> Option<Entry> {
        let (bucket, place) =
            self.find_place(low, |word| ref_of(word).deadline().is_some_and(|deadline| deadline <= now))?;
        Some(self.remove_at(bucket, place))
    }

    /// Of the entries whose hash ends in `low` the one with the first deadline, as `deadline_of` tells it.
    pub(crate) fn first_by<'a>(
        &'a self,
        low: u32,
        deadline_of: fn(EntryRef<'a>) -> Option<UnixMs>,
    ) -> Option<(EntryRef<'a>, UnixMs)> {
        let bucket = (self.buckets > 0).then(|| bucket_of(low, self.buckets))?;
        let timed = self.words(bucket).map(entry_in).filter_map(|entry| Some((entry, deadline_of(entry)?)));
        timed.filter(|(entry, _)| self.low_bits(entry.key()) == low).min_by_key(|(_, deadline)| *deadline)
    }

    fn low_bits(&self, key: &[u8]) -> u32 {
        self.hasher.bits(key) & ((1 << LOCATING_BITS) - 1)
    }

    // ---- for the snapshot walk -----------------------------------------------------------------------

    /// First position of the bucket at `position`, and the first one after it.
    pub(crate) fn interval(&self, position: u32) -> (u64, u64) {
        assert!(self.buckets > 0, "a table without buckets has no intervals");
        let bits = self.buckets.ilog2();
        let bucket = bucket_of(position.reverse_bits(), self.buckets);
        let split = bucket >= 1 << bits || bucket + (1 << bits) < self.buckets;
        let len = POSITION_END >> (bits + u32::from(split));
        let start = u64::from(position) & !(len - 1);
        (start, start + len)
    }

    pub(crate) fn hash_of(&self, key: &[u8]) -> KeyHash {
        self.hasher.hash(key)
    }

    pub(crate) fn header(&self) -> Option<Header> {
        self.header
    }

    // ---- words -----------------------------------------------------------------------------------------

    pub(crate) fn gauges(&self) -> Option<&Gauges> {
        // SAFETY: a table changes its header in `add_bucket` and `drop_step` only, which take `&mut self`.
        self.header.map(|header| unsafe { header.gauges() })
    }

    /// The words of a bucket that hold entries.
    #[inline]
    fn words(&self, bucket: u32) -> Words<'_> {
        Words { line: self.line(bucket), at: 0 }
    }

    #[inline]
    fn line(&self, bucket: u32) -> &[AtomicU64] {
        debug_assert!(bucket < self.buckets);
        let header = self.header.expect("a table with buckets has a header");
        // SAFETY: the bucket exists, and removing it or taking another header takes `&mut self`.
        unsafe { header.bucket(bucket) }
    }

    #[inline]
    fn find_word(&self, hash: KeyHash, key: &[u8]) -> Option<&AtomicU64> {
        if self.buckets == 0 {
            return None;
        }
        let wanted = hash.tag();
        self.words(bucket_of(hash.bits(), self.buckets)).find(|word| {
            let word = word.load(Relaxed);
            tag(word) == wanted && ref_of(word).key() == key
        })
    }

    /// Bucket and number in it of the first entry that is wanted.
    fn find_place(&self, bits: u32, wanted: impl Fn(u64) -> bool) -> Option<(u32, usize)> {
        if self.buckets == 0 {
            return None;
        }
        let bucket = bucket_of(bits, self.buckets);
        let place = self.words(bucket).position(|word| wanted(word.load(Relaxed)))?;
        Some((bucket, place))
    }

    /// Puts a word at the end of a bucket.
    fn append(&mut self, bucket: u32, word: u64) {
        debug_assert!(tag(word) != 0);
        let mut line = self.line(bucket);
        loop {
            let last = line.last().expect("lines are not empty").load(Relaxed);
            if is_link(last) {
                // SAFETY: the link is in a line of ours, and nothing frees lines meanwhile.
                line = unsafe { buckets::overflow(last) };
                continue;
            }
            if let Some(free) = line.iter().find(|word| word.load(Relaxed) == 0) {
                free.store(word, Relaxed);
                return;
            }
            // Full: the last word moves into a line of its own, together with the new one.
            let end: *const AtomicU64 = line.last().expect("lines are not empty");
            let added = self.take_line();
            let link = pack(added, 0);
            // SAFETY: the new line is reachable by nobody else yet; `end` is in a line of this bucket,
            // which `take_line` does not touch.
            unsafe {
                let words = buckets::overflow(link);
                words[0].store(last, Relaxed);
                words[1].store(word, Relaxed);
                (*end).store(link, Release);
            }
            return;
        }
    }

    /// Takes an entry out and closes the gap; then merges, when the table has become thin.
    fn remove_at(&mut self, bucket: u32, place: usize) -> Entry {
        let hole = self.words(bucket).nth(place).expect("the place was found just now");
        let word = hole.load(Relaxed);
        let mut link = None;
        let mut line = self.line(bucket);
        loop {
            let last = line.last().expect("lines are not empty");
            if !is_link(last.load(Relaxed)) {
                break;
            }
            link = Some(last);
            // SAFETY: the link is in a line of ours, and nothing frees lines meanwhile.
            line = unsafe { buckets::overflow(last.load(Relaxed)) };
        }
        let count = line.iter().take_while(|word| word.load(Relaxed) != 0).count();
        let last = &line[count - 1];
        hole.store(last.load(Relaxed), Relaxed);
        last.store(0, Relaxed);
        let mut unused = None;
        if let Some(link) = link {
            assert!(count >= 2, "an overflow line holds at least two words");
            if count == 2 {
                unused = pointer(link.load(Relaxed));
                link.store(line[0].load(Relaxed), Relaxed);
            }
        }
        if let Some(line) = unused {
            self.give_line(line);
        }
        let at = pointer(word).expect("words of entries are not 0");
        // SAFETY: the word was taken out of the bucket, so the entry is ours alone.
        let entry = unsafe { Entry::from_raw(at) };
        self.count_out(entry.as_ref());
        for _ in 0..STEPS_PER_CHANGE {
            if 2 * self.len() >= self.bucket_count() * LOAD_HALVES_MIN || self.buckets == 1 {
                break;
            }
            self.merge();
        }
        entry
    }

    fn count_out(&self, entry: EntryRef<'_>) {
        let gauges = self.gauges().expect("a table with entries has a header");
        change(&gauges.len, 1, 0);
        gauges.change_bytes(entry.value_bytes(), 0);
        gauges.change_deadline(entry.has_deadline(), false);
        gauges.change_inner_deadlines(entry.has_inner_deadlines(), false);
    }

    /// Empties a bucket, its overflow lines become spare. Gives the words, in the scratch buffer.
    fn take_words(&mut self, bucket: u32) -> Vec<u64> {
        let mut words = std::mem::take(&mut self.scratch);
        words.clear();
        words.extend(self.words(bucket).map(|word| word.load(Relaxed)));
        let line = self.line(bucket);
        let mut link = line[BUCKET_WORDS - 1].load(Relaxed);
        line.iter().for_each(|word| word.store(0, Relaxed));
        while is_link(link) {
            // SAFETY: the link was in a line of ours; the line is given away after it was read.
            let next = unsafe { buckets::overflow(link) }[OVERFLOW_WORDS - 1].load(Relaxed);
            self.give_line(pointer(link).expect("a link is not 0"));
            link = next;
        }
        words
    }

    // ---- growing and shrinking -------------------------------------------------------------------------

    fn add_bucket(&mut self, publish: &mut dyn FnMut(Header)) {
        // SAFETY: the header is ours, and stays until it is retired, after it was published no longer.
        unsafe {
            let before = self.header;
            let header = match before {
                Some(header) if header.has_place_for(self.buckets) => header,
                Some(small) => small.grown(),
                None => Header::new(),
            };
            self.header = Some(header);
            self.segment_bytes += header.add_bucket(self.buckets);
            if before != self.header {
                publish(header);
                before.inspect(|&small| self.retired.add_header(small));
            }
        }
        self.buckets += 1;
    }

    /// Takes away the last bucket, which is empty.
    fn remove_bucket(&mut self) {
        self.buckets -= 1;
        let header = self.header.expect("a table with buckets has a header");
        // SAFETY: the header is ours, and so is its last bucket.
        self.segment_bytes -= unsafe { header.remove_bucket(self.buckets, &self.retired) };
    }

    fn split(&mut self, publish: &mut dyn FnMut(Header)) {
        let added = self.buckets;
        let bit = 1 << added.ilog2();
        let parent = added - bit;
        let words = self.take_words(parent);
        // One miss for all instead of one for each.
        for &word in &words {
            buckets::prefetch_word(word);
        }
        self.add_bucket(publish);
        for &word in &words {
            let bits = self.hasher.bits(ref_of(word).key());
            self.append(if bits & bit == 0 { parent } else { added }, word);
        }
        self.scratch = words;
    }

    fn merge(&mut self) {
        let last = self.buckets - 1;
        let parent = last - (1 << last.ilog2());
        let words = self.take_words(last);
        self.remove_bucket();
        for &word in &words {
            self.append(parent, word);
        }
        self.scratch = words;
    }

    /// An overflow line of zeroes.
    fn take_line(&mut self) -> NonNull<u8> {
        self.overflow_lines += 1;
        self.spare.pop().unwrap_or_else(buckets::new_overflow)
    }

    /// Takes back an overflow line that no word leads to any more.
    fn give_line(&mut self, line: NonNull<u8>) {
        self.overflow_lines -= 1;
        if self.spare.len() >= SPARE_LINES_MIN + self.overflow_lines / 8 {
            self.retired.add(line, buckets::overflow_layout());
            return;
        }
        // SAFETY: the line is one of ours, and stays.
        let words = unsafe { buckets::overflow(pack(line, 0)) };
        words.iter().for_each(|word| word.store(0, Relaxed));
        self.spare.push(line);
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        while self.drop_step(usize::MAX) {}
    }
}

/// The words with entries of one bucket, along its chain.
struct Words<'a> {
    line: &'a [AtomicU64],
    at: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a AtomicU64;

    #[inline]
    fn next(&mut self) -> Option<&'a AtomicU64> {
        let word = self.line.get(self.at)?;
        let value = word.load(Relaxed);
        if tag(value) != 0 {
            self.at += 1;
            return Some(word);
        }
        if value == 0 {
            return None;
        }
        // SAFETY: the link is in a line of a table that is borrowed for `'a`.
        self.line = unsafe { buckets::overflow(value) };
        self.at = 1;
        self.line.first()
    }
}

#[inline]
fn entry_in(word: &AtomicU64) -> EntryRef<'_> {
    ref_of(word.load(Relaxed))
}

/// The entry that a word of a table leads to. The caller's borrow of the table bounds `'a`.
#[inline]
fn ref_of<'a>(word: u64) -> EntryRef<'a> {
    let at = pointer(word).expect("words of entries are not 0");
    // SAFETY: this file passes words with a tag only, read from a table that is borrowed meanwhile; they
    // were made by `insert` from an entry that the table owns.
    unsafe { EntryRef::new(at) }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, HashMap};

    use super::*;
    use crate::entry::NewValue;
    use crate::hash::Placement;

    impl Table {
        /// Everything that is said to be always true.
        pub(crate) fn check(&self) {
            let (mut len, mut deadlines, mut bytes, mut lines) = (0, 0, 0, 0);
            for bucket in 0..self.buckets {
                let mut line = self.line(bucket);
                loop {
                    let words: Vec<u64> = line.iter().map(|word| word.load(Relaxed)).collect();
                    let used = words.iter().filter(|&&word| word != 0).count();
                    assert!(words[used..].iter().all(|&word| word == 0), "filled from the left");
                    assert!(words.len() == BUCKET_WORDS || used >= 2, "an overflow line holds two");
                    let link = words[words.len() - 1];
                    assert!(words[..words.len() - 1].iter().all(|&word| !is_link(word)));
                    if !is_link(link) {
                        break;
                    }
                    lines += 1;
                    // SAFETY: the link is in a line of this table, which is borrowed.
                    line = unsafe { buckets::overflow(link) };
                }
                for word in self.words(bucket) {
                    let entry = entry_in(word);
                    let hash = self.hasher.hash(entry.key());
                    assert_eq!(bucket_of(hash.bits(), self.buckets), bucket, "in its bucket");
                    assert_eq!(tag(word.load(Relaxed)), hash.tag());
                    let (start, end) = self.interval(hash.position());
                    assert!((start..end).contains(&u64::from(hash.position())));
                    len += 1;
                    deadlines += usize::from(entry.has_deadline());
                    bytes += entry.value_bytes();
                }
            }
            assert_eq!((len, deadlines, lines), (self.len(), self.deadline_count(), self.overflow_lines));
            let Some(gauges) = self.gauges() else { return };
            assert_eq!(gauges.entry_bytes.load(Relaxed), bytes);
            assert_eq!(self.header.map(Header::bucket_count), Some(self.buckets));
        }
    }

    fn table(seed: u64) -> Table {
        Table::new(Arc::new(KeyHasher::new(seed, Placement::ByHash)), Arc::default())
    }

    fn key(number: u64) -> Vec<u8> {
        format!("{number}").into_bytes()
    }

    fn add(table: &mut Table, number: u64) {
        let key = key(number);
        table.insert(table.hasher.hash(&key), Entry::new(&key, NewValue::Int(number as i64), None, 0), &mut |_| ());
    }

    fn take(table: &mut Table, number: u64) -> bool {
        let key = key(number);
        table.remove(table.hasher.hash(&key), &key).is_some()
    }

    fn numbers(table: &Table) -> BTreeSet<u64> {
        let mut all = BTreeSet::new();
        table.for_each(&mut |entry| {
            let number = entry.value().as_int().expect("only numbers were added") as u64;
            assert!(all.insert(number), "{number} is there twice");
        });
        all
    }

    #[test]
    fn agrees_with_a_twin() {
        for seed in 0..30 {
            let (mut rng, mut table, mut twin) = (Rng::new(seed), table(seed), BTreeMap::new());
            let keys = [3, 50, 1000, 20_000][seed as usize % 4];
            let steps = keys * 6;
            for step in 0..steps {
                let key = key(rng.below(keys));
                let hash = table.hasher.hash(&key);
                // The table grows in the first half and shrinks in the second.
                let grows = rng.below(10) < if step < steps / 2 { 7 } else { 2 };
                match (table.find_mut(hash, &key), grows) {
                    (Some(mut entry), true) => {
                        entry.set_value(NewValue::Int(step as i64));
                        assert!(twin.insert(key, step as i64).is_some());
                    }
                    (None, true) => {
                        table.insert(hash, Entry::new(&key, NewValue::Int(step as i64), None, 0), &mut |_| ());
                        assert!(twin.insert(key, step as i64).is_none());
                    }
                    (_, false) => {
                        let removed = table.remove(hash, &key).map(|entry| entry.as_ref().value().as_int());
                        assert_eq!(removed.flatten(), twin.remove(&key), "seed {seed} step {step}");
                        assert!(table.find(hash, &key).is_none());
                    }
                }
                if step % (steps / 10 + 1) == 0 {
                    table.check();
                }
            }
            table.check();
            assert_eq!(table.len(), twin.len());
            for (key, value) in &twin {
                let entry = table.find(table.hasher.hash(key), key).expect("a key of the twin");
                assert_eq!((entry.key(), entry.value().as_int()), (&key[..], Some(*value)));
            }
            twin.keys().for_each(|key| drop(table.remove(table.hasher.hash(key), key)));
            table.check();
            assert_eq!((table.len(), table.bucket_count()), (0, 1));
            assert!(table.memory_bytes() < 2048, "{}", table.memory_bytes());
        }
    }

    #[test]
    fn bytes_around_the_entries_do_not_jump() {
        let mut table = table(1);
        let mut most: f64 = 0.0;
        for number in 0..300_000 {
            add(&mut table, number);
            if number >= 5000 && number % 500 == 0 {
                let gauges = table.gauges().expect("a table with keys");
                let around = table.memory_bytes() - gauges.entry_bytes.load(Relaxed);
                most = most.max(around as f64 / table.len() as f64);
            }
        }
        // 11.7 at the worst load, and an eighth of the newest segments.
        assert!(most < 13.2, "{most} bytes a key");
        let stats = table.stats();
        assert_eq!(stats.filled.iter().sum::<usize>(), stats.buckets);
        assert!(stats.far * 100 < stats.len * 20, "{stats:?}");
    }

    #[test]
    fn scan_sees_what_is_there_all_the_time() {
        for seed in 0..60 {
            let (mut rng, mut table) = (Rng::new(seed), table(seed));
            let stay = 1 + rng.below(500);
            (0..stay).for_each(|number| add(&mut table, number));
            let mut passing: Vec<u64> = (stay..stay + 3000).collect();
            let start_full = rng.one_in(2);
            if start_full {
                passing.iter().for_each(|&number| add(&mut table, number));
            }
            let (mut seen, mut position) = (BTreeSet::new(), Some(0));
            while let Some(at) = position {
                position = table.scan(at, &mut |entry| {
                    seen.insert(entry.value().as_int().expect("a number") as u64);
                });
                assert!(position.is_none_or(|next| next > at && next < POSITION_END));
                for _ in 0..rng.below(40) {
                    let Some(number) = passing.pop() else { break };
                    if start_full {
                        assert!(take(&mut table, number));
                    } else {
                        add(&mut table, number);
                    }
                }
            }
            assert!((0..stay).all(|number| seen.contains(&number)), "seed {seed}");
        }
    }

    #[test]
    fn scan_of_a_table_at_rest_sees_everything_once() {
        for len in [0, 1, 7, 100, 5000] {
            let mut table = table(len);
            (0..len).for_each(|number| add(&mut table, number));
            let (mut count, mut position) = (0, Some(0));
            while let Some(at) = position {
                position = table.scan(at, &mut |_| count += 1);
            }
            assert_eq!(count, len);
            assert_eq!(table.scan(POSITION_END, &mut |_| panic!("beyond the end")), None);
        }
    }

    #[test]
    fn random_reaches_everything_about_equally() {
        let (mut table, mut rng) = (table(3), Rng::new(3));
        assert!(table.random(&mut rng).is_none());
        (0..400).for_each(|number| add(&mut table, number));
        let mut counts = HashMap::new();
        for _ in 0..400 * 100 {
            let entry = table.random(&mut rng).expect("there are keys");
            *counts.entry(entry.value().as_int()).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 400);
        // 100 expected, with a standard deviation of 10.
        assert!(counts.values().all(|count| (50..150).contains(count)), "{counts:?}");
    }

    #[test]
    fn samples_are_different_entries() {
        let (mut table, mut rng) = (table(3), Rng::new(3));
        (0..100).for_each(|number| add(&mut table, number));
        for count in [0, 1, 5, 99, 100, 200] {
            let mut seen = BTreeSet::new();
            let given = table.sample(&mut rng, count, &mut |entry| assert!(seen.insert(entry.value().as_int())));
            assert_eq!((given, seen.len()), (count.min(100), count.min(100)));
        }
    }

    #[test]
    fn is_dropped_in_steps() {
        let mut table = table(3);
        (0..1000).for_each(|number| add(&mut table, number));
        let mut left = numbers(&table).len();
        while table.drop_step(10) {
            assert!((left.saturating_sub(40)..left).contains(&table.len()), "{left} to {}", table.len());
            left = table.len();
            table.check();
        }
        assert_eq!((table.len(), table.bucket_count(), table.memory_bytes()), (0, 0, 0));
        add(&mut table, 1);
        assert_eq!(numbers(&table), BTreeSet::from([1]), "it can be used again");
    }
}
