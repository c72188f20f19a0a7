//! ZSCORE key member
//! ZMSCORE key member [member …]

use super::{KEY, MEMBER};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static ZSCORE: Command = Command {
    name: "ZSCORE",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    summary: "Score of a member.",
    docs: &[KEY, MEMBER],
    run: zscore,
    ..Command::BASE
};

pub static ZMSCORE: Command = Command {
    name: "ZMSCORE",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    complexity: "O(N), N = members asked for",
    summary: "Scores of several members.",
    docs: &[KEY, MEMBER.multiple()],
    run: zmscore,
    ..Command::BASE
};

fn zscore(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    match set.and_then(|set| set.score(args.get(2))) {
        Some(score) => ctx.reply.double(score),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn zmscore(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    let members = args.iter_from(2);
    ctx.reply.array(members.len());
    for member in members {
        match set.as_ref().and_then(|set| set.score(member)) {
            Some(score) => ctx.reply.double(score),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn scores() {
        check(
            "ZADD z 10.5 a -3 b; ZSCORE z a -> 10.5; ZSCORE z c -> nil; ZSCORE none a -> nil; ZMSCORE z a c b -> [10.5 nil \"-3\"]; ZMSCORE none a b -> [nil nil]; SET s v; ZSCORE s a -> -WRONGTYPE; ZMSCORE s a -> -WRONGTYPE",
        );
        check("HELLO 3; ZADD z 10.5 a; ZSCORE z a -> ,10.5; ZMSCORE z a b -> [,10.5 nil]");
    }
}
