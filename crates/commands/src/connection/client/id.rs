//! CLIENT ID

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static ID: Command = Command {
    name: "ID",
    group: Group::Connection,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Returns the connection's number.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.int(ctx.session.record.id.0 as i64);
    Ok(())
}
