//! CLIENT REPLY ON|OFF|SKIP
//!
//! OFF: nothing is answered until ON. SKIP: the next command is not answered. Neither is answered itself.

use exec::session::ReplyMode;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static REPLY: Command = Command {
    name: "REPLY",
    group: Group::Connection,
    since: "3.2.0",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Says whether commands are answered.",
    docs: &[Arg {
        name: "action",
        kind: ArgKind::OneOf,
        args: &[
            Arg { name: "on", kind: ArgKind::PureToken, token: Some("ON"), ..Arg::BASE },
            Arg { name: "off", kind: ArgKind::PureToken, token: Some("OFF"), ..Arg::BASE },
            Arg { name: "skip", kind: ArgKind::PureToken, token: Some("SKIP"), ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.is(2, "ON") {
        ctx.session.reply_mode = ReplyMode::On;
        ctx.reply.ok();
    } else if args.is(2, "OFF") {
        ctx.session.reply_mode = ReplyMode::Off;
    } else if args.is(2, "SKIP") {
        if ctx.session.reply_mode != ReplyMode::Off {
            ctx.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(Error::Syntax);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn silences() {
        let mut node = node(&[]);
        assert!(node.ask(1, &["CLIENT", "REPLY", "OFF"]).is_empty());
        assert!(node.ask(1, &["PING"]).is_empty());
        assert_eq!(node.ask(1, &["CLIENT", "REPLY", "ON"]), b"+OK\r\n");
        assert!(node.ask(1, &["CLIENT", "REPLY", "SKIP"]).is_empty());
        assert!(node.ask(1, &["PING"]).is_empty());
        assert_eq!(node.ask(1, &["PING"]), b"+PONG\r\n");
        assert!(node.ask(1, &["CLIENT", "REPLY", "SKIP"]).is_empty());
        assert_eq!(node.ask(1, &["CLIENT", "REPLY", "ON"]), b"+OK\r\n");
    }
}
