//! The memory of a table: cache lines of words, segments of lines, a directory of segments; and the only
//! view of it that needs no lock.
//!
//! A header is the directory, with counters in front of it, in one block of 64 bytes for the first 3 buckets and about
//! double that each time the table outgrows it: then the table gets another header, with the same contents, and the
//! old one is retired.
//!
//! A bucket is one cache line of 8 words. A word is `pointer 48 | tag 16`, the tag in the high bits and
//! never 0 for an entry; 0 is an empty word. Words are filled from the left, so the first empty word ends
//! the bucket. When a ninth entry comes, the last word of the line becomes a link (tag 0) to an overflow
//! line of 4 words, whose last word may be a link again.
//!
//! Buckets are numbered; 8 segments of equal length make each doubling, so that at most an eighth of the
//! memory is ahead of its use. Bucket `i` is found with a leading-zero count: `place`.
//!
//! SAFETY of looking without a lock. Everything here is changed only under the mutex of the shard that the
//! table belongs to. Threads that hold no lock (`Published`) do this and nothing else: load a header
//! pointer, the header's counters and segment pointers, and the words of a bucket (or overflow line), all
//! of them atomics; what the words say goes to the prefetch instruction, which may be given any address.
//! They never look into an entry, so entries are freed at once. What they do look into - headers,
//! segments, overflow lines - is never freed by a table, but handed to `Retired` when nothing that is
//! published leads to it any more, and freed in `Retired::free_all` only, whose caller promises that no
//! thread is looking. For a header this means that another one (or none) was published in its place first;
//! for the rest, that the last pointer to it in the published header's reach was overwritten. A retired header
//! keeps its pointers, and what they lead to may be retired after it: harmless, because a look starts from the
//! published header each time and keeps no pointer, so a look that begins after the retiring cannot find
//! what was retired earlier, neither the header nor by way of it. What a look sees may be stale or torn between
//! growing, shrinking, FLUSHDB and SWAPDB, and still points to memory as long as is assumed:
//! a header is a header for ever, its `capacity` is written before it is published and never again, and places
//! are checked against the capacity of the very header they are looked up in; the segment at place `s` of any
//! header is null or has the length that
//! follows from `s` alone, and the place in it is below that length whatever bucket count was read; a word
//! with tag 0 that is not 0 is a link to an overflow line, for no other word has tag 0, and words of fresh
//! lines are 0. Fresh memory is published with Release and read with Acquire. So the worst outcome of a
//! stale view is a prefetch of something useless.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};

use parking_lot::Mutex;

use crate::hash::KeyHash;

pub(crate) const BUCKET_WORDS: usize = 8;
pub(crate) const OVERFLOW_WORDS: usize = 4;
/// 26 bits of the hash locate a bucket (the expiry index relies on it). At 6.5 keys a bucket and 256
/// shards that is 10^11 keys; beyond it only the chains grow.
pub(crate) const BUCKETS_MAX: u32 = 1 << LOCATING_BITS;
pub(crate) const LOCATING_BITS: u32 = 26;

const SEGMENTS_PER_DOUBLING: u32 = 8;
const DOUBLINGS: u32 = LOCATING_BITS + 1 - 3;
const SEGMENTS: usize = (SEGMENTS_PER_DOUBLING * DOUBLINGS) as usize;
const POINTER_BITS: u32 = 48;

// ---- words -----------------------------------------------------------------------------------------

pub(crate) fn pack(at: NonNull<u8>, tag: u16) -> u64 {
    let address = at.as_ptr().expose_provenance() as u64;
    assert!(address >> POINTER_BITS == 0, "addresses of user space have 48 bits");
    u64::from(tag) << POINTER_BITS | address
}

pub(crate) fn tag(word: u64) -> u16 {
    (word >> POINTER_BITS) as u16
}

/// The pointer in a word, of an entry or of a line.
pub(crate) fn pointer(word: u64) -> Option<NonNull<u8>> {
    let address = word & ((1 << POINTER_BITS) - 1);
    NonNull::new(std::ptr::with_exposed_provenance_mut(address as usize))
}

