//! Finds the keys of a request by the key specs of its command.
//!
//! Used by the lock plan for every request, by COMMAND GETKEYS, and later by ACL and cluster
//! routing. A spec that does not fit the words (too few of them, a bad count) yields no keys and
//! is reported: the body will refuse such a request itself.

use crate::command::{Begin, Command, Find, KeyAccess, KeySpec};
use kit::text;

/// A key's position and what the command does with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub word: usize,
    pub access: KeyAccess,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The words do not fit a spec.
    Invalid,
    /// A spec says that only the body knows.
    Unknown,
}

/// Calls `found` for each key in the order of the specs.
pub fn each_key<'a>(
    command: &Command,
    words: usize,
    word: &dyn Fn(usize) -> &'a [u8],
    found: &mut dyn FnMut(Found),
) -> Result<(), Misfit> {
    let mut outcome = Ok(());
    for spec in command.keys {
        if spec.access.has(KeyAccess::NOT_KEY) {
            continue;
        }
        if is_empty_for_list(command, spec, words, word) {
            continue;
        }
        let Some(begin) = begin(spec.begin, words, word) else {
            match spec.begin {
                Begin::Unknown => outcome = Err(Misfit::Unknown),
                Begin::Keyword(..) | Begin::Option { .. } => {}
                Begin::Index(_) => outcome = Err(Misfit::Invalid),
            }
            continue;
        };
        let (first, last, step) = match spec.find {
            Find::Range { last, step, limit } => {
                let last = match last {
                    last if last >= 0 => begin + last as usize,
                    last if limit > 1 => {
                        let left = words - begin;
                        begin + (left / limit as usize).saturating_sub(last.unsigned_abs() as usize)
                    }
                    last => match words.checked_sub(last.unsigned_abs() as usize) {
                        Some(last) => last,
                        None => {
                            outcome = Err(Misfit::Invalid);
                            continue;
                        }
                    },
                };
                (begin, last, step.max(1) as usize)
            }
            Find::Count { at, first, step } => {
                let count = begin + at as usize;
                let number = if count < words { text::parse_i64(word(count)) } else { None };
                let Some(number) = number.and_then(|n| usize::try_from(n).ok()) else {
                    outcome = Err(Misfit::Invalid);
                    continue;
                };
                let step = step.max(1) as usize;
                let first = begin + first as usize;
                // The words bound the count before it is multiplied.
                if number > words {
                    outcome = Err(Misfit::Invalid);
                    continue;
                }
                if number == 0 {
                    continue;
                }
                (first, first + (number - 1) * step, step)
            }
            Find::Unknown => {
                outcome = Err(Misfit::Unknown);
                continue;
            }
        };
        if last >= words || first > last {
            outcome = Err(Misfit::Invalid);
            continue;
        }
        let mut at = first;
        while at <= last {
            found(Found { word: at, access: spec.access });
            at += step;
        }
    }
    outcome
}

/// MIGRATE has an empty word where its key is when the keys come in a list behind KEYS.
fn is_empty_for_list<'a>(command: &Command, spec: &KeySpec, words: usize, word: &dyn Fn(usize) -> &'a [u8]) -> bool {
    let Begin::Index(at) = spec.begin else { return false };
    let is_list =
        |other: &KeySpec| matches!(other.begin, Begin::Keyword(..)) && other.access.has(KeyAccess::INCOMPLETE);
    command.keys.len() > 1
        && (at as usize) < words
        && word(at as usize).is_empty()
        && command.keys.iter().any(|other| is_list(other) && begin(other.begin, words, word).is_some())
}

/// What the request does to a key, its options seen: rows with VARIABLE_FLAGS do more or less by them. SET reads with
/// GET or a condition on the value, BITFIELD without a write only reads.
pub fn access_of<'a>(
    command: &Command,
    words: usize,
    word: &dyn Fn(usize) -> &'a [u8],
    declared: KeyAccess,
) -> KeyAccess {
    if !declared.has(KeyAccess::VARIABLE_FLAGS) {
        return declared;
    }
    let has = |from: usize, name: &str| (from..words).any(|i| text::eq_ignore_case(word(i), name.as_bytes()));
    match command.name {
        "SET" if ["GET", "IFEQ"].iter().any(|name| has(3, name)) => {
            KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE)
        }
        "SET" => KeyAccess::OW.and(KeyAccess::UPDATE),
        "BITFIELD" if !has(2, "SET") && !has(2, "INCRBY") => KeyAccess::RO.and(KeyAccess::ACCESS),
        "BITFIELD" => KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE),
        _ => declared,
    }
}

