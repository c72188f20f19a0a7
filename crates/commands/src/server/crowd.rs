//! All connected clients counted, for INFO and MEMORY.

use exec::client::{ClientKind, flag};
use exec::node::Node;
use std::sync::atomic::Ordering::Relaxed;

#[derive(Default)]
pub(super) struct Crowd {
    /// Replicas left out.
    pub clients: usize,
    /// Memory of their connections: of replicas, of all others.
    pub replica_bytes: u64,
    pub normal_bytes: u64,
    pub pubsub: usize,
    pub tracking: usize,
    pub watching: usize,
    pub watched_keys: usize,
    /// Clients of each event-loop thread.
    pub by_thread: Vec<usize>,
}

impl Crowd {
    pub(super) fn count(node: &Node) -> Crowd {
        let mut crowd = Crowd { by_thread: vec![0; node.threads], ..Crowd::default() };
        for client in node.clients.all() {
            let bytes = client.total_mem.load(Relaxed) as u64;
            if client.kind() == ClientKind::Replica {
                crowd.replica_bytes += bytes;
            } else {
                crowd.clients += 1;
                crowd.normal_bytes += bytes;
            }
            let watched_keys = client.watching.load(Relaxed);
            crowd.watching += usize::from(watched_keys > 0);
            crowd.watched_keys += watched_keys;
            crowd.pubsub += usize::from(client.has(flag::PUBSUB));
            crowd.tracking += usize::from(client.has(flag::TRACKING));
            if let Some(count) = crowd.by_thread.get_mut(client.thread.load(Relaxed)) {
                *count += 1;
            }
        }
        crowd
    }
}
