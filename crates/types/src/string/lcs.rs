//! Longest common subsequence of two strings: LCS.
//!
//! The textbook table holds, for every prefix of `a` and of `b`, the length of their LCS. Along a row that number
//! grows by 0 or 1 a step, so a row of it is a row of bits, and one addition with carry makes 64 of them from the row
//! before (Crochemore, Iliopoulos, Pinzon, Reid: A fast and practical bit-vector algorithm for the LCS problem, 2001).
//! That is a thirty-second of Redis's memory, and little time.
//!
//! The bits are also all that is needed to walk back from the ends. Where two bytes differ, Redis shortens `a` if that
//! keeps more than shortening `b` does, else `b`; shortening `a` keeps more exactly where the row grew by 1: there,
//! without that byte of `b`, the subsequence is shorter, and the length must have come from above.
//! Always true: among equally long subsequences and their ranges we answer the one that Redis does.

use std::ops::Range;

/// A longest common subsequence and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lcs {
    pub bytes: Vec<u8>,
    pub len: usize,
    /// From the ends of the strings to their beginnings, as long as possible each.
    pub matches: Vec<Match>,
}

/// Equal runs of both strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    pub a: Range<usize>,
    pub b: Range<usize>,
    pub len: usize,
}

/// The table would take more memory than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooBig {
    pub bytes: u64,
    pub bytes_max: u64,
}

/// The subsequence and its ranges, if the table for it takes at most `bytes_max`.
pub fn lcs(a: &[u8], b: &[u8], bytes_max: u64) -> Result<Lcs, TooBig> {
    let bytes = table_bytes(a.len(), b.len());
    if bytes > bytes_max {
        return Err(TooBig { bytes, bytes_max });
    }
    Ok(walk_back(a, b, &Table::new(a, b)))
}

/// The length only, in memory that grows with the shorter string.
///
/// Time grows with both: 64 cells of the table a step, under 2 ns. A caller that serves others asks `table_bytes`
/// first, here too.
pub fn lcs_len(a: &[u8], b: &[u8]) -> usize {
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    let places = Places::new(short);
    let mut row = first_row(short);
    for &byte in long {
        next_row(&mut row, places.of(byte));
    }
    row.iter().map(|word| word.count_zeros() as usize).sum()
}

/// Memory that `lcs` needs for strings of these lengths.
pub fn table_bytes(a_len: usize, b_len: usize) -> u64 {
    let place_rows = b_len.min(256) as u64;
    let rows = (a_len as u64).saturating_add(place_rows);
    rows.saturating_mul(8 * words_for(b_len) as u64)
}

fn walk_back(a: &[u8], b: &[u8], table: &Table) -> Lcs {
    let mut bytes = Vec::new();
    let mut matches: Vec<Match> = Vec::new();
    let (mut i, mut j) = (a.len(), b.len());
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            bytes.push(a[i - 1]);
            let (a, b) = (i - 1..i, j - 1..j);
            match matches.last_mut() {
                Some(last) if last.a.start == i && last.b.start == j => {
                    (last.a.start, last.b.start) = (a.start, b.start);
                    last.len += 1;
                }
                _ => matches.push(Match { a, b, len: 1 }),
            }
            (i, j) = (i - 1, j - 1);
        } else if table.grew(i - 1, j - 1) {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    bytes.reverse();
    Lcs { len: bytes.len(), bytes, matches }
}

/// Row i: bit j is 0 where the LCS of `a[..=i]` with `b[..=j]` is one longer than with `b[..j]`.
struct Table {
    words: Vec<u64>,
    row_words: usize,
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Table {
        let places = Places::new(b);
        let mut row = first_row(b);
        let mut words = Vec::with_capacity(a.len() * row.len());
        for &byte in a {
            next_row(&mut row, places.of(byte));
            words.extend_from_slice(&row);
        }
        Table { words, row_words: row.len() }
    }

    fn grew(&self, i: usize, j: usize) -> bool {
        self.words[i * self.row_words + j / 64] >> (j % 64) & 1 == 0
    }
}

/// The row of the empty prefix: it never grows. Bits behind the string's end stay 1 in all rows.
fn first_row(b: &[u8]) -> Vec<u64> {
    vec![u64::MAX; words_for(b.len())]
}

// In the row above, runs of ones stand between the growths. If the byte occurs in a run, the growth that ends the run
// moves down to the first occurrence: adding the occurrences carries from there up to the old growth and fills it, and
// the ones that the carry cleared on its way, where the byte does not occur, are put back.
fn next_row(row: &mut [u64], places: &[u64]) {
    let mut carry = false;
    for (word, &places) in row.iter_mut().zip(places) {
        let (sum, carry_out) = word.carrying_add(*word & places, carry);
        *word = sum | (*word & !places);
        carry = carry_out;
    }
}

