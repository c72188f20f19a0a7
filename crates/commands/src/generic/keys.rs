//! KEYS pattern
//!
//! Looks at one shard after the other, so writers wait for a 256th of the walk at most. Keys past their
//! time are left out and left where they are.

use super::pattern_reach::PatternReach;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach};
use keyspace::{EntryRef, SHARDS};
use kit::glob;

pub static KEYS: Command = Command {
    name: "KEYS",
    group: Group::Generic,
    since: "1.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    reach: Reach::Walk,
    complexity: "O(N), N being the keys of the database",
    summary: "Lists the keys that fit a pattern.",
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    docs: &[Arg { name: "pattern", kind: ArgKind::Pattern, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let pattern = args.get(1);
    let (db, is_stale) = (ctx.db.index, ctx.db.stale_test());
    let list = ctx.reply.array_later();
    let mut count = 0;
    let reply = &mut *ctx.reply;
    let mut say = |entry: EntryRef<'_>| {
        reply.bulk(entry.key());
        count += 1;
    };
    let shards = match PatternReach::of(pattern, &ctx.node.keyspace) {
        PatternReach::OneKey => {
            let key = args.as_key(pattern);
            ctx.db.with_shard(key.hash.shard() as u8, |shard| {
                shard.find(db, key.hash, key.bytes).filter(|entry| !is_stale(*entry)).map(&mut say)
            });
            0..0
        }
        PatternReach::Shard(shard) => usize::from(shard)..usize::from(shard) + 1,
        PatternReach::Everywhere => 0..SHARDS,
    };
    for shard in shards.filter(|&shard| ctx.node.keyspace.shard_len(db, shard) > 0) {
        ctx.db.with_shard(shard as u8, |shard| {
            shard.for_each(db, &mut |entry| {
                if glob::matches(pattern, entry.key(), false) && !is_stale(entry) {
                    say(entry);
                }
            });
        });
    }
    ctx.reply.array_finish(list, count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn lists_what_fits() {
        check(
            "KEYS * -> []; SET foo_a 1; SET foo_b 1; SET key_x 1; KEYS foo* -> {foo_a foo_b}; KEYS * -> {foo_a foo_b key_x}; KEYS key_? -> [key_x]; KEYS nothing* -> []",
        );
        check(
            "SET abc 1; KEYS abc -> [abc]; KEYS ab -> []; KEYS \"a\\\\bc\" -> [abc]; SELECT 1; KEYS * -> []; KEYS abc -> []",
        );
        check("SET a 1 PX 100; SET b 1; ~100ms; KEYS * -> [b]; KEYS a -> []");
        check("SET a 1; MULTI; KEYS *; KEYS a; EXEC -> [[a] [a]]");
    }

    #[test]
    fn keys_past_their_time_stay() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        node.converse("SET a 1 PX 100; SET b 1; ~200ms; KEYS * -> [b]; KEYS a -> []; DBSIZE -> :2");
    }

    #[test]
    fn in_cluster_placement() {
        let mut node = node(&[("cluster-enabled", "yes")]);
        for i in 0..300 {
            node.ask(1, &["SET", &format!("{{{i}}}-x"), "1"]);
        }
        node.converse(
            r#"SET {7}-y 1; KEYS {7}-* -> { "{7}-x" "{7}-y" }; KEYS *{7}-x -> [ "{7}-x" ]; KEYS {7}-x -> [ "{7}-x" ]"#,
        );
    }

    #[test]
    fn hostile_patterns() {
        let mut node = node(&[]);
        let long = "a".repeat(50_000);
        node.ask(1, &["SET", &long, "1"]);
        assert_eq!(node.ask(1, &["KEYS", &"*?".repeat(50_000)]), b"*0\r\n");
        node.converse(&format!("SET {} 1; KEYS a*a*a*a*a*a*a*a*a*a*a*a*b -> []", "a".repeat(40)));
    }
}
