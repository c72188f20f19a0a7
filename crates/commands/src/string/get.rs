//! GET key

use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ};

pub static GET: Command = Command {
    name: "GET",
    group: Group::String,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, READ)],
    summary: "Returns the string value of a key.",
    docs: &[Arg { name: "key", kind: ArgKind::Key, key_spec: Some(0), ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    match ctx.db.read_string(args.key(1))? {
        Some(value) => value.reply(ctx.reply),
        None => ctx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reads() {
        check(
            "GET k -> nil; GET -> -ERR wrong number of arguments for 'get' command; NOSUCH a -> -ERR unknown command 'NOSUCH', with args beginning with: 'a'",
        );
    }
}
