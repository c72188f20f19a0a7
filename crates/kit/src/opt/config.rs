//! The values of one server's options.

use super::kinds::{Kind, Slots, Value};
use super::{AnyOpt, NO_SLOT, Opt};
use crate::glob;
use crate::text::{edit_distance, eq_ignore_case};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

/// All options of one server. Reading a number is a load from an array; everything may be called from any thread.
pub struct Config {
    pub(super) ints: Box<[AtomicI64]>,
    pub(super) texts: Box<[RwLock<Arc<str>>]>,
    pub(super) words: Box<[RwLock<Arc<[String]>>]>,
    opts: Vec<&'static dyn AnyOpt>,
    /// Names and aliases, in lower case.
    by_name: HashMap<String, &'static dyn AnyOpt>,
    /// Options that a line of a file has set already.
    gathered: Mutex<Vec<&'static str>>,
    sealed: AtomicBool,
    generation: AtomicU64,
}

/// A value that has passed its option's checks and can be put in place.
#[derive(Clone)]
pub struct Change {
    pub opt: &'static dyn AnyOpt,
    pub value: Value,
}

/// Every option that was ever registered, by the array that holds it: the slot is the index.
static REGISTRY: Mutex<Registry> = Mutex::new(Registry { ints: Vec::new(), texts: Vec::new(), words: Vec::new() });

struct Registry {
    ints: Vec<&'static dyn AnyOpt>,
    texts: Vec<&'static dyn AnyOpt>,
    words: Vec<&'static dyn AnyOpt>,
}

impl Registry {
    fn add(&mut self, opt: &'static dyn AnyOpt) {
        if opt.slot().load(Relaxed) != NO_SLOT {
            return;
        }
        let list = match opt.slots() {
            Slots::Ints => &mut self.ints,
            Slots::Texts => &mut self.texts,
            Slots::Words => &mut self.words,
        };
        opt.slot().store(list.len() as u32, Relaxed);
        list.push(opt);
    }
}

