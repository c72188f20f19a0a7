//! LLEN key

use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};
use types::List;

pub static LLEN: Command = Command {
    name: "LLEN",
    group: Group::List,
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Length of a list.",
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let list = ctx.db.read::<List>(args.key(1))?;
    ctx.reply.int(list.map_or(0, |list| list.len() as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check("LLEN l -> :0; RPUSH l a b -> :2; LLEN l -> :2; SET s x; LLEN s -> -WRONGTYPE");
    }
}