/// The address in a word, for those who will not look there.
fn address(word: u64) -> *const u8 {
    std::ptr::without_provenance((word & ((1 << POINTER_BITS) - 1)) as usize)
}

pub(crate) fn is_link(word: u64) -> bool {
    word != 0 && tag(word) == 0
}

// ---- header ----------------------------------------------------------------------------------------

/// What unlocked readers may know about a table. Written under the shard's lock only.
#[derive(Default)]
pub(crate) struct Gauges {
    pub(crate) len: AtomicUsize,
    pub(crate) deadlines: AtomicUsize,
    /// Entries whose collection has elements with deadlines.
    pub(crate) inner_deadlines: AtomicUsize,
    pub(crate) entry_bytes: AtomicUsize,
}

impl Gauges {
    pub(crate) fn len(&self) -> usize {
        self.len.load(Relaxed)
    }

    pub(crate) fn deadlines(&self) -> usize {
        self.deadlines.load(Relaxed)
    }

    pub(crate) fn inner_deadlines(&self) -> usize {
        self.inner_deadlines.load(Relaxed)
    }

    pub(crate) fn entry_bytes(&self) -> usize {
        self.entry_bytes.load(Relaxed)
    }

    pub(crate) fn change_bytes(&self, before: usize, after: usize) {
        if before != after {
            change(&self.entry_bytes, before, after);
        }
    }

    pub(crate) fn change_deadline(&self, before: bool, after: bool) {
        if before != after {
            change(&self.deadlines, usize::from(before), usize::from(after));
        }
    }

    pub(crate) fn change_inner_deadlines(&self, before: bool, after: bool) {
        if before != after {
            change(&self.inner_deadlines, usize::from(before), usize::from(after));
        }
    }
}

/// There is one writer, the holder of the lock: no read-modify-write instruction is needed.
pub(crate) fn change(gauge: &AtomicUsize, minus: usize, plus: usize) {
    gauge.store(gauge.load(Relaxed) + plus - minus, Relaxed);
}

/// What a header begins with; `capacity` segment pointers follow it.
#[repr(C)]
struct Head {
    buckets: AtomicU32,
    /// Does not change.
    capacity: u32,
    gauges: Gauges,
}

type Segment = AtomicPtr<AtomicU64>;

/// Gauges and directory of one table. A pointer to them: who holds it says why they are still there.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Header(NonNull<Head>);

/// Room for 3 segments.
const HEADER_BYTES_MIN: usize = 64;

impl Header {
    /// For a table without buckets.
    pub(crate) fn new() -> Header {
        Header::with_capacity((HEADER_BYTES_MIN - size_of::<Head>()) / size_of::<Segment>())
    }

    fn with_capacity(capacity: usize) -> Header {
        assert!(capacity > 0 && capacity <= SEGMENTS, "{capacity} segments");
        let head = zeroed(Header::layout_of(capacity)).cast::<Head>();
        // SAFETY: fresh memory, as long as a head and more; zeroes are a head of gauges that are 0, and null pointers.
        unsafe { (*head.as_ptr()).capacity = capacity as u32 };
        Header(head)
    }

    fn layout_of(capacity: usize) -> Layout {
        let bytes = size_of::<Head>() + capacity * size_of::<Segment>();
        Layout::from_size_align(bytes, 64).expect("a header is below 2 KiB")
    }

