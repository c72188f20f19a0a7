//! A key with its value: one allocation behind one pointer.
//!
//! ```text
//! head u32 | [deadline i64] | key length u8 or u32 | [value length u8 or u32] | key | value
//! head := clock 24 | kind 5 | has_deadline 1 | wide_key 1 | wide_value 1      (clock in the high bits)
//! ```
//! An `Int` has no value length, its value is 8 bytes. Lengths are u32 when they do not fit in a byte.
//! A 16-byte key with a 32-byte value takes 54 bytes and so the allocator's class of 56.
//!
//! Always true: the allocation is as long as `size_class(bytes used)`. So nothing has to be asked from
//! the allocator to know whether a new value fits in the old place, and classes of four to a doubling
//! make APPEND cost amortised constant time.
//!
//! How collections will fit: a kind `Boxed` whose value is, like an `Int`'s, 8 bytes: the address of a
//! `Box` with the collection. `free` then drops the box, `ValueRef` and `EntryMut` hand out references
//! to it, and every `match` on `Kind` and `ValueRef` below refuses to build until it has answered too.
//! Five bits leave room for one kind per encoding, so that OBJECT ENCODING needs no second look.
//!
//! Knows nothing of tables: `EntryMut` holds the word of the table that points to the entry and writes
//! a new address there when the entry moves.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::UnixMs;
use crate::buckets::{Gauges, pack, pointer, tag};

/// How a value is held. The numbers live in memory only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    /// A number, OBJECT ENCODING `int`.
    Int = 0,
    /// A string of at most `EMB_LEN_MAX` bytes, `embstr`.
    Emb = 1,
    /// A longer string, or one that was changed in place, `raw`.
    Raw = 2,
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
}

#[allow(clippy::len_without_is_empty, reason = "is_empty is there; clippy misses it on by-value self")]
impl<'a> ValueRef<'a> {
    /// Length of the value as text.
    pub fn len(self) -> usize {
        match self {
            ValueRef::Int(number) => digit_count(number),
            ValueRef::Str(bytes) | ValueRef::Raw(bytes) => bytes.len(),
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
            ValueRef::Str(_) | ValueRef::Raw(_) => None,
        }
    }

    /// The value as text; a number is written into `digits`.
    pub fn text<'b>(self, digits: &'b mut Digits) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            ValueRef::Int(number) => write_digits(number, digits),
            ValueRef::Str(bytes) | ValueRef::Raw(bytes) => bytes,
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

impl<'a> From<ValueRef<'a>> for NewValue<'a> {
    fn from(value: ValueRef<'a>) -> NewValue<'a> {
        match value {
            ValueRef::Int(number) => NewValue::Int(number),
            ValueRef::Str(bytes) => NewValue::Str(bytes),
            ValueRef::Raw(bytes) => NewValue::Raw(bytes),
        }
    }
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
        // SAFETY: as in `key`; an Int's value is 8 bytes that came from an i64.
        let bytes: &'a [u8] = unsafe { bytes_at(self.at, shape.value_at, shape.value_len) };
        match shape.kind {
            Kind::Int => ValueRef::Int(i64::from_le_bytes(bytes.try_into().expect("an Int has 8 bytes"))),
            Kind::Emb => ValueRef::Str(bytes),
            Kind::Raw => ValueRef::Raw(bytes),
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
        kind_of(self.head())
    }

    /// Bytes that the allocator gave for this entry.
    pub fn alloc_bytes(self) -> usize {
        size_class(self.shape().total())
    }

    /// A copy outside the table, the same in everything.
    pub fn to_entry(self) -> Entry {
        let shape = self.shape();
        let at = allocate(size_class(shape.total()));
        // SAFETY: both allocations hold at least `total` bytes, and the new one is not shared.
        unsafe { self.at.copy_to_nonoverlapping(at, shape.total()) };
        Entry { at }
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
    gauges: &'a Gauges,
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
        unsafe { set_clock(self.at(), clock) }
    }

    /// Puts another value in place; key, deadline and clock stay.
    pub fn set_value(&mut self, value: NewValue<'_>) {
        let (deadline, clock) = (self.deadline(), self.clock());
        self.rewrite(value, deadline, clock);
    }

    /// Turns the value into `raw` text of `len` bytes and lends it: old bytes stay (a number becomes
    /// its digits), what is new is zero.
    pub fn raw_bytes_mut(&mut self, len: usize) -> &mut [u8] {
        // SAFETY: the entry is live and ours; `changed` writes the new address back at once.
        let (at, value_at) = self.changed(|at| unsafe { make_raw(at, len) });
        // SAFETY: `make_raw` left `len` initialised bytes at `value_at`, borrowed as `self` is.
        unsafe { std::slice::from_raw_parts_mut(at.add(value_at).as_ptr(), len) }
    }

    /// Everything but the key, in one go.
    pub(crate) fn rewrite(&mut self, value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) {
        // SAFETY: the entry is live and ours; `changed` writes the new address back at once.
        self.changed(|at| (unsafe { rewrite(at, value, deadline, clock) }, 0));
    }

    /// Changes the deadline and its count, but not the expiry index: use `Shard::set_deadline`.
    pub(crate) fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        // SAFETY: the entry is live and ours; `changed` writes the new address back at once.
        self.changed(|at| (unsafe { set_deadline(at, deadline) }, 0));
    }

    fn at(&self) -> NonNull<u8> {
        pointer(self.word.load(Relaxed)).expect("an EntryMut stands on an entry")
    }

    /// Runs a change that may move the entry; stores the new address and corrects the gauges.
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

