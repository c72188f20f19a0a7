//! Union, intersection and difference of sorted sets and sets: what the ZUNION, ZINTER and ZDIFF commands share.
//!
//! Members of a plain set count as having the score 1. The smallest source is looked at first, as Redis does, so that
//! sums come out the same.

use super::limits::limits;
use super::{KEY, NUMKEYS, elements};
use exec::{Arg, ArgKind, Args, Ctx, Deadline, Error, Key, notify};
use keyspace::View;
use kit::text;
use types::set::Member;
use types::sorted_set::Limits;
use types::{Object, Set, SortedSet};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Op {
    Union,
    Inter,
    Diff,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

/// Arguments behind the keys, for `COMMAND DOCS`.
const WEIGHT: Arg = Arg::new("weight", ArgKind::Integer).after("WEIGHTS").optional().multiple();
const AGGREGATE: Arg =
    Arg::one_of("aggregate", &[Arg::token("sum", "SUM"), Arg::token("min", "MIN"), Arg::token("max", "MAX")])
        .after("AGGREGATE")
        .optional();
pub(super) const DOCS: &[Arg] = &[NUMKEYS, KEY.multiple(), WEIGHT, AGGREGATE, super::WITHSCORES];
pub(super) const STORE_DOCS: &[Arg] =
    &[Arg::key("destination", 0), NUMKEYS, Arg::key("key", 1).multiple(), WEIGHT, AGGREGATE];
pub(super) const DIFF_DOCS: &[Arg] = &[NUMKEYS, KEY.multiple(), super::WITHSCORES];
pub(super) const DIFF_STORE_DOCS: &[Arg] = &[Arg::key("destination", 0), NUMKEYS, Arg::key("key", 1).multiple()];

/// ZUNION, ZINTER, ZDIFF.
pub(super) fn answer(ctx: &mut Ctx, args: &Args, op: Op, name: &str) -> Result<(), Error> {
    let count = key_count(args, 1, name)?;
    let options = options(ctx, args, 2, count, op, false)?;
    let result = combine(ctx, args, 2, count, &options, op)?;
    elements::write(ctx.reply, result.iter(), options.with_scores);
    Ok(())
}

/// ZUNIONSTORE, ZINTERSTORE, ZDIFFSTORE.
pub(super) fn store(ctx: &mut Ctx, args: &Args, op: Op, name: &str, event: &'static str) -> Result<(), Error> {
    let count = key_count(args, 2, name)?;
    let options = options(ctx, args, 3, count, op, true)?;
    let result = combine(ctx, args, 3, count, &options, op)?;
    put(ctx, args.key(1), result, event)
}

/// The end of every command that stores a sorted set: the key, the event, the number of members.
pub(super) fn put(ctx: &mut Ctx, key: Key, set: SortedSet, event: &'static str) -> Result<(), Error> {
    let len = set.len();
    if ctx.db.put(key, set, Deadline::None)? {
        ctx.db.event(notify::ZSET, event, key.bytes);
    }
    ctx.reply.int(len as i64);
    Ok(())
}

/// How many keys there are, said at word `at`; all of them are there.
pub(super) fn key_count(args: &Args, at: usize, name: &str) -> Result<usize, Error> {
    let count = args.int(at)?;
    if count < 1 {
        return Err(Error::err(format_args!("at least 1 input key is needed for '{name}' command")));
    }
    usize::try_from(count).ok().filter(|&count| count < args.len() - at).ok_or(Error::Syntax)
}

/// What stands behind the keys. A key of another type is told of first, as Redis does.
fn options(ctx: &mut Ctx, args: &Args, at: usize, keys: usize, op: Op, stores: bool) -> Result<Options, Error> {
    match Options::parse(args, at + keys, keys, op, stores) {
        Ok(options) => Ok(options),
        Err(error) => look_at_all(ctx, args, at, keys, |_| ()).and(Err(error)),
    }
}

struct Options {
    /// None: all 1.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl Options {
    fn parse(args: &Args, mut i: usize, keys: usize, op: Op, stores: bool) -> Result<Options, Error> {
        let mut options = Options { weights: Vec::new(), aggregate: Aggregate::Sum, with_scores: false };
        while i < args.len() {
            let left = args.len() - i - 1;
            if op != Op::Diff && left >= keys && args.is(i, "WEIGHTS") {
                let weight = |i| text::parse_f64(args.get(i)).ok_or(Error::Static("ERR weight value is not a float"));
                options.weights = (i + 1..=i + keys).map(weight).collect::<Result<_, _>>()?;
                i += keys + 1;
            } else if op != Op::Diff && left >= 1 && args.is(i, "AGGREGATE") {
                options.aggregate = match () {
                    () if args.is(i + 1, "SUM") => Aggregate::Sum,
                    () if args.is(i + 1, "MIN") => Aggregate::Min,
                    () if args.is(i + 1, "MAX") => Aggregate::Max,
                    () => return Err(Error::Syntax),
                };
                i += 2;
            } else if !stores && args.is(i, "WITHSCORES") {
                options.with_scores = true;
                i += 1;
            } else {
                return Err(Error::Syntax);
            }
        }
        Ok(options)
    }
}

impl Aggregate {
    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            // inf and -inf make nothing, not NaN.
            Aggregate::Sum => not_nan(a + b),
            Aggregate::Min => a.min(b),
            Aggregate::Max => a.max(b),
        }
    }
}

