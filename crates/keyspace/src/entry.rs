//! A key with its value: one allocation behind one pointer. Here are the views of it, safe to use.
//!
//! How the bytes stand is told in `raw.rs`. An `EntryRef` reads an entry of a table, an `EntryMut` changes
//! one: it holds the word of the table that points to the entry and writes a new address there when the
//! entry moves, and it keeps the table's gauges right. An `Entry` belongs to no table and frees itself.
//!
//! Collections have views of their own, in `collection.rs`.
//! Knows nothing of tables but the word and the gauges.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kit::size::size_class;
use types::{Encoding, Object, Type};

use crate::UnixMs;
use crate::buckets::{Gauges, pack, pointer, tag};
use crate::collection::{ObjectMut, ObjectRef, View};
use crate::raw::{self, CLOCK_SHIFT, HAS_DEADLINE, HEAD_LEN, Shape, bytes_at};

/// How a value is held. The numbers live in memory only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A number, OBJECT ENCODING `int`.
    Int,
    /// A string of at most `EMB_LEN_MAX` bytes, `embstr`.
    Emb,
    /// A longer string, or one that was changed in place, `raw`.
    Raw,
    /// A collection.
    Object(Encoding),
}

impl Kind {
    #[inline]
    pub(crate) const fn code(self) -> u8 {
        match self {
            Kind::Int => 0,
            Kind::Emb => 1,
            Kind::Raw => 2,
            Kind::Object(encoding) => encoding.code(),
        }
    }

    #[inline]
    pub(crate) fn from_code(code: u8) -> Kind {
        match code {
            0 => Kind::Int,
            1 => Kind::Emb,
            2 => Kind::Raw,
            code => match Encoding::from_code(code) {
                Some(encoding) => Kind::Object(encoding),
                None => unreachable!("no entry has kind {code}"),
            },
        }
    }

    pub const fn type_of(self) -> Type {
        match self {
            Kind::Int | Kind::Emb | Kind::Raw => Type::String,
            Kind::Object(encoding) => encoding.type_of(),
        }
    }

    /// What OBJECT ENCODING answers.
    pub const fn encoding_name(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::Emb => "embstr",
            Kind::Raw => "raw",
            Kind::Object(encoding) => encoding.name(),
        }
    }
}

