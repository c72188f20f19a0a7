//! PING [message]
//!
//! A client of RESP2 that listens to channels is answered as if by a message: that is all it expects.

use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static PING: Command = Command {
    name: "PING",
    group: Group::Connection,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::FAST.and(Flags::SENTINEL).and(Flags::IN_PUBSUB),
    categories: Categories::CONNECTION,
    summary: "Answers, which shows that the server lives.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    docs: &[Arg { name: "message", optional: true, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() > 2 {
        return Err(Error::wrong_arity("ping"));
    }
    if ctx.session.subscriptions.is_some() && !ctx.reply.is_resp3() {
        ctx.reply.array(2);
        ctx.reply.bulk(b"pong");
        ctx.reply.bulk(args.opt(1).unwrap_or_default());
        return Ok(());
    }
    match args.opt(1) {
        None => ctx.reply.pong(),
        Some(message) => ctx.reply.bulk(message),
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
