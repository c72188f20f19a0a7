//! LZF, the compression of RDB strings.
//!
//! ```text
//! packed  := step …
//! step    := 000lllll | byte [l + 1]                              those bytes
//!         | lllooooo | oooooooo                  l is 1 to 6      l + 2 bytes from o + 1 before here
//!         | 111ooooo | llllllll | oooooooo                        l + 9 bytes from o + 1 before here
//! ```
//! What is copied may overlap what is being written: a run is one byte and a copy of itself.

const LITERAL_MAX: usize = 32;
const COPY_MIN: usize = 3;
const COPY_MAX: usize = 264;
const DISTANCE_MAX: usize = 1 << 13;
/// The most that a byte can become: three of them tell a copy of `COPY_MAX`.
const GROWTH_MAX: usize = COPY_MAX / 3;
/// Where nothing is found the search goes on in larger steps: one byte larger after so many failures.
const PATIENCE_BITS: u32 = 6;

/// Could so many bytes have been packed into so few?
pub(super) fn is_possible(packed_len: usize, len: usize) -> bool {
    len <= packed_len.saturating_mul(GROWTH_MAX)
}

/// Packs `from` into the front of `to`; the length, or None when it does not fit there. (So whoever wants to win
/// something gives less room than `from` has.)
pub(super) fn pack(from: &[u8], to: &mut [u8]) -> Option<usize> {
    // The table is made anew each time; a short text needs, and pays for, a small one.
    match from.len() {
        0..64 => pack_with::<u8, 64>(from, to),
        64..256 => pack_with::<u8, 256>(from, to),
        256..4096 => pack_with::<u16, 2048>(from, to),
        4096..0x1_0000 => pack_with::<u16, 8192>(from, to),
        0x1_0000..0xffff_ffff => pack_with::<u32, 16_384>(from, to),
        _ => None,
    }
}

/// A place in a text that is not longer than fits.
trait Slot: Copy {
    const FIRST: Self;
    fn of(at: usize) -> Self;
    fn at(self) -> usize;
}

macro_rules! slot {
    ($($type:ty)*) => {$(
        impl Slot for $type {
            const FIRST: $type = 0;

            #[inline]
            fn of(at: usize) -> $type {
                at as $type
            }

            #[inline]
            fn at(self) -> usize {
                self as usize
            }
        }
    )*};
}

slot! { u8 u16 u32 }

fn pack_with<S: Slot, const SLOTS: usize>(from: &[u8], to: &mut [u8]) -> Option<usize> {
    let mut table = [S::FIRST; SLOTS];
    let mut out = Out { to, len: 0 };
    let (mut at, mut pending, mut misses) = (0, 0, 0usize);
    while let Some(&[a, b, c]) = from.get(at..).and_then(|rest| rest.first_chunk()) {
        let key = u32::from_le_bytes([a, b, c, 0]);
        let slot = (key.wrapping_mul(0x9e37_79b1) >> (32 - SLOTS.trailing_zeros())) as usize;
        let before = std::mem::replace(&mut table[slot], S::of(at)).at();
        let is_near = (at - before).wrapping_sub(1) < DISTANCE_MAX;
        if !is_near || from[before..before + COPY_MIN] != [a, b, c] {
            at += 1 + (misses >> PATIENCE_BITS);
            misses += 1;
            continue;
        }
        misses = 0;
        let max = (from.len() - at).min(COPY_MAX);
        let len = COPY_MIN + same(&from[before + COPY_MIN..], &from[at + COPY_MIN..at + max]);
        out.literals(&from[pending..at])?;
        out.copy(at - before - 1, len)?;
        at += len;
        pending = at;
    }
    out.literals(&from[pending..])?;
    Some(out.len)
}

/// Bytes that are the same from the beginning on.
fn same(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

struct Out<'a> {
    to: &'a mut [u8],
    len: usize,
}

impl Out<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        self.to.get_mut(self.len..self.len + bytes.len())?.copy_from_slice(bytes);
        self.len += bytes.len();
        Some(())
    }

    fn literals(&mut self, bytes: &[u8]) -> Option<()> {
        bytes.chunks(LITERAL_MAX).try_for_each(|bytes| {
            self.put(&[bytes.len() as u8 - 1])?;
            self.put(bytes)
        })
    }

    #[inline]
    fn copy(&mut self, offset: usize, len: usize) -> Option<()> {
        let (high, low) = ((offset >> 8) as u8, offset as u8);
        match len - 2 {
            short @ 1..=6 => self.put(&[(short as u8) << 5 | high, low]),
            long => self.put(&[7 << 5 | high, (long - 7) as u8, low]),
        }
    }
}

