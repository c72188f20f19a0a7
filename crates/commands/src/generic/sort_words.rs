//! The options of SORT, and which keys its patterns lead to.
//!
//! A pattern is a key with the element put in for its first `*`; what follows `->` behind the star is a field of the
//! hash at that key. Without a star a pattern leads nowhere, and `#` is the element itself. In cluster mode a pattern must
//! fix its slot, and that must be the slot of the key that is sorted: then all its keys are in the same shard.

use super::pattern_reach;
use exec::command::Reach;
use exec::{Args, Error, Node, options};
use keyspace::Slot;

/// As SORT was asked for.
pub(super) struct Words<'a> {
    pub by: Option<Pattern<'a>>,
    /// BY named no pattern: the order stays what it is.
    pub no_sort: bool,
    pub get: Vec<Pattern<'a>>,
    pub descending: bool,
    pub alpha: bool,
    /// First element and how many; a negative count is all.
    pub limit: Option<(i64, i64)>,
    /// The word that names the key to store at.
    pub store: Option<usize>,
}

/// What an element leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pattern<'a> {
    Element,
    Nothing,
    Key {
        before: &'a [u8],
        behind: &'a [u8],
        /// Of a hash.
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    pub(super) fn of(pattern: &'a [u8]) -> Pattern<'a> {
        if pattern == b"#" {
            return Pattern::Element;
        }
        let Some(star) = pattern.iter().position(|&byte| byte == b'*') else { return Pattern::Nothing };
        let (before, behind) = (&pattern[..star], &pattern[star + 1..]);
        let arrow = behind.windows(2).position(|pair| pair == b"->");
        match arrow.filter(|arrow| arrow + 2 < behind.len()) {
            Some(arrow) => Pattern::Key { before, behind: &behind[..arrow], field: Some(&behind[arrow + 2..]) },
            None => Pattern::Key { before, behind, field: None },
        }
    }

    fn is_key(self) -> bool {
        matches!(self, Pattern::Key { .. })
    }
}

/// `may_read_all`: whether the user may read whatever key a pattern leads to.
pub(super) fn read<'a>(
    node: &Node,
    args: &Args<'a>,
    may_store: bool,
    may_read_all: &mut dyn FnMut() -> bool,
) -> Result<Words<'a>, Error> {
    let mut words =
        Words { by: None, no_sort: false, get: Vec::new(), descending: false, alpha: false, limit: None, store: None };
    let mut i = 2;
    while i < args.len() {
        let left = args.len() - 1 - i;
        if args.is(i, "ASC") {
            words.descending = false;
        } else if args.is(i, "DESC") {
            words.descending = true;
        } else if args.is(i, "ALPHA") {
            words.alpha = true;
        } else if args.is(i, "LIMIT") && left >= 2 {
            words.limit = Some((args.int(i + 1)?, args.int(i + 2)?));
            i += 2;
        } else if args.is(i, "STORE") && left >= 1 && may_store {
            words.store = Some(i + 1);
            i += 1;
        } else if args.is(i, "BY") && left >= 1 {
            match Pattern::of(args.get(i + 1)) {
                pattern @ Pattern::Key { .. } => {
                    stays_in_slot(node, args, i + 1, "BY")?;
                    refuse_unless(may_read_all(), "BY")?;
                    words.by = Some(pattern);
                }
                Pattern::Element | Pattern::Nothing => words.no_sort = true,
            }
            i += 1;
        } else if args.is(i, "GET") && left >= 1 {
            let pattern = Pattern::of(args.get(i + 1));
            if pattern != Pattern::Element {
                stays_in_slot(node, args, i + 1, "GET")?;
                refuse_unless(may_read_all(), "GET")?;
            }
            words.get.push(pattern);
            i += 1;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    Ok(words)
}

fn stays_in_slot(node: &Node, args: &Args, word: usize, option: &str) -> Result<(), Error> {
    if !node.config.get(&options::CLUSTER_ENABLED) {
        return Ok(());
    }
    let pattern = args.get(word);
    let slot = if kit::glob::is_literal(pattern) { Some(Slot::of(pattern)) } else { pattern_reach::slot(pattern) };
    if slot == Some(Slot::of(args.get(1))) {
        return Ok(());
    }
    Err(Error::text(format!(
        "ERR {option} option of SORT denied in Cluster mode when keys formed by the pattern may be in different slots."
    )))
}

fn refuse_unless(allowed: bool, option: &str) -> Result<(), Error> {
    if allowed {
        return Ok(());
    }
    Err(Error::text(format!("ERR {option} option of SORT denied due to insufficient ACL permissions.")))
}

/// Keys that only the elements tell can be anywhere, unless a slot holds them together.
pub(super) fn reach(node: &Node, args: &Args) -> Reach {
    let together = node.config.get(&options::CLUSTER_ENABLED);
    match read(node, args, true, &mut || true) {
        Ok(words) if !together && leads_to_keys(&words) => Reach::World,
        // What is refused looks at nothing.
        Ok(_) | Err(_) => Reach::Keys,
    }
}

fn leads_to_keys(words: &Words) -> bool {
    let sorts_by_keys = words.by.is_some() && !words.no_sort;
    sorts_by_keys || words.get.iter().any(|pattern| pattern.is_key())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let key = |before: &'static str, behind: &'static str, field: Option<&'static str>| Pattern::Key {
            before: before.as_bytes(),
            behind: behind.as_bytes(),
            field: field.map(str::as_bytes),
        };
        for (text, pattern) in [
            ("#", Pattern::Element),
            ("", Pattern::Nothing),
            ("nosort", Pattern::Nothing),
            ("h->f", Pattern::Nothing),
            ("*", key("", "", None)),
            ("w_*", key("w_", "", None)),
            ("a*b*c", key("a", "b*c", None)),
            ("w_*->f", key("w_", "", Some("f"))),
            ("a*b->c->d", key("a", "b", Some("c->d"))),
            ("x->*", key("x->", "", None)),
            ("x:*->", key("x:", "->", None)),
        ] {
            assert_eq!(Pattern::of(text.as_bytes()), pattern, "{text}");
        }
    }
}
