//! HINCRBYFLOAT key field increment
//!
//! Adds decimals (kit::text::decimal says how exactly). The log gets the sum, so that no replica needs to compute it
//! alike: as HSET, or as HSETEX KEEPTTL when the field keeps a deadline.

use super::limits::limits;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use kit::text::decimal::{self, DecimalError};
use types::Hash;
use types::hash::Life;

pub static HINCRBYFLOAT: Command = Command {
    name: "HINCRBYFLOAT",
    group: Group::Hash,
    since: "2.6.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    element: 2,
    summary: "Adds a decimal number to the one in a field of a hash; a missing field counts as 0.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String), Arg::new("increment", ArgKind::Double)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, field, by) = (args.key(1), args.get(2), args.get(3));
    if !args.float(3)?.is_finite() {
        return Err(Error::Static("ERR value is NaN or Infinity"));
    }
    let (now, limits) = (ctx.db.fields_now(), limits(ctx));
    let (mut stale, mut timed) = (false, false);
    let sum;
    if let Some(mut hash) = ctx.db.write::<Hash>(key)? {
        sum = match hash.get(field) {
            Some(pair) if !pair.is_due(now) => {
                timed = pair.deadline.is_some();
                add(pair.value.bytes(&mut [0; 20]), by)?
            }
            found => {
                stale = found.is_some();
                add(b"0", by)?
            }
        };
        let life = if stale { Life::Forever } else { Life::Keep };
        hash.set(field, sum.as_bytes(), life, &limits);
    } else {
        sum = add(b"0", by)?;
        ctx.db.make(key, Hash::new()).set(field, sum.as_bytes(), Life::Forever, &limits);
    }
    if stale {
        ctx.db.field_expired(key, field);
    }
    ctx.db.event(notify::HASH, "hincrbyfloat", key.bytes);
    if timed {
        ctx.replay_as(&[b"HSETEX", key.bytes, b"KEEPTTL", b"FIELDS", b"1", field, sum.as_bytes()]);
    } else {
        ctx.replay_as(&[b"HSET", key.bytes, field, sum.as_bytes()]);
    }
    ctx.reply.bulk_str(&sum);
    Ok(())
}

fn add(number: &[u8], by: &[u8]) -> Result<String, Error> {
    decimal::add(number, by).map_err(|error| match error {
        DecimalError::NotANumber => Error::Static("ERR hash value is not a float"),
        DecimalError::NotFinite => Error::NanOrInfinity,
    })
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn adds() {
        check(
            "HINCRBYFLOAT h a 1 -> 1; HINCRBYFLOAT h a 0.25 -> 1.25; HSET h b 17179869184; HINCRBYFLOAT h b 1.5 -> 17179869185.5; HINCRBYFLOAT h a -1.25 -> 0",
        );
    }

    #[test]
    fn refuses() {
        for value in ["x", "\" 11\"", "\"11 \"", "\"1\\x002\"", "\"\""] {
            check(&format!(
                "HSET h a {value}; HINCRBYFLOAT h a 1.0 -> -ERR hash value is not a float; HGET h a -> {value}"
            ));
        }
        check(
            "HINCRBYFLOAT h a v -> -ERR value is not a valid float; HINCRBYFLOAT h a +inf -> -ERR value is NaN or Infinity; EXISTS h -> :0",
        );
        check("SET s 1; HINCRBYFLOAT s a 1 -> -WRONGTYPE");
    }

    #[test]
    fn the_log_gets_the_sum() {
        let mut node = node(&[]);
        node.converse("HINCRBYFLOAT h a 0.5; HINCRBYFLOAT h a 1; HPEXPIREAT h 2000000000000 FIELDS 1 a; HINCRBYFLOAT h a 1; HINCRBYFLOAT h a x");
        let lines = [
            "HSET h a 0.5",
            "HSET h a 1.5",
            "HPEXPIREAT h 2000000000000 FIELDS 1 a",
            "HSETEX h KEEPTTL FIELDS 1 a 2.5",
        ];
        assert_eq!(node.log.lines(), lines);
        node.converse("HPEXPIRETIME h FIELDS 1 a -> [:2000000000000]");
    }
}
