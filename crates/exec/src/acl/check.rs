//! May this user run this command with these words?
//!
//! Each set of permissions is asked in turn; one that allows everything the request does is enough. When none does,
//! the refusal is that of the set that came furthest: a key named by one set says more than a command unknown to
//! another.

use super::selector::Selector;
use super::user::{Identity, Rules};
use crate::args::Args;
use crate::command::{Begin, Command, Find, Flags, KeyAccess};
use crate::keys;
use crate::node::Node;
use crate::table::CommandNo;
use kit::text;

/// What a request was refused for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Denied {
    Command,
    /// The word that names the database, none when it is the one the client is in or all of them.
    Database(Option<usize>),
    /// The word that is the key.
    Key(usize),
    /// The word that is the channel.
    Channel(usize),
}

/// A request whose words may be looked at.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub number: CommandNo,
    pub len: usize,
    pub word: &'a dyn Fn(usize) -> &'a [u8],
    /// The database it will run in; none when that is not known yet (queued behind a SELECT).
    pub db: Option<usize>,
}

/// Asks the rules as they are now.
pub fn check(node: &Node, who: &mut Identity, db: Option<usize>, number: CommandNo, args: &Args) -> Result<(), Denied> {
    if who.may_everything() {
        return Ok(());
    }
    let command = node.commands.command(number);
    let word = |i: usize| args.get(i);
    let request = Request { number, len: args.len(), word: &word, db };
    check_rules(command, who.rules(), &request)
}

pub(super) fn check_rules(command: &Command, rules: &Rules, request: &Request) -> Result<(), Denied> {
    let mut worst = match check_set(command, &rules.root, request) {
        Ok(()) => return Ok(()),
        Err(denied) => denied,
    };
    for selector in &rules.others {
        match check_set(command, selector, request) {
            Ok(()) => return Ok(()),
            Err(denied) => worst = worst.max(denied),
        }
    }
    Err(worst)
}

#[inline]
fn check_set(command: &Command, set: &Selector, request: &Request) -> Result<(), Denied> {
    if !set.allows_command(request.number) && !command.has(Flags::NO_AUTH) {
        // `+select|0`: the word behind the command's name.
        let arg = (request.len > 1).then(|| (request.word)(1));
        if !set.allows_first_arg(request.number, arg) {
            return Err(Denied::Command);
        }
    }
    if !set.allows_every_database() {
        check_databases(command, set, request)?;
    }
    if !set.all_keys && !command.keys.is_empty() {
        check_keys(command, set, request)?;
    }
    if !set.all_channels && command.has(Flags::PUBSUB) {
        check_channels(command, set, request)?;
    }
    Ok(())
}

#[inline]
fn check_keys(command: &Command, set: &Selector, request: &Request) -> Result<(), Denied> {
    if let [spec] = command.keys
        && let (Begin::Index(at), Find::Range { last: 0, .. }) = (spec.begin, spec.find)
        && !spec.access.has(KeyAccess::NOT_KEY)
    {
        // Nearly all commands.
        let at = at as usize;
        let access = keys::access_of(command, request.len, request.word, spec.access);
        return match at >= request.len || set.allows_key((request.word)(at), access) {
            true => Ok(()),
            false => Err(Denied::Key(at)),
        };
    }
    let mut denied = None;
    // What does not fit the specs is the body's to refuse; the keys found before are asked for.
    let _ = keys::each_key(command, request.len, request.word, &mut |found| {
        if denied.is_none() {
            let key = (request.word)(found.word);
            if !set.allows_key(key, keys::access_of(command, request.len, request.word, found.access)) {
                denied = Some(Denied::Key(found.word));
            }
        }
    });
    denied.map_or(Ok(()), Err)
}

fn check_channels(command: &Command, set: &Selector, request: &Request) -> Result<(), Denied> {
    let (last, is_pattern) = match command.name {
        "PUBLISH" | "SPUBLISH" => (request.len.min(2), false),
        "SUBSCRIBE" | "SSUBSCRIBE" => (request.len, false),
        "PSUBSCRIBE" => (request.len, true),
        _ => return Ok(()),
    };
    match (1..last).find(|&i| !set.allows_channel((request.word)(i), is_pattern)) {
        Some(i) => Err(Denied::Channel(i)),
        None => Ok(()),
    }
}

/// Valkey's rules: a command needs the database it runs in if it looks at data, and those that it names.
fn check_databases(command: &Command, set: &Selector, request: &Request) -> Result<(), Denied> {
    let named = |at: usize| {
        let id = (at < request.len).then(|| (request.word)(at)).and_then(text::parse_u64);
        // What is no number of a database is the body's to refuse.
        match id.is_none_or(|id| set.allows_database(usize::try_from(id).unwrap_or(usize::MAX))) {
            true => Ok(()),
            false => Err(Denied::Database(Some(at))),
        }
    };
    match command.name {
        "SELECT" => return named(1),
        "SWAPDB" => return named(1).and_then(|()| named(2)),
        "FLUSHALL" => return Err(Denied::Database(None)),
        "MOVE" => named(2)?,
        "COPY" => {
            let is_db = |&i: &usize| text::eq_ignore_case((request.word)(i), b"DB");
            if let Some(at) = (3..request.len).find(is_db) {
                named(at + 1)?;
            }
        }
        _ => {}
    }
    let looks_at_data = !command.keys.iter().all(|spec| spec.access.has(KeyAccess::NOT_KEY))
        || command.has_any(Flags::WRITE | Flags::READONLY);
    match request.db {
        Some(db) if looks_at_data && !set.allows_database(db) => Err(Denied::Database(None)),
        _ => Ok(()),
    }
}

/// Is there a set that allows the request, and reading any key besides? SORT's patterns ask this.
pub fn may_read_all(node: &Node, who: &mut Identity, db: usize, number: CommandNo, args: &Args) -> bool {
    if who.may_everything() {
        return true;
    }
    let command = node.commands.command(number);
    let word = |i: usize| args.get(i);
    let request = Request { number, len: args.len(), word: &word, db: Some(db) };
    let mut sets = who.rules().selectors();
    sets.any(|set| set.allows_reading_all() && check_set(command, set, &request).is_ok())
}
