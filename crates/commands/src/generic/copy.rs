//! COPY source destination [DB index] [REPLACE]
//!
//! The copy keeps the deadline, and begins its own life as far as eviction is concerned.

use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE, notify, options,
};

pub static COPY: Command = Command {
    name: "COPY",
    group: Group::Generic,
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, READ), KeySpec::at(2, REPLACE)],
    complexity: "O(N) for collections, N being their elements. O(1) for strings.",
    summary: "Copies the value of a key to another key.",
    docs: &[
        Arg { name: "source", kind: ArgKind::Key, key_spec: Some(0), ..Arg::BASE },
        Arg { name: "destination", kind: ArgKind::Key, key_spec: Some(1), ..Arg::BASE },
        Arg { name: "destination-db", kind: ArgKind::Integer, token: Some("DB"), optional: true, ..Arg::BASE },
        Arg { name: "replace", kind: ArgKind::PureToken, token: Some("REPLACE"), optional: true, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (mut target_db, mut replace) = (ctx.db.index, false);
    let mut i = 3;
    while i < args.len() {
        if args.is(i, "REPLACE") {
            replace = true;
            i += 1;
        } else if args.is(i, "DB") && i + 1 < args.len() {
            target_db = super::move_key::database(ctx, args, i + 1)?;
            i += 2;
        } else {
            return Err(Error::Syntax);
        }
    }
    if target_db != 0 && ctx.node.config.get(&options::CLUSTER_ENABLED) {
        return Err(Error::Static("ERR Copying to another database is not allowed in cluster mode"));
    }
    let (source, target) = (args.key(1), args.key(2));
    if source.bytes == target.bytes && target_db == ctx.db.index {
        return Err(Error::SameObject);
    }
    let Some(mut copy) = ctx.db.read_entry(source)?.map(|entry| entry.duplicate_as(target.bytes)) else {
        ctx.reply.int(0);
        return Ok(());
    };
    let clock = ctx.db.new_clock();
    copy.set_clock(clock);
    let copied = ctx.db.in_database(target_db, |db| {
        let copied = !db.exists(target)? || replace;
        if copied {
            db.insert(target, copy)?;
            db.event(notify::GENERIC, "copy_to", target.bytes);
        }
        Ok::<bool, Error>(copied)
    })?;
    ctx.reply.int(i64::from(copied));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn copies_value_and_deadline() {
        check("SET a 1 PX 5000; COPY a b -> :1; GET b -> 1; GET a -> 1; PTTL b -> :5000; COPY none c -> :0");
        check("SET a 1; SET b 2 EX 100; COPY a b -> :0; GET b -> 2; COPY a b replace -> :1; GET b -> 1; TTL b -> :-1");
        check("SET a 1; SET b 2 PX 100; ~200ms; COPY a b -> :1; GET b -> 1; TTL b -> :-1");
        check(
            "SET a abc; APPEND a d; COPY a b; OBJECT ENCODING b -> raw; SET n 12; COPY n m; OBJECT ENCODING m -> int",
        );
    }

    #[test]
    fn collections() {
        let mut node = node(&[("enable-debug-command", "yes")]);
        let mut list = types::List::new();
        ["a", "b"].iter().for_each(|element| list.push(element.as_bytes()));
        crate::put(&node, "l", list);
        let digest = node.ask_line("DEBUG DIGEST-VALUE l");
        node.converse(
            "MEMORY USAGE l -> 40..60; DEBUG OBJECT l -> \"Value at:0x\"*; COPY l m -> :1; RENAME l n -> +OK",
        );
        for key in ["m", "n"] {
            assert_eq!(node.ask_line(&format!("DEBUG DIGEST-VALUE {key}")), digest);
        }
        node.converse("EXPIRE n 100; MOVE n 1 -> :1; UNLINK m -> :1; DBSIZE -> :0; SELECT 1; TYPE n -> +list");
        node.converse("PERSIST n -> :1");
        assert_eq!(node.ask_line("DEBUG DIGEST-VALUE n"), digest);
    }

    #[test]
    fn to_another_database() {
        check(
            "SET a 1; COPY a a DB 3 -> :1; SELECT 3; GET a -> 1; SELECT 0; COPY a a DB 3 -> :0; COPY a a DB 3 REPLACE -> :1",
        );
        check(
            "SET a 1; COPY a a -> -ERR source and destination objects are the same; COPY a a DB 0 -> -ERR source and destination",
        );
        check(
            "COPY a b DB x -> -ERR value is not an integer or out of range; COPY a b DB 16 -> -ERR DB index is out of range; COPY a b DB -> -ERR syntax error; COPY a b NO -> -ERR syntax error",
        );
        node(&[("cluster-enabled", "yes")]).converse("SET a 1; COPY a {a}b -> :1; COPY a {a}b DB 1 -> -ERR Copying to another database is not allowed in cluster mode");
    }

    #[test]
    fn says_del_for_a_target_past_its_time() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        node.converse("SET a 1; SET b 2 PXAT 1767225600100; ~200ms; COPY a b -> :1");
        assert_eq!(node.log.lines()[2..], ["DEL b", "COPY a b"]);
        node.converse("COPY a b -> :0");
        assert_eq!(node.log.lines().len(), 4);
    }
}
