//! The sweep of expired keys on a slow machine.

use exec::{Node, Parts, Progress, Worker};
use kit::opt::Config;
use kit::world::{Clock, SimDisk};
use log::Log;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Each look takes two milliseconds.
#[derive(Default)]
struct SlowClock(AtomicU64);

impl Clock for SlowClock {
    fn unix_us(&self) -> i64 {
        1_000_000_000
    }

    fn mono_ns(&self) -> u64 {
        self.0.fetch_add(2_000_000, Relaxed)
    }
}

#[test]
fn a_round_ends_however_long_a_shard_takes() {
    let parts = Parts {
        commands: vec![],
        metrics: vec![exec::metrics::METRICS],
        clock: Arc::new(SlowClock::default()),
        disk: Arc::new(SimDisk::default()),
        log: Arc::new(Log::in_memory()),
        threads: 1,
        seed: 1,
    };
    let node = Node::new(parts, Arc::new(Config::new(&[exec::options::OPTIONS])));
    let mut worker = Worker::new(node, 0);
    for round in 0..3 {
        let slices = (1..1000).find(|_| worker.sweep_expired() == Progress::Done);
        assert_eq!(slices, Some(256), "a shard at a time, round {round}");
    }
}
