//! INCR key, DECR key, INCRBY key increment, DECRBY key decrement
//!
//! The number stays where it is: one lookup, and no allocation once it is stored as a number. A string that reads
//! as a number becomes one.

use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, NewValue, notify};
use types::string::int;

pub static INCR: Command = Command {
    name: "INCR",
    summary: "Adds one to the number at a key; a missing key counts as 0.",
    docs: &[Arg::key("key", 0)],
    run: |ctx, args| add(ctx, args, 1),
    ..ALL
};

pub static DECR: Command = Command {
    name: "DECR",
    summary: "Subtracts one from the number at a key; a missing key counts as 0.",
    docs: &[Arg::key("key", 0)],
    run: |ctx, args| add(ctx, args, -1),
    ..ALL
};

pub static INCRBY: Command = Command {
    name: "INCRBY",
    arity: Arity::Exactly(3),
    summary: "Adds to the number at a key; a missing key counts as 0.",
    docs: &[Arg::key("key", 0), Arg::new("increment", ArgKind::Integer)],
    run: |ctx, args| add(ctx, args, args.int(2)?),
    ..ALL
};

pub static DECRBY: Command = Command {
    name: "DECRBY",
    arity: Arity::Exactly(3),
    summary: "Subtracts from the number at a key; a missing key counts as 0.",
    docs: &[Arg::key("key", 0), Arg::new("decrement", ArgKind::Integer)],
    run: |ctx, args| {
        let by = args.int(2)?.checked_neg().ok_or(Error::Static("ERR decrement would overflow"))?;
        add(ctx, args, by)
    },
    ..ALL
};

const ALL: Command = Command {
    group: Group::String,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    ..Command::BASE
};

fn add(ctx: &mut Ctx, args: &Args, by: i64) -> Result<(), Error> {
    let key = args.key(1);
    let sum = match ctx.db.string_mut(key)? {
        Some(mut number) => {
            let sum = int::incr(number.value().int()?, by).ok_or(Error::Overflow)?;
            number.set(NewValue::Int(sum));
            sum
        }
        None => {
            ctx.db.set(key, NewValue::Int(by), Deadline::None);
            by
        }
    };
    ctx.db.event(notify::STRING, "incrby", key.bytes);
    ctx.reply.int(sum);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn counts() {
        check(
            "INCR k -> :1; INCR k -> :2; DECR k -> :1; INCRBY k 41 -> :42; DECRBY k 2 -> :40; DECRBY k -2 -> :42; GET k -> 42",
        );
        check(
            "DECR none -> :-1; INCRBY none2 -5 -> :-5; DECRBY none3 5 -> :-5; SET k 10 PX 9 -> +OK; INCR k -> :11; ~9ms; INCR k -> :1",
        );
        check("SET k 17179869184 -> +OK; INCRBY k 17179869184 -> :34359738368");
    }

    #[test]
    fn text_becomes_a_number() {
        check("SET k 1 -> +OK; APPEND k 2 -> :2; INCR k -> :13; GET k -> 13");
    }

    #[test]
    fn refuses() {
        for value in ["\" 11\"", "\"11 \"", "abc", "1.5", "\"\"", "9223372036854775808"] {
            check(&format!(
                "SET k {value} -> +OK; INCR k -> -ERR value is not an integer or out of range; GET k -> {value}"
            ));
        }
        check(
            "INCRBY k 1.5 -> -ERR value is not an integer or out of range; DECRBY k v -> -ERR value is not an integer or out of range",
        );
        check(
            "SET k 9223372036854775807 -> +OK; INCR k -> -ERR increment or decrement would overflow; GET k -> 9223372036854775807",
        );
        check(
            "SET k -9223372036854775808 -> +OK; DECR k -> -ERR increment or decrement would overflow; DECRBY k -9223372036854775808 -> -ERR decrement would overflow",
        );
        check("INCR k v -> -ERR wrong number of arguments for 'incr' command");
    }

    #[test]
    fn each_change_is_logged_once() {
        let mut node = node(&[]);
        node.converse("INCR k; INCR k; SET s x; INCR s");
        assert_eq!(node.log.lines(), ["INCR k", "INCR k", "SET s x"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 3);
    }

    #[test]
    fn a_number_whose_time_has_come_is_gone_in_the_log_too() {
        let mut node = node(&[]);
        node.converse("SET k 5 PXAT 1; INCR k -> :1");
        assert_eq!(node.log.lines(), ["SET k 5 PXAT 1", "DEL k", "INCR k"]);
    }
}
