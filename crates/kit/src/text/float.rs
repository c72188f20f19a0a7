//! Floating-point numbers: read as strtod reads them, printed as scores are printed.
//!
//! Two printed forms exist: the shortest digits that read back as the same number (scores since Redis 7.2 and all
//! RESP3 doubles), and 17 decimals without an exponent (coordinates). `format_f64_17` is the form of Redis up to 7.0.

use std::fmt::Write;

/// Reads a score or another float argument. Takes what C's strtod takes ("1e3", ".5", "0x1p-2", "inf", "+Infinity")
/// and refuses "nan", spaces, anything behind the number, and numbers too large or too small to hold.
pub fn parse_f64(bytes: &[u8]) -> Option<f64> {
    // Most scores are small whole numbers.
    if bytes.len() <= 15
        && let Some(n) = super::parse_i64(bytes)
    {
        return Some(n as f64);
    }
    let (negative, unsigned) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let magnitude = match unsigned {
        [b'0', b'x' | b'X', hex @ ..] => parse_hex(hex)?,
        [b'0'..=b'9' | b'.', ..] => parse_decimal(unsigned)?,
        _ if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") => f64::INFINITY,
        _ => return None,
    };
    Some(if negative { -magnitude } else { magnitude })
}

fn parse_decimal(text: &[u8]) -> Option<f64> {
    let value: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    // Out of range is refused; a zero is in range only if it was written with zeros.
    let written_zero = || text.iter().take_while(|b| !matches!(b, b'e' | b'E')).all(|b| matches!(b, b'0' | b'.'));
    (value.is_finite() && (value != 0.0 || written_zero())).then_some(value)
}

/// `hex` is what follows "0x": digits, perhaps a point, perhaps p and a decimal exponent of two.
fn parse_hex(hex: &[u8]) -> Option<f64> {
    let split = hex.iter().position(|b| matches!(b, b'p' | b'P'));
    let (digits, mut exponent) = match split {
        None => (hex, 0i64),
        Some(at) => {
            let text = str::from_utf8(&hex[at + 1..]).ok()?;
            let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
            if unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            // So large an exponent is out of range whatever stands before it.
            (&hex[..at], text.parse::<i32>().map_or(if text.starts_with('-') { -1 << 40 } else { 1 << 40 }, i64::from))
        }
    };
    let (mut mantissa, mut seen, mut pointed) = (0u64, false, false);
    for &b in digits {
        if b == b'.' && !pointed {
            pointed = true;
            continue;
        }
        let digit = u64::from((b as char).to_digit(16)?);
        seen = true;
        if mantissa >> 58 == 0 {
            mantissa = mantissa << 4 | digit;
            exponent -= if pointed { 4 } else { 0 };
        } else {
            // No room: only whether something non-zero follows matters for rounding.
            mantissa |= u64::from(digit != 0);
            exponent += if pointed { 0 } else { 4 };
        }
    }
    if !seen {
        return None;
    }
    if mantissa == 0 {
        return Some(0.0);
    }
    let value = round_to_f64(mantissa, exponent);
    (value.is_finite() && value != 0.0).then_some(value)
}

/// mantissa * 2^exponent, to nearest, ties to even.
fn round_to_f64(mantissa: u64, exponent: i64) -> f64 {
    let top = 63 - i64::from(mantissa.leading_zeros()) + exponent; // value is in 2^top .. 2^(top+1)
    if top > 1023 {
        return f64::INFINITY;
    }
    if top < -1076 {
        return 0.0;
    }
    // The weight of the last bit that a double of this size keeps.
    let unit = (top - 52).max(-1074);
    let drop = unit - exponent;
    let units = if drop <= 0 {
        u128::from(mantissa) << -drop // at most 53 bits
    } else if drop > 64 {
        0
    } else {
        let wide = u128::from(mantissa);
        let (kept, rest, half) = (wide >> drop, wide & ((1 << drop) - 1), 1u128 << (drop - 1));
        kept + u128::from(rest > half || (rest == half && kept & 1 == 1))
    };
    // 2^unit in two exact factors, because 2^-1074 times 2^52 must not pass through a rounded step.
    let power = |e: i64| f64::from_bits(if e >= -1022 { ((e + 1023) as u64) << 52 } else { 1 << (e + 1074) });
    units as f64 * power(unit)
}

/// The shortest digits that read back as the same number: "3", "0.1", "1e+20", "1.5e-7", "inf", "nan".
pub fn format_f64(value: f64) -> String {
    let mut out = Vec::with_capacity(24);
    write_f64(&mut out, value);
    String::from_utf8(out).expect("digits are ASCII")
}

