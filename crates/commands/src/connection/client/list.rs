//! CLIENT LIST [filter …]

use super::filter::Filter;
use super::line::line;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static LIST: Command = Command {
    name: "LIST",
    group: Group::Connection,
    since: "2.4.0",
    arity: Arity::AtLeast(2),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    complexity: "O(N), N = connections",
    summary: "Describes all connections.",
    history: &[("5.0.0", "TYPE."), ("6.2.0", "ID.")],
    tips: &["nondeterministic_output", "request_policy:all_nodes"],
    docs: &[
        Arg {
            name: "client-type",
            kind: ArgKind::OneOf,
            token: Some("TYPE"),
            since: Some("5.0.0"),
            optional: true,
            args: &[
                Arg { name: "normal", kind: ArgKind::PureToken, token: Some("NORMAL"), ..Arg::BASE },
                Arg { name: "master", kind: ArgKind::PureToken, token: Some("MASTER"), ..Arg::BASE },
                Arg { name: "replica", kind: ArgKind::PureToken, token: Some("REPLICA"), ..Arg::BASE },
                Arg { name: "pubsub", kind: ArgKind::PureToken, token: Some("PUBSUB"), ..Arg::BASE },
            ],
            ..Arg::BASE
        },
        Arg {
            name: "client-id",
            kind: ArgKind::Integer,
            token: Some("ID"),
            since: Some("6.2.0"),
            optional: true,
            multiple: true,
            ..Arg::BASE
        },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let filter = Filter::parse(ctx, args, 2, "ERR Invalid client ID")?;
    let mut text = String::new();
    let me = ctx.session.record.id;
    for record in ctx.node.clients.all() {
        if filter.skip_me == Some(true) && record.id == me || !filter.fits(ctx.node, &record) {
            continue;
        }
        text.push_str(&line(ctx.node, &record));
        text.push('\n');
    }
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn filters() {
        check(
            "PING; c2> PING; CLIENT LIST ID 2 -> id=2*; CLIENT LIST ID 1 2 -> id=1*; CLIENT LIST TYPE pubsub -> \"\"; CLIENT LIST NOT-ID 1 -> id=2*; CLIENT LIST SKIPME yes -> id=2*",
        );
        check(
            "CLIENT LIST ID -> -ERR syntax error; CLIENT LIST TYPE no -> -ERR Unknown client type 'no'; CLIENT LIST ID x -> -ERR Invalid client ID",
        );
    }
}