/// For each byte the places where it occurs, as a row of bits. Only bytes that occur have a row of their own.
struct Places {
    row_of: [u16; 256],
    words: Vec<u64>,
    row_words: usize,
}

/// Row 0 is for all bytes that do not occur; it is not stored: a row without words leaves the table's row unchanged.
const NOWHERE: u16 = 0;

impl Places {
    fn new(b: &[u8]) -> Places {
        let row_words = words_for(b.len());
        let mut places = Places { row_of: [NOWHERE; 256], words: Vec::new(), row_words };
        let mut row_count = 0;
        for (j, &byte) in b.iter().enumerate() {
            let row = &mut places.row_of[usize::from(byte)];
            if *row == NOWHERE {
                row_count += 1;
                *row = row_count;
                places.words.resize(places.words.len() + row_words, 0);
            }
            places.words[usize::from(*row - 1) * row_words + j / 64] |= 1 << (j % 64);
        }
        places
    }

    fn of(&self, byte: u8) -> &[u64] {
        match self.row_of[usize::from(byte)] {
            NOWHERE => &[],
            row => &self.words[usize::from(row - 1) * self.row_words..][..self.row_words],
        }
    }
}

fn words_for(len: usize) -> usize {
    len.div_ceil(64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook, with Redis's choice where bytes differ.
    fn model(a: &[u8], b: &[u8]) -> Lcs {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] = match a[i - 1] == b[j - 1] {
                    true => table[i - 1][j - 1] + 1,
                    false => table[i - 1][j].max(table[i][j - 1]),
                };
            }
        }
        let (mut i, mut j, mut pairs) = (a.len(), b.len(), Vec::new());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                (i, j) = (i - 1, j - 1);
                pairs.push((i, j));
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        let runs = pairs.chunk_by(|&(i, j), &next| next == (i.wrapping_sub(1), j.wrapping_sub(1)));
        let matches = runs
            .map(|run| {
                let ((a_last, b_last), (a, b)) = (run[0], run[run.len() - 1]);
                Match { a: a..a_last + 1, b: b..b_last + 1, len: run.len() }
            })
            .collect();
        Lcs { bytes: pairs.iter().rev().map(|&(i, _)| a[i]).collect(), len: table[a.len()][b.len()], matches }
    }

    fn ranges(a: &str, b: &str) -> Vec<(Range<usize>, Range<usize>)> {
        let lcs = lcs(a.as_bytes(), b.as_bytes(), u64::MAX).unwrap();
        lcs.matches.into_iter().map(|m| (m.a, m.b)).collect()
    }

    #[test]
    fn as_redis_answers() {
        assert_eq!(lcs(b"ohmytext", b"mynewtext", 1 << 20).unwrap().bytes, b"mytext");
        assert_eq!(ranges("ohmytext", "mynewtext"), [(4..8, 5..9), (2..4, 0..2)]);
        assert_eq!(lcs(b"abcbdab", b"bdcaba", 1 << 20).unwrap().bytes, b"bdab");
        assert_eq!(ranges("abcbdab", "bdcaba"), [(5..7, 3..5), (3..5, 0..2)]);
        assert_eq!(ranges("", "abc"), []);
        assert_eq!(lcs(b"abc", b"", 0), Ok(Lcs { bytes: vec![], len: 0, matches: vec![] }));
    }

    #[test]
    fn refuses_a_big_table() {
        let (a, b) = ([b'x'; 100], [b'x'; 65]);
        let need = (100 + 65) * 2 * 8; // two words a row
        assert_eq!(table_bytes(a.len(), b.len()), need);
        assert_eq!(lcs(&a, &b, need - 1), Err(TooBig { bytes: need, bytes_max: need - 1 }));
        assert_eq!(lcs(&a, &b, need).unwrap().len, 65);
        assert_eq!(table_bytes(usize::MAX, usize::MAX), u64::MAX);
    }

    proptest! {
        // Few letters: many equally long subsequences. Up to four words: the carry crosses.
        #[test]
        fn like_the_textbook(
            letters in 1u8..6, a in proptest::collection::vec(any::<u8>(), 0..140),
            b in proptest::collection::vec(any::<u8>(), 0..220), swap: bool,
        ) {
            let few = |bytes: Vec<u8>| bytes.into_iter().map(|byte| b'a' + byte % letters).collect::<Vec<u8>>();
            let (a, b) = if swap { (few(b), few(a)) } else { (few(a), few(b)) };
            let expected = model(&a, &b);
            prop_assert_eq!(lcs_len(&a, &b), expected.len);
            prop_assert_eq!(lcs(&a, &b, 1 << 20), Ok(expected));
        }

        #[test]
        fn like_the_textbook_with_any_bytes(
            a in proptest::collection::vec(any::<u8>(), 0..300), b in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let expected = model(&a, &b);
            prop_assert_eq!(lcs_len(&a, &b), expected.len);
            prop_assert_eq!(lcs(&a, &b, 1 << 20), Ok(expected));
        }
    }
}
