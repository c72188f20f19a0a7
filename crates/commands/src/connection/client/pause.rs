//! CLIENT PAUSE milliseconds [WRITE | ALL] · CLIENT UNPAUSE
//!
//! Commands of clients wait (all of them, or those that change data); `exec/src/gates.rs` holds
//! them back. A later pause never shortens an earlier one.

use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use kit::text;

const FLAGS: Flags = Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL);

pub static PAUSE: Command = Command {
    name: "PAUSE",
    group: Group::Connection,
    since: "3.0.0",
    arity: Arity::AtLeast(3),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    summary: "Holds back commands of clients.",
    history: &[("6.2.0", "WRITE and ALL.")],
    docs: &[
        Arg { name: "timeout", kind: ArgKind::Integer, ..Arg::BASE },
        Arg {
            name: "mode",
            kind: ArgKind::OneOf,
            since: Some("6.2.0"),
            optional: true,
            args: &[
                Arg { name: "write", kind: ArgKind::PureToken, token: Some("WRITE"), ..Arg::BASE },
                Arg { name: "all", kind: ArgKind::PureToken, token: Some("ALL"), ..Arg::BASE },
            ],
            ..Arg::BASE
        },
    ],
    run: pause,
    ..Command::BASE
};

pub static UNPAUSE: Command = Command {
    name: "UNPAUSE",
    group: Group::Connection,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    complexity: "O(N), N = paused clients",
    summary: "Lets held back commands go.",
    run: unpause,
    ..Command::BASE
};

fn pause(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let ms = text::parse_i64(args.get(2)).ok_or(Error::Static("ERR timeout is not an integer or out of range"))?;
    if ms < 0 {
        return Err(Error::TimeoutNegative);
    }
    let all = match args.len() {
        3 => true,
        4 if args.is(3, "ALL") => true,
        4 if args.is(3, "WRITE") => false,
        _ => return Err(Error::Static("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    let until = ctx.now().saturating_add_ms(ms);
    ctx.node.pause.begin(&ctx.node.alarms, all, until);
    ctx.reply.ok();
    Ok(())
}

fn unpause(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.node.pause.end(&ctx.node.alarms);
    ctx.node.nudge_all();
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn holds_writes_back() {
        check(
            "CLIENT PAUSE 100 WRITE -> +OK; GET k -> nil; SET k 1 -> parked; c2> GET k -> nil; ~150ms; c2> GET k -> 1",
        );
        check("CLIENT PAUSE 1000 WRITE -> +OK; c2> SET k 1 -> parked; CLIENT UNPAUSE -> +OK; GET k -> 1");
    }

    #[test]
    fn holds_everything_back() {
        check("CLIENT PAUSE 100 -> +OK; c2> PING -> parked; ~150ms; GET k -> nil");
    }

    #[test]
    fn a_transaction_that_writes_waits_at_exec() {
        check(
            "MULTI; SET k 1 -> +QUEUED; c2> CLIENT PAUSE 100 WRITE; EXEC -> parked; c2> GET k -> nil; ~150ms; c2> GET k -> 1",
        );
    }

    #[test]
    fn refuses() {
        check(
            "CLIENT PAUSE abc -> -ERR timeout is not an integer or out of range; CLIENT PAUSE -1 -> -ERR timeout is negative; CLIENT PAUSE 1 x -> -ERR CLIENT PAUSE mode must be WRITE or ALL; GET -> -ERR wrong number",
        );
    }
}
