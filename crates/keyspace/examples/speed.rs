//! What a key costs: nanoseconds for each SET and GET with two threads, and bytes.
//!
//! `cargo run --release -p keyspace --example speed [keys]...`; without arguments 1M and 4M.
//! Keys of 16 bytes, values of 32, in batches of 100 from all keys at random. "plain" locks, looks and unlocks one key after
//! the other; "prefetch" hashes the batch, prefetches all buckets, then all entries, and then does the same.
//!
//! On 2 cores of an AMD EPYC (1 MiB L2 each, 32 MiB L3), busy with other work, in ns of processor time, making of the
//! key counted:
//!
//! | keys | SET plain | SET prefetch | GET plain | GET prefetch | B/key allocated | B/key resident |
//! |------|-----------|--------------|-----------|--------------|-----------------|----------------|
//! | 1M   | 333..394  | 75..84       | 161..204  | 59..70       | 68.9            | 70.0           |
//! | 4M   | 447..472  | 93..94       | 230..247  | 80..94       | 68.6            | 69.1..69.6     |
//!
//! A plain SET is slower than a plain GET, probably (not proven) because its second line is written without being read
//! first, and the next lock waits for that store.

use std::hint::black_box;
use std::time::Instant;

use keyspace::{Deadline, KeyHash, Keyspace, NewValue, Placement, SHARDS, TableStats};
use kit::world::Rng;

#[global_allocator]
static ALLOC: kit::alloc::Alloc = kit::alloc::Alloc;
kit::malloc_conf!();

const THREADS: u64 = 2;
const BATCH: usize = 100;
const VALUE: &[u8; 32] = b"01234567890123456789012345678901";

type Key = [u8; 16];

fn key(number: u64) -> Key {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Plain,
    Prefetch,
}

#[derive(Clone, Copy)]
enum What {
    Set,
    Get,
}

fn main() {
    let sizes: Vec<u64> = std::env::args().skip(1).map(|size| size.parse().expect("a number of keys")).collect();
    let sizes = if sizes.is_empty() { vec![1_000_000, 4_000_000] } else { sizes };
    println!("ns are of processor time per operation, {THREADS} threads at once");
    for keys in sizes {
        run(keys);
    }
}

fn run(keys: u64) {
    kit::alloc::purge();
    let before = memory();
    let space: Keyspace<()> = Keyspace::new(16, 12345, Placement::ByHash);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let space = &space;
            scope.spawn(move || {
                let share = (keys / THREADS) * thread..(keys / THREADS) * (thread + 1);
                let all: Vec<u64> = share.collect();
                for chunk in all.chunks(BATCH) {
                    batch(space, chunk.iter().map(|&number| key(number)), Way::Prefetch, What::Set);
                }
            });
        }
    });
    let load = start.elapsed().as_nanos() as f64 * THREADS as f64 / keys as f64;
    kit::alloc::purge();
    let after = memory();
    let per_key = |bytes: usize| bytes as f64 / keys as f64;
    println!(
        "{keys} keys: load {load:.0} ns each; allocated {:.1}, active {:.1}, resident {:.1} B/key; our account {:.1} of which entries {:.1}; retired {:.1}",
        per_key(after[0].saturating_sub(before[0])),
        per_key(after[1].saturating_sub(before[1])),
        per_key(after[2].saturating_sub(before[2])),
        per_key(space.memory_bytes()),
        per_key(space.entry_bytes()),
        per_key(space.retired()),
    );
    let mut stats = TableStats::default();
    for shard in 0..SHARDS {
        stats.add(&space.lock(shard).stats(0));
    }
    println!(
        "  {:.2} keys a bucket, {:.1} % of keys in overflow lines",
        stats.len as f64 / stats.buckets as f64,
        stats.far as f64 / stats.len as f64 * 100.0
    );
    for what in [What::Set, What::Get] {
        let [plain, prefetch] = [Way::Plain, Way::Prefetch].map(|way| {
            // The least of many: others use the machine, too.
            (0..15).map(|_| measure(&space, keys, way, what)).fold(f64::MAX, f64::min)
        });
        let name = match what {
            What::Set => "SET",
            What::Get => "GET",
        };
        println!("  {name} plain {plain:.0} ns, prefetch {prefetch:.0} ns");
    }
}

/// Allocated, active and resident bytes.
fn memory() -> [usize; 3] {
    [kit::alloc::allocated(), kit::alloc::active(), kit::alloc::resident()]
}

/// Nanoseconds of one operation: time on the processor, as others use the machine, too.
fn measure(space: &Keyspace<()>, keys: u64, way: Way, what: What) -> f64 {
    const BATCHES: usize = 2_000;
    let work = |thread| {
        let start = on_cpu();
        let mut rng = Rng::new(thread + keys);
        for _ in 0..BATCHES {
            batch(space, (0..BATCH).map(|_| key(rng.below(keys))), way, what);
        }
        on_cpu() - start
    };
    let sum: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    sum as f64 / (BATCHES * BATCH * THREADS as usize) as f64
}

/// Nanoseconds that this thread has run; Linux only.
fn on_cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux with scheduler statistics");
    text.split(' ').next().and_then(|first| first.parse().ok()).expect("three numbers")
}

fn batch(space: &Keyspace<()>, keys: impl Iterator<Item = Key>, way: Way, what: What) {
    let mut items = [([0; 16], KeyHash(0)); BATCH];
    let mut count = 0;
    for (item, key) in items.iter_mut().zip(keys) {
        *item = (key, space.hash(&key));
        count += 1;
    }
    let items = &items[..count];
    if way == Way::Prefetch {
        items.iter().for_each(|&(_, hash)| space.prefetch_bucket(0, hash));
        items.iter().for_each(|&(_, hash)| space.prefetch_entry(0, hash));
    }
    for (key, hash) in items {
        let mut shard = space.lock(hash.shard());
        match what {
            What::Set => {
                black_box(shard.set(0, *hash, key, NewValue::Str(VALUE), Deadline::None, 1));
            }
            What::Get => {
                let entry = shard.touch(0, *hash, key, 2).expect("all keys were set");
                // As a reply would: the value's bytes are copied.
                let mut reply = [0; 32];
                reply.copy_from_slice(entry.value().text(&mut Default::default()));
                black_box(reply);
            }
        }
    }
}
