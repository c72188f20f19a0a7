//! WAITAOF numlocal numreplicas timeout
//!
//! Waits until what this connection wrote is synced to the disk here (`numlocal` 1) and at so many replicas; answers
//! with how far it came. No replicas yet: there the answer is 0. Looks again a hundred times a second: syncs come once a
//! second at most, or before the answers (`appendfsync always`).

use super::wait::deadline;
use exec::session::Why;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use kit::world::UnixMs;

pub static WAITAOF: Command = Command {
    name: "WAITAOF",
    group: Group::Generic,
    since: "7.2.0",
    arity: Arity::Exactly(4),
    flags: Flags::BLOCKING,
    categories: Categories::CONNECTION,
    summary: "Waits until the writes of this connection are on disks.",
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    docs: &[
        Arg { name: "numlocal", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "numreplicas", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "timeout", kind: ArgKind::Integer, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

const LOOK_MS: i64 = 10;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let local = match args.int(1)? {
        local @ 0..=1 => local,
        _ => return Err(Error::Static("ERR value is out of range, must be between 0 and 1")),
    };
    let replicas = args.int(2)?;
    if replicas < 0 {
        return Err(Error::Static("ERR value is out of range, must be positive"));
    }
    let until = match ctx.carried::<Option<UnixMs>>() {
        Some(until) => until,
        None => deadline(args, 3, ctx.now())?,
    };
    if local > 0 && !ctx.node.log.is_on() {
        return Err(Error::Static("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."));
    }
    let synced = i64::from(ctx.node.log.is_on() && ctx.node.log.synced() >= ctx.session.logged);
    let is_over = until.is_some_and(|until| until <= ctx.now());
    if (synced < local || replicas > 0) && !is_over && !ctx.nested && !ctx.session.deny_blocking {
        ctx.carry(until);
        let look = ctx.now().saturating_add_ms(LOOK_MS);
        return Err(ctx.wait(Why::Looks, Some(until.map_or(look, |until| until.min(look)))));
    }
    ctx.reply.array(2);
    ctx.reply.int(synced);
    ctx.reply.int(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn waits_for_replicas_until_its_time_is_over() {
        let mut node = node(&[]);
        node.converse("WAITAOF 0 1 100 -> parked; ~50ms");
        assert!(node.client(1).reply.is_empty());
        node.converse("~60ms");
        assert!(node.client(1).session.parked.is_none());
        assert!(node.client(1).reply.to_vec().starts_with(b"*2\r\n:"));
    }

    #[test]
    fn refuses() {
        check(
            "WAITAOF 2 0 0 -> -ERR value is out of range, must be between 0 and 1; WAITAOF 0 -1 0 -> -ERR value is out of range, must be positive; \
             WAITAOF 0 0 -1 -> -ERR timeout is negative; WAITAOF 0 0 0 -> [* :0]",
        );
    }
}
