//! Redis's patterns: `*`, `?`, `[abc]`, `[^a-z]`, `\x`, over bytes.
//!
//! Every part but `*` takes exactly one byte, so on a mismatch it is enough to let the last `*` take one byte more:
//! at worst pattern times text, never exponential.
//! Odd patterns do what they do in Redis: an unclosed class ends with the pattern, `[z-a]` is `[a-z]`, in `[a-]` the
//! range runs to the bracket, and a backslash at the very end is a backslash.

/// A pattern with more runs of stars than this in front of something fits nothing, as in Redis.
const STARS_MAX: usize = 1000;

/// Whether the whole text fits the pattern.
pub fn matches(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on after a mismatch: the place behind the last star, and the first byte that star did not take.
    let mut back: Option<(usize, usize)> = None;
    let mut stars = 0;
    loop {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            if p == pattern.len() {
                return true;
            }
            back = Some((p, t));
            stars += usize::from(pattern[p] != b'*');
            if stars > STARS_MAX {
                return false;
            }
            continue;
        }
        if t == text.len() {
            return p == pattern.len();
        }
        match (p < pattern.len()).then(|| one(pattern, p, text[t], nocase)) {
            Some((true, next)) => {
                p = next;
                t += 1;
            }
            _ => {
                let Some((star_p, star_t)) = back else { return false };
                back = Some((star_p, star_t + 1));
                p = star_p;
                t = star_t + 1;
            }
        }
    }
}

/// Whether the pattern fits only itself, so that a lookup can replace the walk.
pub fn is_literal(pattern: &[u8]) -> bool {
    !pattern.iter().any(|b| matches!(b, b'*' | b'?' | b'[' | b'\\'))
}

/// Whether the part of the pattern at `p` takes this byte, and where the next part begins.
#[inline]
fn one(pattern: &[u8], p: usize, byte: u8, nocase: bool) -> (bool, usize) {
    match pattern[p] {
        b'?' => (true, p + 1),
        b'[' => class(pattern, p + 1, byte, nocase),
        b'\\' if p + 1 < pattern.len() => (same(pattern[p + 1], byte, nocase), p + 2),
        literal => (same(literal, byte, nocase), p + 1),
    }
}

fn class(pattern: &[u8], mut p: usize, byte: u8, nocase: bool) -> (bool, usize) {
    let negated = pattern.get(p) == Some(&b'^');
    p += usize::from(negated);
    let mut hit = false;
    loop {
        match pattern[p..] {
            [] => return (hit != negated, p),
            [b']', ..] => return (hit != negated, p + 1),
            [b'\\', escaped, ..] => {
                hit |= escaped == byte;
                p += 2;
            }
            [from, b'-', to, ..] => {
                let fold = |b: u8| if nocase { b.to_ascii_lowercase() } else { b };
                let (from, to, byte) = (fold(from), fold(to), fold(byte));
                hit |= (from.min(to)..=from.max(to)).contains(&byte);
                p += 3;
            }
            [literal, ..] => {
                hit |= same(literal, byte, nocase);
                p += 1;
            }
        }
    }
}

#[inline]
fn same(a: u8, b: u8, nocase: bool) -> bool {
    a == b || (nocase && a.eq_ignore_ascii_case(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition: a star takes nothing, or one byte and is asked again.
    fn naive(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
        match (pattern, text) {
            ([], rest) => rest.is_empty(),
            ([b'*', more @ ..], _) => {
                naive(more, text, nocase) || (!text.is_empty() && naive(pattern, &text[1..], nocase))
            }
            (_, []) => false,
            (_, [byte, rest @ ..]) => {
                let (hit, next) = one(pattern, 0, *byte, nocase);
                hit && naive(&pattern[next..], rest, nocase)
            }
        }
    }

    #[test]
    fn by_example() {
        // Every row was asked of Redis 7.0 (KEYS).
        for (pattern, text, expected) in [
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*c", "abbbc", true),
            ("a*c", "abbbd", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("[a-c]", "b", true),
            ("[c-a]", "b", true),
            ("[a", "a", true),
            ("[a", "b", false),
            ("[^a", "b", true),
            ("[a-]", "]", true),
            ("[a-]", "-", false),
            ("[a-", "-", true),
            ("[]", "x", false),
            ("[^]", "x", true),
            ("[", "x", false),
            ("[\\]]", "]", true),
            ("[\\", "\\", true),
            ("a\\*c", "a*c", true),
            ("a\\*c", "abc", false),
            ("a\\", "a\\", true),
            ("**a**", "bab", true),
            ("a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes(), false), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn case_and_literals() {
        assert!(matches(b"MAX*", b"maxmemory", true) && !matches(b"MAX*", b"maxmemory", false));
        assert!(matches(b"[A-Z]x", b"qX", true));
        assert!(is_literal(b"key:1") && !is_literal(b"key:?") && !is_literal(b"a\\b"));
    }

    #[test]
    fn hostile_patterns_end() {
        let text = vec![b'a'; 20_000];
        let pattern = [b"a*".repeat(50), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &text, false));
        let stars = |count| matches(&b"*?".repeat(count), &text, false);
        assert!(stars(1000) && !stars(1001) && !stars(20_000));
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?\\[\\]^\\\\A-]{0,9}", text in "[abA\\]\\\\-]{0,8}", nocase: bool) {
            let (p, t) = (pattern.as_bytes(), text.as_bytes());
            prop_assert_eq!(matches(p, t, nocase), naive(p, t, nocase));
        }
    }
}