fn begin<'a>(begin: Begin, words: usize, word: &dyn Fn(usize) -> &'a [u8]) -> Option<usize> {
    match begin {
        Begin::Index(index) => usize::try_from(index).ok().filter(|&index| index < words),
        Begin::Keyword(keyword, from) => {
            let is = |&i: &usize| text::eq_ignore_case(word(i), keyword.as_bytes());
            let at = if from >= 0 {
                (from as usize..words.saturating_sub(1)).find(is)
            } else {
                let last = words.checked_sub(from.unsigned_abs() as usize)?;
                (1..=last).rev().find(is)
            };
            at.map(|at| at + 1)
        }
        Begin::Option { word: option, from, others } => {
            let (mut i, mut at) = (usize::from(from), None);
            while i + 1 < words {
                let is = |name: &str| text::eq_ignore_case(word(i), name.as_bytes());
                let skip = others.iter().find(|(name, _)| is(name)).map_or(0, |(_, skip)| usize::from(*skip));
                if skip == 0 && is(option) {
                    at = Some(i + 1);
                }
                i += 1 + skip;
            }
            at
        }
        Begin::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{READ, REPLACE};

    fn keys(specs: &'static [KeySpec], line: &str) -> (Vec<usize>, Result<(), Misfit>) {
        let command = Command { keys: specs, ..Command::BASE };
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut found = Vec::new();
        let outcome = each_key(&command, words.len(), &|i| words[i], &mut |key| found.push(key.word));
        (found, outcome)
    }

    #[test]
    fn fixed_spans_and_counts() {
        const AT: &[KeySpec] = &[KeySpec::at(1, READ)];
        const ALL: &[KeySpec] = &[KeySpec::span(1, -1, 1, READ)];
        const PAIRS: &[KeySpec] = &[KeySpec::span(1, -1, 2, REPLACE)];
        const COUNT: &[KeySpec] = &[KeySpec::at(1, REPLACE), KeySpec::counted(2, 1, READ)];
        assert_eq!(keys(AT, "GET a").0, [1]);
        assert_eq!(keys(ALL, "DEL a b c").0, [1, 2, 3]);
        assert_eq!(keys(PAIRS, "MSET a 1 b 2").0, [1, 3]);
        assert_eq!(keys(COUNT, "ZUNIONSTORE d 2 a b WEIGHTS 1 2").0, [1, 3, 4]);
        assert_eq!(keys(COUNT, "ZUNIONSTORE d 9 a b"), (vec![1], Err(Misfit::Invalid)));
        assert_eq!(keys(COUNT, "ZUNIONSTORE d 99999999999 a b"), (vec![1], Err(Misfit::Invalid)));
    }

    #[test]
    fn keywords() {
        const STREAMS: &[KeySpec] = &[KeySpec {
            begin: Begin::Keyword("STREAMS", 1),
            find: Find::Range { last: -1, step: 1, limit: 2 },
            access: READ,
        }];
        assert_eq!(keys(STREAMS, "XREAD COUNT 2 streams a b 0 0").0, [4, 5]);
        const KEYS: &[KeySpec] = &[KeySpec {
            begin: Begin::Keyword("KEYS", -2),
            find: Find::Range { last: -1, step: 1, limit: 0 },
            access: READ,
        }];
        assert_eq!(keys(KEYS, "MIGRATE h p  0 9 KEYS a b").0, [7, 8]);
        const LIST: &[KeySpec] =
            &[KeySpec::at(3, READ), KeySpec { access: READ.and(KeyAccess::INCOMPLETE), ..KEYS[0] }];
        assert_eq!(keys(LIST, "MIGRATE h p  0 9 KEYS a b").0, [7, 8]);
        assert_eq!(keys(LIST, "MIGRATE h p  0 9").0, [3]);
        assert_eq!(keys(LIST, "MIGRATE h p k 0 9 KEYS").0, [3]);
        const STORE: &[KeySpec] = &[KeySpec {
            begin: Begin::Option { word: "STORE", from: 2, others: &[("BY", 1), ("LIMIT", 2)] },
            find: Find::Range { last: 0, step: 1, limit: 0 },
            access: REPLACE,
        }];
        let found = |line| keys(STORE, line);
        assert_eq!(found("SORT l BY store STORE a ALPHA store b LIMIT STORE store"), (vec![8], Ok(())));
        assert_eq!(found("SORT STORE BY STORE LIMIT STORE STORE x STORE"), (vec![], Ok(())));
    }
}