/// Appends what `format_f64` returns.
pub fn write_f64(out: &mut Vec<u8>, value: f64) {
    // Whole numbers below 2^52 are printed as such (a negative zero is "-0").
    const WHOLE_MAX: f64 = (1u64 << 52) as f64;
    if value.abs() <= WHOLE_MAX && value == value.trunc() {
        if value == 0.0 && value.is_sign_negative() {
            out.push(b'-');
        }
        return super::write_i64(out, value as i64);
    }
    if !value.is_finite() {
        return out.extend_from_slice(special(value).as_bytes());
    }
    if value < 0.0 {
        out.push(b'-');
    }
    if let Some((units, places)) = few_decimals(value.abs()) {
        let digits = &mut [0; 20];
        let digits = super::format_i64(digits, units);
        return write_point(out, digits, digits.len() as i32 - places);
    }
    let (digits, exponent) = shortest(value.abs());
    let digits = digits.as_bytes();
    let len = digits.len() as i32;
    // Place of the last digit: the number is digits * 10^last.
    let last = exponent - len + 1;
    match exponent {
        // Few zeros to add: printed whole.
        _ if (0..8).contains(&last) => {
            out.extend_from_slice(digits);
            out.resize(out.len() + last as usize, b'0');
        }
        _ if last < 0 && (last > -7 || exponent.abs() < 4) => {
            write_point(out, digits, exponent + 1);
        }
        _ => {
            out.push(digits[0]);
            if len > 1 {
                out.push(b'.');
                out.extend_from_slice(&digits[1..]);
            }
            out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
            super::write_i64(out, i64::from(exponent.abs()));
        }
    }
}

/// The digits with a point behind the first `whole_len`, which may be negative.
fn write_point(out: &mut Vec<u8>, digits: &[u8], whole_len: i32) {
    let (whole, fraction) = digits.split_at(whole_len.max(0) as usize);
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole });
    out.push(b'.');
    out.resize(out.len() + (-whole_len).max(0) as usize, b'0');
    out.extend_from_slice(fraction);
}

/// The number as units of 10^-places, if up to five places do: most prices and coordinates, at a quarter of the cost.
/// Fifteen digits that read as `value` are the only ones so short, so they are the shortest.
fn few_decimals(value: f64) -> Option<(i64, i32)> {
    const TENS: [f64; 5] = [1e1, 1e2, 1e3, 1e4, 1e5];
    for (places, ten) in (1..).zip(TENS) {
        let units = (value * ten).round();
        // Both are exact in a double, so their quotient is what these digits read as.
        if (1.0..1e15).contains(&units) && units / ten == value {
            return Some((units as i64, places));
        }
    }
    None
}

