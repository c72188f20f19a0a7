//! CLIENT KILL addr | filter …
//!
//! With an address alone one client goes and a missing one is an error; with filters the answer is
//! how many went, this client only when SKIPME is no. It hears its own answer first.

use super::filter::Filter;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

static NEW_FORMAT: &[Arg] = &[
    Arg { name: "client-id", kind: ArgKind::Integer, token: Some("ID"), optional: true, ..Arg::BASE },
    Arg { name: "client-type", kind: ArgKind::OneOf, token: Some("TYPE"), optional: true, args: TYPES, ..Arg::BASE },
    Arg { name: "username", token: Some("USER"), optional: true, ..Arg::BASE },
    Arg { name: "addr", token: Some("ADDR"), optional: true, ..Arg::BASE },
    Arg { name: "laddr", token: Some("LADDR"), optional: true, since: Some("6.2.0"), ..Arg::BASE },
    Arg { name: "skipme", kind: ArgKind::OneOf, token: Some("SKIPME"), optional: true, args: YES_NO, ..Arg::BASE },
    Arg {
        name: "maxage",
        kind: ArgKind::Integer,
        token: Some("MAXAGE"),
        optional: true,
        since: Some("7.4.0"),
        ..Arg::BASE
    },
];

static TYPES: &[Arg] = &[
    Arg { name: "normal", kind: ArgKind::PureToken, token: Some("NORMAL"), ..Arg::BASE },
    Arg { name: "master", kind: ArgKind::PureToken, token: Some("MASTER"), since: Some("3.2.0"), ..Arg::BASE },
    Arg { name: "slave", kind: ArgKind::PureToken, token: Some("SLAVE"), ..Arg::BASE },
    Arg { name: "replica", kind: ArgKind::PureToken, token: Some("REPLICA"), since: Some("5.0.0"), ..Arg::BASE },
    Arg { name: "pubsub", kind: ArgKind::PureToken, token: Some("PUBSUB"), ..Arg::BASE },
];

static YES_NO: &[Arg] = &[
    Arg { name: "yes", kind: ArgKind::PureToken, token: Some("YES"), ..Arg::BASE },
    Arg { name: "no", kind: ArgKind::PureToken, token: Some("NO"), ..Arg::BASE },
];

pub static KILL: Command = Command {
    name: "KILL",
    group: Group::Connection,
    since: "2.4.0",
    arity: Arity::AtLeast(3),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    complexity: "O(N), N = connections",
    summary: "Closes connections.",
    history: &[
        ("2.8.12", "Filters."),
        ("3.2.0", "TYPE master."),
        ("5.0.0", "replica for slave."),
        ("6.2.0", "LADDR."),
        ("7.4.0", "MAXAGE."),
    ],
    docs: &[Arg {
        name: "filter",
        kind: ArgKind::OneOf,
        args: &[
            Arg { name: "old-format", ..Arg::BASE },
            Arg { name: "new-format", kind: ArgKind::OneOf, multiple: true, args: NEW_FORMAT, ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() == 3 {
        let killed = kill(ctx, &Filter::addr(args.get(2)));
        if killed == 0 {
            return Err(Error::Static("ERR No such client"));
        }
        ctx.reply.ok();
        return Ok(());
    }
    let filter = Filter::parse(ctx, args, 2, "ERR client-id should be greater than 0")?;
    let killed = kill(ctx, &filter);
    ctx.reply.int(killed);
    Ok(())
}

fn kill(ctx: &mut Ctx, filter: &Filter) -> i64 {
    let me = ctx.session.record.id;
    let mut killed = 0;
    for record in ctx.node.clients.all() {
        if !filter.fits(ctx.node, &record) || record.id == me && filter.skip_me != Some(false) {
            continue;
        }
        killed += 1;
        if record.id == me {
            ctx.session.close_after_reply();
        } else {
            ctx.node.kill(&record);
        }
    }
    killed
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn kills() {
        check(
            "PING; c2> PING; CLIENT KILL ID 2 -> :1; CLIENT KILL ID 2 -> :0; CLIENT LIST -> id=1*; CLIENT KILL 1.2.3.4:5 -> -ERR No such client",
        );
        check("PING; c2> PING; c3> PING; CLIENT KILL SKIPME yes -> :2; CLIENT KILL SKIPME no -> :1");
    }

    #[test]
    fn refuses() {
        check(
            "CLIENT KILL -> -ERR wrong number of arguments for 'client|kill' command; CLIENT KILL ID 10 x -> -ERR syntax error; CLIENT KILL ID x -> -ERR client-id should be greater than 0; CLIENT KILL TYPE x -> -ERR Unknown client type; CLIENT KILL USER x -> -ERR No such user 'x'; CLIENT KILL SKIPME x -> -ERR syntax error; CLIENT KILL MAXAGE x -> -ERR maxage is not an integer or out of range; CLIENT KILL MAXAGE -1 -> -ERR maxage should be greater than 0",
        );
    }
}
