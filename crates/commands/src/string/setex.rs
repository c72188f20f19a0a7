//! SETEX key seconds value, PSETEX key milliseconds value
//!
//! What SET with EX and PX is now. The log gets a SET with the moment.

use super::options::Unit;
use super::value::stored;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, REPLACE, notify};
use kit::text::format_i64;

pub static SETEX: Command = Command {
    name: "SETEX",
    since: "2.0.0",
    summary: "Sets a key to a string that lives for some seconds.",
    deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
    docs: &[Arg::key("key", 0), Arg::new("seconds", ArgKind::Integer), Arg::new("value", ArgKind::String)],
    run: |ctx, args| set(ctx, args, Unit::Ex, "setex"),
    ..BOTH
};

pub static PSETEX: Command = Command {
    name: "PSETEX",
    since: "2.6.0",
    summary: "Sets a key to a string that lives for some milliseconds.",
    deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
    docs: &[Arg::key("key", 0), Arg::new("milliseconds", ArgKind::Integer), Arg::new("value", ArgKind::String)],
    run: |ctx, args| set(ctx, args, Unit::Px, "psetex"),
    ..BOTH
};

const BOTH: Command = Command {
    group: Group::String,
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, REPLACE)],
    ..Command::BASE
};

fn set(ctx: &mut Ctx, args: &Args, unit: Unit, name: &'static str) -> Result<(), Error> {
    let at = unit.deadline(args.get(2), ctx.now(), name)?;
    let key = args.key(1);
    ctx.db.set(key, stored(args.get(3)), Deadline::At(at));
    ctx.db.event(notify::STRING, "set", key.bytes);
    ctx.db.event(notify::GENERIC, "expire", key.bytes);
    ctx.replay_as(&[b"SET", key.bytes, args.get(3), b"PXAT", format_i64(&mut [0; 20], at.0)]);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets_for_a_time() {
        check("SETEX k 1 v -> +OK; ~999ms; GET k -> v; ~1ms; GET k -> nil");
        check("PSETEX k 30 v -> +OK; ~29ms; GET k -> v; ~1ms; GET k -> nil");
    }

    #[test]
    fn refuses() {
        check(
            "SETEX k 0 v -> -ERR invalid expire time in 'setex' command; PSETEX k -1 v -> -ERR invalid expire time in 'psetex' command",
        );
        check("SETEX k x v -> -ERR value is not an integer or out of range; GET k -> nil");
    }

    #[test]
    fn the_log_knows_the_moment() {
        let mut node = node(&[]);
        node.converse("SETEX k 1 v; PSETEX k 5 w");
        assert_eq!(node.log.lines(), ["SET k v PXAT 1767225601000", "SET k w PXAT 1767225600005"]);
    }
}
