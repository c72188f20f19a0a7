//! SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]
//!
//! A cursor is `shard 8 | position 32`, 0 being both the beginning and the end: it fits in the 53 bits
//! of a double. Positions keep their order while tables grow and shrink, so a key that is there from the first call to
//! the last is reported (at rest: once).
//! Buckets are told whole. A call looks at COUNT keys or at ten times as many buckets, whichever comes
//! first, and passes shards without keys for nothing. Keys past their time are not reported, and removed.

use super::pattern_reach::PatternReach;
use super::scan_options::{self, ScanOptions};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach};
use keyspace::SHARDS;
use kit::{glob, text};

pub static SCAN: Command = Command {
    name: "SCAN",
    group: Group::Generic,
    since: "2.8.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::TOUCHES_ARBITRARY_KEYS),
    categories: Categories::KEYSPACE,
    reach: Reach::Walk,
    complexity: "O(1) per call, O(N) for a whole walk over N keys",
    summary: "Walks over the keys of the database, some at a time.",
    history: &[("6.0.0", "Added the option TYPE.")],
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    docs: &[
        Arg { name: "cursor", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "pattern", kind: ArgKind::Pattern, token: Some("MATCH"), optional: true, ..Arg::BASE },
        Arg { name: "count", kind: ArgKind::Integer, token: Some("COUNT"), optional: true, ..Arg::BASE },
        Arg { name: "type", token: Some("TYPE"), since: Some("6.0.0"), optional: true, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

const POSITION_BITS: u32 = 32;
const BUCKETS_PER_KEY: u64 = 10;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let cursor = scan_options::cursor(args.get(1))?;
    let options = ScanOptions::parse(args, 2)?;
    let (next, found) = walk(ctx, args, cursor, &options, &|_| true);
    ctx.reply.array(2);
    let mut digits = Vec::new();
    text::write_u64(&mut digits, next);
    ctx.reply.bulk(&digits);
    found.show(ctx);
    Ok(())
}

/// One call's part of the walk: the next cursor, and the keys found that are `wanted`.
pub(crate) fn walk(
    ctx: &mut Ctx,
    args: &Args,
    cursor: u64,
    options: &ScanOptions,
    wanted: &dyn Fn(&[u8]) -> bool,
) -> (u64, Words) {
    let (mut shard, mut position) = (cursor >> POSITION_BITS, cursor & ((1 << POSITION_BITS) - 1));
    let mut end = SHARDS as u64;
    let only = options.pattern.and_then(|pattern| match PatternReach::of(pattern, &ctx.node.keyspace) {
        PatternReach::Everywhere => None,
        PatternReach::Shard(shard) => Some(u64::from(shard)),
        PatternReach::OneKey => Some(args.as_key(pattern).hash.shard() as u64),
    });
    if let Some(only) = only {
        if shard < only {
            (shard, position) = (only, 0);
        }
        end = only + 1;
    }
    let mut walk = Walk {
        found: Words::default(),
        stale: Words::default(),
        keys_left: options.count,
        buckets_left: options.count.saturating_mul(BUCKETS_PER_KEY),
        wanted,
    };
    while shard < end && walk.has_budget() {
        let next = walk.shard(ctx, options, shard as u8, position);
        (shard, position) = match next {
            Some(next) => (shard, next),
            None => (shard + 1, 0),
        };
    }
    for key in walk.stale.iter() {
        ctx.db.note_stale(ctx.node.keyspace.hash(key), key);
    }
    let next = if shard < end { shard << POSITION_BITS | position } else { 0 };
    (next, walk.found)
}

struct Walk<'w> {
    found: Words,
    stale: Words,
    keys_left: u64,
    buckets_left: u64,
    wanted: &'w dyn Fn(&[u8]) -> bool,
}

impl Walk<'_> {
    fn has_budget(&self) -> bool {
        self.keys_left > 0 && self.buckets_left > 0
    }

    /// As far in one shard as the budget goes; the next position, `None` when the shard is done.
    fn shard(&mut self, ctx: &mut Ctx, options: &ScanOptions, shard: u8, position: u64) -> Option<u64> {
        let (db, is_stale) = (ctx.db.index, ctx.db.stale_test());
        if ctx.node.keyspace.shard_len(db, usize::from(shard)) == 0 {
            return None;
        }
        let mut next = Some(position);
        ctx.db.with_shard(shard, |shard| {
            while let Some(position) = next.filter(|_| self.has_budget()) {
                self.buckets_left -= 1;
                next = shard.scan(db, position, &mut |entry| {
                    self.keys_left = self.keys_left.saturating_sub(1);
                    // Whoever does not look for this key removes it all the same when its time is over.
                    if is_stale(entry) {
                        self.stale.push(entry.key());
                    } else if options.pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), false))
                        && options
                            .type_name
                            .is_none_or(|name| text::eq_ignore_case(name, entry.kind().type_of().name().as_bytes()))
                        && (self.wanted)(entry.key())
                    {
                        self.found.push(entry.key());
                    }
                });
            }
        });
        next
    }
}