// SAFETY: an Entry owns its bytes, which know nothing of threads.
unsafe impl Send for Entry {}
// SAFETY: through `&Entry` the bytes are only read.
unsafe impl Sync for Entry {}

impl Entry {
    pub fn new(key: &[u8], value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) -> Entry {
        Entry { at: build(key, value, deadline, clock) }
    }

    /// The same value, deadline and clock under another name.
    pub fn duplicate_as(&self, key: &[u8]) -> Entry {
        let entry = self.as_ref();
        Entry::new(key, entry.value().into(), entry.deadline(), entry.clock())
    }

    pub fn as_ref(&self) -> EntryRef<'_> {
        // SAFETY: we own a live entry, and changing it takes `&mut self`.
        unsafe { EntryRef::new(self.at) }
    }

    pub fn set_deadline(&mut self, deadline: Option<UnixMs>) {
        // SAFETY: we own the live entry; its new address is kept.
        self.at = unsafe { set_deadline(self.at, deadline) };
    }

    pub fn set_clock(&mut self, clock: u32) {
        // SAFETY: we own the live entry.
        unsafe { set_clock(self.at, clock) }
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
        unsafe { free(self.at) }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// Length of the allocation for `size` bytes: jemalloc's classes with a quantum of 8, which are four to
/// a doubling above 64. Under another allocator it is a rounding up like any other.
pub(crate) fn size_class(size: usize) -> usize {
    if size <= 64 {
        return size.next_multiple_of(8);
    }
    size.next_multiple_of(1 << ((size - 1).ilog2() - 2))
}

// ---- bytes ---------------------------------------------------------------------------------------

const HEAD_LEN: usize = 4;
const DEADLINE_LEN: usize = 8;
const INT_LEN: usize = 8;
const WIDE_VALUE: u32 = 1;
const WIDE_KEY: u32 = 1 << 1;
const HAS_DEADLINE: u32 = 1 << 2;
const KIND_SHIFT: u32 = 3;
const KIND_MASK: u32 = 0x1f;
const CLOCK_SHIFT: u32 = 8;

fn kind_of(head: u32) -> Kind {
    match (head >> KIND_SHIFT) & KIND_MASK {
        0 => Kind::Int,
        1 => Kind::Emb,
        2 => Kind::Raw,
        other => unreachable!("no entry has kind {other}"),
    }
}

/// Where the parts of an entry stand.
#[derive(Clone, Copy)]
struct Shape {
    kind: Kind,
    has_deadline: bool,
    key_at: usize,
    key_len: usize,
    value_at: usize,
    value_len: usize,
}

impl Shape {
    fn plan(kind: Kind, has_deadline: bool, key_len: usize, value_len: usize) -> Shape {
        assert!(key_len <= LEN_MAX, "a key of {key_len} bytes; at most {LEN_MAX} fit");
        assert!(value_len <= LEN_MAX, "a value of {value_len} bytes; at most {LEN_MAX} fit");
        let value_length_len = match kind {
            Kind::Int => 0,
            Kind::Emb | Kind::Raw => length_len(value_len),
        };
        let key_at = HEAD_LEN + DEADLINE_LEN * usize::from(has_deadline) + length_len(key_len) + value_length_len;
        Shape { kind, has_deadline, key_at, key_len, value_at: key_at + key_len, value_len }
    }

    /// # Safety
    /// `at` is a live entry.
    #[inline]
    unsafe fn read(at: NonNull<u8>) -> Shape {
        // SAFETY: the caller promises a live entry: the head tells which fields follow, and `write`
        // put them there.
        unsafe {
            let head = at.cast::<u32>().read();
            let has_deadline = head & HAS_DEADLINE != 0;
            let mut next = HEAD_LEN + DEADLINE_LEN * usize::from(has_deadline);
            let key_len = read_length(at, &mut next, head & WIDE_KEY != 0);
            let kind = kind_of(head);
            let value_len = match kind {
                Kind::Int => INT_LEN,
                Kind::Emb | Kind::Raw => read_length(at, &mut next, head & WIDE_VALUE != 0),
            };
            Shape { kind, has_deadline, key_at: next, key_len, value_at: next + key_len, value_len }
        }
    }

    /// Writes all that stands before the key.
    ///
    /// # Safety
    /// `at` has room for `self.total()` bytes and is the caller's alone.
    unsafe fn write(&self, at: NonNull<u8>, deadline: Option<UnixMs>, clock: u32) {
        assert!(self.has_deadline == deadline.is_some());
        let wide_key = self.key_len > usize::from(u8::MAX);
        let wide_value = self.kind != Kind::Int && self.value_len > usize::from(u8::MAX);
        let head = (clock & CLOCK_MAX) << CLOCK_SHIFT
            | (self.kind as u32) << KIND_SHIFT
            | if self.has_deadline { HAS_DEADLINE } else { 0 }
            | if wide_key { WIDE_KEY } else { 0 }
            | if wide_value { WIDE_VALUE } else { 0 };
        let mut next = HEAD_LEN;
        // SAFETY: all fields lie before `key_at`, which `plan` computed from the same lengths.
        unsafe {
            at.cast::<u32>().write(head);
            if let Some(UnixMs(deadline)) = deadline {
                at.add(next).cast::<i64>().write_unaligned(deadline);
                next += DEADLINE_LEN;
            }
            write_length(at, &mut next, self.key_len);
            if self.kind != Kind::Int {
                write_length(at, &mut next, self.value_len);
            }
        }
        debug_assert!(next == self.key_at);
    }

    fn total(&self) -> usize {
        self.value_at + self.value_len
    }
}

fn length_len(len: usize) -> usize {
    if len <= usize::from(u8::MAX) { 1 } else { 4 }
}

/// # Safety
/// A length of this width stands at `next`.
#[inline]
unsafe fn read_length(at: NonNull<u8>, next: &mut usize, wide: bool) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let field = at.add(*next);
        if wide {
            *next += 4;
            field.cast::<u32>().read_unaligned() as usize
        } else {
            *next += 1;
            usize::from(field.read())
        }
    }
}

