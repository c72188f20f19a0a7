//! ZCARD key

use super::KEY;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};
use types::SortedSet;

pub static ZCARD: Command = Command {
    name: "ZCARD",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Number of members of a sorted set.",
    docs: &[KEY],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    ctx.reply.int(set.map_or(0, |set| set.len() as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check("ZCARD z -> :0; ZADD z 1 a 2 b; ZCARD z -> :2; SET s v; ZCARD s -> -WRONGTYPE");
    }
}
