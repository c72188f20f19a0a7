//! What the batteries cost, in nanoseconds per call: `cargo run --release -p kit --example kit_speed`.

use kit::metric::{AnyMetric, Counter, Histogram, Tallies};
use kit::opt::{AnyOpt, Config, Int, Opt};
use kit::world::{Clock, RealClock, Rng};
use kit::{crc, glob, text};
use std::hint::black_box;
use std::time::Instant;

static HITS: Counter = Counter::new("hits", "");
static METRICS: &[&dyn AnyMetric] = &[&HITS];
static LEN: Opt<Int> = Opt::int("len", 128, 0..=1000, "");
static OPTIONS: &[&dyn AnyOpt] = &[&LEN];

#[global_allocator]
static ALLOC: kit::alloc::Alloc = kit::alloc::Alloc;
kit::malloc_conf!();

/// The fastest of five runs.
fn measure(name: &str, mut body: impl FnMut()) {
    const TIMES: u32 = 1_000_000;
    let run = |body: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..TIMES).for_each(|_| body());
        start.elapsed().as_nanos() as f64 / f64::from(TIMES)
    };
    let best = (0..5).map(|_| run(&mut body)).fold(f64::MAX, f64::min);
    println!("{name:32} {best:8.1} ns");
}

fn main() {
    let (clock, plain) = (RealClock::new(), RealClock::without_tsc());
    measure(&format!("mono_ns (tsc: {})", clock.uses_tsc()), || {
        black_box(clock.mono_ns());
    });
    measure("mono_ns without tsc", || {
        black_box(plain.mono_ns());
    });
    measure("recalibrate", || clock.recalibrate());
    measure("unix_us", || {
        black_box(clock.unix_us());
    });
    let config = Config::new(&[OPTIONS]);
    measure("config.get(&Opt<Int>)", || {
        black_box(black_box(&config).get(&LEN));
    });
    let tallies = Tallies::new(&[METRICS]);
    let tally = tallies.thread(0);
    measure("tally.add", || black_box(&tally).add(&HITS, 1));
    let (histogram, mut rng) = (Histogram::new(), Rng::new(1));
    measure("rng.next_u64", || {
        black_box(rng.next_u64());
    });
    measure("histogram.record (and rng)", || histogram.record(rng.next_u64() >> 40));
    for number in ["7", "12345", "1234567890123456789"] {
        measure(&format!("parse_i64 {number}"), || {
            black_box(text::parse_i64(black_box(number.as_bytes())));
        });
        let n = text::parse_i64(number.as_bytes()).unwrap();
        let mut out = Vec::with_capacity(32);
        measure(&format!("write_i64 {number}"), || {
            out.clear();
            text::write_i64(&mut out, black_box(n));
            black_box(&out);
        });
    }
    for number in ["12", "3.25", "0.30000000000000004", "1e300"] {
        measure(&format!("parse_f64 {number}"), || {
            black_box(text::parse_f64(black_box(number.as_bytes())));
        });
        let value = text::parse_f64(number.as_bytes()).unwrap();
        let mut out = Vec::with_capacity(32);
        measure(&format!("write_f64 {number}"), || {
            out.clear();
            text::write_f64(&mut out, black_box(value));
            black_box(&out);
        });
    }
    measure("decimal::add 10.5 0.1", || {
        black_box(text::decimal::add(black_box(b"10.5"), black_box(b"0.1")).unwrap());
    });
    measure("glob user:*:name", || {
        black_box(glob::matches(black_box(b"user:*:name"), black_box(b"user:1234567:name"), false));
    });
    let block = vec![1u8; 4096];
    measure("crc16 16 bytes", || {
        black_box(crc::crc16(black_box(&block[..16])));
    });
    measure("crc64 4096 bytes", || {
        black_box(crc::crc64(black_box(&block)));
    });
    measure("crc32c 4096 bytes", || {
        black_box(crc::crc32c(black_box(&block)));
    });
    measure("allocate and free 54 bytes", || {
        black_box(Vec::<u8>::with_capacity(black_box(54)));
    });
    #[repr(align(16))]
    struct Wide {
        _bytes: [u8; 48],
    }
    measure("allocate and free 48, align 16", || {
        black_box(Box::<Wide>::new_uninit());
    });
    println!("allocated {} resident {}", kit::alloc::allocated(), kit::alloc::resident());
    println!("conf: {:?}", kit::alloc::mallctl_i64("background_thread"));
}
