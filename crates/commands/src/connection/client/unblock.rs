//! CLIENT UNBLOCK client-id [TIMEOUT | ERROR]
//!
//! Ends the waiting of a client's blocking command, as if its time were over or with an error.

use exec::client::ClientId;
use exec::seams::Mail;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, client::flag};

pub static UNBLOCK: Command = Command {
    name: "UNBLOCK",
    group: Group::Connection,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    complexity: "O(log N), N = connections",
    summary: "Ends the waiting of a blocked client.",
    docs: &[
        Arg { name: "client-id", kind: ArgKind::Integer, ..Arg::BASE },
        Arg {
            name: "unblock-type",
            kind: ArgKind::OneOf,
            optional: true,
            args: &[
                Arg { name: "timeout", kind: ArgKind::PureToken, token: Some("TIMEOUT"), ..Arg::BASE },
                Arg { name: "error", kind: ArgKind::PureToken, token: Some("ERROR"), ..Arg::BASE },
            ],
            ..Arg::BASE
        },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let with_error = match args.len() {
        3 => false,
        4 if args.is(3, "TIMEOUT") => false,
        4 if args.is(3, "ERROR") => true,
        4 => return Err(Error::Static("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(Error::Syntax),
    };
    let id = args.int(2)?;
    let record = u64::try_from(id).ok().and_then(|id| ctx.node.client(ClientId(id)));
    // Held back by CLIENT PAUSE or waiting for the tier is not blocked: that ends by itself.
    let blocked = record.filter(|record| record.has(flag::BLOCKED) && record.has(flag::WAITS_FOR_KEYS));
    match blocked {
        Some(record) => {
            ctx.node.send(&record, Mail::Unblock { client: record.id, with_error });
            ctx.reply.int(1);
        }
        None => ctx.reply.int(0),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn nobody_waits() {
        check(
            "CLIENT UNBLOCK 99 -> :0; CLIENT UNBLOCK x -> -ERR value is not an integer; CLIENT UNBLOCK 1 MAYBE -> -ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
        );
        check("CLIENT PAUSE 100; c2> PING -> parked; ~200ms; CLIENT UNBLOCK 2 -> :0");
    }
}