/// The longest string that OBJECT ENCODING calls `embstr`; Redis's number.
pub const EMB_LEN_MAX: usize = 44;
/// Keys and string values are at most this long.
pub const LEN_MAX: usize = u32::MAX as usize;
/// The access clock has 24 bits.
pub const CLOCK_MAX: u32 = (1 << 24) - 1;
/// Space for the decimal digits of any i64.
pub type Digits = [u8; 20];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueRef<'a> {
    Int(i64),
    /// Reported as `embstr`.
    Str(&'a [u8]),
    /// Reported as `raw`.
    Raw(&'a [u8]),
    Object(ObjectRef<'a>),
}

/// The methods on text panic for a collection: who asks has looked at the type.
#[allow(clippy::len_without_is_empty, reason = "is_empty is there; clippy misses it on by-value self")]
impl<'a> ValueRef<'a> {
    /// Length of the value as text.
    pub fn len(self) -> usize {
        match self {
            ValueRef::Int(number) => raw::digit_count(number),
            ValueRef::Str(bytes) | ValueRef::Raw(bytes) => bytes.len(),
            ValueRef::Object(object) => panic!("{:?} is no text", object.encoding()),
        }
    }

    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    pub fn is_int(self) -> bool {
        self.as_int().is_some()
    }

    pub fn as_int(self) -> Option<i64> {
        match self {
            ValueRef::Int(number) => Some(number),
            ValueRef::Str(_) | ValueRef::Raw(_) | ValueRef::Object(_) => None,
        }
    }

    /// The value as text; a number is written into `digits`.
    pub fn text<'b>(self, digits: &'b mut Digits) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            ValueRef::Int(number) => raw::write_digits(number, digits),
            ValueRef::Str(bytes) | ValueRef::Raw(bytes) => bytes,
            ValueRef::Object(object) => panic!("{:?} is no text", object.encoding()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewValue<'a> {
    Int(i64),
    /// `embstr` up to 44 bytes, else `raw`.
    Str(&'a [u8]),
    /// `raw` whatever the length.
    Raw(&'a [u8]),
}

/// An entry of a table, to be read.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    at: NonNull<u8>,
    life: PhantomData<&'a [u8]>,
}

impl<'a> EntryRef<'a> {
    /// # Safety
    /// `at` is an entry made by this file, and nobody changes or frees it during `'a`.
    pub(crate) unsafe fn new(at: NonNull<u8>) -> EntryRef<'a> {
        EntryRef { at, life: PhantomData }
    }

    fn shape(self) -> Shape {
        // SAFETY: `new` was promised a live entry.
        unsafe { Shape::read(self.at) }
    }

    fn head(self) -> u32 {
        // SAFETY: as above; every entry begins with its aligned head.
        unsafe { self.at.cast::<u32>().read() }
    }

    #[inline]
    pub fn key(self) -> &'a [u8] {
        let shape = self.shape();
        // SAFETY: `shape` was read from this entry, whose key is written whole before anyone sees it.
        unsafe { bytes_at(self.at, shape.key_at, shape.key_len) }
    }

    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        let shape = self.shape();
        // SAFETY: as in `key`.
        let bytes: &'a [u8] = unsafe { bytes_at(self.at, shape.value_at, shape.value_len) };
        match shape.kind() {
            Kind::Int => ValueRef::Int(i64::from_le_bytes(bytes.try_into().expect("an Int has 8 bytes"))),
            Kind::Emb => ValueRef::Str(bytes),
            Kind::Raw => ValueRef::Raw(bytes),
            Kind::Object(encoding) => {
                let word = u64::from_le_bytes(bytes.try_into().expect("a word has 8 bytes"));
                // SAFETY: the word stands in the entry, which nobody changes or frees during 'a.
                ValueRef::Object(unsafe { ObjectRef::new(encoding, word) })
            }
        }
    }

    /// Is it a collection with elements that have deadlines of their own?
    pub fn has_inner_deadlines(self) -> bool {
        // Most entries are told by their kind, without a look at the collection.
        matches!(self.kind(), Kind::Object(Encoding::HashTimed | Encoding::HashTable))
            && self.object().is_some_and(|object| object.has_deadlines())
    }

    /// The first of those deadlines.
    pub fn inner_deadline(self) -> Option<UnixMs> {
        if !self.has_inner_deadlines() {
            return None;
        }
        self.object()?.soonest_deadline().map(UnixMs)
    }

    /// The collection; None for a string.
    #[inline]
    pub fn object(self) -> Option<View<'a>> {
        match self.kind() {
            Kind::Int | Kind::Emb | Kind::Raw => None,
            Kind::Object(_) => match self.value() {
                ValueRef::Object(object) => Some(object.view()),
                ValueRef::Int(_) | ValueRef::Str(_) | ValueRef::Raw(_) => None,
            },
        }
    }

    #[inline]
    pub fn deadline(self) -> Option<UnixMs> {
        if !self.has_deadline() {
            return None;
        }
        // SAFETY: the flag says that eight bytes of deadline follow the head.
        Some(UnixMs(unsafe { self.at.add(HEAD_LEN).cast::<i64>().read_unaligned() }))
    }

    #[inline]
    pub fn has_deadline(self) -> bool {
        self.head() & HAS_DEADLINE != 0
    }

    /// Access clock, 24 bits.
    #[inline]
    pub fn clock(self) -> u32 {
        self.head() >> CLOCK_SHIFT
    }

    #[inline]
    pub fn kind(self) -> Kind {
        raw::kind_of(self.head())
    }

    /// Bytes that the allocator gave for this entry, a collection not counted.
    pub fn alloc_bytes(self) -> usize {
        size_class(self.shape().total())
    }

    /// Bytes that the allocator gave for this entry and all that hangs on it.
    pub fn value_bytes(self) -> usize {
        self.alloc_bytes() + self.object().map_or(0, |object| object.mem_bytes())
    }

    /// A copy outside the table, the same in everything.
    pub fn to_entry(self) -> Entry {
        if self.object().is_some() {
            return self.duplicate_as(self.key());
        }
        let shape = self.shape();
        let at = raw::allocate(size_class(shape.total()));
        // SAFETY: both allocations hold at least `total` bytes, and the new one is not shared.
        unsafe { self.at.copy_to_nonoverlapping(at, shape.total()) };
        Entry { at }
    }

    /// A copy outside the table under another name: value, deadline and clock are the same.
    pub fn duplicate_as(self, key: &[u8]) -> Entry {
        let (deadline, clock) = (self.deadline(), self.clock());
        match self.value() {
            ValueRef::Int(number) => Entry::new(key, NewValue::Int(number), deadline, clock),
            ValueRef::Str(bytes) => Entry::new(key, NewValue::Str(bytes), deadline, clock),
            ValueRef::Raw(bytes) => Entry::new(key, NewValue::Raw(bytes), deadline, clock),
            ValueRef::Object(object) => Entry::with_object(key, object.view().duplicate(), deadline, clock),
        }
    }
}

