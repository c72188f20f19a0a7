//! HLEN key
//!
//! Fields past their time count until they are removed, as in Redis: to leave them out would be a walk.

use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};
use types::Hash;

pub static HLEN: Command = Command {
    name: "HLEN",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Returns the number of fields of a hash.",
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let hash = ctx.db.read::<Hash>(args.key(1))?;
    ctx.reply.int(hash.map_or(0, |hash| hash.len() as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check("HLEN h -> :0; HSET h a 1 b 2 a 3 -> :2; HLEN h -> :2; SET s v; HLEN s -> -WRONGTYPE");
    }
}
