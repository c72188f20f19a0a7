//! TYPE key

use super::kinds::type_name;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};

pub static TYPE: Command = Command {
    name: "TYPE",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Tells the type of the value at a key.",
    docs: &[super::KEY],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let entry = ctx.db.look(args.key(1))?;
    ctx.reply.simple(entry.map_or("none", |entry| type_name(entry.value())));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn names() {
        check("TYPE k -> +none; SET k v -> +OK; TYPE k -> +string; SET k 1; TYPE k -> +string");
    }
}
