//! The kinds of options: how a value is read from words, shown, and kept.
//!
//! Numbers, yes/no, choices and flags are one `i64` in an array of atomics; texts and lists of words are shared
//! pointers. The error texts are Redis's, because tools compare them.

use super::{Config, Opt};
use crate::text::{eq_ignore_case, join_words, memory_words, parse_i64, parse_memory, split_words, word_for_file};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// A value of any kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Value {
    Int(i64),
    Text(Arc<str>),
    Words(Arc<[String]>),
}

/// Which of a `Config`'s arrays holds a kind's values.
#[doc(hidden)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slots {
    Ints,
    Texts,
    Words,
}

/// Refuses a text with a reason, or gives its normal form.
pub type CheckText = fn(&str) -> Result<String, String>;
/// Refuses words with a reason, or gives their normal form.
pub type CheckWords = fn(&[String]) -> Result<Vec<String>, String>;
/// The same, with the present words as second argument.
pub type MergeWords = fn(&[String], &[String]) -> Result<Vec<String>, String>;
/// The lines of a file that stand for the words.
pub type WordLines = fn(&[String]) -> Vec<String>;

pub trait Kind: Copy + Sync + Sized + 'static {
    /// What reading the option gives.
    type Value;
    #[doc(hidden)]
    const SLOTS: Slots;
    #[doc(hidden)]
    fn get(opt: &Opt<Self>, config: &Config) -> Self::Value;
    #[doc(hidden)]
    fn wrap(value: Self::Value) -> Value;
    fn kind_name(&self) -> &'static str;
    fn values(&self) -> String {
        String::new()
    }
    fn default_value(&self) -> Value;
    fn parse(&self, words: &[String], now: &Value) -> Result<Value, String>;
    fn show(&self, value: &Value) -> String;
    fn lines(&self, value: &Value) -> Vec<String> {
        vec![word_for_file(&self.show(value))]
    }
    fn gathers(&self) -> bool {
        false
    }
}

fn one(words: &[String]) -> Result<&str, String> {
    match words {
        [word] => Ok(word),
        _ => Err("wrong number of arguments".to_owned()),
    }
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        Value::Text(_) | Value::Words(_) => unreachable!("kept in the numbers' array"),
    }
}

#[inline]
fn get_int<K>(opt: &Opt<K>, config: &Config, default: i64) -> i64
where
    K: Kind,
{
    config.ints.get(opt.index()).map_or(default, |cell| cell.load(Relaxed))
}

/// A number in a range.
#[derive(Clone, Copy)]
pub struct Int {
    pub(super) default: i64,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) unit: Unit,
    /// A value that is taken but lies outside becomes the nearer of the two.
    pub(super) nearest: Option<(i64, i64)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Plain,
    Memory,
    PercentOrMemory,
    Octal,
}

impl Int {
    fn read(&self, word: &str) -> Result<i64, &'static str> {
        match self.unit {
            Unit::Plain => parse_i64(word.as_bytes()).ok_or("argument couldn't be parsed into an integer"),
            Unit::Memory => parse_memory(word).ok_or("argument must be a memory value"),
            Unit::PercentOrMemory => match word.strip_suffix('%') {
                Some(percent) => parse_i64(percent.as_bytes()).filter(|n| *n >= 0).map(|n| -n),
                None => parse_memory(word),
            }
            .ok_or("argument must be a memory or percent value"),
            Unit::Octal => {
                let digits = word.bytes().all(|b| (b'0'..=b'7').contains(&b));
                let number = if digits { i64::from_str_radix(word, 8).ok() } else { None };
                number.ok_or("argument couldn't be parsed as an octal number")
            }
        }
    }

    fn refuse(&self, n: i64) -> Option<String> {
        let (min, max) = (self.min, self.max);
        match self.unit {
            Unit::PercentOrMemory if n < 0 => {
                (n < -100).then(|| "percentage argument must be less or equal to 100".to_owned())
            }
            _ if (min..=max).contains(&n) => None,
            Unit::Octal => Some(format!("argument must be between {min:o} and {max:o} inclusive")),
            Unit::Plain | Unit::Memory | Unit::PercentOrMemory => {
                Some(format!("argument must be between {min} and {max} inclusive"))
            }
        }
    }
}

impl Kind for Int {
    type Value = i64;
    const SLOTS: Slots = Slots::Ints;