    /// A header of about double the size with the same contents.
    ///
    /// # Safety
    /// This one was not freed, and the caller is the one who may change it.
    pub(crate) unsafe fn grown(self) -> Header {
        // SAFETY: the caller's promise.
        let (head, bytes) = unsafe { (self.head(), self.bytes()) };
        let capacity = (2 * bytes - size_of::<Head>()) / size_of::<Segment>();
        let grown = Header::with_capacity(capacity.min(SEGMENTS));
        // SAFETY: it was made just now.
        let copy = unsafe { grown.head() };
        let Gauges { len, deadlines, inner_deadlines, entry_bytes } = &head.gauges;
        copy.buckets.store(head.buckets.load(Relaxed), Relaxed);
        copy.gauges.len.store(len.load(Relaxed), Relaxed);
        copy.gauges.deadlines.store(deadlines.load(Relaxed), Relaxed);
        copy.gauges.inner_deadlines.store(inner_deadlines.load(Relaxed), Relaxed);
        copy.gauges.entry_bytes.store(entry_bytes.load(Relaxed), Relaxed);
        assert!(copy.capacity > head.capacity, "every bucket has a place in the largest directory");
        for segment in 0..head.capacity as usize {
            // SAFETY: both have places for as many, and were not freed.
            let (from, to) = unsafe { (self.segment(segment), grown.segment(segment)) };
            to.store(from.load(Relaxed), Relaxed);
        }
        grown
    }

