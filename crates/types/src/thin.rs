//! A growable byte buffer behind one pointer: 8 bytes where it is kept, one allocation beyond, none when empty.
//!
//! ```text
//! len u32 | capacity u32 | bytes …
//! ```
//! The allocation is always a whole size class, so the allocator wastes nothing behind our back and pushing is
//! amortised constant time. It shrinks when half of it is unused; an empty buffer that shrinks has no allocation.
//! Its length is a u32: it is made for small things, and asking for more than `LEN_MAX` bytes is a mistake (a panic).

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;

use kit::size::size_class;

const HEAD_LEN: usize = size_of::<Head>();
// A bucket of a set or a hash with short elements has three or four; the processor finds those behind by itself.
const PREFETCH_LINES: usize = 3;
const PREFETCH_LINES_MAX: usize = 16;
const LINE_LEN: usize = 64;
/// The longest it may be.
pub const LEN_MAX: usize = u32::MAX as usize - HEAD_LEN;

#[repr(C)]
struct Head {
    len: u32,
    /// Bytes that fit behind the head.
    capacity: u32,
}

/// See the top of the file.
#[derive(Default)]
pub struct Thin {
    /// None: empty. Some: a head, then `capacity` bytes, of which the first `len` are initialised.
    head: Option<NonNull<Head>>,
}

