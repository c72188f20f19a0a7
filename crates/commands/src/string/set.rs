//! SET key value [NX | XX | IFEQ value | IFNE value] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
//!
//! Sets a key to a string whatever was there. IFEQ is Valkey 8.1's and Redis 8.4's, IFNE Redis 8.4's: the first needs
//! a value to be there, the second does not. With GET the reply is the old value whether or not the new one was set,
//! and a key of another type is refused. A time that is past already is no error: the key is born expired.
//! The log gets absolute times, and never GET.

use super::options::{self, Condition, Dialect, Options};
use super::value::stored;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, notify};
use kit::text::format_i64;

pub static SET: Command = Command {
    name: "SET",
    group: Group::String,
    since: "1.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::REPLACES),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE).and(KeyAccess::VARIABLE_FLAGS))],
    summary: "Sets a key to a string, whatever was there; on conditions and for a time if asked.",
    history: &[
        ("2.6.12", "EX, PX, NX and XX."),
        ("6.0.0", "KEEPTTL."),
        ("6.2.0", "GET, EXAT and PXAT."),
        ("7.0.0", "NX and GET may stand together."),
        ("8.4.0", "IFEQ and IFNE."),
    ],
    docs: &[
        Arg::key("key", 0),
        Arg::new("value", ArgKind::String),
        Arg::one_of(
            "condition",
            &[
                Arg::token("nx", "NX"),
                Arg::token("xx", "XX"),
                Arg::new("ifeq-value", ArgKind::String).after("IFEQ").since("8.4.0"),
                Arg::new("ifne-value", ArgKind::String).after("IFNE").since("8.4.0"),
            ],
        )
        .since("2.6.12")
        .optional(),
        Arg::token("get", "GET").since("6.2.0").optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX").since("2.6.12"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX").since("2.6.12"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT").since("6.2.0"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT").since("6.2.0"),
                Arg::token("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() > 3 {
        return with_options(ctx, args);
    }
    let key = args.key(1);
    ctx.db.set(key, stored(args.get(2)), Deadline::None);
    ctx.db.event(notify::STRING, "set", key.bytes);
    ctx.reply.ok();
    Ok(())
}

fn with_options(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = options::parse(args, 3, Dialect::Set)?;
    let deadline = options.life.deadline(args, ctx.now(), "set")?;
    let key = args.key(1);
    if options.get {
        match ctx.db.read_string(key)? {
            Some(old) => old.reply(ctx.reply),
            None => ctx.reply.null(),
        }
    }
    if !is_met(ctx, args, options.condition)? {
        if !options.get {
            ctx.reply.null();
        }
        return Ok(());
    }
    ctx.db.set(key, stored(args.get(2)), deadline);
    ctx.db.event(notify::STRING, "set", key.bytes);
    if let Deadline::At(_) = deadline {
        ctx.db.event(notify::GENERIC, "expire", key.bytes);
    }
    replay(ctx, args, options, deadline);
    if !options.get {
        ctx.reply.ok();
    }
    Ok(())
}

fn is_met(ctx: &mut Ctx, args: &Args, condition: Condition) -> Result<bool, Error> {
    let key = args.key(1);
    let mut equals = |word: usize| {
        let old = ctx.db.string_before_write(key)?;
        Ok(old.is_some_and(|old| old.bytes(&mut [0; 20]) == args.get(word)))
    };
    match condition {
        Condition::Always => Ok(true),
        Condition::Missing => ctx.db.exists(key).map(|exists| !exists),
        Condition::Exists => ctx.db.exists(key),
        Condition::Equals(word) => equals(word),
        Condition::Differs(word) => equals(word).map(|equals| !equals),
    }
}