/// C's "%.17g": 17 digits, trailing zeros removed, an exponent of at least two digits outside 1e-4 .. 1e17.
pub fn format_f64_17(value: f64) -> String {
    if !value.is_finite() {
        return special(value).to_owned();
    }
    let scientific = format!("{value:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("scientific form");
    let exponent: i32 = exponent.parse().expect("scientific form");
    if (-4..17).contains(&exponent) {
        return trimmed(&format!("{value:.*}", (16 - exponent) as usize)).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

/// Without exponent, at most 17 decimals, no trailing zeros: how coordinates are printed.
pub fn format_f64_human(value: f64) -> String {
    if !value.is_finite() {
        return special(value).to_owned();
    }
    match trimmed(&format!("{value:.17}")) {
        "-0" => "0".to_owned(),
        text => text.to_owned(),
    }
}

fn special(value: f64) -> &'static str {
    match value {
        f64::INFINITY => "inf",
        f64::NEG_INFINITY => "-inf",
        _ => "nan",
    }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Shortest digits, without point, and the power of ten of the first one.
fn shortest(value: f64) -> (Digits, i32) {
    let mut text = Digits { buf: [0; 32], len: 0 };
    write!(text, "{value:e}").expect("17 digits, a point and an exponent fit");
    let scientific = text.as_bytes();
    let e = scientific.iter().position(|&b| b == b'e').expect("scientific form");
    let exponent = super::parse_i64(&scientific[e + 1..]).expect("scientific form") as i32;
    if e > 1 {
        text.buf.copy_within(2..e, 1); // over the point
    }
    text.len = if e > 1 { e - 1 } else { 1 };
    (text, exponent)
}

struct Digits {
    buf: [u8; 32],
    len: usize,
}

impl Digits {
    fn as_bytes(&self) -> &[u8] {
        &self.buf[..self.len]
    }
}

impl Write for Digits {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        self.buf.get_mut(self.len..end).ok_or(std::fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_redis_reads() {
        // Asked of Redis 7.0 (ZADD).
        for (text, value) in [
            ("3", 3.0),
            ("-3", -3.0),
            ("+5", 5.0),
            ("05", 5.0),
            ("1.", 1.0),
            (".5", 0.5),
            ("-.5e1", -5.0),
            ("1e5", 1e5),
            ("1E+5", 1e5),
            ("5e-324", 5e-324),
            ("0e-999", 0.0),
            ("0x10", 16.0),
            ("0x1p3", 8.0),
            ("0x1.8p1", 3.0),
            ("-0X1P-2", -0.25),
            ("0x.8", 0.5),
            ("0x1p-1074", 5e-324),
            ("0x1.fffffffffffff8p0", 2.0),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080000000000000001p0", 1.0 + f64::EPSILON),
            ("0x123456789abcdef01234", 85968058283706960000000.0),
            ("inf", f64::INFINITY),
            ("+INF", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("9007199254740993", 9007199254740992.0),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        assert!(parse_f64(b"-0.0").unwrap().is_sign_negative());
        for refused in [
            "",
            " 1",
            "1 ",
            "nan",
            "-nan",
            "nan(1)",
            ".",
            "-",
            "1e",
            "1e+",
            "0x",
            "0x.",
            "0x1p",
            "0x1p+",
            "0x1.2.3",
            "0x1g",
            "1d",
            "1_0",
            "infin",
            "1e400",
            "-1e400",
            "1e-400",
            "0x1p1024",
            "0x1p-1076",
            "0x1p99999999999",
            "0x1p-99999999999",
            "--1",
            "1,5",
            "\u{ff11}",
        ] {
            assert_eq!(parse_f64(refused.as_bytes()), None, "{refused}");
        }
    }

    #[test]
    fn prints_the_shortest_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-17.0, "-17"),
            (3.5, "3.5"),
            (0.1, "0.1"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e15, "1000000000000000"),
            (4503599627370496.0, "4503599627370496"),
            (1e16, "1e+16"),
            (1e20, "1e+20"),
            (1e21, "1e+21"),
            (-1e300, "-1e+300"),
            (1.5e300, "1.5e+300"),
            (123456789012345680.0, "123456789012345680"),
            (12345.678, "12345.678"),
            (0.001, "0.001"),
            (0.00001, "0.00001"),
            (0.000001, "0.000001"),
            (0.0000001, "1e-7"),
            (0.000001234, "1.234e-6"),
            (1.2345678901234568e-10, "1.2345678901234568e-10"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(format_f64(value), text);
        }
    }

    #[test]
    fn prints_17_digits() {
        // Asked of Redis 7.0 (ZSCORE).
        for (value, text) in [
            (3.0, "3"),
            (3.5, "3.5"),
            (0.1, "0.10000000000000001"),
            (1e15, "1000000000000000"),
            (1e17, "1e+17"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (1e21, "1e+21"),
            (1.5e300, "1.5000000000000001e+300"),
            (1e-5, "1.0000000000000001e-05"),
            (0.000001234, "1.234e-06"),
            (5e-324, "4.9406564584124654e-324"),
            (12345.678, "12345.678"),
            (100.0, "100"),
            (-0.0001, "-0.0001"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_f64_17(value), text);
        }
        assert_eq!(format_f64_human(13.361389338970184), "13.36138933897018433");
        assert_eq!(format_f64_human(-1e-30), "0");
        assert_eq!(format_f64_human(1e20), "100000000000000000000");
    }

    proptest! {
        #[test]
        fn both_forms_read_back(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(parse_f64(format_f64(value).as_bytes()).map(f64::to_bits), Some(bits));
            prop_assert_eq!(parse_f64(format_f64_17(value).as_bytes()).map(f64::to_bits), Some(bits));
        }

        #[test]
        fn small_numbers_read_back(n in -1_000_000i64..1_000_000, places in 0i32..9) {
            let value = n as f64 / 10f64.powi(places);
            let text = format_f64(value);
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(value));
            // Rust prints the shortest digits too, and never an exponent.
            prop_assert!(text.contains('e') || text == value.to_string());
        }

        #[test]
        fn hex_is_exact(bits: u64) {
            let value = f64::from_bits(bits & !(1 << 63));
            prop_assume!(value.is_finite() && value != 0.0);
            let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i64);
            let text = if biased == 0 {
                format!("0x0.{fraction:013x}p-1022")
            } else {
                format!("0x1.{fraction:013x}p{}", biased - 1023)
            };
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(value));
        }

        #[test]
        fn any_bytes_are_answered(bytes: Vec<u8>) {
            let _ = parse_f64(&bytes);
        }
    }
}
