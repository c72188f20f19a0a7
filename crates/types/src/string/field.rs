//! Numbers of any width at any bit of a string: BITFIELD.
//!
//! A field touches at most nine bytes (seven bits of a first byte, then 64), so it is read and written through one
//! 128-bit window. All values travel as `i64`: there is no u64 field, and the widest unsigned one, u63, fits.
//! Sums are made in `i128`, where none of them can overflow, and only then brought to the field's width.
//! Always true: what `add` and `fit` answer is within the type, so writing and reading it back gives the same.

use kit::text::parse_u64;

/// Width and sign of a field: i1 to i64, u1 to u63.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    pub signed: bool,
    pub bits: u8,
}

/// What becomes of a value that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Its low bits.
    #[default]
    Wrap,
    /// The nearest value that fits.
    Sat,
    /// Nothing is written.
    Fail,
}

impl FieldType {
    /// Reads `i16`, `u8` and so on.
    pub fn parse(text: &[u8]) -> Option<FieldType> {
        let (signed, digits, bits_max) = match text {
            [b'i', digits @ ..] => (true, digits, 64),
            [b'u', digits @ ..] => (false, digits, 63),
            _ => return None,
        };
        let bits = parse_u64(digits).filter(|bits| (1..=bits_max).contains(bits))?;
        Some(FieldType { signed, bits: bits as u8 })
    }

    fn min(self) -> i128 {
        if self.signed { -(1 << (self.bits - 1)) } else { 0 }
    }

    fn max(self) -> i128 {
        (1 << (self.bits - u8::from(self.signed))) - 1
    }
}

/// Reads an offset: a place in bits, or `#n`, the n-th field when fields of this type stand side by side.
/// Only places below `bits_max` are accepted.
pub fn parse_offset(text: &[u8], ty: FieldType, bits_max: u64) -> Option<u64> {
    let offset = match text {
        [b'#', digits @ ..] => parse_u64(digits)?.checked_mul(u64::from(ty.bits))?,
        digits => parse_u64(digits)?,
    };
    (offset < bits_max).then_some(offset)
}

/// The field's value.
#[inline]
pub fn get(bytes: &[u8], offset: u64, ty: FieldType) -> i64 {
    match ty.signed {
        true => get_signed(bytes, offset, ty.bits),
        false => get_unsigned(bytes, offset, ty.bits) as i64, // at most 63 bits
    }
}

/// The bits as a number, highest first, 1 to 64 of them. Bits beyond the end are 0.
#[inline]
pub fn get_unsigned(bytes: &[u8], offset: u64, bits: u8) -> u64 {
    assert!((1..=64).contains(&bits));
    let from = usize::try_from(offset / 8).unwrap_or(usize::MAX).min(bytes.len());
    let touched = &bytes[from..bytes.len().min(from.saturating_add(WINDOW))];
    let mut window = [0; WINDOW];
    window[..touched.len()].copy_from_slice(touched);
    // Shift out what stands before the field, then what stands behind it.
    (u128::from_be_bytes(window) << (offset % 8) >> (128 - u32::from(bits))) as u64
}

/// The same bits, the first of them the sign.
#[inline]
pub fn get_signed(bytes: &[u8], offset: u64, bits: u8) -> i64 {
    let unused = 64 - u32::from(bits);
    (get_unsigned(bytes, offset, bits) << unused) as i64 >> unused
}

/// Writes the low bits of the value. The string must reach so far (`bits::len_for`).
#[inline]
pub fn set(bytes: &mut [u8], offset: u64, bits: u8, value: i64) {
    assert!((1..=64).contains(&bits));
    let end = super::bits::len_for(offset, bits);
    assert!(end <= bytes.len() as u64, "bits up to byte {end} of a string of {} bytes", bytes.len());
    let touched = &mut bytes[(offset / 8) as usize..end as usize];
    let mut window = [0; WINDOW];
    window[..touched.len()].copy_from_slice(touched);
    let behind = 128 - (offset % 8) as u32 - u32::from(bits);
    let mask = u128::from(u64::MAX >> (64 - u32::from(bits))) << behind;
    let value = u128::from(value as u64) << behind;
    let window = (u128::from_be_bytes(window) & !mask) | (value & mask);
    touched.copy_from_slice(&window.to_be_bytes()[..touched.len()]);
}

/// The field's new value after INCRBY, or `None` when it does not fit and nothing shall be written.
#[inline]
pub fn add(ty: FieldType, old: i64, increment: i64, overflow: Overflow) -> Option<i64> {
    settle(ty, i128::from(old) + i128::from(increment), overflow)
}

