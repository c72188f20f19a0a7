//! HSET key field value [field value …], HMSET key field value [field value …]
//!
//! A field that had a deadline loses it; one past its deadline counts as new.

use super::limits::limits;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use types::Hash;
use types::hash::Life;

pub static HSET: Command = Command {
    name: "HSET",
    complexity: "O(N), N = fields set",
    summary: "Sets fields of a hash, which is made if need be; returns how many are new.",
    history: &[("4.0.0", "Takes several fields and values.")],
    run: |ctx, args| {
        let new = set(ctx, args, "HSET")?;
        ctx.reply.int(new as i64);
        Ok(())
    },
    ..BOTH
};

pub static HMSET: Command = Command {
    name: "HMSET",
    complexity: "O(N), N = fields set",
    summary: "Sets fields of a hash, which is made if need be.",
    deprecated: Some(("4.0.0", "`HSET`")),
    run: |ctx, args| {
        set(ctx, args, "HMSET")?;
        ctx.reply.ok();
        Ok(())
    },
    ..BOTH
};

const BOTH: Command = Command {
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, UPDATE)],
    element: 2,
    docs: &[
        Arg::key("key", 0),
        Arg::block("data", &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)]).multiple(),
    ],
    ..Command::BASE
};

/// How many of the fields are new.
fn set(ctx: &mut Ctx, args: &Args, name: &str) -> Result<usize, Error> {
    if !args.len().is_multiple_of(2) {
        return Err(Error::wrong_arity(name));
    }
    let (key, now, limits) = (args.key(1), ctx.db.fields_now(), limits(ctx));
    let mut hash = ctx.db.write_or_make(key, Hash::new)?;
    let mut new = 0;
    for at in (2..args.len()).step_by(2) {
        let (field, value) = (args.get(at), args.get(at + 1));
        let stale = hash.timed_len() > 0 && hash.get(field).is_some_and(|pair| pair.is_due(now));
        new += usize::from(hash.set(field, value, Life::Forever, &limits) || stale);
    }
    drop(hash);
    ctx.db.event(notify::HASH, "hset", key.bytes);
    ctx.dirty(args.len() as u64 / 2 - 2);
    Ok(new)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn sets() {
        check(
            "HSET h a 1 -> :1; HSET h a 2 b 3 -> :1; HSET h a 2 -> :0; HGET h a -> 2; HMSET h a 5 c 6 -> +OK; HMGET h a b c -> [5 3 6]",
        );
        check("HSET h a 1 a 2 -> :1; HGET h a -> 2; TYPE h -> +hash; OBJECT ENCODING h -> listpack");
    }

    #[test]
    fn refuses() {
        check(
            "HSET h a 1 b -> -ERR wrong number of arguments for 'hset' command; HMSET h a 1 b -> -ERR wrong number of arguments for 'hmset' command",
        );
        check(
            "HSET h a -> -ERR wrong number of arguments for 'hset' command; SET s v; HSET s a 1 -> -WRONGTYPE; HMSET s a 1 -> -WRONGTYPE; EXISTS h -> :0",
        );
    }

    #[test]
    fn grows_out_of_the_packed_form() {
        let mut node = node(&[("hash-max-ziplist-entries", "2"), ("hash-max-listpack-value", "3")]);
        node.converse("HSET h a 1 b 2; OBJECT ENCODING h -> listpack; HSET h c 3; OBJECT ENCODING h -> hashtable");
        node.converse("HSET g a 123; OBJECT ENCODING g -> listpack; HSET g a 1234; OBJECT ENCODING g -> hashtable; HGET g a -> 1234");
    }

    #[test]
    fn is_logged_and_counted() {
        let mut node = node(&[]);
        node.converse("HSET h a 1 b 2; HMSET h c 1");
        assert_eq!(node.log.lines(), ["HSET h a 1 b 2", "HMSET h c 1"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 3);
    }
}