/// Into the cache with the line at this address.
#[inline]
fn fetch_line(at: *const i8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction takes any address and changes nothing but the cache.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(at);
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

// SAFETY: a Thin owns its bytes, which know nothing of threads.
unsafe impl Send for Thin {}
// SAFETY: through `&Thin` the bytes are only read.
unsafe impl Sync for Thin {}

impl Thin {
    pub const fn new() -> Thin {
        Thin { head: None }
    }

    /// Whoever will read it soon has its first lines fetched now.
    #[inline]
    pub fn prefetch(&self) {
        if let Some(head) = self.head {
            let first: *const i8 = head.as_ptr().cast_const().cast();
            (0..PREFETCH_LINES).for_each(|line| fetch_line(first.wrapping_add(LINE_LEN * line)));
        }
    }

    /// After `prefetch`, when that has had its time: the lines behind the first ones.
    #[inline]
    pub fn prefetch_rest(&self) {
        let end = self.len().min(LINE_LEN * PREFETCH_LINES_MAX);
        (LINE_LEN * PREFETCH_LINES..end).step_by(LINE_LEN).for_each(|at| self.prefetch_at(at));
    }

    /// The line in which byte `at` stands.
    #[inline]
    pub fn prefetch_at(&self, at: usize) {
        if let Some(byte) = self.get(at) {
            fetch_line(std::ptr::from_ref(byte).cast());
        }
    }

    /// Room for this many bytes, rounded up to the allocator's class.
    pub fn with_capacity(capacity: usize) -> Thin {
        let mut thin = Thin::new();
        thin.reserve(capacity);
        thin
    }

    #[inline]
    pub fn capacity(&self) -> usize {
        // SAFETY: a head that is there is live and ours.
        self.head.map_or(0, |head| unsafe { head.as_ref() }.capacity as usize)
    }

    /// Bytes that the allocator gave.
    #[inline]
    pub fn mem_bytes(&self) -> usize {
        self.head.map_or(0, |_| HEAD_LEN + self.capacity())
    }

    /// Makes room for `more` bytes beyond the length.
    pub fn reserve(&mut self, more: usize) {
        let need = self.len().checked_add(more).filter(|&need| need <= LEN_MAX);
        let need = need.unwrap_or_else(|| panic!("a packed buffer of {} and {more} bytes; {LEN_MAX} fit", self.len()));
        if need > self.capacity() {
            self.reallocate(need);
        }
    }

    /// Gives back what the bytes do not need.
    pub fn shrink(&mut self) {
        if layout(self.len()) != layout(self.capacity()) || self.is_empty() {
            self.reallocate(self.len());
        }
    }

    #[inline]
    pub fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    /// Adds bytes at the end.
    #[inline]
    pub fn extend(&mut self, bytes: &[u8]) {
        let len = self.len();
        self.splice(len..len, bytes);
    }

    pub fn insert(&mut self, at: usize, bytes: &[u8]) {
        self.splice(at..at, bytes);
    }

    pub fn remove(&mut self, range: Range<usize>) {
        self.splice(range, &[]);
    }

    /// Cuts to `len`; nothing happens when it is not longer.
    pub fn truncate(&mut self, len: usize) {
        let old = self.len();
        if len < old {
            self.splice(len..old, &[]);
        }
    }

    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Puts `bytes` in the place of `range`; what stands behind moves. A range outside panics as with slices.
    pub fn splice(&mut self, range: Range<usize>, bytes: &[u8]) {
        let len = self.len();
        let Range { start, end } = range;
        assert!(start <= end && end <= len, "{start}..{end} of a buffer of {len} bytes");
        let removed = end - start;
        if bytes.len() > removed {
            self.reserve(bytes.len() - removed);
        }
        let Some(head) = self.head else { return };
        let new_len = len - removed + bytes.len();
        // SAFETY: the capacity is at least `new_len`, by `reserve` or because it does not grow; `bytes` borrows
        // nothing of this buffer, which is borrowed mutably.
        unsafe {
            let at = data(head);
            let tail = at.add(end);
            tail.copy_to(at.add(start + bytes.len()), len - end);
            at.add(start).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len());
            (*head.as_ptr()).len = new_len as u32;
        }
        if new_len < len && 2 * new_len <= self.capacity() {
            self.shrink();
        }
    }

    /// Moves to an allocation for exactly the class of `capacity` bytes, at least the length; to none for 0.
    fn reallocate(&mut self, capacity: usize) {
        debug_assert!(capacity >= self.len());
        let old = self.head.map(|head| (head, layout(self.capacity())));
        let new = layout(capacity);
        let (moved, len) = match (old, capacity) {
            (None, 0) => return,
            (Some((head, old)), 0) => {
                self.head = None;
                // SAFETY: allocated with this layout, and forgotten just now.
                unsafe { dealloc(head.cast().as_ptr(), old) };
                return;
            }
            // SAFETY: the layout is not empty.
            (None, _) => (unsafe { alloc(new) }, 0),
            (Some((head, old)), _) => {
                let len = self.len();
                // SAFETY: allocated with `old`; the new size is not 0; the old address is replaced below.
                (unsafe { realloc(head.cast().as_ptr(), old, new.size()) }, len)
            }
        };
        let head = NonNull::new(moved).unwrap_or_else(|| handle_alloc_error(new)).cast::<Head>();
        // SAFETY: fresh memory of ours, aligned to 8 and longer than a head.
        unsafe { head.write(Head { len: len as u32, capacity: (new.size() - HEAD_LEN) as u32 }) };
        self.head = Some(head);
    }

    /// Gives up the buffer for its address; 0 when it is empty. Only `from_word` frees it again.
    pub fn into_word(self) -> u64 {
        let word = self.head.map_or(0, |head| head.as_ptr().expose_provenance() as u64);
        std::mem::forget(self);
        word
    }

    /// # Safety
    /// The word came from `into_word`, and of all buffers made from it only one is ever dropped or changed, while
    /// none of the others is used.
    pub unsafe fn from_word(word: u64) -> Thin {
        Thin { head: NonNull::new(std::ptr::with_exposed_provenance_mut(word as usize)) }
    }
}

/// The allocation for so many bytes.
fn layout(capacity: usize) -> Layout {
    // A u32 counts the capacity: the class of the very longest is cut down to it.
    let size = size_class(HEAD_LEN + capacity).min(LEN_MAX + HEAD_LEN);
    Layout::from_size_align(size, 8).expect("lengths fit in 33 bits")
}

/// # Safety
/// The head is live.
unsafe fn data(head: NonNull<Head>) -> NonNull<u8> {
    // SAFETY: the bytes begin behind the head, in the same allocation.
    unsafe { head.cast::<u8>().add(HEAD_LEN) }
}

impl Deref for Thin {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self.head {
            // SAFETY: the first `len` bytes are initialised and ours.
            Some(head) => unsafe { std::slice::from_raw_parts(data(head).as_ptr(), head.as_ref().len as usize) },
            None => &[],
        }
    }
}

impl DerefMut for Thin {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self.head {
            // SAFETY: as above, and nobody else looks while we are borrowed mutably.
            Some(head) => unsafe { std::slice::from_raw_parts_mut(data(head).as_ptr(), head.as_ref().len as usize) },
            None => &mut [],
        }
    }
}

