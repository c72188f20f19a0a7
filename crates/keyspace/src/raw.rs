//! The bytes of an entry, and the few operations that move them.
//!
//! ```text
//! head u32 | [deadline i64] | key length u8 or u32 | [value length u8 or u32] | key | value
//! head := clock 24 | kind 5 | has_deadline 1 | wide_key 1 | wide_value 1      (clock in the high bits)
//! ```
//! An `Int` has no value length, its value is 8 bytes; so is a collection's: the word of a `types::Object`, whose
//! encoding is the kind. Lengths are u32 when they do not fit in a byte.
//! A 16-byte key with a 32-byte value takes 54 bytes and so the allocator's class of 56.
//!
//! Always true: the allocation is as long as `size_class(bytes used)`. So nothing has to be asked from
//! the allocator to know whether a new value fits in the old place, and classes of four to a doubling
//! make APPEND cost amortised constant time.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::NonNull;

use kit::size::size_class;
use types::{Encoding, Object};

use crate::UnixMs;
use crate::entry::{CLOCK_MAX, Digits, EMB_LEN_MAX, EntryRef, Kind, LEN_MAX, NewValue, ValueRef};

pub(crate) const HEAD_LEN: usize = 4;
const DEADLINE_LEN: usize = 8;
/// Of a number, and of a collection's word.
const WORD_LEN: usize = 8;
const WIDE_VALUE: u32 = 1;
const WIDE_KEY: u32 = 1 << 1;
pub(crate) const HAS_DEADLINE: u32 = 1 << 2;
const KIND_SHIFT: u32 = 3;
const KIND_MASK: u32 = 0x1f;
pub(crate) const CLOCK_SHIFT: u32 = 8;

#[inline]
pub(crate) fn code_of(head: u32) -> u8 {
    (head >> KIND_SHIFT & KIND_MASK) as u8
}

#[inline]
pub(crate) fn kind_of(head: u32) -> Kind {
    Kind::from_code(code_of(head))
}

/// Strings of bytes have a length, everything else is a word.
#[inline]
fn is_bytes(code: u8) -> bool {
    code == Kind::Emb.code() || code == Kind::Raw.code()
}

/// Where the parts of an entry stand.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    code: u8,
    has_deadline: bool,
    pub(crate) key_at: usize,
    pub(crate) key_len: usize,
    pub(crate) value_at: usize,
    pub(crate) value_len: usize,
}

impl Shape {
    fn plan(kind: Kind, has_deadline: bool, key_len: usize, value_len: usize) -> Shape {
        assert!(key_len <= LEN_MAX, "a key of {key_len} bytes; at most {LEN_MAX} fit");
        assert!(value_len <= LEN_MAX, "a value of {value_len} bytes; at most {LEN_MAX} fit");
        let code = kind.code();
        let value_length_len = if is_bytes(code) { length_len(value_len) } else { 0 };
        let key_at = HEAD_LEN + DEADLINE_LEN * usize::from(has_deadline) + length_len(key_len) + value_length_len;
        Shape { code, has_deadline, key_at, key_len, value_at: key_at + key_len, value_len }
    }

    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        Kind::from_code(self.code)
    }

    /// # Safety
    /// `at` is a live entry.
    #[inline]
    pub(crate) unsafe fn read(at: NonNull<u8>) -> Shape {
        // SAFETY: the caller promises a live entry: the head tells which fields follow, and `write`
        // put them there.
        unsafe {
            let head = at.cast::<u32>().read();
            let has_deadline = head & HAS_DEADLINE != 0;
            let mut next = HEAD_LEN + DEADLINE_LEN * usize::from(has_deadline);
            let key_len = read_length(at, &mut next, head & WIDE_KEY != 0);
            let code = code_of(head);
            let value_len = match is_bytes(code) {
                true => read_length(at, &mut next, head & WIDE_VALUE != 0),
                false => WORD_LEN,
            };
            Shape { code, has_deadline, key_at: next, key_len, value_at: next + key_len, value_len }
        }
    }

    /// Writes all that stands before the key.
    ///
    /// # Safety
    /// `at` has room for `self.total()` bytes and is the caller's alone.
    unsafe fn write(&self, at: NonNull<u8>, deadline: Option<UnixMs>, clock: u32) {
        assert!(self.has_deadline == deadline.is_some());
        let wide_key = self.key_len > usize::from(u8::MAX);
        let wide_value = is_bytes(self.code) && self.value_len > usize::from(u8::MAX);
        let head = (clock & CLOCK_MAX) << CLOCK_SHIFT
            | u32::from(self.code) << KIND_SHIFT
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
            if is_bytes(self.code) {
                write_length(at, &mut next, self.value_len);
            }
        }
        debug_assert!(next == self.key_at);
    }

    pub(crate) fn total(&self) -> usize {
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
pub(crate) unsafe fn bytes_at<'a>(at: NonNull<u8>, start: usize, len: usize) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(at.add(start).as_ptr(), len) }
}

