//! EXPIRE key seconds [NX | XX | GT | LT]    PEXPIRE, EXPIREAT, PEXPIREAT
//!
//! All four come down to one deadline in Unix milliseconds, and the log gets it as PEXPIREAT. A time that
//! has passed deletes the key at once, and the log gets a DEL.
//! For GT and LT a key without an expiration time lives for ever: nothing is greater, everything is less.

use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify, options,
};
use kit::text;
use kit::world::UnixMs;

pub static EXPIRE: Command = Command {
    name: "EXPIRE",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, UPDATE)],
    summary: "Lets a key expire after so many seconds.",
    history: SINCE_7,
    docs: &[super::KEY, Arg { name: "seconds", kind: ArgKind::Integer, ..Arg::BASE }, CONDITION],
    run: |ctx, args| expire(ctx, args, "expire", 1000, true),
    ..Command::BASE
};

pub static PEXPIRE: Command = Command {
    name: "PEXPIRE",
    since: "2.6.0",
    summary: "Lets a key expire after so many milliseconds.",
    docs: &[super::KEY, Arg { name: "milliseconds", kind: ArgKind::Integer, ..Arg::BASE }, CONDITION],
    run: |ctx, args| expire(ctx, args, "pexpire", 1, true),
    ..EXPIRE
};

pub static EXPIREAT: Command = Command {
    name: "EXPIREAT",
    since: "1.2.0",
    summary: "Lets a key expire at a Unix time in seconds.",
    docs: &[super::KEY, Arg { name: "unix-time-seconds", kind: ArgKind::UnixTime, ..Arg::BASE }, CONDITION],
    run: |ctx, args| expire(ctx, args, "expireat", 1000, false),
    ..EXPIRE
};

pub static PEXPIREAT: Command = Command {
    name: "PEXPIREAT",
    since: "2.6.0",
    summary: "Lets a key expire at a Unix time in milliseconds.",
    docs: &[super::KEY, Arg { name: "unix-time-milliseconds", kind: ArgKind::UnixTime, ..Arg::BASE }, CONDITION],
    run: |ctx, args| expire(ctx, args, "pexpireat", 1, false),
    ..EXPIRE
};

const SINCE_7: &[(&str, &str)] = &[("7.0.0", "Added the conditions NX, XX, GT and LT.")];

const CONDITION: Arg = Arg {
    name: "condition",
    kind: ArgKind::OneOf,
    since: Some("7.0.0"),
    optional: true,
    args: &[
        Arg { name: "nx", kind: ArgKind::PureToken, token: Some("NX"), ..Arg::BASE },
        Arg { name: "xx", kind: ArgKind::PureToken, token: Some("XX"), ..Arg::BASE },
        Arg { name: "gt", kind: ArgKind::PureToken, token: Some("GT"), ..Arg::BASE },
        Arg { name: "lt", kind: ArgKind::PureToken, token: Some("LT"), ..Arg::BASE },
    ],
    ..Arg::BASE
};

fn expire(ctx: &mut Ctx, args: &Args, name: &'static str, unit_ms: i64, relative: bool) -> Result<(), Error> {
    let condition = Condition::parse(args)?;
    let base = if relative { ctx.now().0 } else { 0 };
    let deadline = args.int(2)?.checked_mul(unit_ms).and_then(|ms| ms.checked_add(base));
    let deadline = UnixMs(deadline.ok_or(Error::InvalidExpire(name))?);
    let key = args.key(1);
    let holds = ctx.db.before_write(key)?.is_some_and(|entry| condition.holds(entry.deadline(), deadline));
    if !holds {
        ctx.reply.int(0);
        return Ok(());
    }
    if deadline <= ctx.now() && !ctx.db.keeps_expired() {
        let lazy = ctx.node.config.get(&options::LAZY_EXPIRE);
        ctx.db.delete(key, lazy)?;
        ctx.replay_as(&[b"DEL", key.bytes]);
        ctx.db.event(notify::GENERIC, "del", key.bytes);
    } else {
        ctx.db.set_deadline(key, Some(deadline))?;
        ctx.replay_as(&[b"PEXPIREAT", key.bytes, text::format_i64(&mut [0; 20], deadline.0)]);
        ctx.db.event(notify::GENERIC, "expire", key.bytes);
    }
    ctx.reply.int(1);
    Ok(())
}

/// What must be true of the deadline that a key has.
#[derive(Default, Clone, Copy)]
struct Condition {
    none: bool,
    some: bool,
    earlier: bool,
    later: bool,
}