/// Keys one behind the other.
#[derive(Default)]
pub(crate) struct Words {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Words {
    fn push(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn show(&self, ctx: &mut Ctx) {
        ctx.reply.array(self.ends.len());
        self.iter().for_each(|key| ctx.reply.bulk(key));
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut start, end)..end])
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use kit::world::Rng;
    use proto::resp_client::Value;
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering::Relaxed;
    use testkit::TestNode;

    /// One call: cursor and keys.
    fn scan(node: &mut TestNode, cursor: &str, options: &str) -> (String, Vec<String>) {
        let text = |value: Value| match value {
            Value::Bulk(bytes) => String::from_utf8(bytes).expect("text"),
            other => panic!("{other:?}"),
        };
        match node.ask_line(format!("SCAN {cursor} {options}").trim_end()) {
            Value::Array(mut parts) => match (parts.pop(), parts.pop()) {
                (Some(Value::Array(keys)), Some(cursor)) => (text(cursor), keys.into_iter().map(text).collect()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn scan_all(node: &mut TestNode, options: &str) -> Vec<String> {
        let (mut cursor, mut all) = ("0".to_string(), Vec::new());
        loop {
            let (next, keys) = scan(node, &cursor, options);
            all.extend(keys);
            if next == "0" {
                return all;
            }
            cursor = next;
        }
    }

    fn populate(node: &mut TestNode, count: usize) {
        for i in 0..count {
            node.ask(1, &["SET", &format!("key:{i}"), "A"]);
        }
    }

    #[test]
    fn reports_everything_once() {
        let mut node = node(&[]);
        assert_eq!(scan(&mut node, "0", ""), ("0".into(), vec![]));
        populate(&mut node, 1000);
        for options in ["", "COUNT 1", "COUNT 7", "COUNT 5000", "TYPE string", "COUNT 3 TYPE STRING"] {
            let keys = scan_all(&mut node, options);
            let different: BTreeSet<&String> = keys.iter().collect();
            assert_eq!((keys.len(), different.len()), (1000, 1000), "{options}");
        }
        assert_eq!(scan_all(&mut node, "MATCH key:1??").len(), 100);
        assert_eq!(scan_all(&mut node, "COUNT 1000 MATCH key:5"), ["key:5"]);
        assert_eq!(scan_all(&mut node, "TYPE list").len() + scan_all(&mut node, "TYPE string1").len(), 0);
        assert_eq!(scan(&mut node, "0", "COUNT 1000000").0, "0");
    }

    #[test]
    fn a_call_does_a_bounded_amount_of_work() {
        let mut node = node(&[]);
        populate(&mut node, 5000);
        let (mut cursor, mut calls) = ("0".to_string(), 0);
        loop {
            let (next, keys) = scan(&mut node, &cursor, "COUNT 10");
            // A bucket holds 14 keys and what its chain has.
            assert!(keys.len() < 10 + 64, "{}", keys.len());
            assert!(next.parse::<u64>().is_ok_and(|next| next < 1 << 53));
            calls += 1;
            if next == "0" {
                break;
            }
            cursor = next;
        }
        assert!((100..=500).contains(&calls), "{calls}");
    }

    #[test]
    fn keeps_its_promise_while_tables_grow_and_shrink() {
        for seed in 0..6 {
            let (mut node, mut rng) = (node(&[]), Rng::new(seed));
            populate(&mut node, 100);
            let grow = rng.one_in(2);
            let mut passing: Vec<String> = (0..8000).map(|i| format!("passing:{i}")).collect();
            if !grow {
                passing.iter().for_each(|key| drop(node.ask(1, &["SET", key, "1"])));
            }
            let (mut cursor, mut seen) = ("0".to_string(), BTreeSet::new());
            loop {
                let (next, keys) = scan(&mut node, &cursor, "COUNT 20");
                seen.extend(keys.into_iter().filter(|key| key.starts_with("key:")));
                if next == "0" {
                    break;
                }
                cursor = next;
                for key in passing.drain(passing.len() - passing.len().min(150)..) {
                    let _ = if grow { node.ask(1, &["SET", &key, "1"]) } else { node.ask(1, &["DEL", &key]) };
                }
            }
            assert_eq!(seen.len(), 100, "seed {seed}");
        }
    }

    #[test]
    fn removes_keys_past_their_time_one_by_one() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, Relaxed);
        populate(&mut node, 1000);
        for i in 0..50 {
            node.ask(1, &["SET", &format!("dying:{i}"), "1", "PX", "100"]);
        }
        node.clock.advance_ms(200);
        let before = node.log.units().len();
        assert_eq!(scan_all(&mut node, "COUNT 10 TYPE list MATCH none*").len(), 0);
        node.converse("DBSIZE -> :1000");
        let units = node.log.units().split_off(before);
        assert_eq!(units.len(), 50, "a DEL each, none with another");
        assert!(units.iter().all(|unit| unit.len() == 1 && unit[0].starts_with("DEL ")));
        assert_eq!(scan_all(&mut node, "COUNT 10").len(), 1000);
    }

    #[test]
    fn in_a_transaction_the_removals_are_one_unit() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, Relaxed);
        node.converse("SET a 1 PX 100; SET b 1 PX 100; SET c 1; ~200ms; MULTI; SCAN 0 COUNT 1000; EXEC -> [[0 [c]]]; DBSIZE -> :1");
        assert_eq!(node.log.units().last().expect("one").len(), 2);
    }

