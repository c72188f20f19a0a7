//! The bytes of the process, by what they are for: the sums behind INFO memory, MEMORY STATS and DOCTOR.
//!
//! Overhead is what would be there without values: the process at its start, clients, tables and expiry
//! indexes, tables waiting to be freed. The rest of what is used are the data.

use exec::Ctx;
use exec::sample::Usage;

pub(crate) struct Account {
    pub used: u64,
    pub peak: u64,
    pub startup: u64,
    pub normal_bytes: u64,
    pub replica_bytes: u64,
    /// Databases with keys.
    pub dbs: Vec<DbBytes>,
    /// Tables that were replaced by growing or emptying and are not freed yet.
    pub retired: u64,
    pub usage: Usage,
}

/// What a database takes beyond its entries.
pub(crate) struct DbBytes {
    pub db: usize,
    pub keys: usize,
    pub table: u64,
    pub expiry: u64,
}

/// One amount in relation to another, and the bytes between them.
pub(crate) struct Gap {
    pub ratio: f64,
    pub bytes: i64,
}

impl Account {
    /// Looks into each shard in turn: for commands whose reach is `Walk`.
    pub(crate) fn take(ctx: &mut Ctx, normal_bytes: u64, replica_bytes: u64) -> Account {
        let node = ctx.node;
        let len = |db: usize| node.keyspace.len(db);
        let mut dbs: Vec<DbBytes> = (0..node.databases)
            .filter(|db| len(*db) > 0)
            .map(|db| DbBytes { db, keys: len(db), table: 0, expiry: 0 })
            .collect();
        if !dbs.is_empty() {
            ctx.db.each_shard(|_, shard| {
                for it in &mut dbs {
                    let (table, expiry) = shard.overhead_bytes(it.db);
                    it.table += table as u64;
                    it.expiry += expiry as u64;
                }
            });
        }
        Account {
            used: node.memory.used(),
            peak: node.memory.peak(),
            startup: node.memory.startup(),
            normal_bytes,
            replica_bytes,
            dbs,
            retired: node.keyspace.retired() as u64,
            usage: node.samples.usage(),
        }
    }

    pub(crate) fn table_bytes(&self) -> u64 {
        self.dbs.iter().map(|it| it.table).sum()
    }

    pub(crate) fn overhead(&self) -> u64 {
        let expiry: u64 = self.dbs.iter().map(|it| it.expiry).sum();
        self.startup + self.normal_bytes + self.replica_bytes + self.table_bytes() + expiry + self.retired
    }

    pub(crate) fn dataset(&self) -> u64 {
        self.used.saturating_sub(self.overhead())
    }

    /// Of what came since the start, how much are data.
    pub(crate) fn dataset_percent(&self) -> f64 {
        percent(self.dataset(), self.used.saturating_sub(self.startup))
    }

    pub(crate) fn peak_percent(&self) -> f64 {
        percent(self.used, self.peak)
    }

    pub(crate) fn keys(&self) -> usize {
        self.dbs.iter().map(|it| it.keys).sum()
    }

    pub(crate) fn bytes_per_key(&self) -> u64 {
        self.used.saturating_sub(self.startup).checked_div(self.keys() as u64).unwrap_or(0)
    }

    /// Pages of the allocator that are in use by half.
    pub(crate) fn allocator_fragmentation(&self) -> Gap {
        Gap::between(self.usage.allocator.active, self.usage.allocator.allocated)
    }

    /// Pages that the allocator keeps for later.
    pub(crate) fn allocator_resident(&self) -> Gap {
        Gap::between(self.usage.allocator.resident, self.usage.allocator.active)
    }

    /// What is not the allocator's: code, stacks, other people's mallocs.
    pub(crate) fn resident_overhead(&self) -> Gap {
        Gap::between(self.usage.resident_bytes as usize, self.usage.allocator.resident)
    }

    pub(crate) fn fragmentation(&self) -> Gap {
        Gap::between(self.usage.resident_bytes as usize, self.used as usize)
    }
}

impl Gap {
    fn between(whole: usize, part: usize) -> Gap {
        let ratio = if part == 0 { 0.0 } else { whole as f64 / part as f64 };
        Gap { ratio, bytes: whole as i64 - part as i64 }
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_divided_by_nothing() {
        let empty = Gap::between(7, 0);
        assert_eq!((empty.ratio, empty.bytes), (0.0, 7));
        let gap = Gap::between(100, 200);
        assert_eq!((gap.ratio, gap.bytes), (0.5, -100));
        assert_eq!((percent(5, 0), percent(5, 10)), (0.0, 50.0));
    }
}
