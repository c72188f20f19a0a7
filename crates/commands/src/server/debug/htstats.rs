//! DEBUG HTSTATS db [full], DEBUG HTSTATS-KEY key [full]
//!
//! How the keys of a database lie in its tables, all shards together. The first lines are worded like
//! Redis's; the rest is about what our tables have: buckets of several keys, and lines behind them when one
//! overflows.

use exec::{Args, Ctx, Error};
use keyspace::TableStats;
use std::fmt::Write;
use types::{Hash, Set, Type, Typed};

pub(super) fn database(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let db = usize::try_from(args.int(2)?).ok().filter(|db| *db < ctx.node.databases);
    let Some(db) = db else { return Err(Error::Static("ERR Out of range database")) };
    let mut sum = TableStats::default();
    let mut expiry_bytes = 0;
    ctx.db.each_shard(|_, shard| {
        sum.add(&shard.stats(db));
        expiry_bytes += shard.overhead_bytes(db).1;
    });
    let mut text = String::from("[Dictionary HT]\n");
    describe(&mut text, &sum);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "[Expires]\n number of elements: {}\n bytes: {expiry_bytes}\n",
        ctx.node.keyspace.deadline_count(db)
    );
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn describe(text: &mut String, stats: &TableStats) {
    if stats.len == 0 {
        text.push_str("No stats available for empty dictionaries\n");
        return;
    }
    let percent = |part: usize, whole: usize| part as f64 * 100.0 / whole.max(1) as f64;
    let _ = write!(
        text,
        "Hash table 0 stats (main hash table):\n table size: {}\n number of elements: {}\n keys per bucket: {:.2}\n \
         overflow lines: {}\n keys beyond their bucket's first line: {} ({:.2}%)\n Keys in a bucket:\n",
        stats.buckets,
        stats.len,
        stats.len as f64 / stats.buckets.max(1) as f64,
        stats.overflow_lines,
        stats.far,
        percent(stats.far, stats.len),
    );
    for (keys, buckets) in stats.filled.iter().enumerate().filter(|(_, buckets)| **buckets > 0) {
        let last = if keys + 1 == stats.filled.len() { " or more" } else { "" };
        let _ = writeln!(text, "   {keys}{last}: {buckets} ({:.2}%)", percent(*buckets, stats.buckets));
    }
}

/// Of a set or a hash. Its table grows bucket by bucket: there is never a second one that it moves to.
pub(super) fn key(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(entry) = ctx.db.peek(args.as_key(args.get(2)))? else { return Err(Error::NoSuchKey) };
    let sizes = entry.object().and_then(|object| match object.type_of() {
        Type::Set => Set::from_ref(&object)?.bucket_sizes(),
        Type::Hash => Hash::from_ref(&object)?.bucket_sizes(),
        Type::String | Type::List | Type::SortedSet | Type::Stream => None,
    });
    let Some(sizes) = sizes else {
        return Err(Error::Static("ERR The value stored at the specified key is not represented using an hash table"));
    };
    let mut text = String::new();
    describe_buckets(&mut text, &sizes, args.is(3, "full"));
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn describe_buckets(text: &mut String, sizes: &[usize], full: bool) {
    let (len, used) = (sizes.iter().sum::<usize>(), sizes.iter().filter(|size| **size > 0).count());
    let longest = sizes.iter().copied().max().unwrap_or(0);
    let _ = write!(
        text,
        "Hash table 0 stats (main hash table):\n table size: {}\n number of elements: {len}\n",
        sizes.len()
    );
    if !full {
        return;
    }
    let _ = write!(
        text,
        " different slots: {used}\n max chain length: {longest}\n avg chain length (counted): {:.2}\n Chain length distribution:\n",
        len as f64 / used.max(1) as f64
    );
    for size in 0..=longest {
        let buckets = sizes.iter().filter(|it| **it == size).count();
        if buckets > 0 {
            let _ = writeln!(text, "   {size}: {buckets} ({:.2}%)", buckets as f64 * 100.0 / sizes.len() as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use proto::resp_client::Value;

    #[test]
    fn adds_up() {
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        node.converse("DEBUG POPULATE 5000; SET e 1 PX 1000");
        let Value::Bulk(text) = node.ask_line("DEBUG HTSTATS 0") else { panic!() };
        let text = String::from_utf8(text).unwrap();
        assert!(
            text.contains(" number of elements: 5001\n") && text.contains("[Expires]\n number of elements: 1\n"),
            "{text}"
        );
        let buckets: usize = text.lines().find_map(|line| line.strip_prefix(" table size: ")).unwrap().parse().unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("   ")?.split(": ").nth(1)?.split(' ').next());
        assert_eq!(lines.map(|count| count.parse::<usize>().unwrap()).sum::<usize>(), buckets, "{text}");
    }

    #[test]
    fn refuses() {
        check(
            "DEBUG HTSTATS x -> -ERR value is not an integer or out of range; DEBUG HTSTATS 99 -> -ERR Out of range database; DEBUG HTSTATS 3 full -> \"[Dictionary HT]\\nNo stats\"*",
        );
        check(
            "SET k v; DEBUG HTSTATS-KEY k -> -ERR The value stored at the specified key is not; DEBUG HTSTATS-KEY none -> -ERR no such key; SADD s a; DEBUG HTSTATS-KEY s -> -ERR The value stored",
        );
    }

    #[test]
    fn of_a_key() {
        for fill in ["SADD k", "HMSET k"] {
            let mut node = crate::node(&[("enable-debug-command", "yes")]);
            let members: Vec<String> = (0..2000).map(|i| format!("m{i}")).collect();
            node.converse(&format!("{fill} {}; DEBUG HTSTATS-KEY k -> \"Hash table 0 stats\"*", members.join(" ")));
            let len = if fill.starts_with('S') { 2000 } else { 1000 };
            let Value::Bulk(text) = node.ask_line("DEBUG HTSTATS-KEY k full") else { panic!() };
            let text = String::from_utf8(text).unwrap();
            let lines = text.lines().filter_map(|line| line.strip_prefix("   ")?.split_once(": "));
            let counts = lines.map(|(size, buckets)| {
                size.parse::<usize>().unwrap() * buckets.split(' ').next().unwrap().parse::<usize>().unwrap()
            });
            assert_eq!(counts.sum::<usize>(), len, "{text}");
        }
    }
}