impl std::fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EntryRef")
            .field("key", &self.key())
            .field("value", &self.value())
            .field("deadline", &self.deadline())
            .field("clock", &self.clock())
            .finish()
    }
}

/// An entry of a table, to be changed. Keeps the table's word and its gauges right.
pub struct EntryMut<'a> {
    word: &'a AtomicU64,
    pub(crate) gauges: &'a Gauges,
    life: PhantomData<&'a mut [u8]>,
}

impl<'a> EntryMut<'a> {
    /// # Safety
    /// `word` holds a live entry (not a link, not empty) that `gauges` has counted, and nobody else
    /// looks at the entry during `'a`.
    pub(crate) unsafe fn new(word: &'a AtomicU64, gauges: &'a Gauges) -> EntryMut<'a> {
        EntryMut { word, gauges, life: PhantomData }
    }

    pub fn as_ref(&self) -> EntryRef<'_> {
        // SAFETY: the word holds a live entry, and changing it takes `&mut self`.
        unsafe { EntryRef::new(self.at()) }
    }

    /// The same entry, to be read for as long as the table stays borrowed.
    pub fn into_ref(self) -> EntryRef<'a> {
        // SAFETY: as above; `self` is gone, so nobody changes the entry while `'a` lasts.
        unsafe { EntryRef::new(self.at()) }
    }

    pub fn key(&self) -> &[u8] {
        self.as_ref().key()
    }

    pub fn value(&self) -> ValueRef<'_> {
        self.as_ref().value()
    }

    pub fn deadline(&self) -> Option<UnixMs> {
        self.as_ref().deadline()
    }

    pub fn clock(&self) -> u32 {
        self.as_ref().clock()
    }

    pub fn kind(&self) -> Kind {
        self.as_ref().kind()
    }

    pub fn alloc_bytes(&self) -> usize {
        self.as_ref().alloc_bytes()
    }

    #[inline]
    pub fn set_clock(&mut self, clock: u32) {
        // SAFETY: the word holds a live entry that nobody else looks at.
        unsafe { raw::set_clock(self.at(), clock) }
    }

    /// Puts another value in place; key, deadline and clock stay.
    pub fn set_value(&mut self, value: NewValue<'_>) {
        let (deadline, clock) = (self.deadline(), self.clock());
        drop(self.rewrite(value, deadline, clock));
    }

    /// The collection, to be changed; None for a string.
    pub fn object_mut(self) -> Option<ObjectMut<'a>> {
        ObjectMut::take_from(self)
    }

    /// Turns the value, a string, into `raw` text of `len` bytes and lends it: old bytes stay (a number becomes
    /// its digits), what is new is zero.
    pub fn raw_bytes_mut(&mut self, len: usize) -> &mut [u8] {
        // SAFETY: the entry is live and ours; `changed` writes the new address back at once.
        let (at, value_at) = self.changed(|at| unsafe { raw::make_raw(at, len) });
        // SAFETY: `raw::make_raw` left `len` initialised bytes at `value_at`, borrowed as `self` is.
        unsafe { std::slice::from_raw_parts_mut(at.add(value_at).as_ptr(), len) }
    }

    /// Everything but the key, in one go. Gives the collection that was there.
    pub(crate) fn rewrite(&mut self, value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) -> Option<Object> {
        // SAFETY: the entry is live and ours.
        let object = unsafe { raw::take_object(self.at()) };
        if let Some(object) = &object {
            self.gauges.change_bytes(object.mem_bytes(), 0);
            self.gauges.change_inner_deadlines(object.has_deadlines(), false);
        }
        // SAFETY: the entry is live and ours; `changed` writes the new address back at once.
        self.changed(|at| (unsafe { raw::rewrite(at, value, deadline, clock) }, 0));
        object
    }

    /// Changes the deadline and its count, but not the expiry index: use `Shard::set_deadline`.
    pub(crate) fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        // SAFETY: the entry is live and ours; `changed` writes the new address back at once.
        self.changed(|at| (unsafe { raw::set_deadline(at, deadline) }, 0));
    }

    pub(crate) fn at(&self) -> NonNull<u8> {
        pointer(self.word.load(Relaxed)).expect("an EntryMut stands on an entry")
    }

    /// Runs a change that may move the entry; stores the new address and corrects the gauges. Its collection, if
    /// it has one, stays what it is.
    fn changed(&mut self, change: impl FnOnce(NonNull<u8>) -> (NonNull<u8>, usize)) -> (NonNull<u8>, usize) {
        let word = self.word.load(Relaxed);
        let old = self.at();
        let before = self.as_ref();
        let (bytes_before, deadline_before) = (before.alloc_bytes(), before.has_deadline());
        let (new, extra) = change(old);
        if new != old {
            self.word.store(pack(new, tag(word)), Relaxed);
        }
        let after = self.as_ref();
        self.gauges.change_bytes(bytes_before, after.alloc_bytes());
        self.gauges.change_deadline(deadline_before, after.has_deadline());
        (new, extra)
    }
}

