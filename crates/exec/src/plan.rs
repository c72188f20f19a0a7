//! Plans a request: which command, which keys, which shards; fetches their cache lines early.
//!
//! A window of requests is planned before the first of them runs, so that the misses of a cold
//! table overlap instead of queueing up (design.md, "Measured").

use crate::args::{Args, KeyAt};
use crate::command::{Begin, Command, Find, Flags, KeyAccess, Reach};
use crate::keys;
use crate::node::Node;
use crate::table::CommandNo;
use keyspace::KeyHash;
use proto::{Error, Word};

/// Number of no command.
pub(crate) const UNKNOWN: CommandNo = CommandNo::MAX;

#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub command: CommandNo,
    /// 1, or 2 when a subcommand was named.
    pub name_words: u8,
    pub first_key: u32,
    pub key_count: u32,
}

pub(crate) fn word(buf: &[u8], word: Word) -> &[u8] {
    &buf[word.start as usize..word.start as usize + word.len as usize]
}

/// Resolves command and keys of one request and prefetches the buckets of its keys.
#[inline]
pub(crate) fn plan(node: &Node, db: usize, buf: &[u8], words: &[Word], keys: &mut Vec<KeyAt>) -> Plan {
    let first_key = keys.len() as u32;
    let Some(found) = node.commands.find(word(buf, words[0])) else {
        return Plan { command: UNKNOWN, name_words: 1, first_key, key_count: 0 };
    };
    let mut command = found;
    let mut name_words = 1;
    if !node.commands.row(found).subcommands.is_empty()
        && let Some(second) = words.get(1)
        && let Some(sub) = node.commands.find_sub(found, word(buf, *second))
    {
        command = sub;
        name_words = 2;
    }
    let row = node.commands.command(command);
    match row.keys {
        [] => {}
        // Nearly all commands: one key at a fixed place.
        [spec] if is_single(spec.begin, spec.find) && !spec.access.has(KeyAccess::NOT_KEY) => {
            if let Begin::Index(at) = spec.begin
                && let Some(key) = words.get(at as usize)
            {
                let hash = node.keyspace.hash(word(buf, *key));
                node.keyspace.prefetch_bucket(db, hash);
                keys.push(KeyAt { word: at as u32, hash });
            }
        }
        _ => {
            // A misfit is the body's to refuse; the keys found before it are locked.
            let _ = keys::each_key(row, words.len(), &|i| word(buf, words[i]), &mut |found| {
                let hash = node.keyspace.hash(word(buf, words[found.word]));
                node.keyspace.prefetch_bucket(db, hash);
                keys.push(KeyAt { word: found.word as u32, hash });
            });
        }
    }
    Plan { command, name_words, first_key, key_count: keys.len() as u32 - first_key }
}

fn is_single(begin: Begin, find: Find) -> bool {
    matches!((begin, find), (Begin::Index(_), Find::Range { last: 0, .. }))
}

/// Second pass over a window: the entries behind the buckets.
#[inline]
pub(crate) fn prefetch_entries(node: &Node, db: usize, keys: &[KeyAt]) {
    for key in keys {
        node.keyspace.prefetch_entry(db, key.hash);
    }
}

/// Lookup and arity: the first two gates.
pub(crate) fn admit<'a>(
    node: &Node,
    plan: &Plan,
    words: usize,
    word: &dyn Fn(usize) -> &'a [u8],
) -> Result<&'static Command, Error> {
    if plan.command == UNKNOWN {
        return Err(Error::unknown_command(word(0), (1..words).map(word)));
    }
    let row = node.commands.row(plan.command);
    let command = row.command;
    if !row.subcommands.is_empty() && words > 1 {
        // A container whose subcommand was not found.
        return Err(Error::unknown_subcommand(&row.full_name, word(1)));
    }
    if !command.arity.admits(words) {
        return Err(Error::WrongArity(row.full_name.as_str().into()));
    }
    Ok(command)
}

/// What must be locked for a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Locks {
    None,
    /// Shard after shard while the body looks at it.
    Walk,
    One(u8),
    /// The shards gathered in the caller's list.
    Many,
    World,
}

/// Shards of these keys, ascending, each once.
pub(crate) fn shards_of(keys: &[KeyAt], into: &mut Vec<u8>) -> Locks {
    match keys {
        [] => Locks::None,
        [key] => Locks::One(key.hash.shard() as u8),
        keys => {
            into.clear();
            into.extend(keys.iter().map(|key| key.hash.shard() as u8));
            into.sort_unstable();
            into.dedup();
            if let [one] = into.as_slice() { Locks::One(*one) } else { Locks::Many }
        }
    }
}

pub(crate) fn locks(node: &Node, command: &Command, args: &Args, into: &mut Vec<u8>) -> Locks {
    match command.reach_of(node, args) {
        Reach::World | Reach::ByWords(_) => Locks::World,
        Reach::Walk => Locks::Walk,
        Reach::Keys => shards_of(args.planned_keys(), into),
    }
}

/// Hashes alone, for the router.
pub(crate) fn hashes(keys: &[KeyAt]) -> Vec<KeyHash> {
    keys.iter().map(|key| key.hash).collect()
}

/// Does the command run at once inside MULTI?
pub(crate) fn is_queued(command: &Command) -> bool {
    !command.has(Flags::NOT_QUEUED)
}
