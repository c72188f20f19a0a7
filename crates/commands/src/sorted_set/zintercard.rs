//! ZINTERCARD numkeys key [key …] [LIMIT limit]
//!
//! Counts without making the intersection; with a limit it stops there (0: none).

use super::combine::{key_count, look_at_all};
use super::{KEY, NUMKEYS};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::text;

pub static ZINTERCARD: Command = Command {
    name: "ZINTERCARD",
    group: Group::SortedSet,
    since: "7.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::counted(1, 1, READ)],
    complexity: "O(N*K), N = members of the smallest of K sources",
    summary: "Number of members in the intersection of several sorted sets.",
    docs: &[NUMKEYS, KEY.multiple(), Arg::new("limit", ArgKind::Integer).after("LIMIT").optional()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let keys = key_count(args, 1, "zintercard")?;
    let limit = match limit(args, 2 + keys) {
        Ok(limit) => limit,
        // A key of another type is told of first, as Redis does.
        Err(error) => return look_at_all(ctx, args, 2, keys, |_| ()).and(Err(error)),
    };
    let count = look_at_all(ctx, args, 2, keys, |sources| {
        let mut sources = sources.to_vec();
        sources.sort_by_key(|source| source.len());
        let Some((smallest, others)) = sources.split_first() else { return 0 };
        let everywhere = smallest.members().filter(|(member, _)| {
            let mut digits = [0; 20];
            let member = member.bytes(&mut digits);
            others.iter().all(|other| other.score(member).is_some())
        });
        everywhere.take(if limit == 0 { usize::MAX } else { limit }).count()
    })?;
    ctx.reply.int(count as i64);
    Ok(())
}

/// 0: none. Words from `i` to the end.
fn limit(args: &Args, mut i: usize) -> Result<usize, Error> {
    let mut limit = 0;
    while i < args.len() {
        if !args.is(i, "LIMIT") || i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        let number = text::parse_i64(args.get(i + 1)).and_then(|limit| usize::try_from(limit).ok());
        limit = number.ok_or(Error::Static("ERR LIMIT can't be negative"))?;
        i += 2;
    }
    Ok(limit)
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check(
            "ZADD a 1 x 2 y 3 z; ZADD b 10 y 20 z 30 w; SADD s y; ZINTERCARD 2 a b -> :2; ZINTERCARD 2 a b LIMIT 0 -> :2; ZINTERCARD 2 a b LIMIT 1 -> :1; ZINTERCARD 2 a b LIMIT 10 -> :2; ZINTERCARD 3 a b s -> :1; ZINTERCARD 2 a none -> :0; ZINTERCARD 1 a -> :3",
        );
        check(
            "ZINTERCARD 0 a -> -ERR at least 1 input key is needed for 'zintercard' command; ZINTERCARD 1 a LIMIT -1 -> -ERR LIMIT can't be negative; ZINTERCARD 1 a LIMIT x -> -ERR LIMIT can't be negative; ZINTERCARD 1 a LIMIT -> -ERR syntax error; ZINTERCARD 1 a b -> -ERR syntax error; SET s v; ZINTERCARD 1 s -> -WRONGTYPE; ZINTERCARD 1 s LIMIT -1 -> -WRONGTYPE",
        );
    }
}
