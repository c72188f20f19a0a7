//! One command from bytes: `*3\r\n$3\r\nSET\r\n…`, as loaders of append-only files expect it.
//!
//! Words come out as ranges, nothing is copied. A length that was announced costs nothing: memory grows with bytes that
//! are there.

/// Where a word is in the bytes that were scanned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    pub(crate) at: usize,
    pub(crate) len: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The bytes end inside the command.
    More,
    Bad {
        at: usize,
        what: &'static str,
    },
}

/// Redis refuses longer strings (`proto-max-bulk-len` at its largest).
const WORD_BYTES_MAX: u64 = 1 << 40;
const WORDS_MAX: u64 = i32::MAX as u64;
/// Digits of a length, its sign and line end.
const LENGTH_LINE_MAX: usize = 24;

/// Appends the words of the command at `at`; gives the place behind it.
#[inline]
pub(crate) fn command(bytes: &[u8], at: usize, words: &mut Vec<Word>) -> Result<usize, Stop> {
    let (count, mut at) = length(bytes, at, b'*', WORDS_MAX, "not the number of a command's words")?;
    if count == 0 {
        return Err(Stop::Bad { at, what: "a command without words" });
    }
    for _ in 0..count {
        let (len, from) = length(bytes, at, b'$', WORD_BYTES_MAX, "not the length of a word")?;
        let end = from + len as usize;
        match bytes.get(end..end + 2) {
            Some(b"\r\n") => {}
            Some(_) => return Err(Stop::Bad { at: end, what: "no line end behind a word" }),
            None => {
                let ended = bytes.get(end).is_none_or(|b| *b == b'\r');
                return Err(if ended { Stop::More } else { Stop::Bad { at: end, what: "no line end behind a word" } });
            }
        }
        words.push(Word { at: from, len: len as usize });
        at = end + 2;
    }
    Ok(at)
}

/// `*3\r\n`, `$11\r\n`: the number and the place behind the line.
#[inline]
fn length(bytes: &[u8], at: usize, kind: u8, max: u64, what: &'static str) -> Result<(u64, usize), Stop> {
    match bytes.get(at..at + 5) {
        Some(&[k, a, b'\r', b'\n', _]) if k == kind && a.is_ascii_digit() => Ok((u64::from(a - b'0'), at + 4)),
        Some(&[k, a, b, b'\r', b'\n']) if k == kind && a.is_ascii_digit() && b.is_ascii_digit() => {
            Ok((u64::from(a - b'0') * 10 + u64::from(b - b'0'), at + 5))
        }
        _ => any_length(bytes, at, kind, max, what),
    }
}

fn any_length(bytes: &[u8], at: usize, kind: u8, max: u64, what: &'static str) -> Result<(u64, usize), Stop> {
    let bad = Stop::Bad { at, what };
    let rest = &bytes[at.min(bytes.len())..];
    if rest.first().is_some_and(|b| *b != kind) {
        return Err(bad);
    }
    let line = &rest[..rest.len().min(LENGTH_LINE_MAX)];
    let digits = line.iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
    match line.get(1 + digits..) {
        Some([b'\r', b'\n', ..]) => {
            let number = kit::text::parse_u64(&line[1..1 + digits]).filter(|number| *number <= max).ok_or(bad)?;
            Ok((number, at + 1 + digits + 2))
        }
        Some([] | [b'\r']) | None if line.len() < LENGTH_LINE_MAX => Err(Stop::More),
        _ => Err(bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Unit;
    use proptest::prelude::*;

    fn words(bytes: &[u8]) -> Result<(usize, Vec<&[u8]>), Stop> {
        let mut words = Vec::new();
        let end = command(bytes, 0, &mut words)?;
        Ok((end, words.iter().map(|word| &bytes[word.at..word.at + word.len]).collect()))
    }

    #[test]
    fn bad_ones() {
        for bytes in [
            &b"!!!"[..],
            b"*0\r\n",
            b"*-1\r\n",
            b"*x\r\n",
            b"*1x\r\n",
            b"*1\r\n:1\r\n",
            b"*1\r\n$1\r\nab\r\n",
            b"*1\r\n$1\r\na\rb",
            b"*99999999999999999999999\r\n",
            b"*3000000000\r\n",
            b"*1\r\n$2000000000000\r\n",
        ] {
            assert!(matches!(words(bytes), Err(Stop::Bad { .. })), "{:?}", bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn announced_lengths_cost_nothing() {
        assert_eq!(words(b"*2000000000\r\n$1000000000000\r\nabc"), Err(Stop::More));
    }

    proptest! {
        #[test]
        fn what_a_unit_holds_comes_back(given: Vec<Vec<u8>>, cut: prop::sample::Index) {
            prop_assume!(!given.is_empty());
            let mut unit = Unit::default();
            unit.push(0, given.iter().map(Vec::as_slice));
            let (_, bytes) = unit.commands().next().unwrap();
            let (end, back) = words(bytes).unwrap();
            prop_assert_eq!(end, bytes.len());
            prop_assert_eq!(back, given.iter().map(Vec::as_slice).collect::<Vec<_>>());
            prop_assert_eq!(words(&bytes[..cut.index(bytes.len())]), Err(Stop::More));
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = words(&bytes);
        }
    }
}