/// # Safety
/// There is room for the length at `next`.
unsafe fn write_length(at: NonNull<u8>, next: &mut usize, len: usize) {
    // SAFETY: the caller's promise; `Shape::plan` checked that the length fits in a u32.
    unsafe {
        let field = at.add(*next);
        match u8::try_from(len) {
            Ok(len) => field.write(len),
            Err(_) => field.cast::<u32>().write_unaligned(len as u32),
        }
    }
    *next += length_len(len);
}

/// # Safety
/// These bytes are initialised and stay unchanged during `'a`.
#[inline]
unsafe fn bytes_at<'a>(at: NonNull<u8>, start: usize, len: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(at.add(start).as_ptr(), len) }
}

fn layout(class: usize) -> Layout {
    debug_assert!(class == size_class(class));
    Layout::from_size_align(class, 8).expect("lengths fit in 33 bits")
}

fn allocate(class: usize) -> NonNull<u8> {
    assert!(class > 0);
    // SAFETY: the layout is not empty.
    let at = unsafe { alloc(layout(class)) };
    NonNull::new(at).unwrap_or_else(|| handle_alloc_error(layout(class)))
}

/// # Safety
/// `at` is a live entry that nobody will use again.
unsafe fn free(at: NonNull<u8>) {
    // SAFETY: the allocation of an entry has the class of what it holds.
    unsafe {
        let class = size_class(Shape::read(at).total());
        dealloc(at.as_ptr(), layout(class));
    }
}

