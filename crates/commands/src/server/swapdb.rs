//! SWAPDB index1 index2
//!
//! Two databases change places, each client of the one finding itself in the other. Costs a step per shard.

use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach, options, watch};
use kit::text;

pub static SWAPDB: Command = Command {
    name: "SWAPDB",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    reach: Reach::World,
    complexity: "O(N), N being the clients that watch keys of the two databases",
    summary: "Swaps two databases.",
    docs: &[
        Arg { name: "index1", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "index2", kind: ArgKind::Integer, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if ctx.node.config.get(&options::CLUSTER_ENABLED) {
        return Err(Error::Static("ERR SWAPDB is not allowed in cluster mode"));
    }
    let a = index(args, 1).ok_or(Error::Static("ERR invalid first DB index"))?;
    let b = index(args, 2).ok_or(Error::Static("ERR invalid second DB index"))?;
    let inside = |index: i32| usize::try_from(index).ok().filter(|&index| index < ctx.node.databases);
    let (Some(a), Some(b)) = (inside(a), inside(b)) else { return Err(Error::DbOutOfRange) };
    if a != b {
        watch::database_leaves(&mut ctx.db, a, Some(b));
        watch::database_leaves(&mut ctx.db, b, Some(a));
        ctx.db.each_shard(|_, shard| shard.swap_dbs(a, b));
        if let Some(tier) = ctx.node.tier.get() {
            tier.swap_databases(a, b);
        }
        ctx.db.database_changed(a);
        ctx.db.database_changed(b);
    }
    ctx.dirty(1);
    ctx.replay_always();
    ctx.reply.ok();
    Ok(())
}

fn index(args: &Args, i: usize) -> Option<i32> {
    text::parse_i64(args.get(i)).and_then(|index| i32::try_from(index).ok())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn swaps() {
        check(
            "SET a 0; SELECT 5; SET a 5 PX 1000; SET b 5; SWAPDB 0 5 -> +OK; GET a -> 0; DBSIZE -> :1; SELECT 0; GET a -> 5; DBSIZE -> :2; PTTL a -> :1000; SWAPDB 0 0 -> +OK; ~1000ms; GET a -> nil",
        );
        check("SET a 0; SWAPDB 0 15; DBSIZE -> :0; SWAPDB 15 0; GET a -> 0");
    }

    #[test]
    fn refuses() {
        check(
            "SWAPDB 44 55 -> -ERR DB index is out of range; SWAPDB 44 a -> -ERR invalid second DB index; SWAPDB a 55 -> -ERR invalid first DB index; SWAPDB a b -> -ERR invalid first DB index; SWAPDB -1 0 -> -ERR DB index is out of range; SWAPDB 0 4294967296 -> -ERR invalid second DB index",
        );
        node(&[("cluster-enabled", "yes")]).converse("SWAPDB 0 0 -> -ERR SWAPDB is not allowed in cluster mode");
    }

    #[test]
    fn breaks_who_watches_a_key_of_either() {
        // There and gone; not there and come; there in both; in neither; in a third database.
        check("SET a 0; WATCH a; c2> SWAPDB 0 1; MULTI; PING; EXEC -> nil[]");
        check("SELECT 1; SET a 1; SELECT 0; WATCH a; c2> SWAPDB 0 1; MULTI; PING; EXEC -> nil[]");
        check("SET a 0; SELECT 1; SET a 0; WATCH a; c2> SWAPDB 1 0; MULTI; PING; EXEC -> nil[]");
        check("SET b 0; WATCH a; c2> SWAPDB 0 1; MULTI; PING; EXEC -> [+PONG]");
        check("SET a 0; SELECT 2; WATCH a; c2> SWAPDB 0 1; MULTI; PING; EXEC -> [+PONG]");
        check("SET a 0; WATCH a; c2> SWAPDB 0 0; MULTI; PING; EXEC -> [+PONG]");
    }

    #[test]
    fn keys_past_their_time_are_none() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        // Stale and gone, stale and stale, missing and stale.
        node.converse("SET a 1 PX 100; ~200ms; WATCH a; SWAPDB 0 1; MULTI; PING; EXEC -> [+PONG]; FLUSHALL");
        node.converse("SET a 1 PX 100; SELECT 1; SET a 1 PX 100; ~200ms; WATCH a; SWAPDB 0 1; MULTI; PING; EXEC -> [+PONG]; FLUSHALL; SELECT 0");
        node.converse("SET a 1 PX 100; ~200ms; SELECT 1; WATCH a; SWAPDB 0 1; MULTI; PING; EXEC -> [+PONG]; FLUSHALL");
        // Stale and living.
        node.converse("SELECT 0; SET a 1 PX 100; ~200ms; SELECT 1; SET a 1; SELECT 0; WATCH a; SWAPDB 0 1; MULTI; PING; EXEC -> nil[]");
    }
}
