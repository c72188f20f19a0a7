//! STRLEN key

use exec::command::Arg;
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};

pub static STRLEN: Command = Command {
    name: "STRLEN",
    group: Group::String,
    since: "2.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, LOOK)],
    summary: "Length in bytes of the string at a key.",
    docs: &[Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let len = ctx.db.read_string(args.key(1))?.map_or(0, |value| value.len());
    ctx.reply.int(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts_bytes() {
        check("STRLEN k -> :0; SET k -555 -> +OK; STRLEN k -> :4; SET k \"a\\x00b\" -> +OK; STRLEN k -> :3");
    }
}
