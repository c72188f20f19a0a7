//! MSETEX numkeys key value [key value …] [NX | XX] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]
//!
//! MSET with a condition for all keys together and one time for them. Redis 8.4 and Valkey 9.1 agree on it; the
//! error texts are Redis's. The log gets an MSETEX with the moment and without the condition, which was met.

use super::mset::{count_existing, set_pairs};
use super::options::{self, Condition, Dialect};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, REPLACE};
use kit::text::format_i64;

pub static MSETEX: Command = Command {
    name: "MSETEX",
    group: Group::String,
    since: "9.1.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::counted(1, 2, REPLACE)],
    complexity: "O(N), N = keys",
    summary: "Sets several keys to strings, for a time if asked, if all or none of them exist.",
    docs: &[
        Arg::new("numkeys", ArgKind::Integer),
        Arg::block("data", &[Arg::key("key", 0), Arg::new("value", ArgKind::String)]).multiple(),
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).optional(),
        Arg::one_of(
            "expiration",
            &[
                Arg::new("seconds", ArgKind::Integer).after("EX"),
                Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                Arg::token("keepttl", "KEEPTTL"),
            ],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

const FIRST_KEY: usize = 2;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = args.int(1).ok().filter(|count| (1..=i64::from(i32::MAX)).contains(count));
    let count = count.ok_or(Error::Static("ERR invalid numkeys value"))? as usize;
    let end = FIRST_KEY + 2 * count; // below 2^33
    if end > args.len() {
        return Err(Error::Static("ERR wrong number of key-value pairs"));
    }
    let options = options::parse(args, end, Dialect::MSetEx)?;
    let deadline = options.life.deadline(args, ctx.now(), "msetex")?;
    let met = match options.condition {
        Condition::Missing => count_existing(ctx, args, FIRST_KEY, end)? == 0,
        Condition::Exists => count_existing(ctx, args, FIRST_KEY, end)? == count,
        Condition::Always | Condition::Equals(_) | Condition::Differs(_) => true,
    };
    if met {
        set_pairs(ctx, args, FIRST_KEY, end, deadline);
        if let Deadline::At(at) = deadline
            && options.life.is_relative()
        {
            let mut ms = [0; 20];
            let words: Vec<&[u8]> =
                (0..end).map(|i| args.get(i)).chain([&b"PXAT"[..], format_i64(&mut ms, at.0)]).collect();
            ctx.replay_as(&words);
        }
    }
    ctx.reply.int(i64::from(met));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets_all_for_a_time() {
        check(
            "MSETEX 2 a 1 b x -> :1; MGET a b -> [1 x]; MSETEX 2 a 2 c y ex 1 -> :1; ~999ms; MGET a b c -> [2 x y]; ~1ms; MGET a b c -> [nil x nil]",
        );
        check("SET a 1 PX 10 -> +OK; MSETEX 2 a 2 b 2 KEEPTTL -> :1; MGET a b -> [2 2]; ~10ms; MGET a b -> [nil 2]");
    }

    #[test]
    fn on_conditions() {
        check(
            "SET a 1 -> +OK; MSETEX 2 a 2 b 2 NX -> :0; MSETEX 2 a 2 b 2 XX -> :0; MGET a b -> [1 nil]; MSETEX 2 b 2 c 2 NX -> :1",
        );
        check("MSET a 1 b 1 -> +OK; MSETEX 2 a 2 b 2 PX 5 XX -> :1; MGET a b -> [2 2]; ~5ms; MGET a b -> [nil nil]");
    }

    #[test]
    fn refuses() {
        for count in ["a", "0", "-1", "2147483648", "99999999999999999999"] {
            check(&format!("MSETEX {count} a 1 -> -ERR invalid numkeys value"));
        }
        check(
            "MSETEX 2 a 1 b -> -ERR wrong number of key-value pairs; MSETEX 2147483647 a 1 -> -ERR wrong number of key-value pairs",
        );
        check(
            "MSETEX 1 a 1 FOO -> -ERR syntax error; MSETEX 1 a 1 NX XX -> -ERR syntax error; MSETEX 1 a 1 EX -> -ERR syntax error",
        );
        check(
            "MSETEX 1 a 1 b 2 -> -ERR syntax error; MSETEX 1 a 1 GET -> -ERR syntax error; MSETEX 1 a 1 EX 1 KEEPTTL -> -ERR syntax error",
        );
        check("MSETEX 1 a 1 EX 0 -> -ERR invalid expire time in 'msetex' command; GET a -> nil");
    }

    #[test]
    fn the_log_knows_the_moment() {
        let mut node = node(&[]);
        node.converse("MSETEX 2 a 1 b 2 EX 1 NX; MSETEX 1 a 1 NX; MSETEX 1 a 1 pxat 2000000000000");
        let lines = ["MSETEX 2 a 1 b 2 PXAT 1767225601000", "MSETEX 1 a 1 pxat 2000000000000"];
        assert_eq!(node.log.lines(), lines);
    }
}