impl Condition {
    fn parse(args: &Args) -> Result<Condition, Error> {
        let mut condition = Condition::default();
        for i in 3..args.len() {
            let word = ["NX", "XX", "GT", "LT"].into_iter().find(|word| args.is(i, word));
            match word {
                Some("NX") => condition.none = true,
                Some("XX") => condition.some = true,
                Some("GT") => condition.earlier = true,
                Some(_) => condition.later = true,
                None => return Err(Error::err(format_args!("Unsupported option {}", args.text(i)))),
            }
        }
        let Condition { none, some, earlier, later } = condition;
        if none && (some || earlier || later) {
            return Err(Error::Static("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if earlier && later {
            return Err(Error::Static("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(condition)
    }

    fn holds(self, old: Option<UnixMs>, new: UnixMs) -> bool {
        let refused = (self.none && old.is_some())
            || (self.some && old.is_none())
            || (self.earlier && old.is_none_or(|old| old >= new))
            || (self.later && old.is_some_and(|old| old <= new));
        !refused
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets_the_deadline() {
        check(
            "EXPIRE k 10 -> :0; SET k v; EXPIRE k 10 -> :1; TTL k -> :10; PEXPIRE k 1500 -> :1; PTTL k -> :1500; ~1499ms; GET k -> v; ~1ms; GET k -> nil",
        );
        check("SET k v; EXPIREAT k 1767225700 -> :1; TTL k -> :100; PEXPIREAT k 1767225600500 -> :1; PTTL k -> :500");
    }

    #[test]
    fn what_has_passed_deletes() {
        check(
            "SET k v; EXPIRE k 0 -> :1; EXISTS k -> :0; SET k v; EXPIRE k -10 LT -> :1; EXISTS k -> :0; SET k v; PEXPIREAT k -9223372036854770000 -> :1; TTL k -> :-2",
        );
        check(
            "SET k v; EXPIREAT k 1767225600 -> :1; EXISTS k -> :0; SET k v; EXPIRE k -9223372036854775 -> :1; EXISTS k -> :0",
        );
    }

    #[test]
    fn conditions() {
        check(
            "SET k v; EXPIRE k 100 XX -> :0; EXPIRE k 100 GT -> :0; EXPIRE k 100 NX -> :1; EXPIRE k 200 NX -> :0; TTL k -> :100",
        );
        check(
            "SET k v EX 100; EXPIRE k 100 GT -> :0; EXPIRE k 101 gt -> :1; EXPIRE k 101 LT -> :0; EXPIRE k 50 lt -> :1; TTL k -> :50; EXPIRE k 60 XX -> :1",
        );
        check(
            "SET k v; EXPIRE k 50 LT -> :1; EXPIRE k 40 LT XX -> :1; TTL k -> :40; PERSIST k; EXPIRE k 30 XX LT -> :0; EXPIRE none 10 LT -> :0",
        );
    }

    #[test]
    fn refuses() {
        check(
            "SET k v; EXPIRE k 10 AB -> -ERR Unsupported option AB; EXPIRE k 10 GT LT -> -ERR GT and LT options at the same time are not compatible; EXPIRE k 10 NX GT -> -ERR NX and XX, GT or LT options at the same time are not compatible",
        );
        check(
            "SET k v; EXPIRE k \"\" -> -ERR value is not an integer or out of range; EXPIRE none x -> -ERR value is not an integer",
        );
        for seconds in
            ["9223370399119966", "9223372036854776", "10000000000000000", "-9223372036854776", "-9999999999999999"]
        {
            check(&format!(
                "SET k v; EXPIRE k {seconds} -> -ERR invalid expire time in 'expire' command; TTL k -> :-1"
            ));
        }
        check(
            "SET k v; PEXPIRE k 9223372036854770000 -> -ERR invalid expire time in 'pexpire' command; PEXPIREAT k 9223372036854770000 -> :1; EXPIREAT k 9223372036854776 -> -ERR invalid expire time in 'expireat' command",
        );
    }

    #[test]
    fn what_is_replaced_after_its_time_is_deleted_in_the_log_first() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        node.converse("SET n 5 PXAT 1767225600100; ~200ms; INCR n -> :1; INCR n -> :2");
        assert_eq!(node.log.lines()[1..], ["DEL n", "INCR n", "INCR n"]);
        assert_eq!(node.log.units()[1].len(), 2, "one unit");
    }

    #[test]
    fn the_log_gets_absolute_times() {
        let mut node = node(&[]);
        node.converse(
            "SET k v; EXPIRE k 10; PEXPIRE k 10 NX; PEXPIRE k 5 LT; EXPIREAT k 1767225700; EXPIRE k -1; EXPIRE k 1",
        );
        let lines = ["PEXPIREAT k 1767225610000", "PEXPIREAT k 1767225600005", "PEXPIREAT k 1767225700000", "DEL k"];
        assert_eq!(node.log.lines()[1..], lines);
    }
}
