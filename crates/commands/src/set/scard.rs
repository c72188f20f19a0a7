//! SCARD key

use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};
use types::Set;

pub static SCARD: Command = Command {
    name: "SCARD",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Number of members of the set at a key.",
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<Set>(args.key(1))?;
    ctx.reply.int(set.map_or(0, |set| set.len() as i64));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check("SCARD s -> :0; SADD s 1 2 3 3; SCARD s -> :3; SADD s a; SCARD s -> :4; SET k v; SCARD k -> -WRONGTYPE");
    }
}
