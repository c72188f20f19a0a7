//! Taking elements from either end: what the pop commands share.

use super::elements;
use exec::{Args, Ctx, Error, Key, notify};
use keyspace::EntryRef;
use types::{SortedSet, Type};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    Min,
    Max,
}

impl End {
    pub(super) fn parse(args: &Args, i: usize) -> Result<End, Error> {
        match () {
            () if args.is(i, "MIN") => Ok(End::Min),
            () if args.is(i, "MAX") => Ok(End::Max),
            () => Err(Error::Syntax),
        }
    }

    /// The command that takes from this end, by which waiting ones are repeated.
    pub(super) fn command(self) -> &'static [u8] {
        match self {
            End::Min => b"ZPOPMIN",
            End::Max => b"ZPOPMAX",
        }
    }

    fn event(self) -> &'static str {
        match self {
            End::Min => "zpopmin",
            End::Max => "zpopmax",
        }
    }
}

/// How the elements stand in the reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    /// Key, member, score: BZPOPMIN.
    Triple,
    /// Member, score, even in RESP3: ZPOPMIN without a count.
    Flat,
    /// As ZRANGE WITHSCORES.
    List,
    /// Key, and a list of pairs: ZMPOP.
    KeyAndPairs,
}

/// Takes up to `count` elements and says them; false when there is nothing at the key, and then nothing was said.
pub(super) fn pop(ctx: &mut Ctx, key: Key, end: End, count: usize, shape: Shape) -> Result<bool, Error> {
    let Some(mut set) = ctx.db.write::<SortedSet>(key)? else { return Ok(false) };
    let count = count.min(set.len());
    if count == 0 {
        ctx.reply.array(0);
        return Ok(true);
    }
    let ranks = if end == End::Min { 0..count } else { set.len() - count..set.len() };
    let mut taken = set.range(ranks.clone(), end == End::Max);
    match shape {
        Shape::List => elements::write(ctx.reply, taken, true),
        Shape::KeyAndPairs => {
            ctx.reply.array(2);
            ctx.reply.bulk(key.bytes);
            elements::write_pairs(ctx.reply, taken);
        }
        Shape::Flat | Shape::Triple => {
            let with_key = shape == Shape::Triple;
            ctx.reply.array(if with_key { 3 } else { 2 });
            if with_key {
                ctx.reply.bulk(key.bytes);
            }
            if let Some((member, score)) = taken.next() {
                ctx.reply.bulk(member);
                ctx.reply.double(score);
            }
        }
    }
    set.remove_ranks(ranks);
    drop(set);
    ctx.db.event(notify::ZSET, end.event(), key.bytes);
    ctx.db.drop_if_empty(key);
    ctx.dirty(count as u64 - 1);
    Ok(true)
}

/// What those who wait wait for.
pub(super) fn is_sorted_set(entry: Option<EntryRef<'_>>) -> bool {
    entry.is_some_and(|entry| entry.kind().type_of() == Type::SortedSet)
}
