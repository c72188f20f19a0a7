//! ZMPOP numkeys key [key …] MIN | MAX [COUNT count]
//! BZMPOP timeout numkeys key [key …] MIN | MAX [COUNT count]
//!
//! Takes from the first key that has any. Repeated as ZPOPMIN or ZPOPMAX of that key, with the number taken.

use super::pop::{self, End, Shape};
use super::{KEY, NUMKEYS};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeyAccess, KeySpec};
use kit::text;

pub static ZMPOP: Command = Command {
    name: "ZMPOP",
    group: Group::SortedSet,
    since: "7.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::counted(1, 1, POP)],
    complexity: "O(K) + O(M*log(N)), K = keys, M = members taken",
    summary: "Takes members with the lowest or highest scores from the first key that has any.",
    docs: &[NUMKEYS, KEY.multiple(), WHERE, COUNT],
    run: zmpop,
    ..Command::BASE
};

pub static BZMPOP: Command = Command {
    name: "BZMPOP",
    group: Group::SortedSet,
    since: "7.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::BLOCKING),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::counted(2, 1, POP)],
    complexity: "O(K) + O(M*log(N)), K = keys, M = members taken",
    summary: "ZMPOP that waits when there is nothing.",
    docs: &[Arg::new("timeout", ArgKind::Double), NUMKEYS, KEY.multiple(), WHERE, COUNT],
    run: bzmpop,
    ..Command::BASE
};

const POP: KeyAccess = KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE);
const WHERE: Arg = Arg::one_of("where", &[Arg::token("min", "MIN"), Arg::token("max", "MAX")]);
const COUNT: Arg = Arg::new("count", ArgKind::Integer).after("COUNT").optional();

struct Request<'a> {
    keys: Vec<Key<'a>>,
    end: End,
    count: usize,
}

impl<'a> Request<'a> {
    /// From the number of keys, at word `at`, on.
    fn parse(args: &Args<'a>, at: usize) -> Result<Request<'a>, Error> {
        let positive = |i: usize, error| {
            let number = text::parse_i64(args.get(i)).and_then(|number| usize::try_from(number).ok());
            number.filter(|&number| number > 0).ok_or(Error::Static(error))
        };
        let count = positive(at, "ERR numkeys should be greater than 0")?;
        let end_at = at.checked_add(count).and_then(|end| end.checked_add(1)).filter(|&end| end < args.len());
        let end_at = end_at.ok_or(Error::Syntax)?;
        let end = End::parse(args, end_at)?;
        let mut taken = None;
        let mut i = end_at + 1;
        while i < args.len() {
            if taken.is_some() || !args.is(i, "COUNT") || i + 1 == args.len() {
                return Err(Error::Syntax);
            }
            taken = Some(positive(i + 1, "ERR count should be greater than 0")?);
            i += 2;
        }
        let keys = (at + 1..end_at).map(|i| args.key(i)).collect();
        Ok(Request { keys, end, count: taken.unwrap_or(1) })
    }

    /// False when no key has any.
    fn pop(&self, ctx: &mut Ctx) -> Result<bool, Error> {
        for &key in &self.keys {
            if pop::pop(ctx, key, self.end, self.count, Shape::KeyAndPairs)? {
                ctx.replay_as(&[self.end.command(), key.bytes, self.count.to_string().as_bytes()]);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn zmpop(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if !Request::parse(args, 1)?.pop(ctx)? {
        ctx.reply.null_array();
    }
    Ok(())
}

fn bzmpop(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let request = Request::parse(args, 2)?;
    let deadline = args.timeout(1, ctx.now())?;
    if request.pop(ctx)? {
        return Ok(());
    }
    if !ctx.may_wait() {
        ctx.reply.null_array();
        return Ok(());
    }
    Err(ctx.wait_for(&request.keys, pop::is_sorted_set, deadline))
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn takes_from_the_first_that_has_any() {
        let mut node = node(&[]);
        node.converse(
            "ZADD b 1 x 2 y 3 z; ZMPOP 2 a b MIN -> [b [[x 1]]]; ZMPOP 2 a b MAX COUNT 5 -> [b [[z 3] [y 2]]]; ZMPOP 2 a b MIN -> nil[]; EXISTS b -> :0",
        );
        assert_eq!(node.log.lines(), ["ZADD b 1 x 2 y 3 z", "ZPOPMIN b 1", "ZPOPMAX b 5"]);
        check("HELLO 3; ZADD b 1 x; ZMPOP 1 b MIN COUNT 2 -> [b [[x ,1]]]; ZMPOP 1 b MIN -> nil");
    }

    #[test]
    fn waits() {
        let mut node = node(&[]);
        node.converse(
            "BZMPOP 0 2 a b MAX COUNT 2 -> parked; c2> ZADD b 1 x 2 y 3 z; <- [b [[z 3] [y 2]]]; BZMPOP 0.05 1 a MIN -> parked; ~100ms; <- nil[]; BZMPOP 0 1 b MIN -> [b [[x 1]]]",
        );
        assert_eq!(node.log.lines(), ["ZADD b 1 x 2 y 3 z", "ZPOPMAX b 2", "ZPOPMIN b 1"]);
    }

    #[test]
    fn refuses() {
        check(
            "ZMPOP 0 a MIN -> -ERR numkeys should be greater than 0; ZMPOP x a MIN -> -ERR numkeys should be greater than 0; ZMPOP 2 a MIN -> -ERR syntax error; ZMPOP 1 a MIDDLE -> -ERR syntax error; ZMPOP 1 a MIN COUNT 0 -> -ERR count should be greater than 0; ZMPOP 1 a MIN COUNT x -> -ERR count should be greater than 0; ZMPOP 1 a MIN COUNT 1 COUNT 2 -> -ERR syntax error; ZMPOP 1 a MIN COUNT -> -ERR syntax error; ZMPOP 9223372036854775807 a MIN -> -ERR syntax error",
        );
        check(
            "BZMPOP x 1 a MIN -> -ERR timeout is not a float or out of range; BZMPOP -1 1 a MIN -> -ERR timeout is negative; BZMPOP x 1 a UP -> -ERR syntax error; SET s v; ZMPOP 2 none s MIN -> -WRONGTYPE; BZMPOP 0 1 s MIN -> -WRONGTYPE",
        );
    }
}
