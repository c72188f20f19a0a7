//! Amounts of memory: "64mb" in, "1.23M" out.

/// A whole number with an optional unit in any case: b, k (1000), kb (1024), m, mb, g, gb.
pub fn parse_memory(text: &str) -> Option<i64> {
    let digits_len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(digits_len);
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

/// The largest binary unit that divides the amount: what CONFIG REWRITE writes, and `parse_memory` reads.
pub fn memory_words(bytes: i64) -> String {
    for (unit, name) in [(1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")] {
        if bytes >= unit && bytes % unit == 0 {
            return format!("{}{name}", bytes / unit);
        }
    }
    bytes.to_string()
}

/// As INFO prints memory for people: "512B", "1.23M".
pub fn human_bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let exponent = bytes.ilog2() / 10;
    let amount = bytes as f64 / (1u64 << (10 * exponent)) as f64;
    format!("{amount:.2}{}", ["B", "K", "M", "G", "T", "P", "E"][exponent as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory() {
        for (text, bytes) in [
            ("0", Some(0)),
            ("100", Some(100)),
            ("5b", Some(5)),
            ("1k", Some(1000)),
            ("1KB", Some(1024)),
            ("3m", Some(3_000_000)),
            ("2Mb", Some(2 << 20)),
            ("1g", Some(1_000_000_000)),
            ("1gb", Some(1 << 30)),
            ("", None),
            ("k", None),
            ("-1", None),
            ("1q", None),
            ("1.5gb", None),
            ("10 mb", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("9999999999gb", None),
        ] {
            assert_eq!(parse_memory(text), bytes, "{text}");
        }
        for bytes in [0, 1, 1000, 1024, 1 << 20, 3 << 30, (1 << 30) + 1] {
            assert_eq!(parse_memory(&memory_words(bytes)), Some(bytes));
        }
        assert_eq!(memory_words(100 << 20), "100mb");
    }

    #[test]
    fn human() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00K"),
            (1_290_000, "1.23M"),
            (3 << 30, "3.00G"),
            (5 << 40, "5.00T"),
            (u64::MAX, "16.00E"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }
}
