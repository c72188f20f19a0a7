//! ZRANK key member [WITHSCORE]
//! ZREVRANK key member [WITHSCORE]

use super::{KEY, MEMBER};
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static ZRANK: Command = Command {
    name: "ZRANK",
    group: Group::SortedSet,
    since: "2.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    complexity: "O(log(N))",
    summary: "Place of a member, counted from the lowest score.",
    history: &[("7.2.0", "Added the option `WITHSCORE`.")],
    docs: DOCS,
    run: |ctx, args| run(ctx, args, false),
    ..Command::BASE
};

pub static ZREVRANK: Command = Command {
    name: "ZREVRANK",
    summary: "Place of a member, counted from the highest score.",
    group: Group::SortedSet,
    since: "2.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    complexity: "O(log(N))",
    history: &[("7.2.0", "Added the option `WITHSCORE`.")],
    docs: DOCS,
    run: |ctx, args| run(ctx, args, true),
    ..Command::BASE
};

const DOCS: &[Arg] = &[KEY, MEMBER, Arg::token("withscore", "WITHSCORE").optional()];

fn run(ctx: &mut Ctx, args: &Args, backwards: bool) -> Result<(), Error> {
    let with_score = match args.len() {
        3 => false,
        4 if args.is(3, "WITHSCORE") => true,
        4 => return Err(Error::Syntax),
        _ => return Err(Error::wrong_arity(if backwards { "zrevrank" } else { "zrank" })),
    };
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    let found = set.and_then(|set| set.rank(args.get(2)).map(|(rank, score)| (rank, score, set.len())));
    let Some((rank, score, len)) = found else {
        if with_score {
            ctx.reply.null_array();
        } else {
            ctx.reply.null();
        }
        return Ok(());
    };
    if with_score {
        ctx.reply.array(2);
    }
    ctx.reply.int(if backwards { len - 1 - rank } else { rank } as i64);
    if with_score {
        ctx.reply.double(score);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn places() {
        check(
            "ZADD z 10 x 20 y 30 w; ZRANK z x -> :0; ZRANK z w -> :2; ZREVRANK z x -> :2; ZRANK z none -> nil; ZRANK none x -> nil; ZRANK z y WITHSCORE -> [:1 20]; ZREVRANK z y withscore -> [:1 20]; ZRANK z none WITHSCORE -> nil[]",
        );
        check("HELLO 3; ZADD z 1.5 x; ZRANK z x WITHSCORE -> [:0 ,1.5]");
        check(
            "ZRANK z x y -> -ERR syntax error; ZRANK z x WITHSCORE y -> -ERR wrong number of arguments for 'zrank' command; SET s v; ZRANK s x -> -WRONGTYPE",
        );
    }
}
