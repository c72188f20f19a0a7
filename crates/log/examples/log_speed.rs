//! What a unit costs: `cargo run --profile quick -p log@0.1.0 --example log_speed`.

use kit::world::{RealClock, RealDisk, SimClock, SimDisk};
use log::{Batch, LoadSink, Loaded, Log, Policy, Settings, Unit};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const COUNT: usize = 2_000_000;

struct Nothing(usize);

impl LoadSink for Nothing {
    fn rdb(&mut self, _path: &Path) -> Result<u64, String> {
        Ok(0)
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), String> {
        self.0 += batch.len();
        Ok(())
    }
}

fn unit(value_len: usize) -> Unit {
    let mut unit = Unit::default();
    unit.push(0, [&b"SET"[..], b"key:000123456789", &vec![b'x'; value_len]].into_iter());
    unit
}

fn main() {
    append_alone();
    for threads in [1, 2] {
        let dir = std::env::args().nth(1).unwrap_or("/dev/shm".into());
        append_and_write(threads, &dir);
    }
    let bytes = vec![b'x'; 64 << 10];
    let start = Instant::now();
    let mut sum = 0;
    for _ in 0..10_000 {
        sum ^= crc32c::crc32c(std::hint::black_box(&bytes));
    }
    println!("crc32c: {:.2} GB/s ({sum})", 655.36 / start.elapsed().as_secs_f64() / 1000.0);
}

fn append_alone() {
    let log = Log::new(Arc::new(SimDisk::new()), Arc::new(SimClock::new(0)), Settings::new("/x"));
    let unit = unit(16);
    let mut best = f64::MAX;
    for _ in 0..5 {
        log.append(&unit);
        let start = Instant::now();
        for _ in 0..COUNT {
            log.append(std::hint::black_box(&unit));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / COUNT as f64);
    }
    let len = unit.commands().next().unwrap().1.len();
    println!("append alone, buffer growing: {best:.1} ns per unit of {len} bytes");
}

/// Each thread appends 16 units, then flushes, as an event loop does.
fn append_and_write(threads: usize, dir: &str) {
    let dir = format!("{dir}/basalt-log-speed");
    std::fs::remove_dir_all(&dir).ok();
    std::fs::create_dir_all(&dir).unwrap();
    let mut settings = Settings::new(&dir);
    settings.live.policy = Policy::Never;
    let log = Arc::new(Log::new(Arc::new(RealDisk), Arc::new(RealClock::new()), settings));
    log.plan().unwrap();
    log.begin(&Loaded::default(), None).unwrap();
    let start = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let log = log.clone();
            std::thread::spawn(move || {
                let unit = unit(64);
                for _ in 0..COUNT / threads / 16 {
                    let mut upto = 0;
                    for _ in 0..16 {
                        upto = log.append(&unit);
                    }
                    log.flush(upto);
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    let ns = start.elapsed().as_nanos() as f64 / COUNT as f64;
    println!("append 16 and flush, {threads} threads: {ns:.1} ns per unit");

    let again = Log::new(Arc::new(RealDisk), Arc::new(RealClock::new()), log.settings().clone());
    let plan = again.plan().unwrap();
    let start = Instant::now();
    let mut sink = Nothing(0);
    again.load(&plan, &mut sink, true).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let mb = plan.bytes as f64 / 1e6;
    println!("load: {:.0} MB/s, {:.1} million commands a second ({} commands)", mb / seconds, sink.0 as f64 / seconds / 1e6, sink.0);
    std::fs::remove_dir_all(&dir).ok();
}
