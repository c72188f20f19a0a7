//! Reads rules, word by word, into a user: ACL SETUSER, `user` lines, ACL files.
//!
//! A word is read for the user (`on`, `>password`, a selector in parentheses) or for its root set of permissions.
//! The texts of what is wrong are Redis's.
//! Always true: whoever reads rules works on a copy, and what is wrong leaves no trace.

use super::CHANNELS_DEFAULT;
use super::catalog::{Catalog, Named};
use super::selector::{Databases, KeyPattern, Pattern, Selector};
use super::user::Rules;
use crate::options;
use kit::opt::Config;
use kit::text;
use std::collections::BTreeSet;

/// What rules are read against.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'c> {
    pub catalog: &'c Catalog,
    /// `acl-pubsub-default`.
    pub all_channels: bool,
    pub databases: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wrong {
    Syntax,
    Unknown,
    KeysAfterAll,
    ChannelsAfterAll,
    NoSuchPassword,
    BadHash,
    SubFirstArg,
    BadDatabase,
}

impl Wrong {
    pub(super) fn text(self) -> &'static str {
        match self {
            Wrong::Syntax => "Syntax error",
            Wrong::Unknown => "Unknown command or category name in ACL",
            Wrong::KeysAfterAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any \
                 effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            Wrong::ChannelsAfterAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any \
                 effect. Try 'resetchannels' to start with an empty list of channels"
            }
            Wrong::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            Wrong::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            Wrong::SubFirstArg => "Allowing first-arg of a subcommand is not supported",
            Wrong::BadDatabase => "The database id is not a number or out of range",
        }
    }
}

/// Why a list of rules was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This word, and why.
    Word(Vec<u8>, Wrong),
    /// A selector that begins with this word has no end.
    Unmatched(Vec<u8>),
}

