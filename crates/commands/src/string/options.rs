//! Options that SET, GETEX and MSETEX share: how long a value lives, and on what condition it is set.
//!
//! The words are read here for all of them, so that they clash in the same ways everywhere: two different lives or
//! two different conditions are a syntax error, the same word again is not (the last number counts).
//! Numbers are read later, by `Life::deadline`: GETEX of a missing key does not look at them.

use exec::{Args, Deadline, Error};
use kit::text;
use kit::world::UnixMs;

/// What the number behind a time's word means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Ex,
    Px,
    ExAt,
    PxAt,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Life {
    /// Nothing was said.
    #[default]
    Plain,
    Keep,
    Persist,
    /// The number stands at this word.
    Until(Unit, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Condition {
    #[default]
    Always,
    /// NX
    Missing,
    /// XX
    Exists,
    /// IFEQ: the value equals this word.
    Equals(usize),
    /// IFNE: there is no value, or another one than this word.
    Differs(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Options {
    pub life: Life,
    pub condition: Condition,
    pub get: bool,
}

/// Whose options they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dialect {
    Set,
    GetEx,
    MSetEx,
}

#[derive(Clone, Copy)]
enum Word {
    Time(Unit),
    KeepTtl,
    Persist,
    Nx,
    Xx,
    IfEq,
    IfNe,
    Get,
}

const WORDS: &[(&str, Word)] = &[
    ("EX", Word::Time(Unit::Ex)),
    ("PX", Word::Time(Unit::Px)),
    ("NX", Word::Nx),
    ("XX", Word::Xx),
    ("GET", Word::Get),
    ("KEEPTTL", Word::KeepTtl),
    ("PXAT", Word::Time(Unit::PxAt)),
    ("EXAT", Word::Time(Unit::ExAt)),
    ("PERSIST", Word::Persist),
    ("IFEQ", Word::IfEq),
    ("IFNE", Word::IfNe),
];

/// Reads options from word `from` to the end.
pub(crate) fn parse(args: &Args, from: usize, dialect: Dialect) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut i = from;
    while i < args.len() {
        let word = WORDS.iter().find(|(name, _)| args.is(i, name)).map(|(_, word)| *word);
        let word = word.filter(|word| dialect.takes(*word)).ok_or(Error::Syntax)?;
        if matches!(word, Word::Time(_) | Word::IfEq | Word::IfNe) {
            i += 1;
            if i == args.len() {
                return Err(Error::Syntax);
            }
        }
        match word {
            Word::Time(unit) => options.live(Life::Until(unit, i))?,
            Word::KeepTtl => options.live(Life::Keep)?,
            Word::Persist => options.live(Life::Persist)?,
            Word::Nx => options.require(Condition::Missing)?,
            Word::Xx => options.require(Condition::Exists)?,
            Word::IfEq => options.require(Condition::Equals(i))?,
            Word::IfNe => options.require(Condition::Differs(i))?,
            Word::Get => options.get = true,
        }
        i += 1;
    }
    Ok(options)
}

impl Dialect {
    fn takes(self, word: Word) -> bool {
        match self {
            Dialect::Set => !matches!(word, Word::Persist),
            Dialect::GetEx => matches!(word, Word::Time(_) | Word::Persist),
            Dialect::MSetEx => matches!(word, Word::Time(_) | Word::KeepTtl | Word::Nx | Word::Xx),
        }
    }
}

impl Options {
    fn live(&mut self, life: Life) -> Result<(), Error> {
        let agrees = match (self.life, life) {
            (Life::Plain, _) => true,
            (Life::Until(old, _), Life::Until(new, _)) => old == new,
            (old, new) => old == new,
        };
        self.life = life;
        if agrees { Ok(()) } else { Err(Error::Syntax) }
    }

    fn require(&mut self, condition: Condition) -> Result<(), Error> {
        let agrees = self.condition == Condition::Always || self.condition == condition;
        self.condition = condition;
        if agrees { Ok(()) } else { Err(Error::Syntax) }
    }
}

impl Life {
    /// What becomes of the key's deadline when its value is set.
    pub(crate) fn deadline(self, args: &Args, now: UnixMs, command: &'static str) -> Result<Deadline, Error> {
        match self {
            Life::Plain | Life::Persist => Ok(Deadline::None),
            Life::Keep => Ok(Deadline::Keep),
            Life::Until(unit, word) => unit.deadline(args.get(word), now, command).map(Deadline::At),
        }
    }

    /// Would the same words mean another time when they are replayed?
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Life::Until(Unit::Ex | Unit::Px | Unit::ExAt, _))
    }
}

impl Unit {
    /// The moment that a number means; `command` is named in the error.
    pub(crate) fn deadline(self, number: &[u8], now: UnixMs, command: &'static str) -> Result<UnixMs, Error> {
        let n = text::parse_i64(number).ok_or(Error::NotInteger)?;
        let ms = match self {
            Unit::Ex | Unit::ExAt => n.checked_mul(1000),
            Unit::Px | Unit::PxAt => Some(n),
        };
        let at = match self {
            Unit::Ex | Unit::Px => ms.and_then(|ms| ms.checked_add(now.0)),
            Unit::ExAt | Unit::PxAt => ms,
        };
        at.filter(|_| n > 0).map(UnixMs).ok_or(Error::InvalidExpire(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let at = |unit: Unit, number: &str| unit.deadline(number.as_bytes(), UnixMs(1_000_000_000_500), "set");
        assert_eq!(at(Unit::Ex, "2"), Ok(UnixMs(1_000_000_002_500)));
        assert_eq!(at(Unit::Px, "2"), Ok(UnixMs(1_000_000_000_502)));
        assert_eq!(at(Unit::ExAt, "2"), Ok(UnixMs(2000)));
        assert_eq!(at(Unit::PxAt, "9223372036854775807"), Ok(UnixMs(i64::MAX)));
        let invalid = Err(Error::InvalidExpire("set"));
        for (unit, number) in [
            (Unit::Ex, "0"),
            (Unit::PxAt, "-1"),
            (Unit::Ex, "9223372036854775"),
            (Unit::ExAt, "9223372036854776"),
            (Unit::Px, "9223372036854775807"),
        ] {
            assert_eq!(at(unit, number), invalid, "{unit:?} {number}");
        }
        assert_eq!(at(Unit::Ex, "1.5"), Err(Error::NotInteger));
    }
}
