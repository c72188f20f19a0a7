//! One set of permissions: commands, keys, channels, databases. A user has a root set and any number of others.
//!
//! Commands are bits by the node's numbering, so that the check is one load; beside them stands the text of the rules
//! that gave the bits, because `+@hash` shall also mean the hash commands of a later version. The text is kept short
//! as rules come: one that says the same, or the same of a part, takes the place of the older one.

use super::catalog::Catalog;
use crate::command::KeyAccess;
use crate::table::CommandNo;
use kit::glob;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
pub(super) struct Selector {
    allowed: Box<[u64]>,
    /// First arguments that are allowed of a command that is not (`+select|0`).
    first_args: BTreeMap<CommandNo, Vec<Box<[u8]>>>,
    /// Every command, those of later versions too.
    pub all_commands: bool,
    /// Whether the rules begin with `+@all`; else with `-@all`.
    from_all: bool,
    command_rules: Vec<String>,
    pub all_keys: bool,
    pub keys: Vec<KeyPattern>,
    pub all_channels: bool,
    pub channels: Vec<Pattern>,
    pub databases: Databases,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Databases {
    All,
    These(BTreeSet<usize>),
}

/// Keys that may be read, written, or both.
#[derive(Clone, Debug)]
pub(super) struct KeyPattern {
    pub pattern: Pattern,
    pub read: bool,
    pub write: bool,
}

/// A pattern, and the quick way to match it: nearly all that do not fit differ in their first eight bytes.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    head: Head,
    /// Bytes of the head that every fitting name has.
    mask: u64,
    kind: PatternKind,
    pub text: Box<[u8]>,
}

/// The first eight bytes of a name, zeros where there are fewer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head(u64);