/// The log need not ask again: what it gets is set under the same condition, at the same moment.
fn replay(ctx: &mut Ctx, args: &Args, options: Options, deadline: Deadline) {
    match deadline {
        Deadline::At(at) if options.life.is_relative() => {
            let ms = &mut [0; 20];
            ctx.replay_as(&[b"SET", args.get(1), args.get(2), b"PXAT", format_i64(ms, at.0)]);
        }
        _ if options.get => {
            // The comparison's word is not an option, even if it reads "GET".
            let compared = match options.condition {
                Condition::Equals(word) | Condition::Differs(word) => word,
                Condition::Always | Condition::Missing | Condition::Exists => 0,
            };
            let said = (0..args.len()).filter(|&i| i < 3 || i == compared || !args.is(i, "GET"));
            let words: Vec<&[u8]> = said.map(|i| args.get(i)).collect();
            ctx.replay_as(&words);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets() {
        check("SET k v -> +OK; GET k -> v; SET k \"\" -> +OK; GET k -> \"\"; SET k 12 -> +OK; GET k -> 12");
        check("SET k 007 -> +OK; GET k -> 007; SET k -0 -> +OK; GET k -> \"-0\"");
    }

    #[test]
    fn on_conditions() {
        check("SET k a XX -> nil; SET k a NX -> +OK; SET k b nx -> nil; SET k b xx -> +OK; GET k -> b");
        check("SET k a NX NX -> +OK; SET k a NX XX -> -ERR syntax error; SET k a XX NX -> -ERR syntax error");
    }

    #[test]
    fn compares() {
        check("SET k b IFEQ a -> nil; EXISTS k; SET k a -> +OK; SET k b IFEQ x -> nil; SET k 10 IFEQ a -> +OK");
        check("SET k 10 -> +OK; SET k b ifeq 10 GET -> 10; GET k -> b; SET k c IFEQ a GET -> b; GET k -> b");
        check("SET k a IFNE a -> +OK; SET k b IFNE a -> nil; SET k b IFNE c -> +OK; GET k -> b");
        check("SET k b IFEQ a NX -> -ERR syntax error; SET k b IFEQ -> -ERR syntax error");
        check("SET k b IFEQ a IFEQ b -> -ERR syntax error; SET k b IFEQ a IFNE b -> -ERR syntax error");
    }

    #[test]
    fn gives_the_old_value() {
        check("SET k a GET -> nil; SET k b GET -> a; SET k c NX GET -> b; GET k -> b; SET k c XX GET -> b; GET k -> c");
        check(
            "SET n a XX GET -> nil; GET n -> nil; SET n a NX GET -> nil; GET n -> a; SET n 5 -> +OK; SET n b GET GET -> 5",
        );
    }

    #[test]
    fn for_a_time() {
        check("SET k v PX 500 -> +OK; GET k -> v; ~500ms; GET k -> nil");
        check("SET k v EX 10 -> +OK; SET k w KEEPTTL -> +OK; ~9999ms; GET k -> w; ~1ms; GET k -> nil");
        check("SET k v EX 10 -> +OK; SET k w -> +OK; ~10000ms; GET k -> w");
        check("SET k v PXAT 1 -> +OK; GET k -> nil; SET k v KEEPTTL -> +OK; ~1000ms; GET k -> v");
        check("SET k v EXAT 1767225601 -> +OK; ~999ms; GET k -> v; ~1ms; GET k -> nil");
        check("SET k v EX 10 -> +OK; ~10000ms; SET k w NX KEEPTTL -> +OK; ~99999ms; GET k -> w");
        check("SET k v EX 1 EX 2 -> +OK; ~1999ms; GET k -> v");
    }

    #[test]
    fn refuses() {
        for options in ["FOO", "EX", "EX 1 PX 1", "EX 1 KEEPTTL", "KEEPTTL PXAT 1", "PERSIST", "NX extra"] {
            check(&format!("SET k v {options} -> -ERR syntax error; GET k -> nil"));
        }
        for options in ["EX 0", "PX -1", "EX 9223372036854776", "PX 9223372036854775807", "EXAT 9223372036854776"] {
            check(&format!("SET k v {options} -> -ERR invalid expire time in 'set' command; GET k -> nil"));
        }
        check("SET k v EX 1.5 -> -ERR value is not an integer or out of range");
        check("SET k -> -ERR wrong number of arguments for 'set' command");
    }

    #[test]
    fn the_log_knows_the_moment() {
        let mut node = node(&[]);
        node.converse("SET k v; set k v ex 10; SET k v PX 10 NX GET; SET k v GET KEEPTTL; SET k v pxat 2000000000000");
        node.converse("SET k w XX GET PXAT 2000000000000; SET k GET IFEQ v GET; SET k GET IFEQ w GET; SET k x NX");
        node.converse("SET k x IFEQ get GET; SET k x IFEQ GET GET; SET k y EXAT 2000000000 IFNE z");
        assert_eq!(
            node.log.lines(),
            [
                "SET k v",
                "SET k v PXAT 1767225610000",
                "SET k v KEEPTTL",
                "SET k v pxat 2000000000000",
                "SET k w XX PXAT 2000000000000",
                "SET k GET IFEQ w",
                "SET k x IFEQ GET",
                "SET k y PXAT 2000000000000",
            ]
        );
    }

    #[test]
    fn a_key_whose_time_has_come_is_missing() {
        let mut node = node(&[]);
        node.converse("SET k v PXAT 1; SET k w XX -> nil; SET k v PXAT 1; SET k w NX -> +OK; SET k v PXAT 1");
        node.converse("SET k w IFEQ v -> nil; SET k v PXAT 1; SET k w GET -> nil");
        let lines = node.log.lines();
        assert_eq!(lines[..5], ["SET k v PXAT 1", "DEL k", "SET k v PXAT 1", "DEL k", "SET k w NX"]);
    }
}
