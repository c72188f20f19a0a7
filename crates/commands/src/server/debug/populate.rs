//! DEBUG POPULATE count [prefix] [size]
//!
//! Makes the keys `key:0` to `key:<count - 1>` that do not exist yet, with values `value:<n>`, cut or filled with zero
//! bytes to the size asked for. As in Redis the log, and so replicas, see nothing of it.

use exec::options::PROTO_MAX_BULK;
use exec::{Args, Ctx, Error, NewValue};
use keyspace::Entry;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn populate(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = args.count(2)?;
    let prefix = args.opt(3).unwrap_or(b"key");
    let size = args.opt_count(4)?.unwrap_or(0);
    if size as u64 > ctx.node.config.get(&PROTO_MAX_BULK).max(0) as u64 {
        return Err(Error::StringTooLong);
    }
    let (db, clock) = (ctx.db.index, ctx.db.new_clock());
    let watched = ctx.node.clients.watching.load(Relaxed) > 0;
    let mut made = 0;
    for n in 0..count {
        let name = [prefix, format!(":{n}").as_bytes()].concat();
        let key = args.as_key(&name);
        let is_new = ctx.db.with_shard(key.hash.shard() as u8, |shard| {
            let is_new = shard.find(db, key.hash, key.bytes).is_none();
            if is_new {
                let entry = Entry::new(key.bytes, NewValue::Str(&value(n, size)), None, clock);
                shard.insert(db, key.hash, entry);
            }
            is_new
        });
        match (is_new, watched) {
            (true, true) => ctx.db.changed(key),
            (true, false) => made += 1,
            (false, _) => {}
        }
    }
    ctx.dirty(made);
    ctx.reply.ok();
    Ok(())
}

fn value(n: usize, size: usize) -> Vec<u8> {
    let mut value = format!("value:{n}").into_bytes();
    if size > 0 {
        value.resize(size, 0);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::check;

    #[test]
    fn makes_keys() {
        check(
            "SET key:1 mine; DEBUG POPULATE 3 -> +OK; GET key:0 -> value:0; GET key:1 -> mine; GET key:2 -> value:2; DBSIZE -> :3",
        );
        check(
            "DEBUG POPULATE 2 p 10 -> +OK; GET p:1 -> \"value:1\\x00\\x00\\x00\"; DEBUG POPULATE 1 q 3 -> +OK; GET q:0 -> val",
        );
        check("SELECT 5; DEBUG POPULATE 100 -> +OK; DBSIZE -> :100; SELECT 0; DBSIZE -> :0; DEBUG POPULATE 0 -> +OK");
    }

    #[test]
    fn refuses() {
        check(
            "DEBUG POPULATE x -> -ERR value is out of range, must be positive; DEBUG POPULATE -1 -> -ERR value is out of range, must be positive",
        );
        check("DEBUG POPULATE 1 k 9999999999 -> -ERR string exceeds maximum allowed size");
    }

    #[test]
    fn the_log_sees_nothing_watchers_do() {
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        node.converse("WATCH key:1; c2> DEBUG POPULATE 2 -> +OK; MULTI; PING; EXEC -> nil[]");
        assert!(node.log.lines().is_empty());
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 2);
    }
}
