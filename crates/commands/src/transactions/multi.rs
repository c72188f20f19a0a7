//! MULTI
//!
//! From now on commands are queued; EXEC runs them, DISCARD forgets them.

use exec::watch::begin_multi;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static MULTI: Command = Command {
    name: "MULTI",
    group: Group::Transactions,
    since: "1.2.0",
    arity: Arity::Exactly(1),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::NOT_QUEUED),
    categories: Categories::TRANSACTION,
    summary: "Starts a transaction.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    if ctx.session.multi.is_some() {
        return Err(Error::NestedMulti);
    }
    begin_multi(ctx.node, ctx.session);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn queues_and_runs() {
        check(
            "MULTI -> +OK; MULTI -> -ERR MULTI calls can not be nested; PING -> +QUEUED; SELECT 3 -> +QUEUED; ECHO a -> +QUEUED; EXEC -> [* * a]",
        );
        check("EXEC -> -ERR EXEC without MULTI; DISCARD -> -ERR DISCARD without MULTI");
    }

    #[test]
    fn a_refused_command_aborts_it() {
        check(
            "MULTI -> +OK; NOSUCH -> -ERR unknown command; PING -> +QUEUED; EXEC -> -EXECABORT Transaction discarded because of previous errors.; PING -> +PONG",
        );
        check("MULTI -> +OK; GET -> -ERR wrong number; EXEC -> -EXECABORT; EXEC -> -ERR EXEC without MULTI");
    }

    #[test]
    fn an_error_inside_stops_nothing() {
        check("MULTI; SELECT 99 -> +QUEUED; ECHO b -> +QUEUED; EXEC -> [* b]");
    }
}
