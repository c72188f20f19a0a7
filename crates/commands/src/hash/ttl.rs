//! HTTL key FIELDS numfields field [field …]    HPTTL, HEXPIRETIME, HPEXPIRETIME
//!
//! Answers for each field: -2 no such field, -1 it has no deadline, else the time. Seconds are rounded up.

use super::expire::FIELDS;
use super::fields;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::Hash;

pub static HTTL: Command = Command {
    name: "HTTL",
    group: Group::Hash,
    since: "7.4.0",
    arity: Arity::AtLeast(5),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = fields named",
    summary: "Returns the seconds that fields of a hash have left.",
    tips: &["nondeterministic_output"],
    docs: &[Arg::key("key", 0), FIELDS],
    run: |ctx, args| run(ctx, args, true, 1000),
    ..Command::BASE
};

pub static HPTTL: Command = Command {
    name: "HPTTL",
    summary: "Returns the milliseconds that fields of a hash have left.",
    run: |ctx, args| run(ctx, args, true, 1),
    ..HTTL
};

pub static HEXPIRETIME: Command = Command {
    name: "HEXPIRETIME",
    summary: "Returns the Unix times in seconds that fields of a hash expire at.",
    tips: &[],
    run: |ctx, args| run(ctx, args, false, 1000),
    ..HTTL
};

pub static HPEXPIRETIME: Command = Command {
    name: "HPEXPIRETIME",
    summary: "Returns the Unix times in milliseconds that fields of a hash expire at.",
    tips: &[],
    run: |ctx, args| run(ctx, args, false, 1),
    ..HTTL
};

fn run(ctx: &mut Ctx, args: &Args, left: bool, unit_ms: i64) -> Result<(), Error> {
    let fields = fields::parse(args, 2, fields::COUNT_NOT_POSITIVE)?;
    let (now, fields_now) = (ctx.now().0, ctx.db.fields_now());
    let hash = ctx.db.read::<Hash>(args.key(1))?;
    ctx.reply.array(fields.len());
    for field in fields.map(|i| args.get(i)) {
        let pair = hash.as_ref().and_then(|hash| hash.get(field));
        let answer = match pair.filter(|pair| !pair.is_due(fields_now)).map(|pair| pair.deadline) {
            None => -2,
            Some(None) => -1,
            Some(Some(deadline)) => {
                let ms = if left { deadline.saturating_sub(now).max(0) } else { deadline };
                ms.saturating_add(unit_ms - 1) / unit_ms
            }
        };
        ctx.reply.int(answer);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tells() {
        check(
            "HTTL h FIELDS 1 a -> [:-2]; HSET h a 1 b 2; HPEXPIRE h 1500 FIELDS 1 a; HTTL h FIELDS 3 a b c -> [:2 :-1 :-2]; HPTTL h FIELDS 1 a -> [:1500]; HEXPIRETIME h FIELDS 1 a -> [:1767225602]; HPEXPIRETIME h FIELDS 2 a b -> [:1767225601500 :-1]",
        );
        check(
            "HSET h a 1; HPEXPIRE h 10 FIELDS 1 a; DEBUG SET-ACTIVE-EXPIRE 0; ~10ms; HPTTL h FIELDS 1 a -> [:-2]; HLEN h -> :1",
        );
    }

    #[test]
    fn refuses() {
        check(
            "HTTL h FIELDS 2 a -> -ERR The `numfields` parameter must match the number of arguments; HTTL h FIELDS x a -> -ERR Number of fields must be a positive integer",
        );
        check(
            "HTTL h FOO 1 a -> -ERR Mandatory argument FIELDS is missing or not at the right position; SET s v; HPTTL s FIELDS 1 a -> -WRONGTYPE",
        );
    }
}