/// An entry that belongs to no table.
pub struct Entry {
    at: NonNull<u8>,
}

// SAFETY: an Entry owns its bytes, which know nothing of threads, and its collection; an Object is Send.
unsafe impl Send for Entry {}
// SAFETY: through `&Entry` the bytes and the collection are only read; an Object is Sync.
unsafe impl Sync for Entry {}

impl Entry {
    pub fn new(key: &[u8], value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) -> Entry {
        Entry { at: raw::build(key, value, deadline, clock) }
    }

    pub fn with_object(key: &[u8], object: Object, deadline: Option<UnixMs>, clock: u32) -> Entry {
        Entry { at: raw::build_object(key, object, deadline, clock) }
    }

    /// The same value, deadline and clock under another name.
    pub fn duplicate_as(&self, key: &[u8]) -> Entry {
        self.as_ref().duplicate_as(key)
    }

    /// Itself under another name. A collection is not copied.
    pub fn renamed(mut self, key: &[u8]) -> Entry {
        let (deadline, clock) = (self.as_ref().deadline(), self.as_ref().clock());
        match self.take_object() {
            Some(object) => Entry::with_object(key, object, deadline, clock),
            None => self.duplicate_as(key),
        }
    }

    /// The collection, taken out.
    pub fn into_object(mut self) -> Option<Object> {
        self.take_object()
    }

    fn take_object(&mut self) -> Option<Object> {
        // SAFETY: we own the live entry, and nobody else looks at it.
        unsafe { raw::take_object(self.at) }
    }

