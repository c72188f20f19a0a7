//! DISCARD
//!
//! Forgets the queued commands and the watched keys.

use exec::watch::end_multi;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static DISCARD: Command = Command {
    name: "DISCARD",
    group: Group::Transactions,
    since: "2.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::NOT_QUEUED),
    categories: Categories::TRANSACTION,
    complexity: "O(N), N = queued commands",
    summary: "Discards a transaction.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    if ctx.session.multi.is_none() {
        return Err(Error::DiscardWithoutMulti);
    }
    end_multi(ctx.node, ctx.session);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn forgets() {
        check(
            "WATCH k; MULTI; SET k 1 -> +QUEUED; DISCARD -> +OK; GET k -> nil; c2> SET k 2; MULTI; PING; EXEC -> [+PONG]",
        );
    }
}