    #[inline]
    fn get(opt: &Opt<Int>, config: &Config) -> i64 {
        get_int(opt, config, opt.kind.default)
    }
    fn wrap(value: i64) -> Value {
        Value::Int(value)
    }
    fn kind_name(&self) -> &'static str {
        match self.unit {
            Unit::Plain => "number",
            Unit::Memory => "memory",
            Unit::PercentOrMemory => "memory or percent",
            Unit::Octal => "octal",
        }
    }
    fn values(&self) -> String {
        match (self.unit, self.min, self.max) {
            (Unit::Octal, min, max) => format!("{min:o} to {max:o}"),
            (_, i64::MIN, i64::MAX) => String::new(),
            (_, min, i64::MAX) => format!("{min} or more"),
            (_, min, max) => format!("{min} to {max}"),
        }
    }
    fn default_value(&self) -> Value {
        Value::Int(self.default)
    }
    fn parse(&self, words: &[String], _now: &Value) -> Result<Value, String> {
        let n = self.read(one(words)?)?;
        match (self.refuse(n), self.nearest) {
            (Some(reason), _) => Err(reason),
            (None, Some((low, high))) => Ok(Value::Int(n.clamp(low, high))),
            (None, None) => Ok(Value::Int(n)),
        }
    }
    fn show(&self, value: &Value) -> String {
        match (self.unit, int(value)) {
            (Unit::Octal, n) => format!("{n:o}"),
            (Unit::PercentOrMemory, n) if n < 0 => format!("{}%", -n),
            (_, n) => n.to_string(),
        }
    }
    fn lines(&self, value: &Value) -> Vec<String> {
        match (self.unit, int(value)) {
            (Unit::Memory | Unit::PercentOrMemory, n) if n >= 0 => vec![memory_words(n)],
            _ => vec![self.show(value)],
        }
    }
}

/// "yes" or "no".
#[derive(Clone, Copy)]
pub struct Bool {
    pub(super) default: bool,
}

impl Kind for Bool {
    type Value = bool;
    const SLOTS: Slots = Slots::Ints;

    #[inline]
    fn get(opt: &Opt<Bool>, config: &Config) -> bool {
        get_int(opt, config, i64::from(opt.kind.default)) != 0
    }
    fn wrap(value: bool) -> Value {
        Value::Int(i64::from(value))
    }
    fn kind_name(&self) -> &'static str {
        "yes or no"
    }
    fn default_value(&self) -> Value {
        Value::Int(i64::from(self.default))
    }
    fn parse(&self, words: &[String], _now: &Value) -> Result<Value, String> {
        match one(words)? {
            word if eq_ignore_case(word, "yes") => Ok(Value::Int(1)),
            word if eq_ignore_case(word, "no") => Ok(Value::Int(0)),
            _ => Err("argument must be 'yes' or 'no'".to_owned()),
        }
    }
    fn show(&self, value: &Value) -> String {
        if int(value) != 0 { "yes" } else { "no" }.to_owned()
    }
}

type Names = &'static [(&'static str, i64)];

fn one_of(names: Names) -> String {
    let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    format!("argument(s) must be one of the following: {}", names.join(", "))
}

fn listed(names: Names) -> String {
    names.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

fn number_of(names: Names, word: &str) -> Option<i64> {
    names.iter().find(|(name, _)| eq_ignore_case(name, word)).map(|(_, n)| *n)
}

/// One of some names.
#[derive(Clone, Copy)]
pub struct Choice {
    pub(super) default: i64,
    pub(super) names: Names,
}

impl Kind for Choice {
    type Value = i64;
    const SLOTS: Slots = Slots::Ints;

    #[inline]
    fn get(opt: &Opt<Choice>, config: &Config) -> i64 {
        get_int(opt, config, opt.kind.default)
    }
    fn wrap(value: i64) -> Value {
        Value::Int(value)
    }
    fn kind_name(&self) -> &'static str {
        "one of"
    }
    fn values(&self) -> String {
        listed(self.names)
    }
    fn default_value(&self) -> Value {
        Value::Int(self.default)
    }
    fn parse(&self, words: &[String], _now: &Value) -> Result<Value, String> {
        number_of(self.names, one(words)?).map(Value::Int).ok_or_else(|| one_of(self.names))
    }
    fn show(&self, value: &Value) -> String {
        let n = int(value);
        self.names.iter().find(|(_, number)| *number == n).map_or_else(|| n.to_string(), |(name, _)| (*name).to_owned())
    }
}

/// Any of some names.
#[derive(Clone, Copy)]
pub struct Flags {
    pub(super) default: i64,
    pub(super) names: Names,
    /// Bits that may not be set together, and what is said then.
    pub(super) exclusive: Option<(i64, &'static str)>,
}

impl Kind for Flags {
    type Value = i64;
    const SLOTS: Slots = Slots::Ints;

