//! MGET key [key …]
//!
//! A key that is missing or no string answers null: MGET never fails for what is stored.

use exec::command::Arg;
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ};

pub static MGET: Command = Command {
    name: "MGET",
    group: Group::String,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::span(1, -1, 1, READ)],
    complexity: "O(N), N = keys",
    summary: "Returns the string values of several keys.",
    tips: &["request_policy:multi_shard"],
    docs: &[Arg::key("key", 0).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.reply.array(args.len() - 1);
    let mut away = false;
    for i in 1..args.len() {
        match ctx.db.read_string(args.key(i)) {
            Ok(Some(value)) => value.reply(ctx.reply),
            Ok(None) | Err(Error::WrongType) => ctx.reply.null(),
            // All the others are asked for too, so that they are brought in together.
            Err(Error::Away) => away = true,
            Err(error) => return Err(error),
        }
    }
    if away { Err(Error::Away) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reads_in_order() {
        check(
            "MSET a 1 b x -> +OK; MGET b none a b -> [x nil 1 x]; MGET -> -ERR wrong number of arguments for 'mget' command",
        );
    }
}