    #[test]
    fn a_pause_keeps_them() {
        let mut node = node(&[]);
        node.node.active_expire.store(false, Relaxed);
        node.converse("SET a 1 PX 100; SET b 1; ~200ms; CLIENT PAUSE 10000 WRITE; SCAN 0 COUNT 1000 -> [0 [b]]; DBSIZE -> :2; CLIENT UNPAUSE; SCAN 0 COUNT 1000 -> [0 [b]]; DBSIZE -> :1");
    }

    #[test]
    fn in_cluster_placement_a_tag_is_one_shard() {
        let mut node = node(&[("cluster-enabled", "yes")]);
        populate(&mut node, 300);
        for i in 0..100 {
            node.ask(1, &["SET", &format!("{{foo}}-{i}"), "1"]);
        }
        assert_eq!(scan_all(&mut node, "MATCH {foo}-*").len(), 100);
        assert_eq!(scan(&mut node, "0", "MATCH {foo}-* COUNT 1000").0, "0");
        assert_eq!(scan_all(&mut node, "").len(), 400);
        // A cursor of another walk: behind the shard of the tag there is nothing.
        assert_eq!(scan(&mut node, &(255u64 << 32).to_string(), "MATCH {foo}-*"), ("0".into(), vec![]));
    }

    #[test]
    fn refuses() {
        check(
            "SCAN x -> -ERR invalid cursor; SCAN -1 -> -ERR invalid cursor; SCAN 0 COUNT 0 -> -ERR syntax error; SCAN 0 COUNT -5 -> -ERR syntax error; SCAN 0 COUNT x -> -ERR value is not an integer; SCAN 0 COUNT -> -ERR syntax error; SCAN 0 NOVALUES -> -ERR syntax error; SCAN 0 FOO bar -> -ERR syntax error",
        );
        check(
            "SET k v; SCAN 18446744073709551615 -> [0 []]; SCAN 99999999999999 COUNT 9223372036854775807 -> [0 []]; SCAN 0 MATCH * COUNT 9223372036854775807 -> [0 [k]]",
        );
    }
}