fn not_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

fn combine(
    ctx: &mut Ctx,
    args: &Args,
    first_key: usize,
    count: usize,
    options: &Options,
    op: Op,
) -> Result<SortedSet, Error> {
    let limits = limits(ctx.node);
    look_at_all(ctx, args, first_key, count, |sources| {
        let weight = |i: usize| options.weights.get(i).copied().unwrap_or(1.0);
        let weighted = sources.iter().enumerate().map(|(i, source)| (*source, weight(i)));
        let mut sources: Vec<(Source, f64)> = weighted.collect();
        if op != Op::Diff {
            sources.sort_by_key(|(source, _)| source.len());
        }
        match op {
            Op::Union => union(&sources, options.aggregate, limits),
            Op::Inter => inter(&sources, options.aggregate, limits),
            Op::Diff => diff(&sources, limits),
        }
    })
}

fn union(sources: &[(Source, f64)], aggregate: Aggregate, limits: Limits) -> SortedSet {
    let mut result = SortedSet::new();
    for (source, weight) in sources {
        source.for_each(|member, score| {
            let score = not_nan(score * weight);
            result.update(member, limits, |old| Some(old.map_or(score, |old| aggregate.of(old, score))));
        });
    }
    result
}

fn inter(sources: &[(Source, f64)], aggregate: Aggregate, limits: Limits) -> SortedSet {
    let mut result = SortedSet::new();
    let Some(((smallest, weight), others)) = sources.split_first() else { return result };
    smallest.for_each(|member, score| {
        let first = not_nan(score * weight);
        let all = others.iter().try_fold(first, |score, (other, weight)| {
            // Nothing (0 times infinity) is no 0 here: the sum becomes one.
            Some(aggregate.of(score, other.score(member)? * weight))
        });
        if let Some(score) = all {
            result.insert(member, score, limits);
        }
    });
    result
}

fn diff(sources: &[(Source, f64)], limits: Limits) -> SortedSet {
    let mut result = SortedSet::new();
    let Some(((first, _), others)) = sources.split_first() else { return result };
    first.for_each(|member, score| {
        if others.iter().all(|(other, _)| other.score(member).is_none()) {
            result.insert(member, score, limits);
        }
    });
    result
}

/// What a key holds.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    None,
    Sorted(&'a SortedSet),
    Plain(&'a Set),
}

impl<'a> Source<'a> {
    fn of(object: &'a Object) -> Result<Source<'a>, Error> {
        match object {
            Object::SortedSet(set) => Ok(Source::Sorted(set)),
            Object::Set(set) => Ok(Source::Plain(set)),
            Object::List(_) | Object::Hash(_) | Object::Stream(_) => Err(Error::WrongType),
        }
    }

    pub(super) fn len(self) -> usize {
        match self {
            Source::None => 0,
            Source::Sorted(set) => set.len(),
            Source::Plain(set) => set.len(),
        }
    }

    pub(super) fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Source::None => None,
            Source::Sorted(set) => set.score(member),
            Source::Plain(set) => set.contains(Member::of(member)).then_some(1.0),
        }
    }

    fn for_each(self, mut tell: impl FnMut(&[u8], f64)) {
        self.members().for_each(|(member, score)| tell(member.bytes(&mut [0; 20]), score));
    }

    /// Members and scores, in no order.
    pub(super) fn members(self) -> impl Iterator<Item = (Member<'a>, f64)> {
        let (sorted, plain) = match self {
            Source::None => (None, None),
            Source::Sorted(set) => (Some(set.iter()), None),
            Source::Plain(set) => (None, Some(set.iter())),
        };
        let sorted = sorted.into_iter().flatten().map(|(member, score)| (Member::of(member), score));
        sorted.chain(plain.into_iter().flatten().map(|member| (member, 1.0)))
    }
}

/// Looks at all source keys side by side.
pub(super) fn look_at_all<R>(
    ctx: &mut Ctx,
    args: &Args,
    first_key: usize,
    count: usize,
    look: impl FnOnce(&[Source]) -> R,
) -> Result<R, Error> {
    let keys: Vec<Key> = (first_key..first_key + count).map(|i| args.key(i)).collect();
    let mut views: Vec<Option<View>> = Vec::with_capacity(count);
    for entry in ctx.db.read_entries(&keys)? {
        views.push(entry.map(|entry| entry.object().ok_or(Error::WrongType)).transpose()?);
    }
    let mut sources = Vec::with_capacity(count);
    for view in &views {
        sources.push(match view {
            None => Source::None,
            Some(view) => Source::of(view)?,
        });
    }
    Ok(look(&sources))
}