    /// # Safety
    /// The header is not freed during `'a`.
    #[inline]
    unsafe fn head<'a>(self) -> &'a Head {
        // SAFETY: the caller's promise; all that changes in a head are atomics.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    /// The header is not freed during `'a`.
    #[inline]
    pub(crate) unsafe fn gauges<'a>(self) -> &'a Gauges {
        // SAFETY: the caller's promise.
        unsafe { &self.head().gauges }
    }

    /// # Safety
    /// The header was not freed.
    pub(crate) unsafe fn bytes(self) -> usize {
        // SAFETY: the caller's promise.
        Header::layout_of(unsafe { self.head() }.capacity as usize).size()
    }

    /// # Safety
    /// The header is not freed during `'a`, and `segment` is below its capacity.
    #[inline]
    unsafe fn segment<'a>(self, segment: usize) -> &'a Segment {
        // SAFETY: `layout_of` has `capacity` segments behind the head, aligned as its last field; they were zeroed.
        unsafe { self.0.add(1).cast::<Segment>().add(segment).as_ref() }
    }

    /// The line of a bucket; None when its segment is missing, which only an unlocked reader can meet.
    ///
    /// # Safety
    /// The header is not freed meanwhile.
    #[inline]
    unsafe fn line(self, bucket: u32) -> Option<NonNull<AtomicU64>> {
        let (segment, offset) = place(bucket);
        // SAFETY: the caller's promise, and the capacity is looked at; a segment has `segment_len(segment)` buckets,
        // and `place` gives an offset below that.
        unsafe {
            if segment >= self.head().capacity as usize {
                return None;
            }
            let start = NonNull::new(self.segment(segment).load(Acquire))?;
            Some(start.add(offset * BUCKET_WORDS))
        }
    }

    /// The words of a bucket that exists.
    ///
    /// # Safety
    /// The bucket is below the count; the caller holds the shard's lock (or owns the table) during `'a`, and removes no
    /// bucket meanwhile nor takes another header.
    #[inline]
    pub(crate) unsafe fn bucket<'a>(self, bucket: u32) -> &'a [AtomicU64] {
        let (segment, offset) = place(bucket);
        // SAFETY: what exists has a place in the directory, so the counters, in another line of the cache, need no look.
        let start = unsafe { self.segment(segment) }.load(Relaxed);
        debug_assert!(!start.is_null(), "buckets below the count have segments");
        // SAFETY: a segment is made of zeroed lines of 8 words, and stays while the caller promises.
        unsafe { std::slice::from_raw_parts(start.add(offset * BUCKET_WORDS), BUCKET_WORDS) }
    }

    /// # Safety
    /// The header was not freed.
    pub(crate) unsafe fn has_place_for(self, bucket: u32) -> bool {
        // SAFETY: the caller's promise.
        place(bucket).0 < unsafe { self.head() }.capacity as usize
    }

    /// Makes sure that the segment of bucket `buckets` exists, and counts that bucket. Returns the bytes that were added.
    ///
    /// # Safety
    /// The caller holds the shard's lock (or owns the table); there is a place for the bucket, and it is the next one.
    pub(crate) unsafe fn add_bucket(self, bucket: u32) -> usize {
        let (segment, _) = place(bucket);
        // SAFETY: the caller's promise.
        let (place, head) = unsafe { (self.segment(segment), self.head()) };
        let mut bytes = 0;
        if place.load(Relaxed).is_null() {
            let layout = segment_layout(segment);
            place.store(zeroed(layout).cast().as_ptr(), Release);
            bytes = layout.size();
        }
        head.buckets.store(bucket + 1, Release);
        bytes
    }

    /// Counts the last bucket out, which is empty; with the first of its segment goes the segment. Returns its bytes.
    ///
    /// # Safety
    /// The caller holds the shard's lock (or owns the table), and `bucket` is the last one.
    pub(crate) unsafe fn remove_bucket(self, bucket: u32, retired: &Retired) -> usize {
        let (segment, offset) = place(bucket);
        // SAFETY: the caller's promise; what exists has a place.
        let (place, head) = unsafe { (self.segment(segment), self.head()) };
        head.buckets.store(bucket, Relaxed);
        if offset > 0 {
            return 0;
        }
        let layout = segment_layout(segment);
        let start = NonNull::new(place.swap(null_mut(), Relaxed)).expect("a segment that exists");
        retired.add(start.cast(), layout);
        layout.size()
    }

    #[cfg(test)]
    pub(crate) fn bucket_count(self) -> u32 {
        // SAFETY: the tests ask tables that have it.
        unsafe { self.head() }.buckets.load(Relaxed)
    }
}

/// Segment and offset in it. Adding 8 makes the first doubling 8..16, with one bucket to a segment.
#[inline]
fn place(bucket: u32) -> (usize, usize) {
    debug_assert!(bucket < BUCKETS_MAX);
    let shifted = bucket + SEGMENTS_PER_DOUBLING;
    let doubling = shifted.ilog2() - SEGMENTS_PER_DOUBLING.ilog2();
    let segment = doubling * SEGMENTS_PER_DOUBLING + ((shifted >> doubling) & (SEGMENTS_PER_DOUBLING - 1));
    (segment as usize, (shifted & ((1 << doubling) - 1)) as usize)
}

fn segment_layout(segment: usize) -> Layout {
    let buckets = 1usize << (segment / SEGMENTS_PER_DOUBLING as usize);
    Layout::from_size_align(buckets * BUCKET_WORDS * size_of::<u64>(), 64).expect("a segment is below 2^32 bytes")
}

/// Which bucket of a table with `buckets` (not 0) buckets holds hashes that end in `bits`.
#[inline]
pub(crate) fn bucket_of(bits: u32, buckets: u32) -> u32 {
    debug_assert!(buckets > 0 && buckets <= BUCKETS_MAX);
    let top = 1u32 << buckets.ilog2();
    let wide = bits & (2 * top - 1);
    if wide < buckets { wide } else { bits & (top - 1) }
}

fn zeroed(layout: Layout) -> NonNull<u8> {
    assert!(layout.size() > 0);
    // SAFETY: the layout is not empty.
    let at = unsafe { alloc_zeroed(layout) };
    NonNull::new(at).unwrap_or_else(|| handle_alloc_error(layout))
}

// ---- overflow lines --------------------------------------------------------------------------------

pub(crate) fn overflow_layout() -> Layout {
    const { assert!(OVERFLOW_WORDS.is_power_of_two()) };
    let len = OVERFLOW_WORDS * size_of::<u64>();
    Layout::from_size_align(len, len).expect("a small power of two")
}

pub(crate) fn new_overflow() -> NonNull<u8> {
    zeroed(overflow_layout())
}

/// The words that a link leads to.
///
/// # Safety
/// The link was read under the shard's lock, which is held during `'a`; or read without it, and no thread
/// calls `Retired::free_all` during `'a`.
#[inline]
pub(crate) unsafe fn overflow<'a>(link: u64) -> &'a [AtomicU64] {
    debug_assert!(is_link(link));
    let line = pointer(link).expect("a link is not 0").cast::<AtomicU64>();
    // SAFETY: a link leads to an overflow line, which is freed by `free_all` only.
    unsafe { std::slice::from_raw_parts(line.as_ptr(), OVERFLOW_WORDS) }
}

// ---- retired memory --------------------------------------------------------------------------------

/// Memory that tables have let go and that unlocked readers may still look into.
#[derive(Default)]
pub(crate) struct Retired {
    blocks: Mutex<Vec<Block>>,
    bytes: AtomicUsize,
}

struct Block {
    at: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block is plain memory that nobody owns any more; whoever has it may free it.
unsafe impl Send for Block {}

impl Retired {
    pub(crate) fn add(&self, at: NonNull<u8>, layout: Layout) {
        let mut blocks = self.blocks.lock();
        blocks.push(Block { at, layout });
        self.bytes.store(self.bytes.load(Relaxed) + layout.size(), Relaxed);
    }