impl Config {
    /// Every option of all lists, at its default. A name that occurs twice is a mistake in the lists, and panics.
    pub fn new(lists: &[&'static [&'static dyn AnyOpt]]) -> Config {
        let opts: Vec<_> = lists.iter().copied().flatten().copied().collect();
        let mut by_name = HashMap::new();
        for &opt in &opts {
            for name in opt.aliases().iter().chain([&opt.name()]) {
                let twin = by_name.insert(name.to_ascii_lowercase(), opt);
                assert!(twin.is_none(), "two options are called {name}");
            }
        }
        let mut registry = REGISTRY.lock();
        opts.iter().for_each(|opt| registry.add(*opt));
        // The arrays cover the options of other servers of this process too, at their defaults.
        let ints = registry.ints.iter().map(|opt| match opt.default_value() {
            Value::Int(n) => AtomicI64::new(n),
            Value::Text(_) | Value::Words(_) => unreachable!("its kind says number"),
        });
        let texts = registry.texts.iter().map(|opt| match opt.default_value() {
            Value::Text(text) => RwLock::new(text),
            Value::Int(_) | Value::Words(_) => unreachable!("its kind says text"),
        });
        let words = registry.words.iter().map(|opt| match opt.default_value() {
            Value::Words(words) => RwLock::new(words),
            Value::Int(_) | Value::Text(_) => unreachable!("its kind says words"),
        });
        Config {
            ints: ints.collect(),
            texts: texts.collect(),
            words: words.collect(),
            opts,
            by_name,
            gathered: Mutex::default(),
            sealed: AtomicBool::new(false),
            generation: AtomicU64::new(0),
        }
    }

    /// The present value; of an option that is in none of the lists, its default.
    #[inline]
    pub fn get<K: Kind>(&self, opt: &Opt<K>) -> K::Value {
        K::get(opt, self)
    }

    /// Sets an option as CONFIG SET does. Whether the value changed, or what is wrong, in Redis's words.
    pub fn set<W: AsRef<[u8]>>(&self, name: impl AsRef<[u8]>, words: &[W]) -> Result<bool, String> {
        let change = self.parse(name, words)?;
        Ok(self.swap(change).is_some())
    }

    /// Sets an option as a line of a configuration file does: lines of an option that gathers add up.
    pub fn set_line<W: AsRef<[u8]>>(&self, name: impl AsRef<[u8]>, words: &[W]) -> Result<bool, String> {
        let mut change = self.parse(name, words)?;
        if change.opt.gathers() {
            let mut gathered = self.gathered.lock();
            if gathered.contains(&change.opt.name()) {
                if let (Value::Words(old), Value::Words(new)) = (self.value(change.opt), &change.value)
                    && !new.is_empty()
                {
                    change.value = Value::Words(old.iter().chain(new.iter()).cloned().collect());
                }
            } else {
                gathered.push(change.opt.name());
            }
        }
        Ok(self.swap(change).is_some())
    }

    /// Sets without a check: for values that the program itself has made.
    pub fn set_value<K: Kind>(&self, opt: &'static Opt<K>, value: impl Into<K::Value>) -> bool {
        self.swap(Change { opt, value: K::wrap(value.into()) }).is_some()
    }

    /// Checks without setting, so that several changes can be made together or not at all.
    pub fn parse<W: AsRef<[u8]>>(&self, name: impl AsRef<[u8]>, words: &[W]) -> Result<Change, String> {
        let name = String::from_utf8_lossy(name.as_ref());
        let opt = self.find(&*name).ok_or_else(|| match self.nearest(&*name) {
            Some(near) => format!("unknown option; did you mean '{near}'?"),
            None => "unknown option".to_owned(),
        })?;
        if opt.traits().immutable && self.sealed.load(Relaxed) {
            return Err("can't set immutable config".to_owned());
        }
        let words: Result<Vec<String>, _> =
            words.iter().map(|word| str::from_utf8(word.as_ref()).map(str::to_owned)).collect();
        let words = words.map_err(|_| "argument must be valid UTF-8")?;
        Ok(Change { opt, value: opt.parse(&words, &self.value(opt))? })
    }

    /// Puts a value in place. The change that would undo it, or `None` if it was the value already.
    pub fn swap(&self, change: Change) -> Option<Change> {
        let at = change.opt.slot().load(Relaxed) as usize;
        let old = match change.value {
            Value::Int(new) => Value::Int(self.ints.get(at)?.swap(new, Relaxed)).not(&Value::Int(new)),
            Value::Text(new) => {
                let mut cell = self.texts.get(at)?.write();
                Value::Text(std::mem::replace(&mut cell, new.clone())).not(&Value::Text(new))
            }
            Value::Words(new) => {
                let mut cell = self.words.get(at)?.write();
                Value::Words(std::mem::replace(&mut cell, new.clone())).not(&Value::Words(new))
            }
        }?;
        self.generation.fetch_add(1, Relaxed);
        Some(Change { opt: change.opt, value: old })
    }

    /// Start is over: immutable options refuse from now on.
    pub fn seal(&self) {
        self.sealed.store(true, Relaxed);
    }

    /// Grows with every change, so that a thread can keep what it has computed from options until it does.
    pub fn generation(&self) -> u64 {
        self.generation.load(Relaxed)
    }

    /// By name or alias, in any case.
    pub fn find(&self, name: impl AsRef<[u8]>) -> Option<&'static dyn AnyOpt> {
        let name = str::from_utf8(name.as_ref()).ok()?;
        self.by_name.get(&name.to_ascii_lowercase()).copied()
    }

    /// All options, in the order of the lists.
    pub fn all(&self) -> impl Iterator<Item = &'static dyn AnyOpt> + '_ {
        self.opts.iter().copied()
    }

    /// What CONFIG GET finds: names and aliases that fit the pattern. Hidden ones must be named in full.
    pub fn matching(&self, pattern: &[u8]) -> Vec<(&'static str, &'static dyn AnyOpt)> {
        let mut found = Vec::new();
        for opt in self.all().filter(|opt| !opt.traits().file_only) {
            for &name in [opt.name()].iter().chain(opt.aliases()) {
                let fits = if opt.traits().hidden {
                    eq_ignore_case(name, pattern)
                } else {
                    glob::matches(pattern, name.as_bytes(), true)
                };
                if fits {
                    found.push((name, opt));
                }
            }
        }
        found
    }

    /// As CONFIG GET shows it.
    pub fn show(&self, name: impl AsRef<[u8]>) -> Option<String> {
        let opt = self.find(name)?;
        Some(opt.show(&self.value(opt)))
    }

    /// Whole lines, name included, that set the option to its present value when a file holds them.
    pub fn file_lines(&self, name: impl AsRef<[u8]>) -> Option<Vec<String>> {
        let opt = self.find(name)?;
        let lines = opt.lines(&self.value(opt));
        Some(lines.into_iter().map(|line| format!("{} {line}", opt.name())).collect())
    }

    /// The present value, whatever its kind.
    pub fn value(&self, opt: &dyn AnyOpt) -> Value {
        let at = opt.slot().load(Relaxed) as usize;
        let value = match opt.slots() {
            Slots::Ints => self.ints.get(at).map(|cell| Value::Int(cell.load(Relaxed))),
            Slots::Texts => self.texts.get(at).map(|cell| Value::Text(cell.read().clone())),
            Slots::Words => self.words.get(at).map(|cell| Value::Words(cell.read().clone())),
        };
        value.unwrap_or_else(|| opt.default_value())
    }

    /// Whether the option has its default value; an unknown name has no value, and so no other one.
    pub fn is_default(&self, name: impl AsRef<[u8]>) -> bool {
        self.find(name).is_none_or(|opt| self.value(opt) == opt.default_value())
    }

    /// Back to the default.
    pub fn reset(&self, opt: &'static dyn AnyOpt) -> bool {
        self.swap(Change { opt, value: opt.default_value() }).is_some()
    }

    /// The known name that a mistyped one most likely meant.
    pub fn nearest(&self, name: impl AsRef<[u8]>) -> Option<&'static str> {
        let name = String::from_utf8_lossy(name.as_ref()).to_ascii_lowercase();
        // Names are at most some 50 letters long: what is longer is no typing mistake, and would only cost time.
        if name.len() > 80 {
            return None;
        }
        let shown = self.all().filter(|opt| !opt.traits().hidden).map(|opt| opt.name());
        let (distance, near) = shown.map(|known| (edit_distance(&name, known), known)).min()?;
        (distance <= (name.len() / 4).clamp(1, 4)).then_some(near)
    }
}

