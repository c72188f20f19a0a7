//! Decimal arithmetic of INCRBYFLOAT and HINCRBYFLOAT.
//!
//! Redis adds in the CPU's long double and prints 17 decimals with the trailing zeros cut off. We add the decimals
//! themselves: the same answers where a long double is exact enough (0.1 + 0.2 is 0.3), better ones beyond, and the
//! same on every machine. A number is a sign, its digits, and where the point is.

use std::cmp::Ordering;

/// Decimals that are printed; the rest is rounded, ties to even.
const DECIMALS_MAX: i64 = 17;
/// The powers of ten that a long double spans; numbers beyond are refused as it refuses them.
const EXPONENT_MAX: i64 = 4932;
const EXPONENT_MIN: i64 = -4951;
/// More digits than any honest number has. Redis refuses arguments of more than 5 KiB.
const LEN_MAX: usize = 5 * 1024;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// One of the two is not a number: "value is not a valid float".
    NotANumber,
    /// The sum is: "increment would produce NaN or Infinity".
    NotFinite,
}

/// a + b, without exponent and without trailing zeros.
pub fn add(a: &[u8], b: &[u8]) -> Result<String, DecimalError> {
    let (a, b) = (parse(a)?, parse(b)?);
    let (Number::Finite(a), Number::Finite(b)) = (a, b) else { return Err(DecimalError::NotFinite) };
    let sum = a.plus(&b);
    if sum.digits.len() as i64 + sum.exponent > EXPONENT_MAX + 1 {
        return Err(DecimalError::NotFinite);
    }
    Ok(sum.print())
}

enum Number {
    Finite(Decimal),
    Infinite,
}

/// digits * 10^exponent, digits most significant first and without zeros at either end; zero has no digits.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

fn parse(bytes: &[u8]) -> Result<Number, DecimalError> {
    if bytes.len() > LEN_MAX {
        return Err(DecimalError::NotANumber);
    }
    let unsigned = bytes.strip_prefix(b"-").or(bytes.strip_prefix(b"+")).unwrap_or(bytes);
    let negative = bytes.first() == Some(&b'-');
    match unsigned {
        [b'0', b'x' | b'X', ..] => {
            // Nobody counts money in hex: exact as far as a double is.
            let value = super::parse_f64(unsigned).ok_or(DecimalError::NotANumber)?;
            let mut exact = parse_plain(format!("{value:.1074}").as_bytes()).ok_or(DecimalError::NotANumber)?;
            exact.negative = negative;
            Ok(Number::Finite(exact))
        }
        [b'0'..=b'9' | b'.', ..] => {
            let mut number = parse_plain(unsigned).ok_or(DecimalError::NotANumber)?;
            number.negative = negative && !number.digits.is_empty();
            Ok(Number::Finite(number))
        }
        _ if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") => {
            Ok(Number::Infinite)
        }
        _ => Err(DecimalError::NotANumber),
    }
}

fn parse_plain(text: &[u8]) -> Option<Decimal> {
    let split = text.iter().position(|b| matches!(b, b'e' | b'E'));
    let (mantissa, mut exponent) = match split {
        None => (text, 0),
        Some(at) => {
            let unsigned = &text[at + 1..];
            let unsigned = unsigned.strip_prefix(b"-").or(unsigned.strip_prefix(b"+")).unwrap_or(unsigned);
            if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
                return None;
            }
            // Saturated: far outside what is accepted below either way.
            let size = unsigned.iter().fold(0i64, |n, b| (n * 10 + i64::from(b - b'0')).min(1 << 40));
            (&text[..at], if text[at + 1] == b'-' { -size } else { size })
        }
    };
    let (mut digits, mut pointed) = (Vec::with_capacity(mantissa.len()), false);
    for &b in mantissa {
        match b {
            b'0'..=b'9' => {
                digits.push(b - b'0');
                exponent -= i64::from(pointed);
            }
            b'.' if !pointed => pointed = true,
            _ => return None,
        }
    }
    if digits.is_empty() {
        return None;
    }
    let number = Decimal { negative: false, digits, exponent }.normal();
    let top = number.digits.len() as i64 + number.exponent - 1;
    (number.digits.is_empty() || (EXPONENT_MIN..=EXPONENT_MAX).contains(&top)).then_some(number)
}

impl Decimal {
    fn normal(mut self) -> Decimal {
        let zeros = self.digits.iter().take_while(|&&digit| digit == 0).count();
        self.digits.drain(..zeros);
        while self.digits.last() == Some(&0) {
            self.digits.pop();
            self.exponent += 1;
        }
        if self.digits.is_empty() {
            (self.negative, self.exponent) = (false, 0);
        }
        self
    }

    fn plus(&self, other: &Decimal) -> Decimal {
        if self.digits.is_empty() || other.digits.is_empty() {
            let kept = if self.digits.is_empty() { other } else { self };
            return Decimal { negative: kept.negative, digits: kept.digits.clone(), exponent: kept.exponent };
        }
        // Both as columns of the same length, above the same exponent, one column in front for the carry.
        let exponent = self.exponent.min(other.exponent);
        let top = |number: &Decimal| number.digits.len() as i64 + number.exponent;
        let len = (top(self).max(top(other)) - exponent) as usize + 1;
        let columns = |number: &Decimal| {
            let mut columns = vec![0; len];
            let end = len - (number.exponent - exponent) as usize;
            columns[end - number.digits.len()..end].copy_from_slice(&number.digits);
            columns
        };
        let (mut big, mut small) = (columns(self), columns(other));
        let mut negative = self.negative;
        if self.negative == other.negative {
            let mut carry = 0;
            for (to, from) in big.iter_mut().zip(&small).rev() {
                let sum = *to + from + carry;
                (*to, carry) = (sum % 10, sum / 10);
            }
            debug_assert_eq!(carry, 0, "the front column takes it");
        } else {
            if big.cmp(&small) == Ordering::Less {
                std::mem::swap(&mut big, &mut small);
                negative = other.negative;
            }
            let mut borrow = 0;
            for (to, from) in big.iter_mut().zip(&small).rev() {
                let need = from + borrow;
                borrow = u8::from(*to < need);
                *to = *to + 10 * borrow - need;
            }
            debug_assert_eq!(borrow, 0, "the larger one stands first");
        }
        Decimal { negative, digits: big, exponent }.normal()
    }

