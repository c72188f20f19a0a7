//! Configuration options, each declared once as a static beside the code that reads it.
//!
//! `pub static HZ: Opt<Int> = Opt::int("hz", 10, 1..=500, "Turns of the background tasks per second.");`, its name in
//! the crate's `OPTIONS`, and `config.get(&HZ)` where it is needed: CONFIG, the file and the manual follow from that.
//! The static holds a slot number, the values are in a `Config`, one per server, so many servers can live in one process.
//! Always true: a value in a `Config` has passed its option's range and check. Knows no particular option.

mod config;
mod kinds;

pub use config::{Change, Config};
pub use kinds::{Bool, CheckText, CheckWords, Choice, Flags, Int, Kind, MergeWords, Text, Value, WordLines, Words};

use kinds::{Slots, Unit};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

pub struct Opt<K> {
    name: &'static str,
    doc: &'static str,
    aliases: &'static [&'static str],
    traits: Traits,
    pub(crate) kind: K,
    /// Index into the arrays of every `Config`; given at the first registration in the process.
    slot: AtomicU32,
}

/// How an option is treated, whatever its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Traits {
    /// Only at start.
    pub immutable: bool,
    /// Shown only when asked for by its exact name.
    pub hidden: bool,
    /// Its value must not be logged.
    pub sensitive: bool,
    /// Changed at run time only where `enable-protected-configs` allows it.
    pub protected: bool,
    /// A text of several words, which a file may leave unquoted.
    pub multi_word: bool,
    /// Not changed while data is loaded.
    pub not_while_loading: bool,
    /// A line of files and the command line only: CONFIG GET and SET do not know it.
    pub file_only: bool,
    /// It names a file that may have changed: setting it to what it was is a change too.
    pub names_file: bool,
}

const NO_SLOT: u32 = u32::MAX;

impl Opt<Int> {
    pub const fn int(name: &'static str, default: i64, range: RangeInclusive<i64>, doc: &'static str) -> Opt<Int> {
        let (min, max) = (*range.start(), *range.end());
        assert!(min <= max, "an empty range");
        Opt::new(name, doc, Int { default, min, max, unit: Unit::Plain, nearest: None })
    }

    /// Takes "64mb" too; shown in bytes.
    pub const fn memory(mut self) -> Opt<Int> {
        self.kind.unit = Unit::Memory;
        self
    }

    /// Takes "64mb" and "5%"; a percentage is a negative value (-5).
    pub const fn percent_or_memory(mut self) -> Opt<Int> {
        self.kind.unit = Unit::PercentOrMemory;
        self
    }

    /// A value that is in the range, but not between these, becomes the nearer of them.
    pub const fn clamped(mut self, low: i64, high: i64) -> Opt<Int> {
        assert!(low <= high, "an empty range");
        self.kind.nearest = Some((low, high));
        self
    }

    /// File permissions: read and shown with base 8.
    pub const fn octal(mut self) -> Opt<Int> {
        self.kind.unit = Unit::Octal;
        self
    }
}

impl Opt<Bool> {
    pub const fn bool(name: &'static str, default: bool, doc: &'static str) -> Opt<Bool> {
        Opt::new(name, doc, Bool { default })
    }
}

impl Opt<Choice> {
    /// One of the names; several may stand for one value, the first is shown.
    pub const fn choice(
        name: &'static str,
        default: i64,
        names: &'static [(&'static str, i64)],
        doc: &'static str,
    ) -> Opt<Choice> {
        Opt::new(name, doc, Choice { default, names })
    }
}

impl Opt<Flags> {
    /// Any of the names together, each a bit; a name with value 0 stands for none.
    pub const fn flags(
        name: &'static str,
        default: i64,
        names: &'static [(&'static str, i64)],
        doc: &'static str,
    ) -> Opt<Flags> {
        Opt::new(name, doc, Flags { default, names, exclusive: None })
    }

    /// These bits may not be set together; the refusal says so.
    pub const fn exclusive(mut self, bits: i64, refusal: &'static str) -> Opt<Flags> {
        self.kind.exclusive = Some((bits, refusal));
        self
    }
}

impl Opt<Text> {
    pub const fn text(name: &'static str, default: &'static str, doc: &'static str) -> Opt<Text> {
        Opt::new(name, doc, Text { default, check: None })
    }

    /// Refuses a value with a reason, or gives its normal form.
    pub const fn check(mut self, check: CheckText) -> Opt<Text> {
        self.kind.check = Some(check);
        self
    }

    /// Several words are one text: `latency-tracking-info-percentiles 50 99 99.9`.
    pub const fn multi_word(mut self) -> Opt<Text> {
        self.traits.multi_word = true;
        self
    }
}

