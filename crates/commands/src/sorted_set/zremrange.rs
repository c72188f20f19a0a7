//! ZREMRANGEBYRANK key start stop
//! ZREMRANGEBYSCORE key min max
//! ZREMRANGEBYLEX key min max

use super::bounds::Bounds;
use super::{KEY, LEX_MAX, LEX_MIN, MAX, MIN};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use types::SortedSet;

pub static ZREMRANGEBYRANK: Command = Command {
    name: "ZREMRANGEBYRANK",
    group: Group::SortedSet,
    since: "2.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(log(N)+M), M = members removed",
    summary: "Removes members in a range of ranks.",
    docs: &[KEY, Arg::new("start", ArgKind::Integer), Arg::new("stop", ArgKind::Integer)],
    run: |ctx, args| run(ctx, args, Bounds::by_rank(args.get(2), args.get(3))?, "zremrangebyrank"),
    ..Command::BASE
};

pub static ZREMRANGEBYSCORE: Command = Command {
    name: "ZREMRANGEBYSCORE",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(log(N)+M), M = members removed",
    summary: "Removes members with scores in a range.",
    docs: &[KEY, MIN, MAX],
    run: |ctx, args| run(ctx, args, Bounds::by_score(args.get(2), args.get(3))?, "zremrangebyscore"),
    ..Command::BASE
};

pub static ZREMRANGEBYLEX: Command = Command {
    name: "ZREMRANGEBYLEX",
    group: Group::SortedSet,
    since: "2.8.9",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(log(N)+M), M = members removed",
    summary: "Removes members in a lexicographical range.",
    docs: &[KEY, LEX_MIN, LEX_MAX],
    run: |ctx, args| run(ctx, args, Bounds::by_lex(args.get(2), args.get(3))?, "zremrangebylex"),
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args, bounds: Bounds, event: &'static str) -> Result<(), Error> {
    let key = args.key(1);
    let Some(mut set) = ctx.db.write::<SortedSet>(key)? else {
        ctx.reply.int(0);
        return Ok(());
    };
    let ranks = bounds.ranks(&set);
    let count = ranks.len();
    ctx.reply.int(count as i64);
    if count > 0 {
        set.remove_ranks(ranks);
        drop(set);
        ctx.db.event(notify::ZSET, event, key.bytes);
        ctx.db.drop_if_empty(key);
        ctx.dirty(count as u64 - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn removes() {
        for settings in [&[][..], &[("zset-max-listpack-entries", "0")]] {
            node(settings).converse(
                "ZADD z 1 a 2 b 3 c 4 d 5 e; ZREMRANGEBYRANK z 1 2 -> :2; ZRANGE z 0 -1 -> [a d e]; ZREMRANGEBYSCORE z (1 4 -> :1; ZRANGE z 0 -1 -> [a e]; ZREMRANGEBYSCORE z 9 10 -> :0; ZREMRANGEBYRANK z -1 -1 -> :1; ZREMRANGEBYRANK z 0 -1 -> :1; EXISTS z -> :0; ZREMRANGEBYRANK z 0 -1 -> :0; ZADD z 0 a 0 b 0 c; ZREMRANGEBYLEX z (a [b -> :1; ZREMRANGEBYLEX z - + -> :2; EXISTS z -> :0",
            );
        }
    }

    #[test]
    fn refuses() {
        check(
            "ZREMRANGEBYRANK z a 1 -> -ERR value is not an integer or out of range; ZREMRANGEBYSCORE z a 1 -> -ERR min or max is not a float; ZREMRANGEBYLEX z a b -> -ERR min or max not valid string range item; SET s v; ZREMRANGEBYRANK s 0 1 -> -WRONGTYPE; ZREMRANGEBYSCORE s 0 1 -> -WRONGTYPE; ZREMRANGEBYLEX s - + -> -WRONGTYPE",
        );
    }

    #[test]
    fn nothing_removed_is_no_change() {
        let mut node = node(&[]);
        node.converse("ZADD z 1 a; ZREMRANGEBYRANK z 5 9; ZREMRANGEBYSCORE z 5 9; ZREMRANGEBYLEX z [x [y; ZREMRANGEBYRANK none 0 -1");
        assert_eq!(node.log.lines(), ["ZADD z 1 a"]);
    }
}
