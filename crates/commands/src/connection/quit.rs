//! QUIT
//!
//! Answers OK and closes. What was sent behind it is not run.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static QUIT: Command = Command {
    name: "QUIT",
    group: Group::Connection,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::NOT_QUEUED)
        .and(Flags::IN_PUBSUB),
    categories: Categories::CONNECTION,
    summary: "Closes the connection.",
    deprecated: Some(("7.2.0", "just closing the connection")),
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.session.close_after_reply();
    ctx.reply.ok();
    Ok(())
}
