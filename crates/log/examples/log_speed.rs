//! What a unit costs: `cargo run --profile quick -p log@0.1.0 --example log_speed`.

use kit::world::{RealClock, RealDisk, SimClock, SimDisk};
use log::{Batch, LoadSink, Loaded, Log, Policy, Settings, Unit};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

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
    let dir = std::env::args().nth(1).unwrap_or("/dev/shm".into());
    append_alone();
    for (threads, batch) in [(1, 1), (1, 16), (1, 500), (2, 16)] {
        append_and_write(threads, batch, &dir);
    }
    load(&dir);
    let bytes = vec![b'x'; 4 << 10];
    for (name, crc) in [("crate crc32c", crc32c::crc32c as fn(&[u8]) -> u32), ("kit", kit::crc::crc32c)] {
        let seconds = best(1_000, || {
            let start = Instant::now();
            std::hint::black_box(crc(std::hint::black_box(&bytes)));
            start.elapsed().as_secs_f64()
        });
        println!("{name}: {:.1} GB/s", 4096.0 / seconds / 1e9);
    }
}

/// The best of many short runs: what the machine does when nobody disturbs it.
fn best(runs: usize, mut run: impl FnMut() -> f64) -> f64 {
    (0..runs).map(|_| run()).fold(f64::MAX, f64::min)
}

fn append_alone() {
    let log = Log::new(Arc::new(SimDisk::new()), Arc::new(SimClock::new(0)), Settings::new("/x"));
    let unit = unit(16);
    // Once round, so that the memory is there; nobody takes the bytes, so the buffer is as large as all of them.
    let ns = best(100, || {
        let start = Instant::now();
        for _ in 0..10_000 {
            log.append(std::hint::black_box(&unit));
        }
        start.elapsed().as_nanos() as f64 / 10_000.0
    });
    let len = unit.commands().next().unwrap().1.len();
    println!("append alone, buffer growing: {ns:.1} ns per unit of {len} bytes");
}

fn log(dir: &str) -> Log {
    std::fs::remove_dir_all(dir).ok();
    std::fs::create_dir_all(dir).unwrap();
    let mut settings = Settings::new(dir);
    settings.live.policy = Policy::Never;
    let log = Log::new(Arc::new(RealDisk), Arc::new(RealClock::new()), settings);
    log.plan().unwrap();
    log.begin(&Loaded::default(), None).unwrap();
    log
}

/// Each thread appends some units, then flushes, as an event loop does.
fn append_and_write(threads: usize, batch: usize, dir: &str) {
    let dir = format!("{dir}/basalt-log-speed");
    let log = Arc::new(log(&dir));
    let units = 64_000 / threads / batch * batch;
    let ns = best(20, || {
        let start = Instant::now();
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let log = log.clone();
                std::thread::spawn(move || {
                    let unit = unit(64);
                    for _ in 0..units / batch {
                        let mut upto = 0;
                        for _ in 0..batch {
                            upto = log.append(&unit);
                        }
                        log.flush(upto);
                    }
                })
            })
            .collect();
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        start.elapsed().as_nanos() as f64 / (units * threads) as f64
    });
    println!("append {batch} and flush, {threads} threads: {ns:.1} ns per unit of 107 bytes");
    std::fs::remove_dir_all(&dir).ok();
}

fn load(dir: &str) {
    let dir = format!("{dir}/basalt-log-speed");
    let log = log(&dir);
    let unit = unit(64);
    for _ in 0..10_000 {
        let mut upto = 0;
        for _ in 0..16 {
            upto = log.append(&unit);
        }
        log.flush(upto);
    }
    let again = Log::new(Arc::new(RealDisk), Arc::new(RealClock::new()), log.settings().clone());
    let plan = again.plan().unwrap();
    let mut sink = Nothing(0);
    let seconds = best(20, || {
        let start = Instant::now();
        again.load(&plan, &mut sink, true).unwrap();
        start.elapsed().as_secs_f64()
    });
    let per_run = sink.0 as f64 / 20.0;
    println!(
        "load: {:.0} MB/s, {:.1} million commands a second",
        plan.bytes as f64 / 1e6 / seconds,
        per_run / seconds / 1e6
    );
    std::fs::remove_dir_all(&dir).ok();
}