/// Kind and bytes of a new value; a number's bytes are put into `number`.
fn new_bytes<'b>(value: NewValue<'b>, number: &'b mut [u8; INT_LEN]) -> (Kind, &'b [u8]) {
    match value {
        NewValue::Int(int) => {
            *number = int.to_le_bytes();
            (Kind::Int, number)
        }
        NewValue::Str(bytes) if bytes.len() <= EMB_LEN_MAX => (Kind::Emb, bytes),
        NewValue::Str(bytes) | NewValue::Raw(bytes) => (Kind::Raw, bytes),
    }
}

fn build(key: &[u8], value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) -> NonNull<u8> {
    let mut number = [0; INT_LEN];
    let (kind, bytes) = new_bytes(value, &mut number);
    let shape = Shape::plan(kind, deadline.is_some(), key.len(), bytes.len());
    let at = allocate(size_class(shape.total()));
    // SAFETY: the new allocation has room for the whole shape and is ours alone.
    unsafe {
        shape.write(at, deadline, clock);
        at.add(shape.key_at).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
        at.add(shape.value_at).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
    }
    at
}

/// # Safety
/// `at` is a live entry that nobody else looks at.
unsafe fn set_clock(at: NonNull<u8>, clock: u32) {
    // SAFETY: the caller's promise; an entry begins with its head.
    unsafe {
        let head = at.cast::<u32>();
        let below = head.read() & ((1 << CLOCK_SHIFT) - 1);
        head.write((clock & CLOCK_MAX) << CLOCK_SHIFT | below);
    }
}

/// Returns where the entry is afterwards.
///
/// # Safety
/// `at` is a live entry that nobody else looks at or will use under its old address.
unsafe fn rewrite(at: NonNull<u8>, value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) -> NonNull<u8> {
    let mut number = [0; INT_LEN];
    let (kind, bytes) = new_bytes(value, &mut number);
    // SAFETY: both shapes have the same key; in place, the key is moved before the fields in front of
    // it are written, and the value, which may have been overwritten by then, is written last.
    unsafe {
        let old = Shape::read(at);
        let new = Shape::plan(kind, deadline.is_some(), old.key_len, bytes.len());
        let (class_old, class_new) = (size_class(old.total()), size_class(new.total()));
        let target = if class_new == class_old { at } else { allocate(class_new) };
        if target != at || new.key_at != old.key_at {
            target.add(new.key_at).copy_from(at.add(old.key_at), old.key_len);
        }
        new.write(target, deadline, clock);
        target.add(new.value_at).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
        if target != at {
            dealloc(at.as_ptr(), layout(class_old));
        }
        target
    }
}

