//! `maxmemory-clients`: when the buffers of all clients together take more, those with the largest are closed.
//!
//! Each event-loop thread adds up what its clients take, at the end of a turn while there is a limit, and looks at the
//! sum (`Memory::clients_excess`, two loads). Only when that is above the limit are the clients' records looked through:
//! the largest goes first, until the rest is below. Who asked for it (CLIENT NO-EVICT), and connections of
//! replication, count and are spared. One thread does it at a time; if nobody can go, the next look is at the next tick.
//! Always true: a closed client counts no more from the moment it was chosen, not when its own thread has closed it.

use crate::client::{ClientKind, ClientRecord, flag};
use crate::memory;
use crate::metrics;
use crate::node::Node;
use kit::opt::{Config, Int, Opt};
use std::sync::atomic::Ordering::Relaxed;

pub static LIMIT: Opt<Int> = Opt::int(
    "maxmemory-clients",
    0,
    0..=i64::MAX,
    "Memory of all clients together above which the largest is closed; a percentage is one of `maxmemory`.",
)
.percent_or_memory();

/// Bytes; 0 for no limit.
pub(crate) fn limit_of(config: &Config) -> u64 {
    match config.get(&LIMIT) {
        percent @ ..0 => {
            let all = config.get(&memory::MAXMEMORY).max(0) as u128;
            (all * u128::from(percent.unsigned_abs()) / 100) as u64
        }
        bytes => bytes as u64,
    }
}

/// Closes the largest clients until the others are below the limit.
pub fn make_room(node: &Node) {
    let limit = node.memory.clients_limit.load(Relaxed);
    if limit == 0 {
        return;
    }
    let Some(_alone) = node.memory.evicting_clients.try_lock() else { return };
    let mut total = 0;
    let mut all = node.clients.all();
    all.retain(|client| {
        let counts = !matches!(client.kind(), ClientKind::Replica | ClientKind::Master);
        total += if counts { client.total_mem.load(Relaxed) as u64 } else { 0 };
        counts && !client.has(flag::NO_EVICT)
    });
    if total <= limit {
        return;
    }
    let mut by_size: Vec<_> = all.into_iter().map(|client| (client.total_mem.load(Relaxed), client)).collect();
    by_size.sort_by_key(|(bytes, _)| *bytes);
    while total > limit {
        let Some((bytes, client)) = by_size.pop() else {
            node.memory.clients_stuck.store(true, Relaxed);
            return;
        };
        if close(node, &client, bytes) {
            total = total.saturating_sub(bytes as u64);
        }
    }
}

fn close(node: &Node, client: &ClientRecord, bytes: usize) -> bool {
    let mine = node.clients.take_out(client.id, |record| record.evicted_mem.store(bytes, Relaxed));
    if mine {
        let name = client.names.lock().name.clone();
        kit::notice!("Evicting client: id={} addr={} name={name} tot-mem={bytes}", client.id.0, client.addr);
        node.memory.shift_clients(-(bytes as i64));
        node.tallies.add(&metrics::EVICTED_CLIENTS, 1);
        node.kill(client);
    }
    mine
}
