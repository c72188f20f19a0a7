//! Slows down who tries one password after another.
//!
//! Failed tries are counted by address and forgotten by halves. The first ones cost nothing, so that a client with a
//! typing mistake and a pool of connections with an old password get their answers at once; then each waits longer
//! for its refusal, up to a second. The one who waits is a parked client: no thread waits with it.

use kit::world::UnixMs;
use parking_lot::Mutex;
use std::collections::HashMap;

const FREE_TRIES: u32 = 64;
const DELAY_STEP_MS: i64 = 10;
const DELAY_MS_MAX: i64 = 1000;
const HALVED_EVERY_MS: i64 = 10_000;
// From more addresses than this nobody is slowed down longer than it takes to fill the table again.
const ADDRESSES_MAX: usize = 4096;
const TRIES_MAX: u32 = 1 << 16;

#[derive(Default)]
pub(super) struct Guessing(Mutex<HashMap<String, Tries>>);

struct Tries {
    count: u32,
    since: UnixMs,
}

impl Guessing {
    /// A try failed; how long its answer should take. `addr` is an address with a port.
    pub(super) fn failed(&self, addr: &str, now: UnixMs) -> i64 {
        let host = addr.rsplit_once(':').map_or(addr, |(host, _)| host);
        let mut tries = self.0.lock();
        if tries.len() >= ADDRESSES_MAX && !tries.contains_key(host) {
            tries.retain(|_, tries| now.since_ms(tries.since) < HALVED_EVERY_MS);
            if tries.len() >= ADDRESSES_MAX {
                tries.clear();
            }
        }
        let tries = tries.entry(host.to_owned()).or_insert(Tries { count: 0, since: now });
        let halvings = (now.since_ms(tries.since) / HALVED_EVERY_MS).clamp(0, 31);
        if halvings > 0 {
            tries.count >>= halvings;
            tries.since = now;
        }
        tries.count = (tries.count + 1).min(TRIES_MAX);
        let beyond = i64::from(tries.count.saturating_sub(FREE_TRIES));
        (beyond * DELAY_STEP_MS).min(DELAY_MS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_is_forgotten() {
        let guessing = Guessing::default();
        let delays: Vec<i64> = (0..200).map(|i| guessing.failed(&format!("10.0.0.1:{i}"), UnixMs(0))).collect();
        assert!(delays[..64].iter().all(|delay| *delay == 0));
        assert_eq!((delays[64], delays[74], delays[199]), (10, 110, 1000));
        assert_eq!(guessing.failed("10.0.0.2:1", UnixMs(0)), 0);
        assert_eq!(guessing.failed("10.0.0.1:1", UnixMs(20_000)), 0);
    }

    #[test]
    fn many_addresses_are_bounded() {
        let guessing = Guessing::default();
        for i in 0..3 * ADDRESSES_MAX {
            guessing.failed(&format!("{i}:1"), UnixMs(0));
        }
        assert!(guessing.0.lock().len() <= ADDRESSES_MAX);
    }
}
