//! ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]

use super::limits::limits;
use super::query::{Dialect, Query};
use super::{LIMIT, combine, elements};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE};
use types::SortedSet;

pub static ZRANGESTORE: Command = Command {
    name: "ZRANGESTORE",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, REPLACE), KeySpec::at(2, READ)],
    complexity: "O(log(N)+M), M = members stored",
    summary: "Stores a range of members of a sorted set at another key.",
    docs: &[
        Arg::key("dst", 0),
        Arg::key("src", 1),
        Arg::new("min", ArgKind::String),
        Arg::new("max", ArgKind::String),
        Arg::one_of("sortby", &[Arg::token("byscore", "BYSCORE"), Arg::token("bylex", "BYLEX")]).optional(),
        Arg::token("rev", "REV").optional(),
        LIMIT,
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let query = Query::parse(args, 3, Dialect { by: None, backwards: None, stores: true })?;
    let limits = limits(ctx.node);
    let set = ctx.db.read::<SortedSet>(args.key(2))?;
    let result = set.map_or_else(SortedSet::new, |set| elements::collect(set.range(query.ranks(&set), false), limits));
    combine::put(ctx, args.key(1), result, "zrangestore")
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn stores() {
        check(
            "ZADD z 1 a 2 b 3 c 4 d; ZRANGESTORE d z 0 -1 -> :4; ZRANGE d 0 -1 WITHSCORES -> [a 1 b 2 c 3 d 4]; ZRANGESTORE d z 1 2 -> :2; ZRANGE d 0 -1 -> [b c]; ZRANGESTORE d z 0 1 REV -> :2; ZRANGE d 0 -1 -> [c d]; ZRANGESTORE d z (1 3 BYSCORE -> :2; ZRANGE d 0 -1 -> [b c]; ZRANGESTORE d z 5 6 -> :0; EXISTS d -> :0; ZRANGESTORE z z 0 0 -> :1; ZRANGE z 0 -1 -> [a]; ZRANGESTORE d none 0 -1 -> :0",
        );
        check(
            "ZRANGESTORE d z 0 -1 WITHSCORES -> -ERR syntax error; SET s v; ZRANGESTORE d s 0 -1 -> -WRONGTYPE; ZADD z 1 a; ZRANGESTORE s z 0 -1 -> :1; TYPE s -> +zset",
        );
    }
}