impl Value {
    /// Itself, unless it is the other one.
    fn not(self, other: &Value) -> Option<Value> {
        (self != *other).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bool, Choice, Flags, Int, Text, Words};
    use super::*;

    static LEN: Opt<Int> = Opt::int("slow-len", 128, 0..=1000, "Entries.").aliases(&["old-len"]);
    static MEMORY: Opt<Int> = Opt::int("max-bytes", 0, 0..=i64::MAX, "Limit.").memory();
    static BULK: Opt<Int> = Opt::int("bulk", 1 << 29, 1 << 20..=i64::MAX, "Limit.").memory();
    static CLIENTS: Opt<Int> = Opt::int("client-bytes", 0, 0..=i64::MAX, "Limit.").percent_or_memory();
    static PERM: Opt<Int> = Opt::int("perm", 0, 0..=0o777, "Mode.").octal().immutable();
    static PACE: Opt<Int> = Opt::int("pace", 10, 0..=9999, "Turns.").clamped(1, 500);
    static SAID: Opt<Text> = Opt::text("said", "", "In files.").file_only();
    static APPEND: Opt<Bool> = Opt::bool("append", false, "Keep a log.");
    static POLICY: Opt<Choice> = Opt::choice("policy", 1, &[("lru", 0), ("none", 1), ("off", 1)], "Which goes.");
    static STOP: Opt<Flags> =
        Opt::flags("stop", 0, &[("default", 0), ("save", 1), ("now", 2), ("no", 4)], "How.").exclusive(5, "save or no");
    static PASS: Opt<Text> = Opt::text("pass", "", "Secret.").sensitive().hidden();
    static EVENTS: Opt<Text> = Opt::text("events", "", "Which.").check(|text| match text.contains('!') {
        true => Err("no shouting".to_owned()),
        false => Ok(text.to_ascii_uppercase()),
    });
    static PERCENTILES: Opt<Text> = Opt::text("percentiles", "50 99", "Which.").multi_word();
    static SAVE: Opt<Words> = Opt::words("save", &["3600", "1"], "When.").gathers().check(even).lines(pairs);
    static LIMIT: Opt<Words> = Opt::words("limit", &["a", "0", "b", "0"], "Classes.").merge(|words, now| {
        let at = now.iter().position(|word| words.first() == Some(word)).ok_or("no such class")?;
        let mut all = now.to_vec();
        all[at + 1] = words.get(1).ok_or("no limit")?.clone();
        Ok(all)
    });
    static UNLISTED: Opt<Int> = Opt::int("unlisted", 7, 0..=9, "In no list.");
    static OPTIONS: &[&dyn AnyOpt] = &[
        &LEN,
        &MEMORY,
        &BULK,
        &CLIENTS,
        &PERM,
        &PACE,
        &APPEND,
        &POLICY,
        &STOP,
        &PASS,
        &SAID,
        &EVENTS,
        &PERCENTILES,
        &SAVE,
        &LIMIT,
    ];

