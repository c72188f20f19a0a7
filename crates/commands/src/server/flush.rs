//! FLUSHDB [ASYNC | SYNC]    FLUSHALL [ASYNC | SYNC]
//!
//! The tables are taken out whole, which costs the same whatever is in them; then they are freed, by a
//! thread of its own. ASYNC, the default unless `lazyfree-lazy-user-flush` is off, does not wait for that; the
//! reply to SYNC does, while other clients go on.
//! All shards at one moment, so that the log has every other change clearly before or after it.
//! No keyspace events: Redis sends none.

use exec::seams::{AllRemoved, Mail, Saved};
use exec::session::Why;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach, options, watch};
use proto::Reply;
use std::sync::Arc;

pub static FLUSHDB: Command = Command {
    name: "FLUSHDB",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    reach: Reach::World,
    complexity: "O(1), and O(N) in the background, N being the keys of the database",
    summary: "Removes all keys of the selected database.",
    history: &[("4.0.0", "Added the option ASYNC."), ("6.2.0", "Added the option SYNC.")],
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    docs: &[Arg {
        name: "flush-type",
        kind: ArgKind::OneOf,
        optional: true,
        args: &[
            Arg { name: "async", kind: ArgKind::PureToken, token: Some("ASYNC"), since: Some("4.0.0"), ..Arg::BASE },
            Arg { name: "sync", kind: ArgKind::PureToken, token: Some("SYNC"), since: Some("6.2.0"), ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run: |ctx, args| {
        let db = ctx.db.index;
        flush(ctx, args, db..db + 1)
    },
    ..Command::BASE
};

pub static FLUSHALL: Command = Command {
    name: "FLUSHALL",
    complexity: "O(1), and O(N) in the background, N being the keys of all databases",
    summary: "Removes all keys of all databases.",
    run: |ctx, args| {
        let databases = ctx.node.databases;
        flush(ctx, args, 0..databases)
    },
    ..FLUSHDB
};

fn flush(ctx: &mut Ctx, args: &Args, databases: std::ops::Range<usize>) -> Result<(), Error> {
    let lazy = match args.len() {
        1 => ctx.node.config.get(&options::LAZY_USER_FLUSH),
        2 if args.is(1, "ASYNC") => true,
        2 if args.is(1, "SYNC") => false,
        _ => return Err(Error::Syntax),
    };
    // The reply waits for the freeing thread; no event loop does.
    let waits = !lazy && ctx.may_wait() && ctx.node.freer.has_thread();
    let is_all = databases.len() == ctx.node.databases;
    let removed = empty(ctx, databases, lazy || waits);
    // Even of nothing: a replica may have what we do not.
    ctx.replay_always();
    // Who has save points finds the empty data on disk when the reply comes.
    let saver = ctx.node.saver.get().filter(|_| is_all).cloned();
    let done = saver.as_ref().filter(|_| ctx.may_wait() && !waits).map(|_| answer_later(ctx));
    let answers = done.is_some();
    match saver.map_or(AllRemoved::Counts, |saver| saver.all_removed(&mut ctx.db, removed, done)) {
        AllRemoved::Counts => ctx.dirty(removed),
        AllRemoved::BeingSaved if answers => return Err(ctx.wait(Why::Working, None)),
        AllRemoved::BeingSaved | AllRemoved::SavedLater => {}
    }
    if waits {
        return Err(ctx.wait_for_freer());
    }
    ctx.reply.ok();
    Ok(())
}

/// Takes the tables out, and frees them here or in the background. Gives the number of keys that were in them.
pub(super) fn empty(ctx: &mut Ctx, databases: std::ops::Range<usize>, in_background: bool) -> u64 {
    let mut removed = 0;
    for db in databases {
        watch::database_leaves(&mut ctx.db, db, None);
        let freer = &ctx.node.freer;
        ctx.db.each_shard(|_, shard| {
            if let Some(taken) = shard.take_db(db) {
                removed += taken.len() as u64;
                freer.db(taken, in_background);
            }
        });
        if let Some(tier) = ctx.node.tier.get() {
            tier.forget_database(db);
        }
        // Who waits in a group of a stream is told that it is gone.
        ctx.db.database_changed(db);
    }
    removed
}

fn answer_later(ctx: &Ctx) -> Saved {
    let (client, node, resp3) = (Arc::clone(&ctx.session.record), ctx.node.itself.clone(), ctx.reply.is_resp3());
    // The keys are gone whatever became of the file; the log says that.
    Box::new(move |_| {
        let Some(node) = node.upgrade() else { return };
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        reply.ok();
        // Not before the log has the command.
        node.send(&client, Mail::Served(client.id, reply, node.log.position()));
    })
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn nothing_stays_pending() {
        let mut node = node(&[]);
        node.converse("MSET a 1 b 2 c 3; FLUSHALL ASYNC");
        let freer = &node.node.freer;
        assert_eq!((freer.pending(), freer.freed()), (0, 3));
    }

    #[test]
    fn what_waits_to_be_freed_costs_no_more_keys() {
        let mut node = node(&[("maxmemory-policy", "allkeys-lru")]);
        // A thread that frees, and does not come to it.
        let queue = node.node.freer.open().expect("nobody has it");
        node.converse("SETRANGE big 3000000 x -> :3000001; FLUSHALL ASYNC -> +OK; SET k v -> +OK");
        assert!((3_000_000..3_600_000).contains(&node.node.freer.pending_bytes()));
        node.node.memory.set_base(8 << 20);
        node.converse("CONFIG SET maxmemory 7mb -> +OK; GET k -> v; SET other v -> +OK");
        // Half of the limit, no more.
        node.converse("CONFIG SET maxmemory 1mb -> +OK; GET k -> nil; SET other v -> -OOM");
        drop(queue);
    }

    #[test]
    fn empties() {
        check(
            "SET a 1; SET b 1 EX 100; SELECT 1; SET c 1; FLUSHDB -> +OK; DBSIZE -> :0; SELECT 0; DBSIZE -> :2; FLUSHALL -> +OK; DBSIZE -> :0; GET a -> nil; SET a 2; GET a -> 2",
        );
        check(
            "SELECT 3; SET a 1; SELECT 0; FLUSHALL ASYNC -> +OK; SELECT 3; DBSIZE -> :0; SET a 1; FLUSHDB sync -> +OK; KEYS * -> []",
        );
        check("FLUSHDB NOW -> -ERR syntax error; FLUSHALL ASYNC SYNC -> -ERR syntax error");
    }

    #[test]
    fn counts_and_logs() {
        let mut node = node(&[("lazyfree-lazy-user-flush", "no")]);
        node.converse("FLUSHALL; SET a 1; SET b 1; MULTI; SET c 1; FLUSHDB; EXEC -> [+OK +OK]; FLUSHDB ASYNC");
        assert_eq!(node.log.lines(), ["FLUSHALL", "SET a 1", "SET b 1", "SET c 1", "FLUSHDB", "FLUSHDB ASYNC"]);
        assert_eq!(node.node.dirty.load(Relaxed), 6);
    }

    #[test]
    fn breaks_who_watches_a_key_that_is_there() {
        for flush in ["FLUSHDB", "FLUSHALL"] {
            check(&format!(
                "SET a 1; WATCH a b c; {flush}; MULTI; PING; EXEC -> nil[]; WATCH a; {flush}; MULTI; PING; EXEC -> [+PONG]"
            ));
            check(&format!("SET a 1; SELECT 1; WATCH a; c2> {flush}; MULTI; PING; EXEC -> [+PONG]"));
        }
        check("SELECT 1; SET a 1; WATCH a; c2> FLUSHALL; MULTI; PING; EXEC -> nil[]");
    }

    #[test]
    fn watched_keys_past_their_time_do_not_count() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, Relaxed);
        node.converse("SET a 1 PX 100; ~200ms; WATCH a; FLUSHDB; MULTI; PING; EXEC -> [+PONG]");
        node.converse("SET a 1 PX 100; ~200ms; WATCH a; EXISTS a -> :0; FLUSHALL; MULTI; PING; EXEC -> [+PONG]");
        node.converse("SET a 1 PX 100; ~200ms; WATCH a; FLUSHALL; SET a 1 PX 100; MULTI; PING; EXEC -> nil[]");
        node.converse("SET a 1 PX 100; WATCH a; ~200ms; FLUSHALL; MULTI; PING; EXEC -> nil[]");
    }
}
