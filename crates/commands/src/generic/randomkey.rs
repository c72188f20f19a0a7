//! RANDOMKEY
//!
//! Throws until it meets a key that is not past its time. Where a hundred throws meet none, most keys of
//! the database are dead: they are walked over instead, and removed, so that the next call has it easier.
//! While nothing may be removed (CLIENT PAUSE, replay) a dead key is the answer, as in Redis.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach};
use keyspace::{EntryRef, KeyHash, SHARDS};
use kit::world::Rng;

pub static RANDOMKEY: Command = Command {
    name: "RANDOMKEY",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::READONLY.and(Flags::TOUCHES_ARBITRARY_KEYS),
    categories: Categories::KEYSPACE,
    reach: Reach::Walk,
    summary: "Names some key of the database.",
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    run,
    ..Command::BASE
};

const THROWS_MAX: usize = 100;
/// Dead keys passed (and removed) by one call.
const DEAD_MAX: usize = 10_000;

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let (db, is_stale, now) = (ctx.db.index, ctx.db.stale_test(), ctx.now());
    let mut rng = Rng::new(ctx.rng().next_u64());
    let mut dead: Option<Dead> = None;
    for _ in 0..THROWS_MAX {
        let Some(shard) = ctx.node.keyspace.random_shard(db, &mut rng) else { break };
        let (node, reply) = (ctx.node, &mut *ctx.reply);
        let met = ctx.db.with_shard(shard as u8, |shard| match shard.random(db, &mut rng) {
            None => Met::Nothing,
            Some(entry) if is_stale(entry) => Met::Dead(Dead::of(node, entry)),
            Some(entry) => {
                reply.bulk(entry.key());
                Met::Alive
            }
        });
        match met {
            Met::Alive => return Ok(()),
            Met::Dead(it) => {
                ctx.db.note_stale(it.hash, &it.key);
                dead = Some(it);
            }
            Met::Nothing => {}
        }
    }
    match dead {
        None => ctx.reply.null(),
        Some(dead) if ctx.node.holds_expired(now) => ctx.reply.bulk(&dead.key),
        Some(_) => walk(ctx, &mut rng),
    }
    Ok(())
}

enum Met {
    Nothing,
    Dead(Dead),
    Alive,
}

struct Dead {
    hash: KeyHash,
    key: Box<[u8]>,
}

impl Dead {
    fn of(node: &exec::Node, entry: EntryRef<'_>) -> Dead {
        Dead { hash: node.keyspace.hash(entry.key()), key: entry.key().into() }
    }
}

/// Answers with the first living key behind a random place.
fn walk(ctx: &mut Ctx, rng: &mut Rng) {
    let (db, is_stale) = (ctx.db.index, ctx.db.stale_test());
    let first = rng.below(SHARDS as u64) as usize;
    let mut passed = 0;
    for shard in (first..SHARDS).chain(0..first) {
        if ctx.node.keyspace.shard_len(db, shard) == 0 {
            continue;
        }
        let (node, reply) = (ctx.node, &mut *ctx.reply);
        let (mut found, mut dead) = (false, Vec::new());
        ctx.db.with_shard(shard as u8, |shard| {
            let mut next = Some(0);
            while let Some(position) = next.filter(|_| !found && passed + dead.len() < DEAD_MAX) {
                next = shard.scan(db, position, &mut |entry| {
                    if is_stale(entry) {
                        dead.push(Dead::of(node, entry));
                    } else if !found {
                        reply.bulk(entry.key());
                        found = true;
                    }
                });
            }
        });
        for it in &dead {
            ctx.db.note_stale(it.hash, &it.key);
        }
        passed += dead.len();
        if found {
            return;
        }
        if passed >= DEAD_MAX {
            break;
        }
    }
    ctx.reply.null();
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn names_keys() {
        check("RANDOMKEY -> nil; SET k v; RANDOMKEY -> k; SELECT 1; RANDOMKEY -> nil");
        let mut node = node(&[]);
        node.converse("SET a 1; SET b 1; SET c 1");
        let seen: BTreeSet<Vec<u8>> = (0..100).map(|_| node.ask(1, &["RANDOMKEY"])).collect();
        assert_eq!(seen.len(), 3);
    }

    #[test]
    fn removes_the_dead() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, Relaxed);
        node.converse("SET a 1 PX 100; SET b 1 PX 100; ~200ms; RANDOMKEY -> nil; DBSIZE -> :0");
        assert_eq!(node.log.units().len(), 4, "two SET, two DEL");
        for i in 0..3000 {
            node.ask(1, &["SET", &format!("dying:{i}"), "1", "PX", "100"]);
        }
        node.converse("SET alive 1; ~200ms; RANDOMKEY -> alive");
        node.converse("RANDOMKEY -> alive; RANDOMKEY -> alive; DEL alive; RANDOMKEY -> nil; DBSIZE -> :0");
    }

    #[test]
    fn a_pause_shows_the_dead() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, Relaxed);
        node.converse("SET a 1 PX 100; ~200ms; CLIENT PAUSE 10000 WRITE; RANDOMKEY -> a; DBSIZE -> :1; CLIENT UNPAUSE; RANDOMKEY -> nil; DBSIZE -> :0");
    }
}
