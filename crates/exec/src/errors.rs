//! Errors sent to clients, counted by their first word (INFO errorstats).

use parking_lot::Mutex;
use std::collections::BTreeMap;

/// More kinds than this and something is wrong (an application that makes up error codes):
/// counting stops, so that INFO stays readable. As in Redis.
const KINDS_MAX: usize = 128;

#[derive(Default)]
pub struct ErrorStats {
    by_prefix: Mutex<BTreeMap<String, u64>>,
}

impl ErrorStats {
    pub fn count(&self, prefix: &str) {
        let mut counts = self.by_prefix.lock();
        if let Some(count) = counts.get_mut(prefix) {
            *count += 1;
        } else if counts.len() < KINDS_MAX {
            counts.insert(prefix.to_string(), 1);
        }
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.by_prefix.lock().iter().map(|(prefix, count)| (prefix.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.by_prefix.lock().clear();
    }
}
