//! EXISTS key [key …]
//!
//! A key named twice counts twice.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};

pub static EXISTS: Command = Command {
    name: "EXISTS",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::span(1, -1, 1, LOOK)],
    complexity: "O(N), N being the number of keys",
    summary: "Counts the keys that are there.",
    history: &[("3.0.3", "Accepts more than one key.")],
    tips: super::SPLIT_BY_KEY,
    docs: &[super::MANY_KEYS],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut count = 0;
    for i in 1..args.len() {
        count += i64::from(ctx.db.look(args.key(i))?.is_some());
    }
    ctx.reply.int(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn counts() {
        check(
            "EXISTS a -> :0; SET a 1; SET b 2; EXISTS a b c a -> :3; SET a 1 PX 100; ~100ms; EXISTS a -> :0; EXISTS -> -ERR wrong number",
        );
    }

    #[test]
    fn a_hash_goes_with_its_last_field() {
        for entries in ["512", "0"] {
            let node = || node(&[("hash-max-listpack-entries", entries), ("enable-debug-command", "yes")]);
            node().converse("HSET h a 1 b 2; HPEXPIRE h 5 FIELDS 1 a; HPEXPIRE h 8 FIELDS 1 b; ~7ms; EXISTS h -> :1; ~1ms; EXISTS h -> :0; TYPE h -> +none");
            node().converse("DEBUG SET-ACTIVE-EXPIRE 0; HSET h a 1; HPEXPIRE h 5 FIELDS 1 a; ~9ms; EXISTS h -> :1");
        }
    }
}
