//! Words: lines cut into words with quotes, words quoted, compared without case, and how far apart two names are.

/// Without regard to ASCII case.
#[inline]
pub fn eq_ignore_case(a: impl AsRef<[u8]>, b: impl AsRef<[u8]>) -> bool {
    a.as_ref().eq_ignore_ascii_case(b.as_ref())
}

/// Without regard to ASCII case.
pub fn starts_with_ignore_case(text: impl AsRef<[u8]>, prefix: impl AsRef<[u8]>) -> bool {
    let prefix = prefix.as_ref();
    text.as_ref().get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// Cuts a line at white space. "..." may hold spaces and \n \r \t \b \a \xHH \" \\; '...' holds anything but \' for
/// a quote. `None` when a quote is not closed or something touches a closing quote.
pub fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (mut words, mut at) = (Vec::new(), 0);
    let space = |b: u8| b.is_ascii_whitespace() || b == 0 || b == 0x0b;
    loop {
        while at < line.len() && space(line[at]) {
            at += 1;
        }
        if at == line.len() {
            return Some(words);
        }
        let mut word = Vec::new();
        while at < line.len() && !space(line[at]) {
            match line[at] {
                b'"' => at = double_quoted(line, at + 1, &mut word)?,
                b'\'' => at = single_quoted(line, at + 1, &mut word)?,
                b => {
                    word.push(b);
                    at += 1;
                    continue;
                }
            }
            if line.get(at).is_some_and(|&b| !space(b)) {
                return None;
            }
        }
        words.push(word);
    }
}

/// From behind the opening quote to behind the closing one.
fn double_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        let (byte, len) = match line[at..] {
            [] => return None,
            [b'"', ..] => return Some(at + 1),
            [b'\\', b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |b: u8| (b as char).to_digit(16).expect("just checked") as u8;
                (digit(high) << 4 | digit(low), 4)
            }
            [b'\\', escaped, ..] => {
                let byte = match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                };
                (byte, 2)
            }
            [byte, ..] => (byte, 1),
        };
        word.push(byte);
        at += len;
    }
}

fn single_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        let (byte, len) = match line[at..] {
            [] => return None,
            [b'\'', ..] => return Some(at + 1),
            [b'\\', b'\'', ..] => (b'\'', 2),
            [byte, ..] => (byte, 1),
        };
        word.push(byte);
        at += len;
    }
}

/// The bytes in double quotes, escaped so that it is one printable line and `split_words` gives the bytes back.
pub fn quote(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &b in bytes {
        match b {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(b as char);
            }
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            7 => text.push_str("\\a"),
            8 => text.push_str("\\b"),
            b' '..=b'~' => text.push(b as char),
            _ => text.push_str(&format!("\\x{b:02x}")),
        }
    }
    text.push('"');
    text
}

/// The word as it may stand in a configuration file: quoted only if it must be.
pub fn word_for_file(word: &str) -> String {
    let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\') || b >= 0x80;
    if !word.is_empty() && word.bytes().all(plain) { word.to_owned() } else { quote(word.as_bytes()) }
}

/// Words as one line that `split_words` cuts into the same words.
pub fn join_words<W: AsRef<str>>(words: &[W]) -> String {
    words.iter().map(|word| word_for_file(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// How many letters to insert, remove, replace or swap with their neighbour to make one word of the other.
pub fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1; b.len() + 1];
        for j in 0..b.len() {
            row[j + 1] = (last[j] + usize::from(a[i] != b[j])).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                row[j + 1] = row[j + 1].min(before_last[j - 1] + 1);
            }
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(line: &str) -> Option<Vec<String>> {
        let words = split_words(line.as_bytes())?;
        Some(words.into_iter().map(|word| String::from_utf8(word).unwrap()).collect())
    }

    #[test]
    fn splits() {
        for (line, words) in [
            ("", vec![]),
            ("  \t ", vec![]),
            ("set  a b\r", vec!["set", "a", "b"]),
            ("a \"b c\" 'd e'", vec!["a", "b c", "d e"]),
            (r#""\n\x41\"\q\\" '\'\n'"#, vec!["\nA\"q\\", "'\\n"]),
            (r#""" ''"#, vec!["", ""]),
            (r#"a"b""#, vec!["ab"]),
            (r#""\x4""#, vec!["x4"]),
        ] {
            assert_eq!(split(line), Some(words.into_iter().map(String::from).collect()), "{line}");
        }
        for broken in ["\"a", "'a", "\"a\"b", "'a'b", "\"a\\", "\"\"\"", "a \"b\\\""] {
            assert_eq!(split(broken), None, "{broken}");
        }
    }

    #[test]
    fn compares() {
        assert!(eq_ignore_case("GeT", b"get") && !eq_ignore_case("get", "gett"));
        assert!(starts_with_ignore_case("CLIENT", "cli") && !starts_with_ignore_case("CL", "cli"));
    }

    #[test]
    fn distances() {
        for (a, b, distance) in [
            ("", "", 0),
            ("", "abc", 3),
            ("maxmemory", "maxmemory", 0),
            ("maxmemroy", "maxmemory", 1),
            ("maxmemory", "maxmemry", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!((edit_distance(a, b), edit_distance(b, a)), (distance, distance), "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn quotes_read_back(words in prop::collection::vec(any::<Vec<u8>>(), 0..4)) {
            let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
            prop_assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)));
            prop_assert_eq!(split_words(line.as_bytes()), Some(words));
        }

        #[test]
        fn joined_words_read_back(words in prop::collection::vec("[a-z \"'\\\\é\n]{0,5}", 0..4)) {
            prop_assert_eq!(split(&join_words(&words)), Some(words));
        }

        #[test]
        fn any_line_is_answered(line: Vec<u8>) {
            let _ = split_words(&line);
        }
    }
}
