//! What is measured from time to time, because asking for it would be slow or would tell nothing:
//! rates, the system's view of the process, recent peaks.
//!
//! Thread 0 calls `tick` ten times a second. A rate is the mean of the last 16 intervals between ticks,
//! so it follows within 1.6 s. Reading /proc and the allocator's statistics costs some 50 us and happens
//! here, never in a command.
//! Knows nothing of INFO's names for all this.

use crate::metrics;
use crate::node::Node;
use kit::alloc::Statistics;
use kit::metric::{AnyMetric, Counter};
use kit::process::{self, CpuTimes};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const INTERVALS: usize = 16;
/// A look at every client, and at processor times, once in so many ticks.
const SLOW_TICKS: u64 = 10;
/// Seconds that the largest buffers are remembered.
const BUFFER_SECS: usize = 8;

/// What a rate is taken of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rate {
    Commands,
    NetIn,
    NetOut,
    Turns,
    /// Nanoseconds at work per turn of an event loop, not per second.
    NanosPerTurn,
}

const COUNTED: [(Rate, &Counter); 4] = [
    (Rate::Commands, &metrics::COMMANDS_PROCESSED),
    (Rate::NetIn, &metrics::NET_IN),
    (Rate::NetOut, &metrics::NET_OUT),
    (Rate::Turns, &metrics::TURNS),
];
const RATES: usize = COUNTED.len() + 1;

pub struct Samples {
    inside: Mutex<Inside>,
    machine: Machine,
    turn_nanos_max: AtomicU64,
    turn_commands_max: AtomicU64,
}

/// Known at start.
pub struct Machine {
    /// "Linux 6.1.0 x86_64".
    pub system: String,
    pub memory_bytes: u64,
    /// "jemalloc-5.3.1".
    pub allocator: String,
}

#[derive(Default)]
struct Inside {
    ticks: u64,
    last_ns: u64,
    rings: [Ring; RATES],
    usage: Usage,
    over: OverLimit,
    buffers: [Buffers; BUFFER_SECS],
}

#[derive(Default, Clone, Copy)]
struct Ring {
    rates: [f64; INTERVALS],
    next: usize,
    last: [i64; 2],
}

impl Ring {
    /// What a counter grew by since the last call. After a reset it starts again.
    fn grown(&mut self, which: usize, now: i64) -> f64 {
        let grown = (now - self.last[which]).max(0);
        self.last[which] = now;
        grown as f64
    }

    fn push(&mut self, rate: f64) {
        self.rates[self.next] = rate;
        self.next = (self.next + 1) % INTERVALS;
    }

    fn mean(&self) -> f64 {
        self.rates.iter().sum::<f64>() / INTERVALS as f64
    }
}

/// The process as the system and the allocator see it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Usage {
    pub resident_bytes: u64,
    pub allocator: Statistics,
    pub cpu: CpuTimes,
    pub children_cpu: CpuTimes,
    pub main_thread_cpu: CpuTimes,
}

/// How long memory was above its limit.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct OverLimit {
    pub total_ms: u64,
    /// This time; 0 when it is below now.
    pub now_ms: u64,
}

/// The largest buffers of any client.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Buffers {
    pub input: usize,
    pub output: usize,
}

impl Default for Samples {
    fn default() -> Samples {
        Samples {
            inside: Mutex::default(),
            machine: Machine {
                system: process::system_name(),
                memory_bytes: process::machine_memory_bytes(),
                allocator: allocator_name(),
            },
            turn_nanos_max: AtomicU64::new(0),
            turn_commands_max: AtomicU64::new(0),
        }
    }
}

impl Samples {
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    pub fn rate(&self, rate: Rate) -> f64 {
        let at = COUNTED.iter().position(|(counted, _)| *counted == rate).unwrap_or(COUNTED.len());
        self.inside.lock().rings[at].mean()
    }

    pub fn usage(&self) -> Usage {
        self.inside.lock().usage
    }

    pub fn over_limit(&self) -> OverLimit {
        self.inside.lock().over
    }

    pub fn recent_buffers(&self) -> Buffers {
        self.inside.lock().buffers.iter().fold(Buffers::default(), |max, seen| max.max(*seen))
    }

    /// An event loop's turn took this long, waiting left out, and ran so many commands.
    #[inline]
    pub fn note_turn(&self, nanos: u64, commands: u64) {
        if nanos > self.turn_nanos_max.load(Relaxed) {
            self.turn_nanos_max.fetch_max(nanos, Relaxed);
        }
        if commands > self.turn_commands_max.load(Relaxed) {
            self.turn_commands_max.fetch_max(commands, Relaxed);
        }
    }

