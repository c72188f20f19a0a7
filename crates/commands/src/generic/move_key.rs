//! MOVE key db
//!
//! The entry itself changes databases, deadline and all: nothing is copied.

use exec::{
    Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify, options,
};

pub static MOVE: Command = Command {
    name: "MOVE",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    summary: "Moves a key to another database.",
    docs: &[super::KEY, Arg { name: "db", kind: ArgKind::Integer, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if ctx.node.config.get(&options::CLUSTER_ENABLED) {
        return Err(Error::Static("ERR MOVE is not allowed in cluster mode"));
    }
    let key = args.key(1);
    let target_db = database(ctx, args, 2)?;
    if target_db == ctx.db.index {
        return Err(Error::SameObject);
    }
    let taken = ctx.db.before_write(key)?.is_some() && !ctx.db.in_database(target_db, |db| db.exists(key))?;
    let entry = if taken { ctx.db.remove(key)? } else { None };
    let Some(entry) = entry else {
        ctx.reply.int(0);
        return Ok(());
    };
    ctx.db.event(notify::GENERIC, "move_from", key.bytes);
    ctx.db.in_database(target_db, |db| {
        let inserted = db.insert(key, entry);
        db.event(notify::GENERIC, "move_to", key.bytes);
        inserted
    })?;
    ctx.reply.int(1);
    Ok(())
}

/// A word that names a database.
pub(super) fn database(ctx: &Ctx, args: &Args, i: usize) -> Result<usize, Error> {
    const TOO_FAR: Error = Error::Static("ERR value is out of range, value must between -2147483648 and 2147483647");
    let index = i32::try_from(args.int(i)?).map_err(|_| TOO_FAR)?;
    usize::try_from(index).ok().filter(|&index| index < ctx.node.databases).ok_or(Error::DbOutOfRange)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn moves_with_the_deadline() {
        check("SET k v PX 5000; MOVE k 9 -> :1; EXISTS k -> :0; DBSIZE -> :0; SELECT 9; GET k -> v; PTTL k -> :5000");
        check("SET k v; MOVE k 9 -> :1; SELECT 9; TTL k -> :-1");
    }

    #[test]
    fn leaves_what_is_there() {
        check(
            "SET k a; SELECT 1; SET k b; SELECT 0; MOVE k 1 -> :0; GET k -> a; SELECT 1; GET k -> b; MOVE none 2 -> :0",
        );
        check(
            "SELECT 1; SET k b PX 100; SELECT 0; SET k a; ~200ms; MOVE k 1 -> :1; SELECT 1; GET k -> a; TTL k -> :-1",
        );
    }

    #[test]
    fn refuses() {
        check(
            "MOVE k x -> -ERR value is not an integer or out of range; MOVE k 16 -> -ERR DB index is out of range; MOVE k -1 -> -ERR DB index is out of range; MOVE k 99999999999 -> -ERR value is out of range, value must between -2147483648 and 2147483647; MOVE k 0 -> -ERR source and destination objects are the same",
        );
        node(&[("cluster-enabled", "yes")]).converse("MOVE k 1 -> -ERR MOVE is not allowed in cluster mode");
    }
}