impl Opt<Words> {
    pub const fn words(name: &'static str, default: &'static [&'static str], doc: &'static str) -> Opt<Words> {
        Opt::new(name, doc, Words { default, check: None, merge: None, show: None, lines: None, gathers: false })
    }

    /// Refuses the words with a reason, or gives their normal form.
    pub const fn check(mut self, check: CheckWords) -> Opt<Words> {
        self.kind.check = Some(check);
        self
    }

    /// As `check`, with the words of now as second argument: for options of which a part can be set.
    pub const fn merge(mut self, merge: MergeWords) -> Opt<Words> {
        self.kind.merge = Some(merge);
        self
    }

    /// How CONFIG GET shows it; else the words with spaces between.
    pub const fn show(mut self, show: fn(&[String]) -> String) -> Opt<Words> {
        self.kind.show = Some(show);
        self
    }

    /// The lines of a configuration file that give the value, without the option's name; else one line.
    pub const fn lines(mut self, lines: WordLines) -> Opt<Words> {
        self.kind.lines = Some(lines);
        self
    }

    /// Lines of a file add up (`save`, `user`, `rename-command`); the first one replaces the default.
    pub const fn gathers(mut self) -> Opt<Words> {
        self.kind.gathers = true;
        self
    }
}

impl<K: Copy> Opt<K> {
    const fn new(name: &'static str, doc: &'static str, kind: K) -> Opt<K> {
        let traits = Traits {
            immutable: false,
            hidden: false,
            sensitive: false,
            protected: false,
            multi_word: false,
            not_while_loading: false,
            file_only: false,
            names_file: false,
        };
        Opt { name, doc, aliases: &[], traits, kind, slot: AtomicU32::new(NO_SLOT) }
    }

    /// Older names, which mean the same.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Opt<K> {
        self.aliases = aliases;
        self
    }

    /// Only at start.
    pub const fn immutable(mut self) -> Opt<K> {
        self.traits.immutable = true;
        self
    }

    /// Shown only when asked for by its exact name.
    pub const fn hidden(mut self) -> Opt<K> {
        self.traits.hidden = true;
        self
    }

    /// Its value must not be logged.
    pub const fn sensitive(mut self) -> Opt<K> {
        self.traits.sensitive = true;
        self
    }

    /// Changed at run time only where `enable-protected-configs` allows it.
    pub const fn protected(mut self) -> Opt<K> {
        self.traits.protected = true;
        self
    }

    /// Not changed while data is loaded.
    pub const fn not_while_loading(mut self) -> Opt<K> {
        self.traits.not_while_loading = true;
        self
    }

    /// A line of files and the command line only: CONFIG GET and SET do not know it.
    pub const fn file_only(mut self) -> Opt<K> {
        self.traits.file_only = true;
        self
    }

    /// It names a file that may have changed: setting it to what it was is a change too.
    pub const fn names_file(mut self) -> Opt<K> {
        self.traits.names_file = true;
        self
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    #[inline]
    pub(crate) fn index(&self) -> usize {
        self.slot.load(Relaxed) as usize
    }
}

/// What the registry knows of an option of any kind.
pub trait AnyOpt: Sync {
    fn name(&self) -> &'static str;
    fn aliases(&self) -> &'static [&'static str];
    fn doc(&self) -> &'static str;
    fn traits(&self) -> Traits;
    /// "number", "memory", "yes or no", … for the manual.
    fn kind_name(&self) -> &'static str;
    /// What else the manual says of the values: the range or the names; may be empty.
    fn values(&self) -> String;
    fn default_value(&self) -> Value;
    fn default_shown(&self) -> String {
        self.show(&self.default_value())
    }
    /// Reads the words of a CONFIG SET or of a line in a file; `now` is the present value. The error is Redis's text.
    fn parse(&self, words: &[String], now: &Value) -> Result<Value, String>;
    fn show(&self, value: &Value) -> String;
    /// Lines of a configuration file that give the value, without the option's name.
    fn lines(&self, value: &Value) -> Vec<String>;
    /// Whether lines of a file add up.
    fn gathers(&self) -> bool;
    #[doc(hidden)]
    fn slot(&self) -> &AtomicU32;
    #[doc(hidden)]
    fn slots(&self) -> Slots;
}

impl<K: Kind> AnyOpt for Opt<K> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn aliases(&self) -> &'static [&'static str] {
        self.aliases
    }
    fn doc(&self) -> &'static str {
        self.doc
    }
    fn traits(&self) -> Traits {
        self.traits
    }
    fn kind_name(&self) -> &'static str {
        self.kind.kind_name()
    }
    fn values(&self) -> String {
        self.kind.values()
    }
    fn default_value(&self) -> Value {
        self.kind.default_value()
    }
    fn parse(&self, words: &[String], now: &Value) -> Result<Value, String> {
        if self.traits.multi_word && words.len() > 1 {
            return self.kind.parse(&[words.join(" ")], now);
        }
        self.kind.parse(words, now)
    }
    fn show(&self, value: &Value) -> String {
        self.kind.show(value)
    }
    fn lines(&self, value: &Value) -> Vec<String> {
        self.kind.lines(value)
    }
    fn gathers(&self) -> bool {
        self.kind.gathers()
    }
    fn slot(&self) -> &AtomicU32 {
        &self.slot
    }
    fn slots(&self) -> Slots {
        K::SLOTS
    }
}
