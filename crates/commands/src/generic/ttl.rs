//! TTL key    PTTL key    EXPIRETIME key    PEXPIRETIME key
//!
//! -1: the key has no expiration time; -2: there is no such key. Seconds are rounded to the nearest.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};

pub static TTL: Command = Command {
    name: "TTL",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, READ)],
    summary: "Tells how many seconds a key has left.",
    history: &[("2.8.0", "Added the -2 reply.")],
    tips: super::NEVER_THE_SAME,
    docs: &[super::KEY],
    run: |ctx, args| answer(ctx, args, |deadline, now| to_secs((deadline - now).max(0))),
    ..Command::BASE
};

pub static PTTL: Command = Command {
    name: "PTTL",
    since: "2.6.0",
    summary: "Tells how many milliseconds a key has left.",
    run: |ctx, args| answer(ctx, args, |deadline, now| (deadline - now).max(0)),
    ..TTL
};

pub static EXPIRETIME: Command = Command {
    name: "EXPIRETIME",
    since: "7.0.0",
    summary: "Tells when a key expires, as a Unix time in seconds.",
    history: &[],
    tips: &[],
    run: |ctx, args| answer(ctx, args, |deadline, _| to_secs(deadline)),
    ..TTL
};

pub static PEXPIRETIME: Command = Command {
    name: "PEXPIRETIME",
    summary: "Tells when a key expires, as a Unix time in milliseconds.",
    run: |ctx, args| answer(ctx, args, |deadline, _| deadline),
    ..EXPIRETIME
};

fn answer(ctx: &mut Ctx, args: &Args, of: fn(i64, i64) -> i64) -> Result<(), Error> {
    let now = ctx.now().0;
    let answer = match ctx.db.look(args.key(1))? {
        None => -2,
        Some(entry) => entry.deadline().map_or(-1, |deadline| of(deadline.0, now)),
    };
    ctx.reply.int(answer);
    Ok(())
}

fn to_secs(ms: i64) -> i64 {
    ms.saturating_add(500) / 1000
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn all_four() {
        check("TTL k -> :-2; PTTL k -> :-2; EXPIRETIME k -> :-2; PEXPIRETIME k -> :-2");
        check("SET k v; TTL k -> :-1; PTTL k -> :-1; EXPIRETIME k -> :-1; PEXPIRETIME k -> :-1");
        // The clock stands at 1767225600000.
        check(
            "SET k v PX 10499; TTL k -> :10; PTTL k -> :10499; EXPIRETIME k -> :1767225610; PEXPIRETIME k -> :1767225610499",
        );
        check("SET k v PX 10500; TTL k -> :11; EXPIRETIME k -> :1767225611; ~1ms; TTL k -> :10; PTTL k -> :10499");
        check(
            "SET k v PX 100; ~100ms; TTL k -> :-2; SET k v; PEXPIREAT k 9223372036854775807; PEXPIRETIME k -> :9223372036854775807; EXPIRETIME k -> :9223372036854775",
        );
    }
}
