//! A set of numbers as a sorted array, all of one width.
//!
//! ```text
//! ints := width u8 (2, 4 or 8) | value [width], ascending, little endian
//! ```
//! The width is that of the widest number that was ever in it. No bytes at all is the empty set.

use crate::Thin;

const HEAD: usize = 1;

pub(super) fn len(ints: &[u8]) -> usize {
    match ints {
        [] => 0,
        [width, values @ ..] => values.len() >> width.trailing_zeros(),
    }
}

/// A set of numbers that ascend.
pub(super) fn of(width: u8, numbers: &[u8]) -> Thin {
    let mut ints = Thin::with_capacity(HEAD + numbers.len());
    ints.push(width);
    ints.extend(numbers);
    ints
}

/// Number `i` in ascending order.
#[inline]
pub(super) fn get(ints: &[u8], i: usize) -> i64 {
    match ints[0] {
        2 => at::<2>(ints, i),
        4 => at::<4>(ints, i),
        _ => at::<8>(ints, i),
    }
}

/// Where it stands, or where it would.
#[inline]
pub(super) fn find(ints: &[u8], n: i64) -> Result<usize, usize> {
    match ints.first() {
        None => Err(0),
        Some(2) => search::<2>(ints, n),
        Some(4) => search::<4>(ints, n),
        Some(_) => search::<8>(ints, n),
    }
}

/// False when it is there already.
pub(super) fn insert(ints: &mut Thin, n: i64) -> bool {
    let Err(at) = find(ints, n) else { return false };
    let width = width(n);
    match ints.first() {
        None => ints.push(width),
        Some(&old) if old < width => widen(ints, width),
        Some(_) => {}
    }
    let width = usize::from(ints[0]);
    ints.insert(HEAD + at * width, &n.to_le_bytes()[..width]);
    true
}

pub(super) fn remove_at(ints: &mut Thin, i: usize) {
    let width = usize::from(ints[0]);
    ints.remove(HEAD + i * width..HEAD + (i + 1) * width);
    if ints.len() == HEAD {
        ints.clear();
    }
}

fn width(n: i64) -> u8 {
    if i16::try_from(n).is_ok() {
        2
    } else if i32::try_from(n).is_ok() {
        4
    } else {
        8
    }
}

fn widen(ints: &mut Thin, width: u8) {
    let count = len(ints);
    let mut wide = Thin::with_capacity(HEAD + (count + 1) * usize::from(width));
    wide.push(width);
    for i in 0..count {
        wide.extend(&get(ints, i).to_le_bytes()[..usize::from(width)]);
    }
    *ints = wide;
}

#[inline]
fn at<const WIDTH: usize>(ints: &[u8], i: usize) -> i64 {
    let start = HEAD + i * WIDTH;
    let mut bytes = [0; 8];
    bytes[..WIDTH].copy_from_slice(&ints[start..start + WIDTH]);
    let shift = 64 - 8 * WIDTH as u32;
    (i64::from_le_bytes(bytes) << shift) >> shift
}

#[inline]
fn search<const WIDTH: usize>(ints: &[u8], n: i64) -> Result<usize, usize> {
    let (mut low, mut high) = (0, (ints.len() - HEAD) / WIDTH);
    // Numbers often come in ascending order.
    if high > 0 && at::<WIDTH>(ints, high - 1) < n {
        return Err(high);
    }
    while low < high {
        let middle = low.midpoint(high);
        if at::<WIDTH>(ints, middle) < n {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let found = (low + 1) * WIDTH + HEAD <= ints.len() && at::<WIDTH>(ints, low) == n;
    if found { Ok(low) } else { Err(low) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;
    use std::collections::BTreeSet;

    #[test]
    fn agrees_with_a_twin() {
        let seeds = if cfg!(miri) { 3 } else { 100 };
        for seed in 0..seeds {
            let (mut rng, mut ints, mut twin) = (Rng::new(seed), Thin::new(), BTreeSet::new());
            let shift = [60, 48, 40, 16, 0][rng.index(5)];
            for _ in 0..200 {
                let n = (rng.next_u64() as i64) >> shift;
                if rng.below(3) > 0 {
                    assert_eq!(insert(&mut ints, n), twin.insert(n));
                } else {
                    let found = find(&ints, n);
                    assert_eq!(found.is_ok(), twin.remove(&n));
                    if let Ok(i) = found {
                        remove_at(&mut ints, i);
                    }
                }
                assert_eq!(len(&ints), twin.len());
                assert!((0..len(&ints)).map(|i| get(&ints, i)).eq(twin.iter().copied()), "seed {seed}");
            }
        }
    }

    #[test]
    fn widens_at_the_borders() {
        let mut ints = Thin::new();
        for (n, bytes) in [(32_767, 3), (-32_768, 5), (32_768, 13), (i64::from(i32::MIN) - 1, 33), (i64::MAX, 41)] {
            assert!(insert(&mut ints, n));
            assert_eq!(ints.len(), bytes, "{n}");
            assert!(!insert(&mut ints, n));
        }
        while len(&ints) > 0 {
            remove_at(&mut ints, 0);
        }
        assert_eq!(ints.mem_bytes(), 0);
    }
}