fn layout(class: usize) -> Layout {
    debug_assert!(class == size_class(class));
    Layout::from_size_align(class, 8).expect("lengths fit in 33 bits")
}

pub(crate) fn allocate(class: usize) -> NonNull<u8> {
    assert!(class > 0);
    // SAFETY: the layout is not empty.
    let at = unsafe { alloc(layout(class)) };
    NonNull::new(at).unwrap_or_else(|| handle_alloc_error(layout(class)))
}

/// # Safety
/// `at` is a live entry that nobody will use again.
pub(crate) unsafe fn free(at: NonNull<u8>) {
    // SAFETY: the allocation of an entry has the class of what it holds; its collection ends with it.
    unsafe {
        drop(take_object(at));
        let class = size_class(Shape::read(at).total());
        dealloc(at.as_ptr(), layout(class));
    }
}

/// Kind and bytes of a new value; a number's bytes are put into `number`.
fn new_bytes<'b>(value: NewValue<'b>, number: &'b mut [u8; WORD_LEN]) -> (Kind, &'b [u8]) {
    match value {
        NewValue::Int(int) => {
            *number = int.to_le_bytes();
            (Kind::Int, number)
        }
        NewValue::Str(bytes) if bytes.len() <= EMB_LEN_MAX => (Kind::Emb, bytes),
        NewValue::Str(bytes) | NewValue::Raw(bytes) => (Kind::Raw, bytes),
    }
}

pub(crate) fn build(key: &[u8], value: NewValue<'_>, deadline: Option<UnixMs>, clock: u32) -> NonNull<u8> {
    let mut number = [0; WORD_LEN];
    let (kind, bytes) = new_bytes(value, &mut number);
    build_bytes(key, kind, bytes, deadline, clock)
}

pub(crate) fn build_object(key: &[u8], object: Object, deadline: Option<UnixMs>, clock: u32) -> NonNull<u8> {
    let (encoding, word) = object.into_word();
    build_bytes(key, Kind::Object(encoding), &word.to_le_bytes(), deadline, clock)
}