impl Drop for Thin {
    fn drop(&mut self) {
        if let Some(head) = self.head {
            let layout = layout(self.capacity());
            // SAFETY: allocated with this layout; this is its end.
            unsafe { dealloc(head.cast().as_ptr(), layout) };
        }
    }
}

impl Clone for Thin {
    /// With no more room than it needs.
    fn clone(&self) -> Thin {
        Thin::from(&self[..])
    }
}

impl From<&[u8]> for Thin {
    fn from(bytes: &[u8]) -> Thin {
        let mut thin = Thin::new();
        thin.extend(bytes);
        thin
    }
}

impl PartialEq for Thin {
    fn eq(&self, other: &Thin) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Thin {}

impl fmt::Debug for Thin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    const ROUNDS: u64 = if cfg!(miri) { 3 } else { 200 };

    fn random_bytes(rng: &mut Rng) -> Vec<u8> {
        let len = [0, 1, 3, 8, 60, 300][rng.below(6) as usize];
        (0..len).map(|_| rng.next_u64() as u8).collect()
    }

    fn check(thin: &Thin, twin: &[u8], note: &str) {
        assert_eq!(&thin[..], twin, "{note}");
        assert!(thin.capacity() >= twin.len());
        assert_eq!(thin.mem_bytes(), size_class(thin.mem_bytes()), "{note}: whole classes");
        assert!(thin.mem_bytes() <= 2 * (HEAD_LEN + twin.len()) + 700, "{note}: {} bytes", thin.mem_bytes());
    }

    #[test]
    fn agrees_with_a_vec() {
        for seed in 0..ROUNDS {
            let (mut rng, mut thin, mut twin) = (Rng::new(seed), Thin::new(), Vec::new());
            for step in 0..150 {
                let bytes = random_bytes(&mut rng);
                let mut place = || rng.below(twin.len() as u64 + 1) as usize;
                let (a, b) = (place(), place());
                let (start, end) = (a.min(b), a.max(b));
                match rng.below(12) {
                    0..3 => {
                        thin.insert(start, &bytes);
                        twin.splice(start..start, bytes);
                    }
                    3..6 => {
                        thin.splice(start..end, &bytes);
                        twin.splice(start..end, bytes);
                    }
                    6 => {
                        thin.push(b'x');
                        twin.push(b'x');
                    }
                    7 => {
                        thin.extend(&bytes);
                        twin.extend(&bytes);
                    }
                    8 => {
                        thin.truncate(start);
                        twin.truncate(start);
                    }
                    9 => {
                        thin.remove(start..end);
                        twin.drain(start..end);
                    }
                    10 => {
                        thin.reserve(bytes.len());
                        assert!(thin.capacity() >= twin.len() + bytes.len());
                        thin.reverse();
                        twin.reverse();
                    }
                    _ => {
                        let word = thin.into_word();
                        // SAFETY: the buffer was given up just now.
                        thin = unsafe { Thin::from_word(word) };
                        let copy = thin.clone();
                        assert!(copy == thin && copy.capacity() <= thin.capacity());
                        thin.shrink();
                        assert_eq!(thin.mem_bytes(), copy.mem_bytes());
                    }
                }
                check(&thin, &twin, &format!("seed {seed} step {step}"));
            }
        }
    }

    #[test]
    fn empty_is_nothing() {
        assert_eq!(size_of::<Thin>(), 8);
        let mut thin = Thin::from(&b"abc"[..]);
        assert_eq!((thin.mem_bytes(), thin.capacity()), (16, 8));
        thin.clear();
        assert_eq!((thin.mem_bytes(), thin.capacity(), Thin::new().into_word()), (0, 0, 0));
        let mut thin = Thin::with_capacity(100);
        assert_eq!((thin.mem_bytes(), thin.len()), (112, 0));
        thin.shrink();
        assert_eq!(thin.mem_bytes(), 0);
    }

    #[test]
    #[should_panic(expected = "2..1 of a buffer of 3 bytes")]
    #[allow(clippy::reversed_empty_ranges)]
    fn ranges_are_checked() {
        Thin::from(&b"abc"[..]).splice(2..1, b"");
    }

    #[test]
    #[should_panic(expected = "a packed buffer of 3 and")]
    fn lengths_are_checked() {
        Thin::from(&b"abc"[..]).reserve(LEN_MAX - 2);
    }
}