impl Head {
    #[inline]
    pub(super) fn of(name: &[u8]) -> Head {
        match name.first_chunk() {
            Some(first) => Head(u64::from_le_bytes(*first)),
            None => Head(name.iter().rev().fold(0, |head, byte| head << 8 | u64::from(*byte))),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum PatternKind {
    Literal,
    /// Ends with its only star.
    Prefix,
    Glob,
}

impl Pattern {
    pub(super) fn new(text: &[u8]) -> Pattern {
        let kind = match text.split_last() {
            _ if glob::is_literal(text) => PatternKind::Literal,
            Some((b'*', prefix)) if glob::is_literal(prefix) => PatternKind::Prefix,
            _ => PatternKind::Glob,
        };
        let literal = text.iter().position(|byte| matches!(byte, b'*' | b'?' | b'[' | b'\\')).unwrap_or(text.len());
        let mask = match literal {
            0..8 => (1 << (8 * literal)) - 1,
            _ => u64::MAX,
        };
        Pattern { head: Head(Head::of(text).0 & mask), mask, kind, text: text.into() }
    }

    /// `head` is the name's.
    #[inline]
    pub(super) fn matches(&self, head: Head, name: &[u8]) -> bool {
        head.0 & self.mask == self.head.0 && self.matches_whole(name)
    }

    fn matches_whole(&self, name: &[u8]) -> bool {
        match self.kind {
            PatternKind::Literal => *self.text == *name,
            PatternKind::Prefix => name.starts_with(&self.text[..self.text.len() - 1]),
            PatternKind::Glob => glob::matches(&self.text, name, false),
        }
    }
}

impl KeyPattern {
    /// Does the permission cover what is done to the key? Looking at a key needs either.
    #[inline]
    fn covers(&self, reads: bool, writes: bool) -> bool {
        (self.read || !reads) && (self.write || !writes)
    }
}

impl Selector {
    /// Nothing allowed but every database.
    pub(super) fn none(catalog: &Catalog, all_channels: bool) -> Selector {
        Selector {
            allowed: vec![0; catalog.len().div_ceil(64)].into(),
            first_args: BTreeMap::new(),
            all_commands: false,
            from_all: false,
            command_rules: Vec::new(),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
            databases: Databases::All,
        }
    }

    /// Everything allowed.
    pub(super) fn all(command_count: usize) -> Selector {
        Selector {
            allowed: vec![u64::MAX; command_count.div_ceil(64)].into(),
            first_args: BTreeMap::new(),
            all_commands: true,
            from_all: true,
            command_rules: Vec::new(),
            all_keys: true,
            keys: Vec::new(),
            all_channels: true,
            channels: Vec::new(),
            databases: Databases::All,
        }
    }

    pub(super) fn allows_everything(&self) -> bool {
        self.all_commands && self.all_keys && self.all_channels && self.allows_every_database()
    }

    // ---- commands

    #[inline]
    pub(super) fn allows_command(&self, number: CommandNo) -> bool {
        let number = usize::from(number);
        self.all_commands || self.allowed.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    /// A command that is not allowed as a whole may be with this first argument.
    pub(super) fn allows_first_arg(&self, number: CommandNo, arg: Option<&[u8]>) -> bool {
        let allowed = self.first_args.get(&number);
        allowed.zip(arg).is_some_and(|(list, arg)| list.iter().any(|one| kit::text::eq_ignore_case(one, arg)))
    }

    /// `+@all`, `-@all`: what was said of commands before counts no more.
    pub(super) fn set_all_commands(&mut self, allow: bool) {
        self.allowed.fill(if allow { u64::MAX } else { 0 });
        self.first_args.clear();
        self.command_rules.clear();
        self.all_commands = allow;
        self.from_all = allow;
    }

    /// A command or subcommand; subcommands go with their command.
    pub(super) fn set_command(&mut self, catalog: &Catalog, number: CommandNo, allow: bool) {
        self.set_bit(number, allow);
        for &sub in &catalog.rows[usize::from(number)].subcommands {
            self.set_bit(sub, allow);
        }
        self.all_commands &= allow;
        self.note_rule(allow, catalog.name(number));
    }

    pub(super) fn set_category(&mut self, catalog: &Catalog, category: crate::Categories, name: &str, allow: bool) {
        for number in catalog.members(category) {
            self.set_bit(number, allow);
        }
        self.all_commands &= allow;
        self.note_rule(allow, &format!("@{name}"));
    }

    pub(super) fn add_first_arg(&mut self, number: CommandNo, arg: &[u8], rule: &str) {
        if !self.allows_command(number) {
            let list = self.first_args.entry(number).or_default();
            if !list.iter().any(|known| kit::text::eq_ignore_case(known, arg)) {
                list.push(arg.into());
            }
        }
        self.note_rule(true, rule);
    }

    /// A rule without effect on the commands that are here.
    pub(super) fn note_rule(&mut self, allow: bool, name: &str) {
        let is_part =
            |older: &str| older.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'));
        self.command_rules.retain(|rule| !is_part(&rule[1..]));
        self.command_rules.push(format!("{}{name}", if allow { '+' } else { '-' }));
    }

    fn set_bit(&mut self, number: CommandNo, allow: bool) {
        self.first_args.remove(&number);
        let (word, bit) = (usize::from(number) / 64, 1 << (number % 64));
        if let Some(word) = self.allowed.get_mut(word) {
            *word = if allow { *word | bit } else { *word & !bit };
        }
    }

    // ---- keys, channels, databases

    #[inline]
    pub(super) fn allows_key(&self, key: &[u8], access: KeyAccess) -> bool {
        if self.all_keys {
            return true;
        }
        let reads = access.0 & KeyAccess::ACCESS.0 != 0;
        let writes = access.0 & (KeyAccess::INSERT.0 | KeyAccess::DELETE.0 | KeyAccess::UPDATE.0) != 0;
        let head = Head::of(key);
        self.keys.iter().any(|allowed| allowed.pattern.matches(head, key) && allowed.covers(reads, writes))
    }

    /// May every key be read?
    pub(super) fn allows_reading_all(&self) -> bool {
        self.all_keys || self.keys.iter().any(|allowed| allowed.read && *allowed.pattern.text == *b"*")
    }

    /// A channel by its name; a pattern of channels must be one of those that are allowed, letter by letter.
    pub(super) fn allows_channel(&self, name: &[u8], is_pattern: bool) -> bool {
        self.all_channels
            || self.channels.iter().any(|allowed| match is_pattern {
                true => *allowed.text == *name,
                false => allowed.matches(Head::of(name), name),
            })
    }

    #[inline]
    pub(super) fn allows_every_database(&self) -> bool {
        matches!(self.databases, Databases::All)
    }

    pub(super) fn allows_database(&self, db: usize) -> bool {
        match &self.databases {
            Databases::All => true,
            Databases::These(list) => list.contains(&db),
        }
    }

    // ---- as text

    /// `+@all -@hash +hget`.
    pub(super) fn show_commands(&self) -> String {
        let base = if self.from_all { "+@all" } else { "-@all" };
        std::iter::once(base).chain(self.command_rules.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
    }

    /// `~a:* %R~b:*`; nothing when there is no key it may use.
    pub(super) fn show_keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let shown = self.keys.iter().map(|key| {
            let sign: &[u8] = match (key.read, key.write) {
                (true, true) => b"~",
                (true, false) => b"%R~",
                (false, _) => b"%W~",
            };
            [sign, &key.pattern.text].concat()
        });
        shown.collect::<Vec<_>>().join(&b' ')
    }

    /// `&news:* &jobs`.
    pub(super) fn show_channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        self.channels.iter().map(|channel| [b"&", &*channel.text].concat()).collect::<Vec<_>>().join(&b' ')
    }

    /// `alldbs`, `db=0,1`, or nothing.
    pub(super) fn show_databases(&self) -> String {
        match &self.databases {
            Databases::All => "alldbs".into(),
            Databases::These(list) if list.is_empty() => String::new(),
            Databases::These(list) => {
                format!("db={}", list.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// Rules that make the same set out of a new one.
    pub(super) fn show(&self) -> Vec<u8> {
        let mut parts: Vec<Vec<u8>> = Vec::new();
        let keys = self.show_keys();
        if !keys.is_empty() {
            parts.push(keys);
        }
        if !self.all_channels {
            parts.push(b"resetchannels".to_vec());
        }
        let channels = self.show_channels();
        if !channels.is_empty() {
            parts.push(channels);
        }
        match &self.databases {
            Databases::All => {}
            Databases::These(list) if list.is_empty() => parts.push(b"resetdbs".to_vec()),
            Databases::These(_) => parts.push(self.show_databases().into_bytes()),
        }
        parts.push(self.show_commands().into_bytes());
        parts.join(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a:*", "a:", true),
            ("a:*", "a", false),
            ("*", "", true),
            ("*b", "ab", true),
            ("h[ae]llo", "hello", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "", true),
            ("", "x", false),
            ("12345678", "12345678", true),
            ("12345678*", "123456789", true),
            ("12345678*", "123456779", false),
            ("123456789*", "123456789", true),
            ("123456789*", "12345678x", false),
            ("1234567*", "1234567", true),
            ("1234567*", "123456", false),
            ("12\0*", "12", false),
            ("123456?8", "12345678", true),
        ] {
            let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
            assert_eq!(Pattern::new(pattern).matches(Head::of(name), name), fits, "{pattern:?} {name:?}");
        }
    }
}
