//! ZCOUNT key min max

use super::bounds::Bounds;
use super::{KEY, MAX, MIN};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static ZCOUNT: Command = Command {
    name: "ZCOUNT",
    group: Group::SortedSet,
    since: "2.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N))",
    summary: "Number of members with scores in a range.",
    docs: &[KEY, MIN, MAX],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let bounds = Bounds::by_score(args.get(2), args.get(3))?;
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    ctx.reply.int(set.map_or(0, |set| bounds.ranks(&set).len() as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check(
            "ZADD z -inf a 1 b 2 c 3 d 4 e 5 f inf g; ZCOUNT z -inf +inf -> :7; ZCOUNT z 2 4 -> :3; ZCOUNT z (2 (4 -> :1; ZCOUNT z (-inf (inf -> :5; ZCOUNT z 4 2 -> :0; ZCOUNT none 0 1 -> :0; ZCOUNT z 3 3 -> :1; ZCOUNT z (3 3 -> :0",
        );
        check(
            "ZCOUNT z a 1 -> -ERR min or max is not a float; ZCOUNT z 1 nan -> -ERR min or max is not a float; SET s v; ZCOUNT s 0 1 -> -WRONGTYPE",
        );
    }
}
