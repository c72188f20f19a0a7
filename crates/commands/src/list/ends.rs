//! What the commands at a list's ends share: their words, their events, how a list is added to and taken from.

use super::options::limit;
use exec::command::{Arg, KeyAccess};
use exec::{Args, Ctx, Error, Key, notify};
use keyspace::EntryRef;
use proto::Reply;
use types::list::{Item, Side};
use types::{List, Type};

/// RW, ACCESS, DELETE: elements are read and taken away.
pub(super) const TAKE: KeyAccess = KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE);
/// RW, INSERT: elements are added.
pub(super) const ADD: KeyAccess = KeyAccess::RW.and(KeyAccess::INSERT);

/// `LEFT | RIGHT`
pub(super) const WHERE: &[Arg] = &[Arg::token("left", "LEFT"), Arg::token("right", "RIGHT")];

/// Word `i` as a side.
pub(super) fn side(args: &Args, i: usize) -> Result<Side, Error> {
    if args.is(i, "LEFT") {
        Ok(Side::Front)
    } else if args.is(i, "RIGHT") {
        Ok(Side::Back)
    } else {
        Err(Error::Syntax)
    }
}

/// The command that takes away at this side; its event, in lower case.
pub(super) fn pop_name(side: Side) -> (&'static [u8], &'static str) {
    match side {
        Side::Front => (b"LPOP", "lpop"),
        Side::Back => (b"RPOP", "rpop"),
    }
}

pub(super) fn push_event(side: Side) -> &'static str {
    match side {
        Side::Front => "lpush",
        Side::Back => "rpush",
    }
}

#[inline]
pub(super) fn say(reply: &mut Reply, item: Item) {
    match item {
        Item::Int(n) => reply.bulk_int(n),
        Item::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Takes `count` elements from one end of a list that has so many and answers with them, in an array if `in_array`.
#[inline]
pub(super) fn take(ctx: &mut Ctx, key: Key, side: Side, count: usize, in_array: bool) -> Result<(), Error> {
    let limit = limit(ctx);
    if let Some(mut list) = ctx.db.write::<List>(key)? {
        if in_array {
            ctx.reply.array(count);
        }
        list.walk(side, 0).take(count).for_each(|item| say(ctx.reply, item));
        list.pop(side, count);
        list.shrunk(limit);
    }
    taken(ctx, key, side, count);
    Ok(())
}

/// What follows when elements are gone from an end.
#[inline]
pub(super) fn taken(ctx: &mut Ctx, key: Key, side: Side, count: usize) {
    ctx.db.event(notify::LIST, pop_name(side).1, key.bytes);
    ctx.db.drop_if_empty(key);
    ctx.dirty(count as u64 - 1);
}

/// Is there a list that a waiting client could take from?
pub(super) fn is_list(entry: Option<EntryRef<'_>>) -> bool {
    entry.is_some_and(|entry| entry.kind().type_of() == Type::List)
}

/// What LMPOP and BLMPOP are asked for: `numkeys key [key …] LEFT | RIGHT [COUNT n]`, from word `at` on.
pub(super) struct PopMany {
    pub first_key: usize,
    pub key_count: usize,
    pub side: Side,
    pub count: usize,
}

pub(super) const COUNT_DOCS: Arg = Arg::new("count", exec::command::ArgKind::Integer).after("COUNT").optional();

impl PopMany {
    pub(super) fn parse(args: &Args, at: usize) -> Result<PopMany, Error> {
        let positive = |i: usize| args.int(i).ok().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        let key_count = positive(at).ok_or(Error::Static("ERR numkeys should be greater than 0"))?;
        let where_at = key_count.saturating_add(at + 1);
        if where_at >= args.len() {
            return Err(Error::Syntax);
        }
        let side = side(args, where_at)?;
        let count = match args.len() - where_at {
            1 => 1,
            3 if args.is(where_at + 1, "COUNT") => {
                positive(where_at + 2).ok_or(Error::Static("ERR count should be greater than 0"))?
            }
            _ => {
                // A bad number is named before what follows it.
                if args.is(where_at + 1, "COUNT") && where_at + 2 < args.len() && positive(where_at + 2).is_none() {
                    return Err(Error::Static("ERR count should be greater than 0"));
                }
                return Err(Error::Syntax);
            }
        };
        Ok(PopMany { first_key: at + 1, key_count, side, count })
    }

    /// From the first key that holds a list. Answers, and says so; false when no key does.
    pub(super) fn run(&self, ctx: &mut Ctx, args: &Args) -> Result<bool, Error> {
        for i in self.first_key..self.first_key + self.key_count {
            let key = args.key(i);
            let Some(len) = ctx.db.read_before_write::<List>(key)?.map(|list| list.len()) else { continue };
            let count = self.count.min(len);
            ctx.reply.array(2);
            ctx.reply.bulk(key.bytes);
            take(ctx, key, self.side, count, true)?;
            ctx.replay_as(&[pop_name(self.side).0, key.bytes, count.to_string().as_bytes()]);
            return Ok(true);
        }
        Ok(false)
    }
}
