//! ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]
//! ZINCRBY key increment member
//!
//! All scores are read before anything changes. ZINCRBY is ZADD INCR that always answers with the score.
//! A set that is made only to find that nothing is added would be a change: XX looks first.

use super::limits::limits;
use super::{KEY, MEMBER};
use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, UPDATE, notify,
};
use types::SortedSet;
use types::sorted_set::Limits;

pub static ZADD: Command = Command {
    name: "ZADD",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, UPDATE)],
    element: 3,
    complexity: "O(log(N)) for each member",
    summary: "Adds members with scores to a sorted set, or changes the scores of members.",
    history: &[
        ("2.4.0", "Accepts several members."),
        ("3.0.2", "Added the options `XX`, `NX`, `CH` and `INCR`."),
        ("6.2.0", "Added the options `GT` and `LT`."),
    ],
    docs: &[
        KEY,
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).since("3.0.2").optional(),
        Arg::one_of("comparison", &[Arg::token("gt", "GT"), Arg::token("lt", "LT")]).since("6.2.0").optional(),
        Arg::token("change", "CH").since("3.0.2").optional(),
        Arg::token("increment", "INCR").since("3.0.2").optional(),
        Arg::block("data", &[Arg::new("score", ArgKind::Double), MEMBER]).multiple(),
    ],
    run: zadd,
    ..Command::BASE
};

pub static ZINCRBY: Command = Command {
    name: "ZINCRBY",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, UPDATE.and(KeyAccess::ACCESS))],
    element: 3,
    complexity: "O(log(N))",
    summary: "Adds to the score of a member, and answers with the new one.",
    docs: &[KEY, Arg::new("increment", ArgKind::Integer), MEMBER],
    run: |ctx, args| {
        let options = Options { incr: true, ..Options::default() };
        let score = args.float(2).map_err(|error| if parse_options(args).1 > 2 { Error::Syntax } else { error })?;
        put(ctx, args, options, &Pairs { scores: &[score], member_at: 3, step: 2 })
    },
    ..Command::BASE
};

#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) nx: bool,
    pub(crate) xx: bool,
    pub(crate) gt: bool,
    pub(crate) lt: bool,
    pub(crate) ch: bool,
    pub(crate) incr: bool,
}

/// Scores, and where their members stand.
pub(crate) struct Pairs<'a> {
    pub(crate) scores: &'a [f64],
    pub(crate) member_at: usize,
    pub(crate) step: usize,
}

