//! Inline requests: a line typed by a person, words between blanks.
//!
//! A line without quotes has words that are ranges of it, so it costs no copy. One with quotes is
//! cut by `kit::text::split_words`, which also reads configuration files.
//! Always true: on a line without quotes both find the same words.

/// The words of a line as ranges. Only right for a line without quotes (see `has_quotes`).
pub(crate) fn plain_words(line: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += line[at..].iter().position(|&byte| !is_blank(byte))?;
        let start = at;
        let len = line[at..].iter().position(|&byte| is_blank(byte));
        at = len.map_or(line.len(), |len| at + len);
        Some((start, at - start))
    })
}

pub(crate) fn has_quotes(line: &[u8]) -> bool {
    line.iter().any(|&byte| byte == b'"' || byte == b'\'')
}

/// What C's `isspace` calls a space, vertical tab included.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_the_words_that_split_words_finds() {
        for line in ["", "  ", "a", " a", "a ", "PING", " GET \t key\x0b\x0c x ", "a\\nb", "a\rb"] {
            let line = line.as_bytes();
            let plain: Vec<_> = plain_words(line).map(|(start, len)| &line[start..start + len]).collect();
            assert!(!has_quotes(line));
            assert_eq!(plain, kit::text::split_words(line).unwrap(), "{line:?}");
        }
    }
}
