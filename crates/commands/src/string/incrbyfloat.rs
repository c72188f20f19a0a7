//! INCRBYFLOAT key increment
//!
//! Adds decimals (kit::text::decimal says how exactly). The log gets the sum, as a SET that keeps the deadline, so
//! that no replica needs to compute it alike.

use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, NewValue, notify};
use kit::text::decimal::{self, DecimalError};

pub static INCRBYFLOAT: Command = Command {
    name: "INCRBYFLOAT",
    group: Group::String,
    since: "2.6.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    summary: "Adds a decimal number to the one at a key; a missing key counts as 0.",
    docs: &[Arg::key("key", 0), Arg::new("increment", ArgKind::Double)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, by) = (args.key(1), args.get(2));
    let sum = match ctx.db.string_mut(key)? {
        Some(mut number) => {
            let sum = add(number.value().bytes(&mut [0; 20]), by)?;
            number.set(NewValue::Str(sum.as_bytes()));
            sum
        }
        None => {
            let sum = add(b"0", by)?;
            ctx.db.set(key, NewValue::Str(sum.as_bytes()), Deadline::None);
            sum
        }
    };
    ctx.db.event(notify::STRING, "incrbyfloat", key.bytes);
    ctx.replay_as(&[b"SET", key.bytes, sum.as_bytes(), b"KEEPTTL"]);
    ctx.reply.bulk_str(&sum);
    Ok(())
}

fn add(number: &[u8], by: &[u8]) -> Result<String, Error> {
    decimal::add(number, by).map_err(|error| match error {
        DecimalError::NotANumber => Error::NotFloat,
        DecimalError::NotFinite => Error::NanOrInfinity,
    })
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn adds() {
        check("INCRBYFLOAT k 1 -> 1; INCRBYFLOAT k 0.25 -> 1.25; INCRBYFLOAT k -1.25 -> 0; GET k -> 0; INCR k -> :1");
        check("SET k 17179869184 -> +OK; INCRBYFLOAT k 1.5 -> 17179869185.5; INCRBYFLOAT k 5.0e3 -> 17179874185.5");
        check(
            "SET k 1.5 PX 9 -> +OK; INCRBYFLOAT k 1.5 -> 3; ~9ms; GET k -> nil; SET k 0.1 -> +OK; INCRBYFLOAT k 0.2 -> 0.3",
        );
        check("SET k 1 -> +OK; INCRBYFLOAT k -1.1 -> \"-0.1\"");
    }

    #[test]
    fn refuses() {
        for value in ["\" 11\"", "\"11 \"", "\"1\\x00\"", "abc", "\"\""] {
            check(&format!(
                "SET k {value} -> +OK; INCRBYFLOAT k 1.0 -> -ERR value is not a valid float; GET k -> {value}"
            ));
        }
        check(
            "INCRBYFLOAT k v -> -ERR value is not a valid float; INCRBYFLOAT k +inf -> -ERR increment would produce NaN or Infinity; GET k -> nil",
        );
    }

    #[test]
    fn the_log_gets_the_sum() {
        let mut node = node(&[]);
        node.converse("INCRBYFLOAT k 0.5; INCRBYFLOAT k 1; INCRBYFLOAT k x");
        assert_eq!(node.log.lines(), ["SET k 0.5 KEEPTTL", "SET k 1.5 KEEPTTL"]);
    }
}