/// The field's new value after SET, or `None` when it does not fit and nothing shall be written.
///
/// For an unsigned field a negative number is a very large one, as in Redis: it saturates to the maximum, not to 0.
/// Unlike Redis, a signed field saturates to its minimum from however far below: Redis's difference wraps there, and
/// i5 set to -9223372036854775807 becomes 15.
#[inline]
pub fn fit(ty: FieldType, value: i64, overflow: Overflow) -> Option<i64> {
    let exact = if ty.signed { i128::from(value) } else { i128::from(value as u64) };
    settle(ty, exact, overflow)
}

fn settle(ty: FieldType, exact: i128, overflow: Overflow) -> Option<i64> {
    let fits = (ty.min()..=ty.max()).contains(&exact);
    match overflow {
        _ if fits => Some(exact as i64),
        Overflow::Wrap => {
            let unused = 64 - u32::from(ty.bits);
            let low = (exact as u64) << unused;
            Some(if ty.signed { low as i64 >> unused } else { (low >> unused) as i64 })
        }
        Overflow::Sat => Some(exact.clamp(ty.min(), ty.max()) as i64),
        Overflow::Fail => None,
    }
}

/// Bytes read at once: nine are needed, sixteen are one load.
const WINDOW: usize = 16;

#[cfg(test)]
mod tests {
    use super::super::bits::{get_bit, len_for, set_bit};
    use super::*;
    use proptest::prelude::*;

    const ALL: [Overflow; 3] = [Overflow::Wrap, Overflow::Sat, Overflow::Fail];

    fn ty(text: &str) -> FieldType {
        FieldType::parse(text.as_bytes()).expect(text)
    }

    fn types() -> impl Strategy<Value = FieldType> {
        prop_oneof![
            (1u8..=64).prop_map(|bits| FieldType { signed: true, bits }),
            (1u8..=63).prop_map(|bits| FieldType { signed: false, bits }),
        ]
    }

    /// Numbers of every magnitude, and those next to a limit.
    fn numbers() -> impl Strategy<Value = i64> {
        let near = (0u32..64, -2i64..=2, any::<bool>()).prop_map(|(bits, by, negative)| {
            let power = 1i64.wrapping_shl(bits).wrapping_add(by);
            if negative { power.wrapping_neg() } else { power }
        });
        prop_oneof![near, (any::<i64>(), 0u32..64).prop_map(|(n, shift)| n >> shift)]
    }

