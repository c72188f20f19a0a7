//! RENAME key newkey    RENAMENX key newkey
//!
//! The deadline goes with the value, and what was at the new name goes away with its own.
//! A key stands in one piece with its value, so a long string is copied.

use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, REPLACE, notify,
};

pub static RENAME: Command = Command {
    name: "RENAME",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, TAKEN), KeySpec::at(2, REPLACE)],
    complexity: "O(1), and O(M) to free what was at the new name",
    summary: "Renames a key, replacing what has the new name.",
    docs: DOCS,
    run: |ctx, args| rename(ctx, args, true),
    ..Command::BASE
};

pub static RENAMENX: Command = Command {
    name: "RENAMENX",
    flags: Flags::WRITE.and(Flags::FAST),
    keys: &[KeySpec::at(1, TAKEN), KeySpec::at(2, KeyAccess::OW.and(KeyAccess::INSERT))],
    complexity: "O(1)",
    summary: "Renames a key unless there is one with the new name.",
    history: &[("3.2.0", "No error any more when both names are the same.")],
    run: |ctx, args| rename(ctx, args, false),
    ..RENAME
};

const TAKEN: KeyAccess = KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE);

const DOCS: &[Arg] = &[
    Arg { name: "key", kind: ArgKind::Key, key_spec: Some(0), ..Arg::BASE },
    Arg { name: "newkey", kind: ArgKind::Key, key_spec: Some(1), ..Arg::BASE },
];

fn rename(ctx: &mut Ctx, args: &Args, replace: bool) -> Result<(), Error> {
    let (from, to) = (args.key(1), args.key(2));
    if !ctx.db.exists(from)? {
        return Err(Error::NoSuchKey);
    }
    let done = from.bytes != to.bytes && (!ctx.db.exists(to)? || replace);
    if done && let Some(entry) = ctx.db.remove(from)? {
        ctx.db.insert(to, entry.renamed(to.bytes))?;
        ctx.db.event(notify::GENERIC, "rename_from", from.bytes);
        ctx.db.event(notify::GENERIC, "rename_to", to.bytes);
    }
    match replace {
        true => ctx.reply.ok(),
        false => ctx.reply.int(i64::from(done)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn renames() {
        check(
            "RENAME a b -> -ERR no such key; RENAME a a -> -ERR no such key; SET a 1; RENAME a b -> +OK; GET b -> 1; EXISTS a -> :0; RENAME b b -> +OK; GET b -> 1",
        );
        check(
            "SET a 1 PX 5000; SET b 2; RENAME a b -> +OK; PTTL b -> :5000; SET c 3; RENAME c b; TTL b -> :-1; ~6000ms; GET b -> 3",
        );
        check(
            "SET a abc; APPEND a d; RENAME a b; OBJECT ENCODING b -> raw; ~9000ms; RENAME b c; OBJECT IDLETIME c -> :0",
        );
    }

    #[test]
    fn renames_when_free() {
        check(
            "RENAMENX a b -> -ERR no such key; SET a 1; SET b 2; RENAMENX a b -> :0; GET a -> 1; RENAMENX a c -> :1; GET c -> 1; RENAMENX c c -> :0",
        );
        check("SET a 1; SET b 2 PX 100; ~200ms; RENAMENX a b -> :1; GET b -> 1; TTL b -> :-1");
    }

    #[test]
    fn watched_keys_and_the_log() {
        check(
            "SET a 1; WATCH a; c2> RENAME a b; MULTI; PING; EXEC -> nil[]; WATCH c; c2> RENAME b c; MULTI; PING; EXEC -> nil[]",
        );
        let mut node = node(&[]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        node.converse("SET a 1; RENAME a a; RENAMENX a a; SET b 2 PXAT 1767225600100; ~200ms; RENAMENX a b -> :1");
        assert_eq!(node.log.lines()[2..], ["DEL b", "RENAMENX a b"]);
    }
}