/// Appends the `len` bytes that were packed; None, and some of them, when they are not what was packed.
pub(super) fn unpack(packed: &[u8], len: usize, to: &mut Vec<u8>) -> Option<()> {
    if !is_possible(packed.len(), len) {
        return None;
    }
    let start = to.len();
    let end = start + len;
    to.reserve(len);
    let mut rest = packed;
    while let [head, behind @ ..] = rest {
        let (kind, low) = (usize::from(head >> 5), usize::from(head & 0x1f));
        if kind == 0 {
            let (bytes, behind) = behind.split_at_checked(low + 1)?;
            if end - to.len() < bytes.len() {
                return None;
            }
            to.extend_from_slice(bytes);
            rest = behind;
            continue;
        }
        let (copied, behind) = match behind {
            [more, behind @ ..] if kind == 7 => (9 + usize::from(*more), behind),
            behind => (2 + kind, behind),
        };
        let [offset, behind @ ..] = behind else { return None };
        let distance = (low << 8 | usize::from(*offset)) + 1;
        if distance > to.len() - start || end - to.len() < copied {
            return None;
        }
        copy_within(to, distance, copied);
        rest = behind;
    }
    (to.len() == end).then_some(())
}

/// Appends `len` bytes from `distance` before the end on, those it has just appended among them.
fn copy_within(to: &mut Vec<u8>, distance: usize, mut len: usize) {
    let from = to.len() - distance;
    while len > 0 {
        let step = len.min(to.len() - from);
        to.extend_from_within(from..from + step);
        len -= step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::Rng;

    fn there_and_back(text: &[u8]) -> usize {
        let mut to = vec![0; text.len() + text.len() / LITERAL_MAX + 2];
        let len = pack(text, &mut to).expect("there is room even if nothing is won");
        let mut back = b"before".to_vec();
        unpack(&to[..len], text.len(), &mut back).expect("packed just now");
        assert!(back == [b"before", text].concat());
        assert!(len == 0 || pack(text, &mut to[..len - 1]).is_none(), "one byte less is too little");
        len
    }

    #[test]
    fn packs_and_unpacks() {
        assert_eq!(there_and_back(b""), 0);
        assert_eq!(there_and_back(b"abc"), 4);
        assert_eq!(there_and_back(&[b'x'; 100]), 2 + 3);
        assert!(there_and_back(&b"0123456789".repeat(10_000)) < 1_300);
        let mut rng = Rng::new(1);
        for round in 0..400 {
            let (len, letters) = (rng.below(1 << (round % 15)), 1 + rng.below(1 << (round % 9)));
            let mut text = Vec::new();
            while (text.len() as u64) < len {
                // Words that were there before, near and far, and new ones.
                let (from, word) = (rng.index(text.len() + 1), rng.index(60));
                let again = text[from..(from + word).min(text.len())].to_vec();
                text.extend(again);
                text.extend((0..rng.below(20)).map(|_| rng.below(letters) as u8));
            }
            there_and_back(&text);
        }
    }

    #[test]
    fn believes_nothing() {
        let mut to = Vec::new();
        for (packed, len) in [
            (&[0u8][..], 1),
            (&[5, 1, 2], 6),
            (&[0, 7, 0x20], 4),
            (&[0, 7, 0x20, 1], 4),
            (&[0, 7, 0xe0], 10),
            (&[0, 7, 0xe0, 0], 10),
            (&[0, 7, 0x20, 0], 3),
            (&[0, 7, 0x20, 0], 5),
            (&[0, 7], 2),
            (&[0, 7], usize::MAX),
            (&[1, 7, 7], 1),
        ] {
            to.clear();
            assert_eq!(unpack(packed, len, &mut to), None, "{packed:?}");
            assert!(to.capacity() < 4096);
        }
        to.clear();
        assert_eq!((unpack(&[0, 7, 0x20, 0], 4, &mut to), &to[..]), (Some(()), &[7, 7, 7, 7][..]));
        let mut rng = Rng::new(2);
        for _ in 0..20_000 {
            let packed: Vec<u8> = (0..rng.below(30)).map(|_| rng.next_u64() as u8 >> rng.below(8)).collect();
            to.clear();
            let _ = unpack(&packed, rng.index(60), &mut to);
        }
    }
}