    /// The longest turn in nanoseconds, and the most commands in one.
    pub fn turn_max(&self) -> (u64, u64) {
        (self.turn_nanos_max.load(Relaxed), self.turn_commands_max.load(Relaxed))
    }

    /// CONFIG RESETSTAT: rates and peaks begin anew.
    pub fn reset(&self) {
        let mut inside = self.inside.lock();
        for ring in &mut inside.rings {
            ring.rates = Default::default();
        }
        inside.over.total_ms = 0;
        self.turn_nanos_max.store(0, Relaxed);
        self.turn_commands_max.store(0, Relaxed);
    }
}

impl Buffers {
    fn max(self, other: Buffers) -> Buffers {
        Buffers { input: self.input.max(other.input), output: self.output.max(other.output) }
    }
}

/// Its version without the build's mark.
fn allocator_name() -> String {
    let version = kit::alloc::mallctl_str("version").unwrap_or_default();
    format!("jemalloc-{}", version.split('-').next().unwrap_or_default())
}

/// Takes one sample of everything. Called once at start and then every 100 ms by event-loop thread 0.
pub fn tick(node: &Node) {
    let begin_ns = node.clock.mono_ns();
    let mut inside = node.samples.inside.lock();
    let inside = &mut *inside;
    let nanos = begin_ns.saturating_sub(inside.last_ns);
    inside.last_ns = begin_ns;
    if inside.ticks > 0 && nanos > 0 {
        take_rates(node, &mut inside.rings, nanos);
        take_over_limit(&mut inside.over, nanos / 1_000_000, node.memory.excess() > 0);
    }
    inside.usage.resident_bytes = process::resident_bytes();
    inside.usage.allocator = kit::alloc::statistics();
    if inside.ticks.is_multiple_of(SLOW_TICKS) {
        (inside.usage.cpu, inside.usage.children_cpu) = process::cpu_times();
        inside.usage.main_thread_cpu = process::main_thread_cpu_times();
        let second = (inside.ticks / SLOW_TICKS) as usize;
        inside.buffers[second % BUFFER_SECS] = look_at_clients(node);
    }
    inside.ticks += 1;
    node.memory.note_peak(node.now().0);
    node.tallies.add(&metrics::CRON_NANOS, node.clock.mono_ns().saturating_sub(begin_ns));
}

fn take_rates(node: &Node, rings: &mut [Ring; RATES], nanos: u64) {
    let sum = |metric: &dyn AnyMetric| node.tallies.sum(metric);
    for (ring, (_, counter)) in rings.iter_mut().zip(COUNTED) {
        let grown = ring.grown(0, sum(counter));
        ring.push(grown * 1e9 / nanos as f64);
    }
    let ring = &mut rings[COUNTED.len()];
    let (work, turns) = (ring.grown(0, sum(&metrics::TURN_NANOS)), ring.grown(1, sum(&metrics::TURNS)));
    ring.push(if turns > 0.0 { work / turns } else { 0.0 });
}

fn take_over_limit(over: &mut OverLimit, ms: u64, is_over: bool) {
    if is_over {
        over.total_ms += ms;
        over.now_ms += ms;
    } else {
        over.now_ms = 0;
    }
}

fn look_at_clients(node: &Node) -> Buffers {
    let mut max = Buffers::default();
    for client in node.clients.all() {
        let input = client.query_len.load(Relaxed) + client.query_free.load(Relaxed);
        max = max.max(Buffers { input, output: client.out_mem.load(Relaxed) });
    }
    max
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_its_intervals() {
        let mut ring = Ring::default();
        assert_eq!(ring.grown(0, 500), 500.0);
        assert_eq!(ring.grown(0, 100), 0.0, "the counter was reset");
        assert_eq!(ring.grown(0, 150), 50.0);
        (0..INTERVALS).for_each(|_| ring.push(32.0));
        ring.push(16.0);
        assert_eq!(ring.mean(), 31.0);
    }

    #[test]
    fn time_over_the_limit() {
        let mut over = OverLimit::default();
        take_over_limit(&mut over, 100, true);
        take_over_limit(&mut over, 50, true);
        assert_eq!(over, OverLimit { total_ms: 150, now_ms: 150 });
        take_over_limit(&mut over, 100, false);
        take_over_limit(&mut over, 10, true);
        assert_eq!(over, OverLimit { total_ms: 160, now_ms: 10 });
    }
}