    pub fn as_ref(&self) -> EntryRef<'_> {
        // SAFETY: we own a live entry, and changing it takes `&mut self`.
        unsafe { EntryRef::new(self.at) }
    }

    pub fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        // SAFETY: we own the live entry; its new address is kept.
        self.at = unsafe { raw::set_deadline(self.at, deadline) };
    }

    pub fn set_clock(&mut self, clock: u32) {
        // SAFETY: we own the live entry.
        unsafe { raw::set_clock(self.at, clock) }
    }

    pub(crate) fn into_raw(self) -> NonNull<u8> {
        let at = self.at;
        std::mem::forget(self);
        at
    }

    /// # Safety
    /// `at` came from `into_raw`, and nobody else uses it any more.
    pub(crate) unsafe fn from_raw(at: NonNull<u8>) -> Entry {
        Entry { at }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // SAFETY: we own the live entry, and this is its end.
        unsafe { raw::free(self.at) }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kit::world::Rng;

    // Miri takes minutes for long ones.
    const LONG: usize = if cfg!(miri) { 300 } else { 70_000 };
    const LENS: [usize; 10] = [0, 1, 16, 43, 44, 45, 255, 256, 1000, LONG];

    pub(crate) fn random_bytes(rng: &mut Rng) -> Vec<u8> {
        let len = LENS[rng.below(LENS.len() as u64) as usize];
        (0..len).map(|_| rng.next_u64() as u8).collect()
    }

    /// What an entry should be.
    #[derive(Clone, PartialEq, Debug)]
    struct Twin {
        key: Vec<u8>,
        kind: Kind,
        text: Vec<u8>,
        deadline: Option<UnixMs>,
        clock: u32,
    }

    impl Twin {
        fn of(entry: EntryRef<'_>) -> Twin {
            Twin {
                key: entry.key().to_vec(),
                kind: entry.kind(),
                text: entry.value().text(&mut Digits::default()).to_vec(),
                deadline: entry.deadline(),
                clock: entry.clock(),
            }
        }

        fn set(&mut self, value: NewValue<'_>) {
            (self.kind, self.text) = match value {
                NewValue::Int(number) => (Kind::Int, number.to_string().into_bytes()),
                NewValue::Str(text) if text.len() <= 44 => (Kind::Emb, text.to_vec()),
                NewValue::Str(text) | NewValue::Raw(text) => (Kind::Raw, text.to_vec()),
            };
        }
    }

    fn random_value<'a>(rng: &mut Rng, text: &'a [u8]) -> NewValue<'a> {
        match rng.below(3) {
            0 => NewValue::Int(rng.next_u64() as i64 >> rng.below(64)),
            1 => NewValue::Str(text),
            _ => NewValue::Raw(text),
        }
    }

    pub(crate) fn random_deadline(rng: &mut Rng) -> Option<UnixMs> {
        rng.one_in(2).then(|| UnixMs(rng.next_u64() as i64))
    }

    #[test]
    fn agrees_with_a_twin() {
        for seed in 0..200 {
            let mut rng = Rng::new(seed);
            let (key, text) = (random_bytes(&mut rng), random_bytes(&mut rng));
            let value = random_value(&mut rng, &text);
            let mut twin = Twin { key, kind: Kind::Int, text: vec![], deadline: random_deadline(&mut rng), clock: 5 };
            twin.set(value);
            let entry = Entry::new(&twin.key, value, twin.deadline, twin.clock);
            let gauges = Gauges::default();
            gauges.change_bytes(0, entry.as_ref().alloc_bytes());
            gauges.change_deadline(false, twin.deadline.is_some());
            let word = AtomicU64::new(pack(entry.into_raw(), 0xabcd));
            for step in 0..100 {
                // SAFETY: the word holds the entry made above, and nobody else knows it.
                let mut entry = unsafe { EntryMut::new(&word, &gauges) };
                let text = random_bytes(&mut rng);
                match rng.below(5) {
                    0 => {
                        let value = random_value(&mut rng, &text);
                        entry.set_value(value);
                        twin.set(value);
                    }
                    1 => {
                        twin.deadline = random_deadline(&mut rng);
                        entry.set_deadline(twin.deadline);
                    }
                    2 => {
                        twin.clock = rng.next_u64() as u32 & CLOCK_MAX;
                        entry.set_clock(twin.clock | 0xff00_0000);
                    }
                    3 => {
                        // As APPEND does it.
                        let old = twin.text.len();
                        let len = old + rng.below(50) as usize;
                        let bytes = entry.raw_bytes_mut(len);
                        assert_eq!((&bytes[..old], bytes.len()), (&twin.text[..], len));
                        assert!(bytes[old..].iter().all(|&b| b == 0), "new bytes are zero");
                        bytes[old..].fill(b'+');
                        twin.kind = Kind::Raw;
                        twin.text.resize(len, b'+');
                    }
                    _ => {
                        let len = text.len();
                        entry.raw_bytes_mut(len);
                        twin.kind = Kind::Raw;
                        twin.text.resize(len, 0);
                    }
                }
                assert_eq!(Twin::of(entry.as_ref()), twin, "seed {seed} step {step}");
                assert_eq!(entry.value().len(), twin.text.len());
                assert_eq!(gauges.entry_bytes.load(Relaxed), entry.alloc_bytes());
                assert_eq!(gauges.deadlines.load(Relaxed), usize::from(twin.deadline.is_some()));
                assert_eq!(tag(word.load(Relaxed)), 0xabcd);
            }
            // SAFETY: the entry is in no table, and the word is not used any more.
            let mut entry = unsafe { Entry::from_raw(pointer(word.load(Relaxed)).expect("an address")) };
            assert_eq!(Twin::of(entry.as_ref().to_entry().as_ref()), twin);
            let renamed = Twin { key: random_bytes(&mut rng), ..twin.clone() };
            assert_eq!(Twin::of(entry.duplicate_as(&renamed.key).as_ref()), renamed);
            entry.set_deadline(Some(UnixMs(9)));
            entry.set_clock(1);
            assert_eq!(Twin::of(entry.as_ref()), Twin { deadline: Some(UnixMs(9)), clock: 1, ..twin });
        }
    }

    #[test]
    fn numbers_become_their_digits() {
        for number in [0, 9, 10, -1, -10, i64::MAX, i64::MIN, 1_000_000_000_000_000_000] {
            let entry = Entry::new(b"", NewValue::Int(number), None, 0);
            assert_eq!(entry.as_ref().value(), ValueRef::Int(number));
            assert_eq!(entry.as_ref().value().text(&mut Digits::default()), number.to_string().as_bytes());
            assert_eq!(entry.as_ref().value().len(), number.to_string().len());
        }
    }

    #[test]
    fn is_as_small_as_promised() {
        let bytes = |key: usize, value: usize, deadline| {
            Entry::new(&vec![0; key], NewValue::Str(&vec![0; value]), deadline, 0).as_ref().alloc_bytes()
        };
        // Eight fields of 2 and 8 bytes, behind a key of 16.
        let mut hash = types::Hash::new();
        let limits = types::hash::Limits { fields: 512, text_len: 64 };
        let mut set = |field: &[u8]| hash.set(field, b"value678", types::hash::Life::Forever, &limits);
        (b'0'..b'8').for_each(|i| assert!(set(&[b'f', i])));
        let entry = Entry::with_object(&[b'k'; 16], hash.into(), None, 0);
        assert_eq!((entry.as_ref().alloc_bytes(), entry.as_ref().value_bytes()), (32, 32 + 112));
        assert_eq!(bytes(16, 32, None), 56);
        assert_eq!(bytes(16, 32, Some(UnixMs(1))), 64);
        assert_eq!(bytes(16, 64, None), 96);
        assert_eq!(Entry::new(b"0123456789abcdef", NewValue::Int(1), None, 0).as_ref().alloc_bytes(), 32);
    }
}
