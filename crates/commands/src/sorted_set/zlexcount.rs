//! ZLEXCOUNT key min max

use super::bounds::Bounds;
use super::{KEY, LEX_MAX, LEX_MIN};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static ZLEXCOUNT: Command = Command {
    name: "ZLEXCOUNT",
    group: Group::SortedSet,
    since: "2.8.9",
    arity: Arity::Exactly(4),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(log(N))",
    summary: "Number of members in a lexicographical range.",
    docs: &[KEY, LEX_MIN, LEX_MAX],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let bounds = Bounds::by_lex(args.get(2), args.get(3))?;
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
            "ZADD z 0 a 0 b 0 c 0 d 0 e; ZLEXCOUNT z - + -> :5; ZLEXCOUNT z [b [d -> :3; ZLEXCOUNT z (b (d -> :1; ZLEXCOUNT z + - -> :0; ZLEXCOUNT z [x + -> :0; ZLEXCOUNT none - + -> :0; ZLEXCOUNT z a b -> -ERR min or max not valid string range item; SET s v; ZLEXCOUNT s - + -> -WRONGTYPE",
        );
    }
}