/// Returns where the entry is afterwards.
///
/// # Safety
/// `at` is a live entry that nobody else looks at or will use under its old address.
unsafe fn set_deadline(at: NonNull<u8>, deadline: Option<UnixMs>) -> NonNull<u8> {
    // SAFETY: key and value stand together and are moved, as one piece of the same length, before the
    // fields in front of them are written.
    unsafe {
        let old = Shape::read(at);
        let clock = at.cast::<u32>().read() >> CLOCK_SHIFT;
        let new = Shape::plan(old.kind, deadline.is_some(), old.key_len, old.value_len);
        let (class_old, class_new) = (size_class(old.total()), size_class(new.total()));
        let target = if class_new == class_old { at } else { allocate(class_new) };
        if target != at || new.key_at != old.key_at {
            target.add(new.key_at).copy_from(at.add(old.key_at), old.key_len + old.value_len);
        }
        new.write(target, deadline, clock);
        if target != at {
            dealloc(at.as_ptr(), layout(class_old));
        }
        target
    }
}

/// Makes the value `raw` and `len` bytes long. Returns where the entry is afterwards and where in it
/// the value begins.
///
/// # Safety
/// `at` is a live entry that nobody else looks at or will use under its old address.
unsafe fn make_raw(mut at: NonNull<u8>, len: usize) -> (NonNull<u8>, usize) {
    // SAFETY: the caller's promise, for all of the body: whatever moves the entry is followed by
    // nothing that uses the old address.
    unsafe {
        let entry = EntryRef::new(at);
        let (deadline, clock) = (entry.deadline(), entry.clock());
        if let ValueRef::Int(number) = entry.value() {
            let mut digits = Digits::default();
            at = rewrite(at, NewValue::Raw(write_digits(number, &mut digits)), deadline, clock);
        }
        let old = Shape::read(at);
        let new = Shape::plan(Kind::Raw, old.has_deadline, old.key_len, len);
        let (class_old, class_new) = (size_class(old.total()), size_class(new.total()));
        // Grown before the move, shrunk after it: at the move there is room for both shapes.
        // Reallocation, not a new allocation: a large string often grows where it stands.
        if class_new > class_old {
            at = reallocate(at, class_old, class_new);
        }
        let kept = old.value_len.min(len);
        if new.key_at != old.key_at {
            at.add(new.key_at).copy_from(at.add(old.key_at), old.key_len + kept);
        }
        new.write(at, deadline, clock);
        at.add(new.value_at + kept).write_bytes(0, len - kept);
        if class_new < class_old {
            at = reallocate(at, class_old, class_new);
        }
        (at, new.value_at)
    }
}

/// # Safety
/// `at` was allocated with `class_old`, and its old address is not used again.
unsafe fn reallocate(at: NonNull<u8>, class_old: usize, class_new: usize) -> NonNull<u8> {
    assert!(class_new > 0);
    // SAFETY: the caller's promise.
    let moved = unsafe { realloc(at.as_ptr(), layout(class_old), class_new) };
    NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(layout(class_new)))
}

fn write_digits(number: i64, digits: &mut Digits) -> &[u8] {
    let mut rest = number.unsigned_abs();
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    &digits[start..]
}

fn digit_count(number: i64) -> usize {
    number.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1) + usize::from(number < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    const LENS: [usize; 10] = [0, 1, 16, 43, 44, 45, 255, 256, 1000, 70_000];

    fn random_bytes(rng: &mut Rng) -> Vec<u8> {
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

    fn random_deadline(rng: &mut Rng) -> Option<UnixMs> {
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
        assert_eq!(bytes(16, 32, None), 56);
        assert_eq!(bytes(16, 32, Some(UnixMs(1))), 64);
        assert_eq!(bytes(16, 64, None), 96);
        assert_eq!(Entry::new(b"0123456789abcdef", NewValue::Int(1), None, 0).as_ref().alloc_bytes(), 32);
    }

    #[test]
    fn size_classes_are_those_of_jemalloc() {
        for size in 1..100_000 {
            let class = size_class(size);
            assert!(class >= size && size_class(class) == class && class - size <= size.max(28) / 4, "{size}: {class}");
        }
        assert_eq!([65, 128, 129, 320, 321, 16_384, 16_385].map(size_class), [80, 128, 160, 320, 384, 16_384, 20_480]);
    }
}