fn build_bytes(key: &[u8], kind: Kind, bytes: &[u8], deadline: Option<UnixMs>, clock: u32) -> NonNull<u8> {
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
pub(crate) unsafe fn set_clock(at: NonNull<u8>, clock: u32) {
    // SAFETY: the caller's promise; an entry begins with its head.
    unsafe {
        let head = at.cast::<u32>();
        let below = head.read() & ((1 << CLOCK_SHIFT) - 1);
        head.write((clock & CLOCK_MAX) << CLOCK_SHIFT | below);
    }
}

/// The encoding and word of the entry's collection.
///
/// # Safety
/// `at` is a live entry.
#[inline]
pub(crate) unsafe fn object_word(at: NonNull<u8>) -> Option<(Encoding, u64)> {
    // SAFETY: the caller promises a live entry; a collection's value is 8 bytes.
    unsafe {
        let Kind::Object(encoding) = kind_of(at.cast::<u32>().read()) else { return None };
        let shape = Shape::read(at);
        Some((encoding, u64::from_le(at.add(shape.value_at).cast().read_unaligned())))
    }
}

/// Takes the collection out of the entry and leaves an empty one there, which owns nothing: whatever happens to
/// the one taken out, the entry may be freed or looked at. Put it (or another) back with `put_object`.
///
/// # Safety
/// `at` is a live entry that nobody else looks at.
#[inline]
pub(crate) unsafe fn take_object(at: NonNull<u8>) -> Option<Object> {
    // SAFETY: the word in the entry is one owner, and becomes another's before anyone sees it again.
    unsafe {
        let (encoding, word) = object_word(at)?;
        write_word(at, EMPTY, 0);
        Some(Object::from_word(encoding, word))
    }
}

/// A form whose memory is a `Thin`, so that the word 0 is empty and owns nothing.
const EMPTY: Encoding = Encoding::ListPacked;

/// Puts a collection into an entry whose own was taken out.
///
/// # Safety
/// `at` is a live entry that nobody else looks at, after `take_object` gave something.
#[inline]
pub(crate) unsafe fn put_object(at: NonNull<u8>, object: Object) {
    let (encoding, word) = object.into_word();
    // SAFETY: the caller's promise; all collections have the same shape.
    unsafe { write_word(at, encoding, word) }
}

/// # Safety
/// `at` is a live entry with a collection that nobody else looks at.
unsafe fn write_word(at: NonNull<u8>, encoding: Encoding, word: u64) {
    // SAFETY: the caller's promise; between two collections nothing moves, so the head's kind and the word are all.
    unsafe {
        let head = at.cast::<u32>();
        let others = head.read() & !(KIND_MASK << KIND_SHIFT);
        head.write(others | u32::from(encoding.code()) << KIND_SHIFT);
        let shape = Shape::read(at);
        debug_assert!(shape.value_len == WORD_LEN);
        at.add(shape.value_at).cast::<u64>().write_unaligned(word.to_le());
    }
}

/// Returns where the entry is afterwards. A collection must have been taken out: its word is overwritten.
///
/// # Safety
/// `at` is a live entry that nobody else looks at or will use under its old address.
pub(crate) unsafe fn rewrite(
    at: NonNull<u8>,
    value: NewValue<'_>,
    deadline: Option<UnixMs>,
    clock: u32,
) -> NonNull<u8> {
    let mut number = [0; WORD_LEN];
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
pub(crate) unsafe fn set_deadline(at: NonNull<u8>, deadline: Option<UnixMs>) -> NonNull<u8> {
    // SAFETY: key and value stand together and are moved, as one piece of the same length, before the
    // fields in front of them are written.
    unsafe {
        let old = Shape::read(at);
        let clock = at.cast::<u32>().read() >> CLOCK_SHIFT;
        let new = Shape::plan(old.kind(), deadline.is_some(), old.key_len, old.value_len);
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

/// Makes the value, a string, `raw` and `len` bytes long. Returns where the entry is afterwards and where in it
/// the value begins.
///
/// # Safety
/// `at` is a live entry that nobody else looks at or will use under its old address.
pub(crate) unsafe fn make_raw(mut at: NonNull<u8>, len: usize) -> (NonNull<u8>, usize) {
    // SAFETY: the caller's promise, for all of the body: whatever moves the entry is followed by
    // nothing that uses the old address.
    unsafe {
        let entry = EntryRef::new(at);
        let (deadline, clock) = (entry.deadline(), entry.clock());
        assert!(!matches!(entry.kind(), Kind::Object(_)), "a collection has no bytes");
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

pub(crate) fn write_digits(number: i64, digits: &mut Digits) -> &[u8] {
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

pub(crate) fn digit_count(number: i64) -> usize {
    number.unsigned_abs().checked_ilog10().map_or(1, |log| log as usize + 1) + usize::from(number < 0)
}