    fn even(words: &[String]) -> Result<Vec<String>, String> {
        if words.len().is_multiple_of(2) { Ok(words.to_vec()) } else { Err("Invalid save parameters".to_owned()) }
    }

    fn pairs(words: &[String]) -> Vec<String> {
        words.chunks(2).map(|pair| pair.join(" ")).collect()
    }

    fn config() -> Config {
        Config::new(&[OPTIONS])
    }

    #[test]
    fn reads_and_sets_every_kind() {
        let config = config();
        assert_eq!((config.get(&LEN), config.get(&APPEND), config.get(&POLICY)), (128, false, 1));
        assert_eq!((&*config.get(&PERCENTILES), &*config.get(&SAVE)), ("50 99", &["3600".into(), "1".into()][..]));
        for (name, word, shown) in [
            ("slow-len", "5", "5"),
            ("OLD-LEN", "6", "6"),
            ("max-bytes", "1KB", "1024"),
            ("client-bytes", "5%", "5%"),
            ("client-bytes", "1mb", "1048576"),
            ("perm", "755", "755"),
            ("pace", "0", "1"),
            ("pace", "9999", "500"),
            ("append", "YES", "yes"),
            ("policy", "LRU", "lru"),
            ("policy", "off", "none"),
            ("stop", "now SAVE", "save now"),
            ("stop", "default", "default"),
            ("pass", "two words", "two words"),
            ("events", "kea", "KEA"),
            ("percentiles", "1 2", "1 2"),
            ("save", "900 1 300 10", "900 1 300 10"),
            ("save", "", ""),
            ("limit", "b 5", "a 0 b 5"),
        ] {
            assert_eq!(config.set(name, &[word]), Ok(true), "{name} {word}");
            assert_eq!(config.set(name, &[word]), Ok(false), "{name} {word} again");
            assert_eq!(config.show(name).as_deref(), Some(shown));
            assert!(!config.is_default(name) || shown == "default" || shown == "none");
        }
        assert_eq!((config.get(&LEN), config.get(&PERM), config.get(&APPEND)), (6, 0o755, true));
        assert_eq!(config.set("percentiles", &["7", "8"]), Ok(true));
        assert_eq!(config.set("save", &["60".to_owned(), "1".to_owned()]), Ok(true));
        assert_eq!(config.get(&SAVE).len(), 2);
        assert!(config.set_value(&LEN, 9) && config.set_value(&PASS, "x") && config.set_value(&SAVE, vec![]));
        assert_eq!((config.get(&LEN), &*config.get(&PASS)), (9, "x"));
        assert!(config.reset(&LEN) && config.is_default("slow-len"));
    }

    #[test]
    fn refuses_in_redis_s_words() {
        let config = config();
        for (name, word, error) in [
            ("slow-len", "x", "argument couldn't be parsed into an integer"),
            ("slow-len", "+5", "argument couldn't be parsed into an integer"),
            ("slow-len", "1001", "argument must be between 0 and 1000 inclusive"),
            ("max-bytes", "1q", "argument must be a memory value"),
            ("max-bytes", "-1", "argument must be a memory value"),
            ("bulk", "1", "argument must be between 1048576 and 9223372036854775807 inclusive"),
            ("client-bytes", "101%", "percentage argument must be less or equal to 100"),
            ("client-bytes", "x", "argument must be a memory or percent value"),
            ("client-bytes", "-5%", "argument must be a memory or percent value"),
            ("perm", "8", "argument couldn't be parsed as an octal number"),
            ("perm", "", "argument couldn't be parsed as an octal number"),
            ("perm", "1000", "argument must be between 0 and 777 inclusive"),
            ("append", "maybe", "argument must be 'yes' or 'no'"),
            ("policy", "x", "argument(s) must be one of the following: lru, none, off"),
            ("stop", "save x", "argument(s) must be one of the following: default, save, now, no"),
            ("stop", "save now no", "save or no"),
            ("stop", "", "argument(s) must be one of the following: default, save, now, no"),
            ("events", "a!", "no shouting"),
            ("save", "900", "Invalid save parameters"),
            ("save", "\"900", "unbalanced quotes in the argument"),
            ("limit", "c 1", "no such class"),
            ("slow-lne", "1", "unknown option; did you mean 'slow-len'?"),
            ("quite-another", "1", "unknown option"),
        ] {
            assert_eq!(config.set(name, &[word]), Err(error.to_owned()), "{name} {word}");
        }
        assert_eq!(config.set("append", &["yes", "no"]).unwrap_err(), "wrong number of arguments");
        assert_eq!(config.set("append", &[&b"\xff"[..]]).unwrap_err(), "argument must be valid UTF-8");
        assert_eq!(config.generation(), 0, "a refusal changes nothing");
        config.seal();
        assert_eq!(config.set("perm", &["700"]).unwrap_err(), "can't set immutable config");
    }