    /// # Safety
    /// The header is published nowhere any more, and nobody retired it before.
    pub(crate) unsafe fn add_header(&self, header: Header) {
        // SAFETY: it was not freed: that is done here only, with what was retired.
        let capacity = unsafe { header.head() }.capacity as usize;
        self.add(header.0.cast(), Header::layout_of(capacity));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// # Safety
    /// No thread is inside a method of `Published`, and what threads did there before happened before this.
    pub(crate) unsafe fn free_all(&self) {
        let mut blocks = self.blocks.lock();
        let freed = std::mem::take(&mut *blocks);
        self.bytes.store(0, Relaxed);
        drop(blocks);
        for Block { at, layout } in freed {
            // SAFETY: a block was retired by its only owner, with the layout it was allocated with.
            unsafe { dealloc(at.as_ptr(), layout) };
        }
    }
}

impl Drop for Retired {
    fn drop(&mut self) {
        // SAFETY: `Published` holds a share of the list, so when the list goes there are no readers.
        unsafe { self.free_all() }
    }
}

// ---- looking without a lock ------------------------------------------------------------------------

/// The headers of all tables, for readers without a lock: their lengths, and prefetching.
pub(crate) struct Published {
    /// Of database `d` and shard `s` at `d * shards + s`; null until the database has a key there.
    headers: Box<[AtomicPtr<Head>]>,
    shards: usize,
    /// Keeps retired memory alive as long as there may be readers.
    retired: Arc<Retired>,
}

impl Published {
    pub(crate) fn new(databases: usize, shards: usize, retired: Arc<Retired>) -> Published {
        let headers = (0..databases * shards).map(|_| AtomicPtr::new(null_mut())).collect();
        Published { headers, shards, retired }
    }

    pub(crate) fn retired(&self) -> &Arc<Retired> {
        &self.retired
    }

    pub(crate) fn databases(&self) -> usize {
        self.headers.len() / self.shards
    }

    /// The caller holds the lock of the shard; `header` belongs to a table of this keyspace.
    pub(crate) fn publish(&self, db: usize, shard: usize, header: Option<Header>) {
        let header = header.map_or(null_mut(), |header| header.0.as_ptr());
        self.headers[db * self.shards + shard].store(header, Release);
    }

    #[inline]
    fn header(&self, db: usize, shard: usize) -> Option<Header> {
        let header = self.headers.get(db * self.shards + shard)?.load(Acquire);
        NonNull::new(header).map(Header)
    }

    #[cfg(test)]
    pub(crate) fn is_published(&self, db: usize, shard: usize, header: Option<Header>) -> bool {
        self.header(db, shard) == header
    }

    pub(crate) fn gauges(&self, db: usize, shard: usize) -> Option<&Gauges> {
        // SAFETY: a published header is freed by `free_all` only, whose caller promises that nobody is here.
        self.header(db, shard).map(|header| unsafe { header.gauges() })
    }

    #[inline]
    fn line(&self, db: usize, hash: KeyHash) -> Option<NonNull<AtomicU64>> {
        let header = self.header(db, hash.shard())?;
        // SAFETY: as above.
        unsafe {
            let buckets = header.head().buckets.load(Acquire);
            if buckets == 0 {
                return None;
            }
            header.line(bucket_of(hash.bits(), buckets))
        }
    }

