//! Errors sent to clients, counted by their first word (INFO errorstats).

use parking_lot::Mutex;
use std::collections::BTreeMap;

/// More kinds than this and something is wrong (an application that makes up error codes):
/// counting stops, so that INFO stays readable. As in Redis.
const KINDS_MAX: usize = 128;
/// Stands in the place of all kinds from then on.
const STOPPED: &str = "ERRORSTATS_DISABLED";

#[derive(Default)]
pub struct ErrorStats {
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    by_prefix: BTreeMap<String, u64>,
    stopped: bool,
}

impl ErrorStats {
    /// How many kinds were thrown away: all of them when there are too many, else 0.
    pub fn count(&self, prefix: &str) -> usize {
        let mut counts = self.counts.lock();
        if counts.stopped {
            return 0;
        }
        if let Some(count) = counts.by_prefix.get_mut(prefix) {
            *count += 1;
            return 0;
        }
        if counts.by_prefix.len() < KINDS_MAX {
            counts.by_prefix.insert(prefix.to_string(), 1);
            return 0;
        }
        counts.stop()
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.counts.lock().by_prefix.iter().map(|(prefix, count)| (prefix.clone(), *count)).collect()
    }

    /// CONFIG RESETSTAT: counting begins anew.
    pub fn reset(&self) {
        *self.counts.lock() = Counts::default();
    }
}

impl Counts {
    fn stop(&mut self) -> usize {
        kit::warning!(
            "Errorstats stopped adding new errors: there are more than {KINDS_MAX} kinds, somebody makes them up. CONFIG \
             RESETSTAT begins anew."
        );
        let kinds: Vec<&str> = self.by_prefix.keys().map(String::as_str).collect();
        kit::warning!("Current errors code list: {}", kinds.join(", "));
        let thrown_away = self.by_prefix.len();
        self.by_prefix = BTreeMap::from([(STOPPED.to_string(), 1)]);
        self.stopped = true;
        thrown_away
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_kinds_end_it() {
        let stats = ErrorStats::default();
        for n in 0..KINDS_MAX {
            assert_eq!(stats.count(&format!("E{n}")), 0);
        }
        assert_eq!(stats.count("E0"), 0);
        assert_eq!((stats.all().len(), stats.all()[0].clone()), (KINDS_MAX, ("E0".into(), 2)));
        assert_eq!(stats.count("NEW"), KINDS_MAX);
        assert_eq!(stats.count("NEWER"), 0);
        assert_eq!(stats.all(), [(STOPPED.into(), 1)]);
        stats.reset();
        stats.count("ERR");
        assert_eq!(stats.all(), [("ERR".into(), 1)]);
    }
}
