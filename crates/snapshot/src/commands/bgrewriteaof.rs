//! BGREWRITEAOF
//!
//! A snapshot of this moment becomes the new base of the append-only file, and what was written before it goes. While a
//! snapshot is being written it is only noted, and done afterwards.

use super::saver;
use exec::seams::Start;
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, Reach};

pub static BGREWRITEAOF: Command = Command {
    name: "BGREWRITEAOF",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::NO_ASYNC_LOADING),
    reach: Reach::World,
    summary: "Makes the append-only file as short as the data allow, in the background.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let status = saver(ctx)?.start(&mut ctx.db, Start::Rewrite, None)?;
    // What begins in a transaction begins behind it.
    let status = if ctx.may_wait() { status } else { "Background append only file rewriting scheduled" };
    ctx.reply.simple(status);
    Ok(())
}
