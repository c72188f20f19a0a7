//! Latency events (`latency-monitor-threshold`): what took long and when, 160 samples an event.

use kit::opt::{Int, Opt};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};

pub static THRESHOLD: Opt<Int> = Opt::int(
    "latency-monitor-threshold",
    0,
    0..=i64::MAX,
    "Milliseconds from which an event is sampled; 0 samples nothing.",
);

const SAMPLES_MAX: usize = 160;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub unix_secs: i64,
    pub ms: u64,
}

#[derive(Default, Clone, Debug)]
pub struct Series {
    pub samples: VecDeque<Sample>,
    pub max_ms: u64,
    pub sum_ms: u64,
    pub count: u64,
}

#[derive(Default)]
pub struct LatencyLog {
    events: Mutex<BTreeMap<&'static str, Series>>,
}

impl LatencyLog {
    /// Notes an event when it reached the threshold (milliseconds, 0 = off).
    pub fn note(&self, threshold: i64, event: &'static str, unix_secs: i64, ms: u64) {
        if threshold <= 0 || ms < threshold as u64 {
            return;
        }
        let mut events = self.events.lock();
        let series = events.entry(event).or_default();
        series.max_ms = series.max_ms.max(ms);
        series.sum_ms += ms;
        series.count += 1;
        // One sample a second: the worst of it.
        if let Some(last) = series.samples.back_mut().filter(|last| last.unix_secs == unix_secs) {
            last.ms = last.ms.max(ms);
            return;
        }
        if series.samples.len() == SAMPLES_MAX {
            series.samples.pop_front();
        }
        series.samples.push_back(Sample { unix_secs, ms });
    }

    pub fn all(&self) -> Vec<(&'static str, Series)> {
        self.events.lock().iter().map(|(event, series)| (*event, series.clone())).collect()
    }

    pub fn get(&self, event: &str) -> Option<Series> {
        self.events.lock().get(event).cloned()
    }

    /// Forgets these events, or all when none is named; how many there were.
    pub fn reset(&self, names: &[&str]) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        if names.is_empty() {
            events.clear();
        } else {
            events.retain(|event, _| !names.iter().any(|name| name.eq_ignore_ascii_case(event)));
        }
        before - events.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_worst_of_each_second() {
        let log = LatencyLog::default();
        log.note(10, "command", 1, 9);
        assert!(log.all().is_empty());
        log.note(10, "command", 1, 10);
        log.note(10, "command", 1, 30);
        log.note(10, "command", 2, 20);
        let series = log.get("command").unwrap();
        assert_eq!(series.samples, [Sample { unix_secs: 1, ms: 30 }, Sample { unix_secs: 2, ms: 20 }]);
        assert_eq!((series.max_ms, series.count), (30, 3));
        assert_eq!(log.reset(&["COMMAND"]), 1);
        assert_eq!(log.reset(&[]), 0);
    }
}