    #[inline]
    pub(crate) fn prefetch_bucket(&self, db: usize, hash: KeyHash) {
        if let Some(line) = self.line(db, hash) {
            prefetch(line.as_ptr().cast());
        }
    }

    /// Prefetches the entries of this bucket that may be the one.
    #[inline]
    pub(crate) fn prefetch_entry(&self, db: usize, hash: KeyHash) {
        let Some(line) = self.line(db, hash) else { return };
        // SAFETY: a bucket has 8 words, and its segment is freed by `free_all` only.
        let mut words = unsafe { std::slice::from_raw_parts(line.as_ptr(), BUCKET_WORDS) };
        // A bound, because links may change while we follow them.
        for _ in 0..4 {
            let mut link = 0;
            for word in words {
                let word = word.load(Acquire);
                if word == 0 {
                    return;
                }
                if tag(word) == hash.tag() {
                    let at = address(word);
                    prefetch(at);
                    prefetch(at.wrapping_add(ENTRY_PREFETCH_SECOND));
                    return;
                }
                link = word;
            }
            if !is_link(link) {
                return;
            }
            // SAFETY: the link was read here, and nobody calls `free_all` while we are here.
            words = unsafe { overflow(link) };
        }
    }
}

/// An entry of 56 bytes lies in two lines more often than not: its last bytes are prefetched too.
const ENTRY_PREFETCH_SECOND: usize = 48;

/// Prefetches what a word leads to.
#[inline]
pub(crate) fn prefetch_word(word: u64) {
    prefetch(address(word));
}

#[inline]
fn prefetch(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction takes any address and changes nothing but the cache.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

// SAFETY: the headers are shared memory made of atomics, and who may look at them when is said above.
unsafe impl Send for Published {}
// SAFETY: as above.
unsafe impl Sync for Published {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_dense_and_within_their_segments() {
        let mut next = std::collections::HashMap::new();
        for bucket in 0..100_000 {
            let (segment, offset) = place(bucket);
            assert_eq!(*next.get(&segment).unwrap_or(&0), offset, "bucket {bucket}");
            next.insert(segment, offset + 1);
            assert!((offset + 1) * 64 <= segment_layout(segment).size());
        }
        assert_eq!(place(BUCKETS_MAX - 1).0, SEGMENTS - 1 - 7);
    }

    #[test]
    fn a_directory_grows_with_all_that_is_in_it() {
        let (retired, mut header, mut sizes) = (Retired::default(), Header::new(), Vec::new());
        for bucket in 0..2000 {
            // SAFETY: the header is this test's; buckets come one after the other, where there is a place.
            unsafe {
                if !header.has_place_for(bucket) {
                    assert_eq!(header.line(bucket), None, "a stale look finds nothing");
                    let before: Vec<_> = (0..bucket).step_by(97).map(|bucket| header.line(bucket)).collect();
                    let small = header;
                    header = small.grown();
                    let after: Vec<_> = (0..bucket).step_by(97).map(|bucket| header.line(bucket)).collect();
                    assert!(before == after && before.iter().all(Option::is_some));
                    assert_eq!((header.bucket_count(), small.bucket_count()), (bucket, bucket));
                    retired.add_header(small);
                }
                if sizes.last() != Some(&header.bytes()) {
                    sizes.push(header.bytes());
                }
                change(&header.gauges().len, 0, 1);
                header.add_bucket(bucket);
            }
        }
        // SAFETY: as above; nobody looks.
        unsafe {
            assert_eq!((header.gauges().len(), header.bytes()), (2000, 1024));
            for bucket in (0..2000).rev() {
                header.remove_bucket(bucket, &retired);
            }
            assert_eq!(header.line(0), None);
            let largest = header.grown();
            sizes.push(largest.bytes());
            assert!(largest.has_place_for(BUCKETS_MAX - 1));
            retired.add_header(header);
            retired.add_header(largest);
        }
        assert_eq!(sizes, [64, 128, 256, 512, 1024, 1576]);
    }
}