    #[inline]
    fn get(opt: &Opt<Flags>, config: &Config) -> i64 {
        get_int(opt, config, opt.kind.default)
    }
    fn wrap(value: i64) -> Value {
        Value::Int(value)
    }
    fn kind_name(&self) -> &'static str {
        "any of"
    }
    fn values(&self) -> String {
        listed(self.names)
    }
    fn default_value(&self) -> Value {
        Value::Int(self.default)
    }
    fn parse(&self, words: &[String], _now: &Value) -> Result<Value, String> {
        let mut parts = words.iter().flat_map(|word| word.split_ascii_whitespace()).peekable();
        if parts.peek().is_none() {
            return Err(one_of(self.names));
        }
        let bits = parts.try_fold(0, |bits, part| number_of(self.names, part).map(|bit| bits | bit));
        let bits = bits.ok_or_else(|| one_of(self.names))?;
        match self.exclusive {
            Some((all, refusal)) if bits & all == all => Err(refusal.to_owned()),
            Some(_) | None => Ok(Value::Int(bits)),
        }
    }
    fn show(&self, value: &Value) -> String {
        let bits = int(value);
        let set = |number: i64| if bits == 0 { number == 0 } else { number != 0 && bits & number == number };
        let names: Vec<&str> = self.names.iter().filter(|(_, n)| set(*n)).map(|(name, _)| *name).collect();
        names.join(" ")
    }
    fn lines(&self, value: &Value) -> Vec<String> {
        vec![self.show(value)]
    }
}

/// Any text.
#[derive(Clone, Copy)]
pub struct Text {
    pub(super) default: &'static str,
    pub(super) check: Option<CheckText>,
}

impl Kind for Text {
    type Value = Arc<str>;
    const SLOTS: Slots = Slots::Texts;

    fn get(opt: &Opt<Text>, config: &Config) -> Arc<str> {
        config.texts.get(opt.index()).map_or_else(|| opt.kind.default.into(), |cell| cell.read().clone())
    }
    fn wrap(value: Arc<str>) -> Value {
        Value::Text(value)
    }
    fn kind_name(&self) -> &'static str {
        "text"
    }
    fn default_value(&self) -> Value {
        Value::Text(self.default.into())
    }
    fn parse(&self, words: &[String], _now: &Value) -> Result<Value, String> {
        let word = one(words)?;
        Ok(Value::Text(match self.check {
            Some(check) => check(word)?.into(),
            None => word.into(),
        }))
    }
    fn show(&self, value: &Value) -> String {
        match value {
            Value::Text(text) => text.to_string(),
            Value::Int(_) | Value::Words(_) => unreachable!("kept in the texts' array"),
        }
    }
}

/// A list of words.
#[derive(Clone, Copy)]
pub struct Words {
    pub(super) default: &'static [&'static str],
    pub(super) check: Option<CheckWords>,
    pub(super) merge: Option<MergeWords>,
    pub(super) show: Option<fn(&[String]) -> String>,
    pub(super) lines: Option<WordLines>,
    pub(super) gathers: bool,
}

fn words_of(value: &Value) -> &[String] {
    match value {
        Value::Words(words) => words,
        Value::Int(_) | Value::Text(_) => unreachable!("kept in the words' array"),
    }
}

impl Kind for Words {
    type Value = Arc<[String]>;
    const SLOTS: Slots = Slots::Words;

    fn get(opt: &Opt<Words>, config: &Config) -> Arc<[String]> {
        match config.words.get(opt.index()) {
            Some(cell) => cell.read().clone(),
            None => opt.kind.default.iter().map(|word| (*word).to_owned()).collect(),
        }
    }
    fn wrap(value: Arc<[String]>) -> Value {
        Value::Words(value)
    }
    fn kind_name(&self) -> &'static str {
        "words"
    }
    fn default_value(&self) -> Value {
        Value::Words(self.default.iter().map(|word| (*word).to_owned()).collect())
    }
    fn parse(&self, words: &[String], now: &Value) -> Result<Value, String> {
        // CONFIG SET gives all words as one.
        let cut = match words {
            [line] => split_words(line.as_bytes()).ok_or("unbalanced quotes in the argument")?,
            _ => words.iter().map(|word| word.clone().into_bytes()).collect(),
        };
        let cut: Vec<String> = cut.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect();
        let mut words = match self.merge {
            Some(merge) => merge(&cut, words_of(now))?,
            None => cut,
        };
        if let Some(check) = self.check {
            words = check(&words)?;
        }
        Ok(Value::Words(words.into()))
    }
    fn show(&self, value: &Value) -> String {
        match self.show {
            Some(show) => show(words_of(value)),
            None => words_of(value).join(" "),
        }
    }
    fn lines(&self, value: &Value) -> Vec<String> {
        match (self.lines, words_of(value)) {
            (Some(lines), words) => lines(words),
            (None, []) => vec!["\"\"".to_owned()],
            (None, words) => vec![join_words(words)],
        }
    }
    fn gathers(&self) -> bool {
        self.gathers
    }
}
