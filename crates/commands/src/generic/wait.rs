//! WAIT numreplicas timeout
//!
//! How many replicas have confirmed what this client wrote. There are none yet, so a client that asks for
//! one waits until its time is over, and is told 0.

use exec::session::Why;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use kit::world::UnixMs;

pub static WAIT: Command = Command {
    name: "WAIT",
    group: Group::Generic,
    since: "3.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::BLOCKING,
    categories: Categories::CONNECTION,
    summary: "Waits until replicas have confirmed the writes of this connection.",
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    docs: &[
        Arg { name: "numreplicas", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "timeout", kind: ArgKind::Integer, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let wanted = args.int(1)?;
    let deadline = deadline(args, 2, ctx.now())?;
    let confirmed = 0;
    if confirmed < wanted && !ctx.session.deny_blocking {
        return Err(ctx.wait(Why::Blocked, deadline));
    }
    ctx.reply.int(confirmed);
    Ok(())
}

/// A timeout in milliseconds; 0 waits for ever.
pub(super) fn deadline(args: &Args, i: usize, now: UnixMs) -> Result<Option<UnixMs>, Error> {
    let ms = args.int(i).map_err(|_| Error::Static("ERR timeout is not an integer or out of range"))?;
    match ms {
        ..0 => Err(Error::TimeoutNegative),
        0 => Ok(None),
        ms => match now.0.checked_add(ms) {
            Some(deadline) => Ok(Some(UnixMs(deadline))),
            None => Err(Error::Static("ERR timeout is out of range")),
        },
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn answers_at_once_when_none_is_wanted() {
        check("WAIT 0 0 -> :0; WAIT -1 1000 -> :0; MULTI; WAIT 1 0; EXEC -> [:0]");
    }

    #[test]
    fn waits_until_its_time_is_over() {
        let mut node = node(&[]);
        node.converse("WAIT 1 1000 -> parked; c2> PING; ~999ms");
        assert!(node.client(1).reply.is_empty());
        node.advance(1);
        assert_eq!(node.client(1).reply.to_vec(), b":0\r\n");
        assert!(node.client(1).session.parked.is_none());
    }

    #[test]
    fn refuses() {
        check(
            "WAIT a 1 -> -ERR value is not an integer or out of range; WAIT 1 a -> -ERR timeout is not an integer or out of range; WAIT 1 -1 -> -ERR timeout is negative; WAIT 1 9223372036854775807 -> -ERR timeout is out of range",
        );
    }
}
