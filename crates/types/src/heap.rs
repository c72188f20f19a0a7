//! A `Box` that does not claim to be alone: the memory of a large form.
//!
//! A key's word may be turned into several owners at once as long as they only look (`keyspace::View`). A `Box`
//! promises the compiler that no other pointer leads to its memory; this one does not.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

pub struct Heap<T> {
    at: NonNull<T>,
    owns: PhantomData<T>,
}

// SAFETY: a Heap owns its T as a Box does.
unsafe impl<T: Send> Send for Heap<T> {}
// SAFETY: `&Heap<T>` gives `&T` and no more.
unsafe impl<T: Sync> Sync for Heap<T> {}

impl<T> Heap<T> {
    pub fn new(value: T) -> Heap<T> {
        let at = NonNull::from(Box::leak(Box::new(value)));
        Heap { at, owns: PhantomData }
    }

    pub fn into_inner(self) -> T {
        let at = self.at;
        std::mem::forget(self);
        // SAFETY: the address came from a Box, and `self` will not free it.
        *unsafe { Box::from_raw(at.as_ptr()) }
    }

    /// Gives up the memory for its address. Only `from_word` frees it again.
    #[inline]
    pub fn into_word(self) -> u64 {
        let at = self.at;
        std::mem::forget(self);
        at.as_ptr().expose_provenance() as u64
    }

    /// # Safety
    /// The word came from `into_word`, and of all owners made from it only one is ever dropped or changed, while
    /// none of the others is used.
    #[inline]
    pub unsafe fn from_word(word: u64) -> Heap<T> {
        let at = NonNull::new(std::ptr::with_exposed_provenance_mut(word as usize)).expect("a Heap is never null");
        Heap { at, owns: PhantomData }
    }
}

impl<T> Deref for Heap<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: live and ours until it is dropped.
        unsafe { self.at.as_ref() }
    }
}

impl<T> DerefMut for Heap<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and nobody else looks while we are borrowed mutably.
        unsafe { self.at.as_mut() }
    }
}

impl<T> Drop for Heap<T> {
    fn drop(&mut self) {
        // SAFETY: the address came from a Box; this is its end.
        drop(unsafe { Box::from_raw(self.at.as_ptr()) });
    }
}

impl<T: Clone> Clone for Heap<T> {
    fn clone(&self) -> Heap<T> {
        Heap::new(T::clone(self))
    }
}

impl<T: fmt::Debug> fmt::Debug for Heap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::ManuallyDrop;

    #[test]
    fn owns_and_is_looked_at_from_two_sides() {
        let mut heap = Heap::new(vec![1, 2]);
        heap.push(3);
        let copy = heap.clone();
        let word = heap.into_word();
        // SAFETY: both only look, and are not dropped.
        let (one, two) = unsafe {
            (ManuallyDrop::new(Heap::<Vec<i32>>::from_word(word)), ManuallyDrop::new(Heap::<Vec<i32>>::from_word(word)))
        };
        let (first, second): (&[i32], &[i32]) = (&one, &two);
        assert_eq!((first, second), (&[1, 2, 3][..], &copy[..]));
        // SAFETY: the others are not used any more.
        let mut heap = unsafe { Heap::<Vec<i32>>::from_word(word) };
        heap.push(4);
        assert_eq!(heap.into_inner(), [1, 2, 3, 4]);
    }
}
