//! PING [message]

use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static PING: Command = Command {
    name: "PING",
    group: Group::Connection,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::FAST.and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Answers, which shows that the server lives.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    docs: &[Arg { name: "message", optional: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    match args.len() {
        1 => ctx.reply.pong(),
        2 => ctx.reply.bulk(args.get(1)),
        _ => return Err(Error::wrong_arity("ping")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn answers() {
        check("PING -> +PONG; PING a -> a; ping a b -> -ERR wrong number of arguments for 'ping' command");
    }
}