fn zadd(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (options, at) = parse_options(args);
    let words = args.len() - at;
    if words == 0 || !words.is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    if options.nx && options.xx {
        return Err(Error::Static("ERR XX and NX options at the same time are not compatible"));
    }
    if (options.gt && (options.nx || options.lt)) || (options.lt && options.nx) {
        return Err(Error::Static("ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if options.incr && words > 2 {
        return Err(Error::Static("ERR INCR option supports a single increment-element pair"));
    }
    let pairs = |scores| Pairs { scores, member_at: at + 1, step: 2 };
    if words == 2 {
        return put(ctx, args, options, &pairs(&[args.float(at)?]));
    }
    let scores = (at..args.len()).step_by(2).map(|i| args.float(i)).collect::<Result<Vec<f64>, Error>>()?;
    put(ctx, args, options, &pairs(&scores))
}

/// The options, and where they end: at the first word that is none.
fn parse_options(args: &Args) -> (Options, usize) {
    let mut options = Options::default();
    let mut at = 2;
    while at < args.len() {
        // A score begins with a digit or a sign; looking at one letter spares it the comparisons.
        let option = match args.get(at).first() {
            Some(b'n' | b'N') if args.is(at, "NX") => &mut options.nx,
            Some(b'x' | b'X') if args.is(at, "XX") => &mut options.xx,
            Some(b'g' | b'G') if args.is(at, "GT") => &mut options.gt,
            Some(b'l' | b'L') if args.is(at, "LT") => &mut options.lt,
            Some(b'c' | b'C') if args.is(at, "CH") => &mut options.ch,
            Some(b'i' | b'I') if args.is(at, "INCR") => &mut options.incr,
            _ => break,
        };
        *option = true;
        at += 1;
    }
    (options, at)
}

#[derive(Default)]
struct Outcome {
    added: usize,
    updated: usize,
    /// The score that the last pair led to, the old one included; none when a condition kept it from anything.
    score: Option<f64>,
    not_a_number: bool,
}

/// Adds them to the set at word 1, and answers.
pub(crate) fn put(ctx: &mut Ctx, args: &Args, options: Options, pairs: &Pairs) -> Result<(), Error> {
    let (key, limits) = (args.key(1), limits(ctx.node));
    let outcome = if let Some(mut set) = ctx.db.write::<SortedSet>(key)? {
        let outcome = apply(set.unmarked(), args, options, pairs, limits);
        if outcome.added + outcome.updated > 0 {
            set.touch();
        }
        outcome
    } else if options.xx {
        Outcome::default()
    } else {
        apply(&mut ctx.db.make(key, SortedSet::new()), args, options, pairs, limits)
    };
    if outcome.not_a_number {
        return Err(Error::Static("ERR resulting score is not a number (NaN)"));
    }
    match (options.incr, outcome.score) {
        (true, Some(score)) => ctx.reply.double(score),
        (true, None) => ctx.reply.null(),
        (false, _) => ctx.reply.int((outcome.added + if options.ch { outcome.updated } else { 0 }) as i64),
    }
    let changes = outcome.added + outcome.updated;
    if changes > 0 {
        ctx.db.event(notify::ZSET, if options.incr { "zincr" } else { "zadd" }, key.bytes);
        ctx.dirty(changes as u64 - 1);
    }
    Ok(())
}

fn apply(set: &mut SortedSet, args: &Args, options: Options, pairs: &Pairs, limits: Limits) -> Outcome {
    let mut outcome = Outcome::default();
    for (i, &score) in pairs.scores.iter().enumerate() {
        let mut decided = None;
        let old = set.update(args.get(pairs.member_at + pairs.step * i), limits, |old| {
            let Some(old) = old else {
                decided = (!options.xx).then_some(score);
                return decided;
            };
            let new = if options.incr { old + score } else { score };
            outcome.not_a_number |= new.is_nan();
            let kept = options.nx || new.is_nan() || (options.gt && new <= old) || (options.lt && new >= old);
            decided = (!kept).then_some(new);
            decided
        });
        match (old, decided) {
            (None, Some(_)) => outcome.added += 1,
            (Some(old), Some(new)) if old != new => outcome.updated += 1,
            _ => {}
        }
        outcome.score = decided;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn adds_and_changes() {
        check(
            "ZADD z 10 x 20 y 30 z -> :3; ZADD z 5 x -> :0; ZRANGE z 0 -1 WITHSCORES -> [x 5 y 20 z 30]; ZADD z CH 6 x 20 y 1 w -> :2; ZSCORE z x -> 6; ZCARD z -> :4",
        );
        check(
            "ZADD z inf a -inf b 1e3 c .5 d -0 e -> :5; ZRANGE z 0 -1 WITHSCORES -> [b \"-inf\" e 0 d 0.5 c 1000 a inf]",
        );
    }

    #[test]
    fn conditions() {
        check(
            "ZADD z XX 10 x -> :0; EXISTS z -> :0; ZADD z 10 x; ZADD z XX 20 y 11 x -> :0; ZRANGE z 0 -1 WITHSCORES -> [x 11]; ZADD z NX 20 y 99 x -> :1; ZSCORE z x -> 11",
        );
        check(
            "ZADD z 10 x 20 y; ZADD z GT CH 5 x 21 y 1 w -> :2; ZADD z LT CH 5 x 99 y -> :1; ZRANGE z 0 -1 WITHSCORES -> [w 1 x 5 y 21]; ZADD z XX GT 100 nope -> :0",
        );
    }

    #[test]
    fn increments() {
        check(
            "ZADD z INCR 15 x -> 15; ZADD z INCR -4.5 x -> 10.5; ZADD z NX INCR 1 x -> nil; ZADD z XX INCR 1 nope -> nil; ZADD z GT INCR -1 x -> nil; ZADD z INCR 0 x -> 10.5",
        );
        check(
            "ZINCRBY z 2 a -> 2; ZINCRBY z 1.5 a -> 3.5; ZINCRBY z +inf a -> inf; ZINCRBY z -inf a -> -ERR resulting score is not a number (NaN); ZSCORE z a -> inf",
        );
        check("HELLO 3; ZADD z INCR 1.5 x -> ,1.5; ZADD z XX INCR 1 y -> nil; ZINCRBY z 1 x -> ,2.5");
    }

    #[test]
    fn refuses() {
        check(
            "ZADD z 1 -> -ERR wrong number; ZADD z XX 10 -> -ERR syntax error; ZADD z 1 a 2 -> -ERR syntax error; ZADD z XX NX 1 a -> -ERR XX and NX options at the same time are not compatible; ZADD z GT NX 1 a -> -ERR GT, LT, and/or NX options at the same time are not compatible; ZADD z GT LT 1 a -> -ERR GT, LT; ZADD z INCR 1 a 2 b -> -ERR INCR option supports a single increment-element pair",
        );
        check(
            "ZADD z 1 a nan b -> -ERR value is not a valid float; ZADD z foo a -> -ERR value is not a valid float; EXISTS z -> :0; ZINCRBY z x a -> -ERR value is not a valid float; SET s v; ZADD s 1 a -> -WRONGTYPE; ZADD s XX 1 a -> -WRONGTYPE; ZINCRBY s 1 a -> -WRONGTYPE",
        );
    }

    #[test]
    fn what_changes_nothing_is_not_logged() {
        let mut node = node(&[]);
        node.converse("ZADD z 1 a; ZADD z 1 a -> :0; ZADD z NX 2 a -> :0; ZADD z XX 2 b -> :0; ZADD z GT 0 a -> :0; ZADD none XX 1 a -> :0; ZINCRBY z 0 a -> 1");
        assert_eq!(node.log.lines(), ["ZADD z 1 a"]);
    }

    #[test]
    fn grows_out_of_its_small_form() {
        let mut node = node(&[("zset-max-listpack-entries", "3"), ("zset-max-ziplist-value", "5")]);
        node.converse(
            "ZADD z 1 a 2 b 3 c; OBJECT ENCODING z -> listpack; ZADD z 4 d; OBJECT ENCODING z -> skiplist; ZADD y 1 12345; OBJECT ENCODING y -> listpack; ZADD y 1 123456; OBJECT ENCODING y -> skiplist",
        );
    }
}