    #[test]
    fn reads_types() {
        assert_eq!(ty("i1"), FieldType { signed: true, bits: 1 });
        assert_eq!(ty("i64"), FieldType { signed: true, bits: 64 });
        assert_eq!(ty("u63"), FieldType { signed: false, bits: 63 });
        for text in ["u64", "i65", "i0", "u0", "i", "", "8", "I8", "i08", "i-1", "i+1", "i8 ", "x8", "i4294967304"] {
            assert_eq!(FieldType::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn reads_offsets() {
        let parse = |text: &str, of| parse_offset(text.as_bytes(), ty(of), 1 << 32);
        assert_eq!(parse("0", "i8"), Some(0));
        assert_eq!(parse("#3", "u5"), Some(15));
        assert_eq!(parse("4294967295", "i8"), Some(4_294_967_295));
        assert_eq!(parse("#536870911", "i8"), Some(4_294_967_288));
        // The last one comes round to 0 in Redis, whose product is not checked; to us it is out of range.
        for text in ["4294967296", "#536870912", "##1", "#", "", "-1", "#-1", "#01", "1 ", "#2305843009213693952"] {
            assert_eq!(parse(text, "i8"), None, "{text}");
        }
    }

    #[test]
    fn edges_of_the_widest() {
        use Overflow::*;
        let (i64_, u63) = (ty("i64"), ty("u63"));
        assert_eq!(add(i64_, i64::MAX, 1, Wrap), Some(i64::MIN));
        assert_eq!(add(i64_, i64::MAX, 1, Sat), Some(i64::MAX));
        assert_eq!(add(i64_, i64::MAX, 1, Fail), None);
        assert_eq!(add(i64_, i64::MIN, i64::MIN, Wrap), Some(0));
        assert_eq!(add(i64_, i64::MIN, -1, Sat), Some(i64::MIN));
        assert_eq!(add(u63, i64::MAX, i64::MAX, Wrap), Some(i64::MAX - 1));
        assert_eq!(add(u63, i64::MAX, 1, Sat), Some(i64::MAX));
        assert_eq!(add(u63, 0, i64::MIN, Sat), Some(0));
        assert_eq!(add(u63, 0, -1, Wrap), Some(i64::MAX));
        assert_eq!(fit(u63, -1, Sat), Some(i64::MAX));
        assert_eq!(fit(u63, i64::MIN, Wrap), Some(0));
        assert_eq!(fit(i64_, i64::MIN, Fail), Some(i64::MIN));
    }

    #[test]
    fn as_redis_answers() {
        use Overflow::*;
        let (u8_, i8_) = (ty("u8"), ty("i8"));
        assert_eq!(fit(u8_, -1, Sat), Some(255));
        assert_eq!(fit(u8_, -2, Wrap), Some(254));
        assert_eq!(fit(u8_, -1, Fail), None);
        assert_eq!(fit(i8_, 300, Wrap), Some(44));
        assert_eq!(fit(i8_, -300, Sat), Some(-128));
        assert_eq!(fit(ty("i5"), -i64::MAX, Sat), Some(-16)); // the one difference, see `fit`
        assert_eq!(add(u8_, 250, 10, Wrap), Some(4));
        assert_eq!(add(u8_, 5, -10, Sat), Some(0));
        assert_eq!(add(ty("i1"), -1, -1, Wrap), Some(0));
        assert_eq!(add(ty("u1"), 1, 1, Wrap), Some(0));
        assert_eq!(get(b"\x7f\xff", 1, ty("u4")), 15);
        assert_eq!(get(b"\x7f\xff", 1, ty("i4")), -1);
        assert_eq!(get(b"\xff", 4, ty("u8")), 0xf0);
        assert_eq!(get(b"\xff", u64::MAX, ty("i64")), 0);
    }

    #[test]
    #[should_panic(expected = "bits up to byte 2 of a string of 1 bytes")]
    fn writing_beyond_the_end_is_our_mistake() {
        set(&mut [0], 1, 8, 0);
    }

    proptest! {
        #[test]
        fn reads_like_single_bits(
            bytes in proptest::collection::vec(any::<u8>(), 0..24), offset in 0u64..220, bits in 1u8..=64,
        ) {
            let unsigned = (0..u64::from(bits)).fold(0u64, |n, at| n << 1 | u64::from(get_bit(&bytes, offset + at)));
            prop_assert_eq!(get_unsigned(&bytes, offset, bits), unsigned);
            let negative = get_bit(&bytes, offset);
            let signed = i128::from(unsigned) - if negative { 1i128 << bits } else { 0 };
            prop_assert_eq!(i128::from(get_signed(&bytes, offset, bits)), signed);
        }

        #[test]
        fn writes_like_single_bits(
            mut bytes in proptest::collection::vec(any::<u8>(), 30), offset in 0u64..170, bits in 1u8..=64, value: i64,
        ) {
            let mut twin = bytes.clone();
            for at in 0..bits {
                set_bit(&mut twin, offset + u64::from(at), value >> (bits - 1 - at) & 1 == 1);
            }
            // Exactly long enough must do.
            bytes.truncate(len_for(offset, bits) as usize);
            twin.truncate(bytes.len());
            set(&mut bytes, offset, bits, value);
            prop_assert_eq!(bytes, twin);
        }

        #[test]
        fn what_is_settled_reads_back(ty in types(), old in numbers(), value in numbers(), offset in 0u64..9) {
            let mut bytes = [0x5a; 12];
            set(&mut bytes, offset, ty.bits, old);
            let old = get(&bytes, offset, ty);
            let (min, max) = match ty.signed {
                true => (-(1i128 << (ty.bits - 1)), (1i128 << (ty.bits - 1)) - 1),
                false => (0, (1i128 << ty.bits) - 1),
            };
            prop_assert!((min..=max).contains(&i128::from(old)));
            let set_to = if ty.signed { i128::from(value) } else { i128::from(value as u64) };
            for (exact, made) in [
                (i128::from(old) + i128::from(value), ALL.map(|rule| add(ty, old, value, rule))),
                (set_to, ALL.map(|rule| fit(ty, value, rule))),
            ] {
                // Wrapping is counting round: the one value of the type that differs by whole turns.
                let wrapped = (exact - min).rem_euclid(1 << ty.bits) + min;
                prop_assert_eq!(made[0].map(i128::from), Some(wrapped));
                prop_assert_eq!(made[1].map(i128::from), Some(exact.max(min).min(max)));
                prop_assert_eq!(made[2].map(i128::from), Some(exact).filter(|n| (min..=max).contains(n)));
                for n in made.into_iter().flatten() {
                    set(&mut bytes, offset, ty.bits, n);
                    prop_assert_eq!(get(&bytes, offset, ty), n);
                }
            }
        }
    }
}
