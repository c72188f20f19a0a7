//! How long an allocation really is.

/// Length of the allocation for `size` bytes: jemalloc's classes with a quantum of 8, which are four to
/// a doubling above 64. Under another allocator it is a rounding up like any other.
///
/// Who asks for whole classes loses nothing, and growing by classes makes appending amortised constant time.
#[inline]
pub fn size_class(size: usize) -> usize {
    if size <= 64 {
        return size.next_multiple_of(8);
    }
    size.next_multiple_of(1 << ((size - 1).ilog2() - 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_are_those_of_jemalloc() {
        for size in 1..100_000 {
            let class = size_class(size);
            assert!(class >= size && size_class(class) == class && class - size <= size.max(28) / 4, "{size}: {class}");
        }
        assert_eq!([65, 128, 129, 320, 321, 16_384, 16_385].map(size_class), [80, 128, 160, 320, 384, 16_384, 20_480]);
    }
}
