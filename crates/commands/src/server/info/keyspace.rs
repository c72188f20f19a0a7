//! INFO keyspace: databases that hold keys. `avg_ttl` is the mean over a sample of the keys with a deadline.

use super::Look;
use super::page::Page;
use exec::Ctx;
use keyspace::SHARDS;
use kit::world::Rng;

pub(super) fn write(page: &mut Page, look: &mut Look) {
    for db in 0..look.ctx.node.databases {
        let keyspace = &look.ctx.node.keyspace;
        let (keys, expires) = (keyspace.len(db), keyspace.deadline_count(db));
        if keys == 0 {
            continue;
        }
        let avg_ttl_ms = sample_deadlines(look.ctx, db).mean_ms();
        let subexpiry = keyspace.inner_deadline_count(db);
        let text = format_args!("keys={keys},expires={expires},avg_ttl={avg_ttl_ms},subexpiry={subexpiry}");
        page.field(&format!("db{db}"), text);
    }
}

/// What a look at some of a database's deadlines showed.
#[derive(Default, Clone, Copy)]
pub(super) struct Deadlines {
    pub seen: u64,
    /// Those whose time has come.
    pub stale: u64,
    sum_ms: u64,
}

impl Deadlines {
    /// The mean time to live of keys that are alive.
    fn mean_ms(self) -> u64 {
        self.sum_ms.checked_div(self.seen - self.stale).unwrap_or(0)
    }
}

const SEEN_MAX: u64 = 64;
const SEEN_PER_SHARD: usize = 8;

/// Looks at about 64 deadlines, from shards in turn beginning with any.
pub(super) fn sample_deadlines(ctx: &mut Ctx, db: usize) -> Deadlines {
    let mut sample = Deadlines::default();
    let node = ctx.node;
    if node.keyspace.deadline_count(db) == 0 {
        return sample;
    }
    let now = ctx.now();
    let mut rng = Rng::new(ctx.rng().next_u64());
    let first = rng.index(SHARDS);
    for i in 0..SHARDS {
        let shard = (first + i) % SHARDS;
        if sample.seen >= SEEN_MAX {
            break;
        }
        if node.keyspace.shard_len(db, shard) == 0 {
            continue;
        }
        ctx.db.with_shard(shard as u8, |shard| {
            let count = SEEN_PER_SHARD.min(shard.deadline_count(db));
            shard.sample_deadlines(db, &mut rng, count, &mut |entry| {
                let Some(deadline) = entry.deadline() else { return };
                let left_ms = deadline.since_ms(now);
                sample.seen += 1;
                sample.stale += u64::from(left_ms <= 0);
                sample.sum_ms = sample.sum_ms.saturating_add(left_ms.max(0) as u64);
            })
        });
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::super::tests::{field, info};
    use crate::node;

    #[test]
    fn databases_with_keys() {
        let mut node = node(&[]);
        assert_eq!(info(&mut node, "INFO keyspace"), "# Keyspace\r\n");
        node.converse("SET a 1; SELECT 9; SET a 1; SET b 1 PX 4000");
        assert_eq!(field(&mut node, "INFO keyspace", "db0"), "keys=1,expires=0,avg_ttl=0,subexpiry=0");
        assert_eq!(field(&mut node, "INFO keyspace", "db9"), "keys=2,expires=1,avg_ttl=4000,subexpiry=0");
        for i in 0..500 {
            node.ask_line(&format!("SET {i} v PX {}", if i % 2 == 0 { 10_000 } else { 20_000 }));
        }
        let text = field(&mut node, "INFO keyspace", "db9");
        let mean: u64 = text.split("avg_ttl=").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap();
        assert!((11_000..19_000).contains(&mean), "{text}");
    }
}
