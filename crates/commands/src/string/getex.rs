//! GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]
//!
//! Reads a string and changes how long it lives. A moment that is past deletes the key. The time is looked at only
//! when there is a key. The log gets PEXPIREAT, PERSIST or DEL, or nothing.

use super::options::{self, Dialect, Life};
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::db::string_of;
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, notify};
use kit::text::format_i64;

pub static GETEX: Command = Command {
    name: "GETEX",
    group: Group::String,
    since: "6.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    summary: "Returns the string value of a key and sets or clears the time it lives.",
    docs: &[
        Arg::key("key", 0),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("persist", "PERSIST"),
            ],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let life = options::parse(args, 2, Dialect::GetEx)?.life;
    let (key, now) = (args.key(1), ctx.now());
    let Some(entry) = ctx.db.read_entry(key)? else {
        ctx.reply.null();
        return Ok(());
    };
    let (value, had_deadline) = (string_of(entry.value())?, entry.has_deadline());
    let deadline = life.deadline(args, now, "getex")?;
    value.reply(ctx.reply);
    match deadline {
        Deadline::At(at) if at <= now => {
            ctx.db.delete(key, ctx.node.config.get(&exec::options::LAZY_EXPIRE))?;
            ctx.db.event(notify::GENERIC, "del", key.bytes);
            ctx.replay_as(&[b"DEL", key.bytes]);
        }
        Deadline::At(at) => {
            ctx.db.set_deadline(key, Some(at))?;
            ctx.db.event(notify::GENERIC, "expire", key.bytes);
            ctx.replay_as(&[b"PEXPIREAT", key.bytes, format_i64(&mut [0; 20], at.0)]);
        }
        Deadline::None | Deadline::Keep => {
            if life == Life::Persist && had_deadline {
                ctx.db.set_deadline(key, None)?;
                ctx.db.event(notify::GENERIC, "persist", key.bytes);
                ctx.replay_as(&[b"PERSIST", key.bytes]);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn reads_and_changes_the_time() {
        check("GETEX k -> nil; SET k v PX 100 -> +OK; GETEX k -> v; GETEX k persist -> v; ~100ms; GET k -> v");
        check("SET k 7 -> +OK; GETEX k PX 100 -> 7; ~99ms; GETEX k EX 1 -> 7; ~999ms; GET k -> 7; ~1ms; GET k -> nil");
        check("SET k v -> +OK; GETEX k EXAT 1 -> v; GET k -> nil");
    }

    #[test]
    fn refuses() {
        check("GETEX k EX 0 -> nil; SET k v -> +OK; GETEX k EX 0 -> -ERR invalid expire time in 'getex' command");
        check(
            "GETEX k EX -> -ERR syntax error; GETEX k EX 1 PERSIST -> -ERR syntax error; GETEX k KEEPTTL -> -ERR syntax error",
        );
        check(
            "GETEX k GET -> -ERR syntax error; GETEX k NX -> -ERR syntax error; GETEX -> -ERR wrong number of arguments for 'getex' command",
        );
    }

    #[test]
    fn the_log_sees_what_was_done() {
        let mut node = node(&[]);
        node.converse("SET k v; GETEX k; GETEX k PERSIST; GETEX k EX 1; GETEX k PXAT 2000000000000; GETEX k PERSIST");
        node.converse("GETEX k EXAT 1; GETEX k EX 1");
        assert_eq!(
            node.log.lines(),
            ["SET k v", "PEXPIREAT k 1767225601000", "PEXPIREAT k 2000000000000", "PERSIST k", "DEL k"]
        );
    }
}