    #[test]
    fn finds_and_lists() {
        let config = config();
        assert_eq!(config.find("Old-Len").unwrap().name(), "slow-len");
        assert!(config.find("nothing").is_none() && config.show("nothing").is_none());
        assert_eq!(config.all().map(|opt| opt.name()).collect::<Vec<_>>()[..2], ["slow-len", "max-bytes"]);
        let names = |pattern: &[u8]| config.matching(pattern).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(b"*-LEN"), ["slow-len", "old-len"]);
        assert_eq!((names(b"pas*"), names(b"PASS")), (vec![], vec!["pass"]));
        assert_eq!((names(b"sai*"), names(b"said"), config.find("said").is_some()), (vec![], vec![], true));
        assert_eq!(config.nearest("polcy"), Some("policy"));
        let opt = config.find("policy").unwrap();
        assert_eq!(
            (opt.kind_name(), opt.values(), opt.default_shown()),
            ("one of", "lru, none, off".into(), "none".into())
        );
        assert_eq!(
            (LEN.values(), MEMORY.values(), PERM.values()),
            ("0 to 1000".into(), "0 or more".into(), "0 to 777".into())
        );
        assert!(config.find("pass").unwrap().traits().sensitive);
    }

    #[test]
    fn lines_of_a_file_add_up_and_read_back() {
        let config = config();
        for words in [["900", "1"], ["300", "10"]] {
            config.set_line("save", &words).unwrap();
        }
        assert_eq!(config.show("save").unwrap(), "900 1 300 10");
        assert_eq!(config.file_lines("save").unwrap(), ["save 900 1", "save 300 10"]);
        for (name, word) in [("max-bytes", "100mb"), ("pass", "a \"b\""), ("events", ""), ("client-bytes", "7%")] {
            config.set(name, &[word]).unwrap();
        }
        assert_eq!(config.file_lines("max-bytes").unwrap(), ["max-bytes 100mb"]);
        let copy = Config::new(&[OPTIONS]);
        for opt in config.all() {
            for line in config.file_lines(opt.name()).unwrap() {
                let words = crate::text::split_words(line.as_bytes()).unwrap();
                copy.set_line(&words[0], &words[1..]).unwrap_or_else(|e| panic!("{line}: {e}"));
            }
            assert_eq!(copy.show(opt.name()), config.show(opt.name()));
        }
        config.set_line("save", &[""]).unwrap();
        assert_eq!(config.show("save").unwrap(), "", "an empty line forgets the others");
    }

    #[test]
    fn servers_do_not_mix() {
        let (a, b) = (config(), config());
        a.set("slow-len", &["1"]).unwrap();
        assert_eq!((a.get(&LEN), b.get(&LEN), b.get(&UNLISTED)), (1, 128, 7));
        assert!(!a.set_value(&UNLISTED, 8), "nobody keeps it");
        assert_eq!(a.generation(), 1);
    }

    #[test]
    fn changes_can_be_undone() {
        let config = config();
        let change = config.parse("append", &["yes"]).unwrap();
        assert!(!config.get(&APPEND), "only checked");
        let undo = config.swap(change).unwrap();
        assert!(config.get(&APPEND));
        config.swap(undo);
        assert!(!config.get(&APPEND));
    }

    #[test]
    #[should_panic(expected = "two options are called append")]
    fn a_name_twice() {
        static TWICE: &[&dyn AnyOpt] = &[&APPEND];
        Config::new(&[OPTIONS, TWICE]);
    }
}
