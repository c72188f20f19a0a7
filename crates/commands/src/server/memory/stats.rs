//! MEMORY STATS
//!
//! The account as a map, databases as maps within it. Redis's names; `overhead.db.hashtable.rehashing`
//! are the bytes of replaced tables that wait to be freed, because a table here grows bucket by bucket
//! and never stands twice (so `db.dict.rehashing.count` is 0).

use super::account::{Account, Gap};
use crate::server::crowd::Crowd;
use exec::{Args, Arity, Command, Ctx, Error, Group, Node, Reach};
use proto::Reply;
use std::sync::atomic::Ordering::Relaxed;

pub static STATS: Command = Command {
    name: "STATS",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(2),
    reach: Reach::Walk,
    summary: "Tells how much memory is used for what.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let crowd = Crowd::count(ctx.node);
    let account = Account::take(ctx, crowd.normal_bytes, crowd.replica_bytes);
    let pairs = pairs(ctx.node, &account);
    ctx.reply.map(pairs.len());
    for (name, value) in pairs {
        ctx.reply.bulk_str(&name);
        match value {
            Value::Int(n) => ctx.reply.int(n),
            Value::Double(n) => ctx.reply.double(n),
            Value::Tables { table, expiry } => tables(ctx.reply, table, expiry),
        }
    }
    Ok(())
}

enum Value {
    Int(i64),
    Double(f64),
    /// One database.
    Tables {
        table: u64,
        expiry: u64,
    },
}

fn tables(reply: &mut Reply, table: u64, expiry: u64) {
    reply.map(2);
    reply.bulk_str("overhead.hashtable.main");
    reply.int(table as i64);
    reply.bulk_str("overhead.hashtable.expires");
    reply.int(expiry as i64);
}

fn pairs(node: &Node, account: &Account) -> Vec<(String, Value)> {
    let mut pairs = Vec::new();
    let mut add = |name: &str, value: Value| pairs.push((name.to_string(), value));
    for (name, bytes) in [
        ("peak.allocated", account.peak),
        ("total.allocated", account.used),
        ("startup.allocated", account.startup),
        ("replication.backlog", 0),
        ("clients.slaves", account.replica_bytes),
        ("clients.normal", account.normal_bytes),
        ("cluster.links", 0),
        ("aof.buffer", 0),
        ("lua.caches", node.scripts.source_bytes() as u64),
        ("functions.caches", node.scripts.libraries.lock().bytes() as u64),
        ("script.VMs", node.scripts.lua_bytes.load(Relaxed).max(0) as u64),
    ] {
        add(name, Value::Int(bytes as i64));
    }
    for it in &account.dbs {
        add(&format!("db.{}", it.db), Value::Tables { table: it.table, expiry: it.expiry });
    }
    for (name, count) in [
        ("overhead.db.hashtable.lut", account.table_bytes()),
        ("overhead.db.hashtable.rehashing", account.retired),
        ("db.dict.rehashing.count", 0),
        ("overhead.total", account.overhead()),
        ("keys.count", account.keys() as u64),
        ("keys.bytes-per-key", account.bytes_per_key()),
        ("dataset.bytes", account.dataset()),
    ] {
        add(name, Value::Int(count as i64));
    }
    add("dataset.percentage", Value::Double(account.dataset_percent()));
    add("peak.percentage", Value::Double(account.peak_percent()));
    let allocator = account.usage.allocator;
    for (name, bytes) in [
        ("allocator.allocated", allocator.allocated),
        ("allocator.active", allocator.active),
        ("allocator.resident", allocator.resident),
        ("allocator.muzzy", allocator.muzzy),
    ] {
        add(name, Value::Int(bytes as i64));
    }
    for (name, Gap { ratio, bytes }) in [
        ("allocator-fragmentation", account.allocator_fragmentation()),
        ("allocator-rss", account.allocator_resident()),
        ("rss-overhead", account.resident_overhead()),
    ] {
        add(&format!("{name}.ratio"), Value::Double(ratio));
        add(&format!("{name}.bytes"), Value::Int(bytes));
    }
    let Gap { ratio, bytes } = account.fragmentation();
    add("fragmentation", Value::Double(ratio));
    add("fragmentation.bytes", Value::Int(bytes));
    pairs
}

#[cfg(test)]
mod tests {
    use crate::node;
    use proto::resp_client::Value;

    #[test]
    fn names_and_databases() {
        let mut node = node(&[]);
        node.converse("HELLO 3; SELECT 3; SET a 1 EX 10");
        let Value::Map(pairs) = node.ask_line("MEMORY STATS") else { panic!() };
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| *key == Value::Bulk(name.into()));
            &found.unwrap_or_else(|| panic!("{name}")).1
        };
        assert_eq!(get("keys.count"), &Value::Int(1));
        assert!(matches!(get("overhead.db.hashtable.lut"), Value::Int(bytes) if *bytes > 0));
        let Value::Map(db) = get("db.3") else { panic!() };
        assert!(matches!(db[1], (_, Value::Int(bytes)) if bytes > 0), "{db:?}");
        assert!(matches!(get("peak.percentage"), Value::Double(_)));
        node.converse("DEL a; HELLO 2; MEMORY STATS x -> -ERR wrong number of arguments for 'memory|stats' command");
        assert!(matches!(node.ask_line("MEMORY STATS"), Value::Array(list) if list.len() % 2 == 0));
    }
}