impl<'c> Reader<'c> {
    pub(super) fn new(config: &Config, catalog: &'c Catalog) -> Reader<'c> {
        let all_channels = config.get(&CHANNELS_DEFAULT) != 0;
        Reader { catalog, all_channels, databases: config.get(&options::DATABASES) as usize }
    }

    pub(super) fn new_user(&self) -> Rules {
        Rules::new(self.catalog, self.all_channels)
    }

    /// All words, in order, onto `rules`.
    pub(super) fn apply(&self, rules: &mut Rules, words: &[&[u8]]) -> Result<(), Refusal> {
        for word in joined(words)? {
            self.apply_word(rules, &word).map_err(|wrong| Refusal::Word(word, wrong))?;
        }
        Ok(())
    }

    fn apply_word(&self, rules: &mut Rules, word: &[u8]) -> Result<(), Wrong> {
        match word {
            [b'(', inner @ .., b')'] => {
                let mut selector = Selector::none(self.catalog, self.all_channels);
                for word in text::split_words(inner).ok_or(Wrong::Syntax)? {
                    self.apply_to_set(&mut selector, &word)?;
                }
                rules.others.push(selector);
            }
            [b'>', password @ ..] => add_password(rules, text_hash(password)),
            [b'#', hash @ ..] => add_password(rules, parse_hash(hash)?),
            [b'<', password @ ..] => remove_password(rules, text_hash(password))?,
            [b'!', hash @ ..] => remove_password(rules, parse_hash(hash)?)?,
            _ => match word.to_ascii_lowercase().as_slice() {
                b"on" => rules.on = true,
                b"off" => rules.on = false,
                b"nopass" => {
                    rules.nopass = true;
                    rules.passwords.clear();
                }
                b"resetpass" => {
                    rules.nopass = false;
                    rules.passwords.clear();
                }
                b"sanitize-payload" => rules.sanitize = true,
                b"skip-sanitize-payload" => rules.sanitize = false,
                b"clearselectors" => rules.others.clear(),
                b"reset" => *rules = self.new_user(),
                _ => self.apply_to_set(&mut rules.root, word)?,
            },
        }
        Ok(())
    }

    fn apply_to_set(&self, set: &mut Selector, word: &[u8]) -> Result<(), Wrong> {
        match word.to_ascii_lowercase().as_slice() {
            b"allkeys" | b"~*" => {
                set.all_keys = true;
                set.keys.clear();
                return Ok(());
            }
            b"resetkeys" => {
                set.all_keys = false;
                set.keys.clear();
                return Ok(());
            }
            b"allchannels" | b"&*" => {
                set.all_channels = true;
                set.channels.clear();
                return Ok(());
            }
            b"resetchannels" => {
                set.all_channels = false;
                set.channels.clear();
                return Ok(());
            }
            b"allcommands" | b"+@all" => {
                set.set_all_commands(true);
                return Ok(());
            }
            b"nocommands" | b"-@all" => {
                set.set_all_commands(false);
                return Ok(());
            }
            b"alldbs" => {
                set.databases = Databases::All;
                return Ok(());
            }
            b"resetdbs" => {
                set.databases = Databases::These(BTreeSet::new());
                return Ok(());
            }
            _ => {}
        }
        match word {
            [b'~', pattern @ ..] => add_keys(set, pattern, true, true),
            [b'%', rest @ ..] => {
                let (mut read, mut write, mut at) = (false, false, 0);
                while let Some(letter) = rest.get(at) {
                    at += 1;
                    match letter.to_ascii_uppercase() {
                        b'R' if !read => read = true,
                        b'W' if !write => write = true,
                        b'~' => break,
                        _ => return Err(Wrong::Syntax),
                    }
                }
                if !read && !write {
                    return Err(Wrong::Syntax);
                }
                add_keys(set, &rest[at..], read, write)
            }
            [b'&', pattern @ ..] => {
                if set.all_channels {
                    return Err(Wrong::ChannelsAfterAll);
                }
                if has_blanks(pattern) {
                    return Err(Wrong::Syntax);
                }
                if !set.channels.iter().any(|known| *known.text == *pattern) {
                    set.channels.push(Pattern::new(pattern));
                }
                Ok(())
            }
            [sign @ (b'+' | b'-'), b'@', name @ ..] => {
                let category = Catalog::category(name).ok_or(Wrong::Unknown)?;
                set.set_category(self.catalog, category, &lower(name), *sign == b'+');
                Ok(())
            }
            [sign @ (b'+' | b'-'), name @ ..] => self.command(set, *sign == b'+', name),
            _ if text::starts_with_ignore_case(word, b"db=") => {
                set.databases = Databases::These(self.databases_of(&word[3..])?);
                Ok(())
            }
            _ => Err(Wrong::Syntax),
        }
    }

    fn command(&self, set: &mut Selector, allow: bool, word: &[u8]) -> Result<(), Wrong> {
        let name = lower(word);
        match self.catalog.find(&name) {
            Named::Command(number) => {
                set.set_command(self.catalog, number, allow);
                return Ok(());
            }
            Named::Removed => {
                set.note_rule(allow, &name);
                return Ok(());
            }
            Named::Unknown => {}
        }
        // Not a command: one and its first argument, perhaps.
        let (command, arg) = name.rsplit_once('|').ok_or(Wrong::Unknown)?;
        if !allow {
            return Err(Wrong::Unknown);
        }
        let number = match self.catalog.find(command) {
            Named::Command(number) => number,
            Named::Removed => {
                set.note_rule(true, &name);
                return Ok(());
            }
            Named::Unknown => return Err(Wrong::Unknown),
        };
        let row = &self.catalog.rows[usize::from(number)];
        if row.is_sub {
            return Err(Wrong::SubFirstArg);
        }
        if arg.is_empty() {
            return Err(Wrong::Syntax);
        }
        if !row.subcommands.is_empty() {
            return Err(Wrong::Unknown);
        }
        let arg_at = word.len() - arg.len();
        set.add_first_arg(number, word.get(arg_at..).unwrap_or_default(), &name);
        Ok(())
    }

    fn databases_of(&self, list: &[u8]) -> Result<BTreeSet<usize>, Wrong> {
        let ids = list.split(|byte| *byte == b',').map(|id| {
            let id = text::parse_u64(id).and_then(|id| usize::try_from(id).ok());
            id.filter(|id| *id < self.databases).ok_or(Wrong::BadDatabase)
        });
        ids.collect()
    }
}

/// Words in parentheses become one, as a shell that cut them apart did not mean it.
fn joined(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, Refusal> {
    let mut all: Vec<Vec<u8>> = Vec::with_capacity(words.len());
    let mut open: Option<Vec<u8>> = None;
    for word in words {
        let ends = word.last() == Some(&b')');
        match open.take() {
            Some(mut selector) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
                if ends {
                    all.push(selector);
                } else {
                    open = Some(selector);
                }
            }
            None if word.first() == Some(&b'(') && !ends => open = Some(word.to_vec()),
            None => all.push(word.to_vec()),
        }
    }
    match open {
        None => Ok(all),
        Some(selector) => {
            let first = selector.split(|byte| *byte == b' ').next().unwrap_or_default();
            Err(Refusal::Unmatched(first.to_vec()))
        }
    }
}

fn add_keys(set: &mut Selector, pattern: &[u8], read: bool, write: bool) -> Result<(), Wrong> {
    if set.all_keys {
        return Err(Wrong::KeysAfterAll);
    }
    if has_blanks(pattern) {
        return Err(Wrong::Syntax);
    }
    match set.keys.iter_mut().find(|known| *known.pattern.text == *pattern) {
        Some(known) => {
            known.read |= read;
            known.write |= write;
        }
        None => set.keys.push(KeyPattern { pattern: Pattern::new(pattern), read, write }),
    }
    Ok(())
}

fn add_password(rules: &mut Rules, hash: [u8; 32]) {
    if !rules.passwords.contains(&hash) {
        rules.passwords.push(hash);
    }
    rules.nopass = false;
}

fn remove_password(rules: &mut Rules, hash: [u8; 32]) -> Result<(), Wrong> {
    let at = rules.passwords.iter().position(|known| *known == hash).ok_or(Wrong::NoSuchPassword)?;
    rules.passwords.remove(at);
    Ok(())
}

fn text_hash(password: &[u8]) -> [u8; 32] {
    kit::sha::sha256(password)
}

/// 64 digits, lower case.
fn parse_hash(digits: &[u8]) -> Result<[u8; 32], Wrong> {
    let mut hash = [0; 32];
    if digits.len() != 64 {
        return Err(Wrong::BadHash);
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(Wrong::BadHash),
    };
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Ok(hash)
}

/// A name of a user and a pattern hold neither blanks nor NULs: they could not be written into a file.
pub(crate) fn has_blanks(text: &[u8]) -> bool {
    text.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x0b))
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(line: &str) -> Result<Vec<String>, String> {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let shown = |word: Vec<u8>| String::from_utf8(word).expect("ASCII");
        match joined(&words) {
            Ok(words) => Ok(words.into_iter().map(shown).collect()),
            Err(Refusal::Unmatched(word) | Refusal::Word(word, _)) => Err(shown(word)),
        }
    }

    #[test]
    fn selectors_are_put_together() {
        assert_eq!(cut("on (~a +get ) ( ~b ) (c) x").unwrap(), ["on", "(~a +get )", "( ~b )", "(c)", "x"]);
        assert_eq!(cut("( a ( b )").unwrap(), ["( a ( b )"]);
        assert_eq!(cut("on (+PING (+SELECT (+DEL"), Err("(+PING".into()));
        assert_eq!(cut("("), Err("(".into()));
        assert_eq!(cut(") a").unwrap(), [")", "a"]);
    }

    #[test]
    fn hashes() {
        let hash = kit::sha::sha256(b"x");
        assert_eq!(parse_hash(kit::sha::hex(&hash).as_bytes()), Ok(hash));
        assert_eq!(parse_hash(&[b'0'; 63]), Err(Wrong::BadHash));
        assert_eq!(parse_hash(&[b'A'; 64]), Err(Wrong::BadHash));
    }
}
