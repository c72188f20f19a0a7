//! Ends of ranges as they are written in requests: by score, by member, by rank. All become a range of ranks.

use exec::Error;
use kit::text;
use std::ops::Range;
use types::SortedSet;

/// `1.5`, `(1.5`, `-inf`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoreEnd {
    score: f64,
    excluded: bool,
}

impl ScoreEnd {
    fn parse(word: &[u8]) -> Result<ScoreEnd, Error> {
        let (excluded, number) = match word {
            [b'(', number @ ..] => (true, number),
            number => (false, number),
        };
        let score = score(number).ok_or(Error::Static("ERR min or max is not a float"))?;
        Ok(ScoreEnd { score, excluded })
    }
}

/// Ends take more than scores do: nothing is 0, spaces may stand before, and what is too large is infinite.
fn score(number: &[u8]) -> Option<f64> {
    if number.is_empty() {
        return Some(0.0);
    }
    let number = number.trim_ascii_start();
    let is_decimal = |text: &&str| text.trim_start_matches(['+', '-']).starts_with(|c: char| c.is_ascii_digit());
    text::parse_f64(number).or_else(|| std::str::from_utf8(number).ok().filter(is_decimal)?.parse().ok())
}

/// `[member`, `(member`, `-`, `+`.
#[derive(Clone, Copy, Debug)]
pub(super) enum LexEnd<'a> {
    Lowest,
    Highest,
    Included(&'a [u8]),
    Excluded(&'a [u8]),
}

impl<'a> LexEnd<'a> {
    fn parse(word: &'a [u8]) -> Result<LexEnd<'a>, Error> {
        match word {
            [b'-'] => Ok(LexEnd::Lowest),
            [b'+'] => Ok(LexEnd::Highest),
            [b'[', member @ ..] => Ok(LexEnd::Included(member)),
            [b'(', member @ ..] => Ok(LexEnd::Excluded(member)),
            _ => Err(Error::Static("ERR min or max not valid string range item")),
        }
    }

    /// Members before this lower end.
    fn before(self, set: &SortedSet) -> usize {
        match self {
            LexEnd::Lowest => 0,
            LexEnd::Highest => set.len(),
            LexEnd::Included(member) => set.count_below_lex(member, false),
            LexEnd::Excluded(member) => set.count_below_lex(member, true),
        }
    }

    /// Members up to this upper end.
    fn up_to(self, set: &SortedSet) -> usize {
        match self {
            LexEnd::Lowest => 0,
            LexEnd::Highest => set.len(),
            LexEnd::Included(member) => set.count_below_lex(member, true),
            LexEnd::Excluded(member) => set.count_below_lex(member, false),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Bounds<'a> {
    /// Positions, negative ones from the end; both ends belong to it.
    Rank(i64, i64),
    Score(ScoreEnd, ScoreEnd),
    Lex(LexEnd<'a>, LexEnd<'a>),
}

impl<'a> Bounds<'a> {
    pub(super) fn by_rank(start: &[u8], stop: &[u8]) -> Result<Bounds<'a>, Error> {
        let int = |word| text::parse_i64(word).ok_or(Error::NotInteger);
        Ok(Bounds::Rank(int(start)?, int(stop)?))
    }

    pub(super) fn by_score(min: &[u8], max: &[u8]) -> Result<Bounds<'a>, Error> {
        Ok(Bounds::Score(ScoreEnd::parse(min)?, ScoreEnd::parse(max)?))
    }

    pub(super) fn by_lex(min: &'a [u8], max: &'a [u8]) -> Result<Bounds<'a>, Error> {
        Ok(Bounds::Lex(LexEnd::parse(min)?, LexEnd::parse(max)?))
    }

    pub(super) fn ranks(self, set: &SortedSet) -> Range<usize> {
        let (start, end) = match self {
            Bounds::Rank(start, stop) => return ranks(start, stop, set.len()),
            Bounds::Score(min, max) => {
                (set.count_below(min.score, min.excluded), set.count_below(max.score, !max.excluded))
            }
            Bounds::Lex(min, max) => (min.before(set), max.up_to(set)),
        };
        start..end.max(start)
    }
}

/// `start` and `stop` as positions in something of `len` elements.
pub(super) fn ranks(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_front = |at: i64| if at < 0 { at.saturating_add(len) } else { at };
    let start = from_front(start).clamp(0, len);
    let end = from_front(stop).min(len - 1).saturating_add(1).max(start);
    start as usize..end as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_by_score() {
        let all = ["1.5", "", " 2", "1e400", "-1e400", "(", "(inf"].map(|word| ScoreEnd::parse(word.as_bytes()));
        let all = all.map(|end| end.map(|end| (end.score, end.excluded)));
        let (inf, zero) = (f64::INFINITY, 0.0);
        let expected =
            [(1.5, false), (zero, false), (2.0, false), (inf, false), (-inf, false), (zero, true), (inf, true)];
        assert_eq!(all, expected.map(Ok));
        for word in ["abc", "1 ", " ", "nan", "((1", "+-1", "[1"] {
            assert!(ScoreEnd::parse(word.as_bytes()).is_err(), "{word:?}");
        }
    }

    #[test]
    fn ranks_are_cut_to_what_is_there() {
        for ((start, stop, len), expected) in [
            ((0, -1, 5), 0..5),
            ((1, 2, 5), 1..3),
            ((-2, -1, 5), 3..5),
            ((-100, 100, 5), 0..5),
            ((3, 1, 5), 3..3),
            ((9, 10, 5), 5..5),
            ((0, -9, 5), 0..0),
            ((i64::MIN, i64::MAX, 2), 0..2),
            ((i64::MAX, i64::MIN, 2), 2..2),
            ((0, -1, 0), 0..0),
        ] {
            assert_eq!(ranks(start, stop, len), expected, "{start} {stop} of {len}");
        }
    }
}
