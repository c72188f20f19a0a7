//! WATCH key [key …]
//!
//! The next EXEC runs only if none of these keys was changed by anybody since.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK, watch};

pub static WATCH: Command = Command {
    name: "WATCH",
    group: Group::Transactions,
    since: "2.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::NOT_QUEUED),
    categories: Categories::TRANSACTION,
    keys: &[KeySpec::span(1, -1, 1, LOOK)],
    complexity: "O(1) per key",
    summary: "Makes the next transaction depend on keys staying as they are.",
    docs: &[exec::Arg { name: "key", kind: exec::ArgKind::Key, key_spec: Some(0), multiple: true, ..exec::Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if ctx.session.multi.is_some() {
        return Err(Error::WatchInMulti);
    }
    for i in 1..args.len() {
        watch::watch(&mut ctx.db, ctx.session, args.key(i));
    }
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn a_change_by_anybody_breaks_it() {
        check("WATCH k -> +OK; c2> SET k 1 -> +OK; MULTI; PING; EXEC -> nil[]; MULTI; PING; EXEC -> [+PONG]");
        check("WATCH k; SET k 1; MULTI; PING; EXEC -> nil[]");
        check("SET k 1; WATCH k; c2> GET k -> 1; MULTI; PING; EXEC -> [+PONG]");
    }

    #[test]
    fn time_breaks_it_but_not_twice() {
        check("SET k 1 PX 100; WATCH k; ~200ms; MULTI; PING; EXEC -> nil[]");
    }

    #[test]
    fn databases_are_told_apart() {
        check("WATCH k; c2> SELECT 1; c2> SET k 1; MULTI; PING; EXEC -> [+PONG]");
        check("MULTI; WATCH k -> -ERR WATCH inside MULTI is not allowed");
    }
}