    /// To `DECIMALS_MAX` places, ties to even.
    fn rounded(mut self) -> Decimal {
        let drop = -DECIMALS_MAX - self.exponent;
        if drop <= 0 {
            return self;
        }
        let drop = drop as usize;
        if drop > self.digits.len() {
            return Decimal { negative: false, digits: Vec::new(), exponent: 0 };
        }
        let rest = self.digits.split_off(self.digits.len() - drop);
        let odd = self.digits.last().is_some_and(|digit| digit % 2 == 1);
        let up = match rest[0].cmp(&5) {
            Ordering::Less => false,
            Ordering::Equal => odd || rest[1..].iter().any(|&digit| digit != 0),
            Ordering::Greater => true,
        };
        self.exponent = -DECIMALS_MAX;
        let negative = self.negative;
        let kept = self.normal();
        if !up {
            return kept;
        }
        let unit = Decimal { negative, digits: vec![1], exponent: -DECIMALS_MAX };
        kept.plus(&unit)
    }

    fn print(self) -> String {
        let number = self.rounded();
        if number.digits.is_empty() {
            return "0".to_owned();
        }
        let mut text = String::with_capacity(number.digits.len() + 4);
        if number.negative {
            text.push('-');
        }
        let whole_len = number.digits.len() as i64 + number.exponent;
        if whole_len <= 0 {
            text.push_str("0.");
            (whole_len..0).for_each(|_| text.push('0'));
        }
        for (at, digit) in number.digits.iter().enumerate() {
            if at as i64 == whole_len && at > 0 {
                text.push('.');
            }
            text.push(char::from(b'0' + digit));
        }
        (0..number.exponent).for_each(|_| text.push('0'));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn adds_as_redis_does() {
        // Asked of Redis 7.0 (INCRBYFLOAT).
        for (a, b, sum) in [
            ("3.0", "1.1", "4.1"),
            ("5.0e3", "200", "5200"),
            ("0", "1e-18", "0"),
            ("0", "-1e-18", "0"),
            ("0", "6e-18", "0.00000000000000001"),
            ("0", "5e-18", "0"),
            ("0", "1.5e-17", "0.00000000000000002"),
            ("0", "2.5e-17", "0.00000000000000002"),
            ("0", "0x10", "16"),
            ("0", "-0x.8", "-0.5"),
            ("0", "+5", "5"),
            ("1.00", "0", "1"),
            ("100", "0", "100"),
            ("0.1", "0.2", "0.3"),
            ("1", "-1.1", "-0.1"),
            ("17179869184", "17179869184", "34359738368"),
            ("0", ".5", "0.5"),
            ("0", "5.", "5"),
            ("-0", "0", "0"),
            ("0.123456789012345678", "0", "0.12345678901234568"),
            ("1e-17", "0", "0.00000000000000001"),
            ("-5", "5", "0"),
            ("-10.5", "0.5", "-10"),
            ("999", "1", "1000"),
            ("0.99999999999999999", "5e-18", "1"),
            ("1e30", "1", "1000000000000000000000000000001"),
            ("0e9999", "1", "1"),
        ] {
            assert_eq!(add(a.as_bytes(), b.as_bytes()).as_deref(), Ok(sum), "{a} + {b}");
            assert_eq!(add(b.as_bytes(), a.as_bytes()).as_deref(), Ok(sum), "{b} + {a}");
        }
        for infinite in ["inf", "-INF", "+infinity"] {
            assert_eq!(add(b"1", infinite.as_bytes()), Err(DecimalError::NotFinite));
        }
        assert_eq!(add(b"9e4932", b"9e4932"), Err(DecimalError::NotFinite));
        for refused in ["", " 5", "5 ", "nan", "1e5000", "1e-5000", ".", "1e", "1e+", "0x", "1.2.3", "--1", "a", "1a"] {
            assert_eq!(add(b"1", refused.as_bytes()), Err(DecimalError::NotANumber), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_whole_numbers(a in -1_000_000_000_000i64..1_000_000_000_000, b in -1_000_000i64..1_000_000, places in 0usize..10) {
            // The same numbers as integers of 10^-places.
            let text = |n: i128| {
                let digits = format!("{:0width$}", n.abs(), width = places + 1);
                let (whole, fraction) = digits.split_at(digits.len() - places);
                format!("{}{whole}.{fraction}", if n < 0 { "-" } else { "" })
            };
            let expected = text(i128::from(a) + i128::from(b));
            let expected = expected.trim_end_matches('0').trim_end_matches('.');
            let sum = add(text(a.into()).as_bytes(), text(b.into()).as_bytes());
            prop_assert_eq!(sum.as_deref(), Ok(if expected == "-0" { "0" } else { expected }));
        }

        #[test]
        fn any_bytes_are_answered(a in "[-+0-9.eExX]{0,12}", b: Vec<u8>) {
            let _ = (add(a.as_bytes(), &b), add(a.as_bytes(), b"1e-3"));
        }
    }
}
