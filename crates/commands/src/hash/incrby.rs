//! HINCRBY key field increment
//!
//! A field keeps its deadline. One past its deadline is gone first, in the log too, and counts as 0.

use super::limits::limits;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use kit::text::format_i64;
use types::Hash;
use types::hash::Life;

pub static HINCRBY: Command = Command {
    name: "HINCRBY",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    element: 2,
    summary: "Adds to the number in a field of a hash; a missing field counts as 0.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String), Arg::new("increment", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, field, by) = (args.key(1), args.get(2), args.int(3)?);
    let (now, limits) = (ctx.db.fields_now(), limits(ctx));
    let mut digits = [0; 20];
    let (mut sum, mut stale) = (by, false);
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        let old = match hash.get(field) {
            Some(pair) if pair.is_due(now) => {
                stale = true;
                0
            }
            Some(pair) => pair.value.int().ok_or(Error::Static("ERR hash value is not an integer"))?,
            None => 0,
        };
        sum = old.checked_add(by).ok_or(Error::Overflow)?;
        let life = if stale { Life::Forever } else { Life::Keep };
        hash.set(field, format_i64(&mut digits, sum), life, &limits);
    } else {
        ctx.db.make(key, Hash::new()).set(field, format_i64(&mut digits, sum), Life::Forever, &limits);
    }
    if stale {
        ctx.db.field_expired(key, field);
    }
    ctx.db.event(notify::HASH, "hincrby", key.bytes);
    ctx.reply.int(sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn adds() {
        check(
            "HINCRBY h a 5 -> :5; HINCRBY h a -7 -> :-2; HGET h a -> \"-2\"; HINCRBY h b 17179869184 -> :17179869184; HINCRBY h b 1 -> :17179869185",
        );
    }

    #[test]
    fn refuses() {
        for value in ["x", "\" 1\"", "\"1 \"", "1.5", "\"\""] {
            check(&format!(
                "HSET h a {value}; HINCRBY h a 1 -> -ERR hash value is not an integer; HGET h a -> {value}"
            ));
        }
        check(
            "HSET h a 9223372036854775807; HINCRBY h a 1 -> -ERR increment or decrement would overflow; HGET h a -> 9223372036854775807",
        );
        check(
            "HINCRBY h a x -> -ERR value is not an integer or out of range; SET s 1; HINCRBY s a 1 -> -WRONGTYPE; EXISTS h -> :0",
        );
    }

    #[test]
    fn a_field_whose_time_has_come_is_gone_in_the_log_too() {
        let mut node = node(&[]);
        node.converse("DEBUG SET-ACTIVE-EXPIRE 0; HSET h a 5; HPEXPIRE h 10 FIELDS 1 a; HINCRBY h a 1 -> :6; HPTTL h FIELDS 1 a -> [:10]; ~10ms; HINCRBY h a 1 -> :1; HPTTL h FIELDS 1 a -> [:-1]");
        assert_eq!(
            node.log.lines()[1..],
            ["HPEXPIREAT h 1767225600010 FIELDS 1 a", "HINCRBY h a 1", "HDEL h a", "HINCRBY h a 1"]
        );
    }
}
