//! `cluster-compatibility-sample-ratio`: counts what clients ask for that a cluster would refuse.
//!
//! Keys of more than one slot, another database than 0, patterns of SORT that may lie in other slots, scripts with the
//! flag `no-cluster`. A request counts once, a transaction and a script as one request, however many of their commands
//! are to blame. An alarm brings requests here: while the option is 0 nothing is asked.

use crate::args::{Args, KeyAt};
use crate::metrics;
use crate::node::{Node, alarm};
use crate::run::Turn;
use crate::session::Session;
use crate::table::CommandNo;
use keyspace::Slot;
use kit::opt::{Int, Opt};
use kit::text::parse_i64;

pub static SAMPLE_RATIO: Opt<Int> = Opt::int(
    "cluster-compatibility-sample-ratio",
    0,
    0..=100,
    "Percent of commands checked for use in a cluster. INFO counts those that one would refuse (cluster_incompatible_ops).",
);

/// What is done about the request that runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// It is not one of those that are looked at, or was counted already.
    Away,
    Looking,
}

/// A request's keys so far, and whether a cluster would refuse it.
#[derive(Default)]
pub(crate) struct Finding {
    slot: Option<Slot>,
    refused: bool,
}

impl Finding {
    /// One command of the request.
    pub(crate) fn add(&mut self, node: &Node, db: usize, number: CommandNo, args: &Args, keys: &[KeyAt]) {
        for at in keys {
            self.key(args.get(at.word as usize));
        }
        match &*node.commands.row(number).full_name {
            "select" => self.refused |= args.int(1).is_ok_and(|db| db != 0),
            "move" => self.refused |= names_other(args.opt(2), db),
            "copy" => {
                let word = (3..args.len()).find(|i| args.is(*i, "DB"));
                self.refused |= word.is_some_and(|i| names_other(args.opt(i + 1), db));
            }
            "swapdb" => self.refused = true,
            "sort" | "sort_ro" => self.patterns(args),
            "spublish" => self.key(args.get(1)),
            "ssubscribe" | "sunsubscribe" => args.iter_from(1).for_each(|channel| self.key(channel)),
            _ => {}
        }
    }

    fn key(&mut self, key: &[u8]) {
        let slot = Slot::of(key);
        self.refused |= *self.slot.get_or_insert(slot) != slot;
    }

    /// BY and GET read other keys: in the same slot only when a tag says so.
    fn patterns(&mut self, args: &Args) {
        for i in 2..args.len().saturating_sub(1) {
            let (is_by, pattern) = (args.is(i, "BY"), args.get(i + 1));
            let reads = if is_by { pattern.contains(&b'*') } else { args.is(i, "GET") && pattern != b"#" };
            if reads {
                self.refused |= !has_fixed_tag(pattern);
                self.key(pattern);
            }
        }
    }
}

/// `{…}` without a star in it.
fn has_fixed_tag(pattern: &[u8]) -> bool {
    let Some(open) = pattern.iter().position(|&byte| byte == b'{') else { return false };
    let tag = pattern[open + 1..].split(|&byte| byte == b'}').next().unwrap_or_default();
    !tag.is_empty() && tag.len() < pattern.len() - open - 1 && !tag.contains(&b'*')
}

fn names_other(word: Option<&[u8]>, db: usize) -> bool {
    word.and_then(parse_i64).is_some_and(|number| usize::try_from(number) != Ok(db))
}

impl Turn<'_, '_> {
    /// Whether the request that begins now is looked at.
    #[inline]
    pub(crate) fn choose_look(&mut self) {
        let is_on = self.node.alarms.get() & alarm::COMPATIBILITY != 0;
        self.look = if is_on && is_sampled(self.node) { Look::Looking } else { Look::Away };
    }

    /// A script that was brought to this thread was looked at where it came from: the keys that it declares.
    pub(crate) fn forget_counted(&mut self, session: &Session, number: CommandNo, args: &Args) {
        if self.look == Look::Looking {
            let mut finding = Finding::default();
            finding.add(self.node, session.db, number, args, args.planned_keys());
            if finding.refused {
                self.look = Look::Away;
            }
        }
    }

    /// A request that is about to run, or a command of a script.
    pub(crate) fn look_at(&mut self, session: &Session, number: CommandNo, args: &Args, keys: &[KeyAt]) {
        if self.look == Look::Looking {
            let mut finding = Finding::default();
            finding.add(self.node, session.db, number, args, keys);
            self.conclude(&finding);
        }
    }

    pub(crate) fn conclude(&mut self, finding: &Finding) {
        if finding.refused {
            self.note_incompatible();
        }
    }

    pub(crate) fn note_incompatible(&mut self) {
        if std::mem::replace(&mut self.look, Look::Away) == Look::Looking {
            self.node.tallies.add(&metrics::CLUSTER_INCOMPATIBLE, 1);
        }
    }
}

/// In a cluster they are refused, not counted.
fn is_sampled(node: &Node) -> bool {
    let ratio = node.config.get(&SAMPLE_RATIO).unsigned_abs();
    node.router.get().is_none() && (ratio >= 100 || node.rng.lock().below(100) < ratio)
}

#[cfg(test)]
mod tests {
    use super::has_fixed_tag;

    #[test]
    fn tags_of_patterns() {
        for (pattern, fixed) in [
            ("w_*", false),
            ("w{a}_*", true),
            ("{a}", true),
            ("{a*}", false),
            ("{}*", false),
            ("{a", false),
            ("*{a}", true),
        ] {
            assert_eq!(has_fixed_tag(pattern.as_bytes()), fixed, "{pattern}");
        }
    }
}
