//! Sessions that a client may resume: so many, for so long.

use kit::world::Clock;
use parking_lot::Mutex;
use rustls::server::StoresServerSessions;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

pub(super) struct Sessions {
    inside: Mutex<Inside>,
    clock: Arc<dyn Clock>,
    /// 0: as many as there are.
    count_max: usize,
    life_ns: u64,
}

#[derive(Default)]
struct Inside {
    by_key: HashMap<Vec<u8>, Session>,
    /// The oldest first. Who was taken or put anew still stands at the old place.
    order: VecDeque<(u64, Vec<u8>)>,
}

struct Session {
    since_ns: u64,
    value: Vec<u8>,
}

impl Sessions {
    pub(super) fn new(clock: Arc<dyn Clock>, count_max: usize, life_secs: u64) -> Sessions {
        Sessions { inside: Mutex::default(), clock, count_max, life_ns: life_secs.saturating_mul(1_000_000_000) }
    }

    fn is_over(&self, since_ns: u64, now_ns: u64) -> bool {
        now_ns.saturating_sub(since_ns) >= self.life_ns
    }
}

impl StoresServerSessions for Sessions {
    fn put(&self, key: Vec<u8>, value: Vec<u8>) -> bool {
        let now_ns = self.clock.mono_ns();
        let mut inside = self.inside.lock();
        while let Some((since_ns, oldest)) = inside.order.front()
            && (self.is_over(*since_ns, now_ns) || self.count_max > 0 && inside.order.len() >= self.count_max)
        {
            if inside.by_key.get(oldest).is_some_and(|session| session.since_ns == *since_ns) {
                let oldest = oldest.clone();
                inside.by_key.remove(&oldest);
            }
            inside.order.pop_front();
        }
        inside.order.push_back((now_ns, key.clone()));
        inside.by_key.insert(key, Session { since_ns: now_ns, value });
        true
    }

    fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let now_ns = self.clock.mono_ns();
        let inside = self.inside.lock();
        let session = inside.by_key.get(key).filter(|session| !self.is_over(session.since_ns, now_ns))?;
        Some(session.value.clone())
    }

    fn take(&self, key: &[u8]) -> Option<Vec<u8>> {
        let now_ns = self.clock.mono_ns();
        let session = self.inside.lock().by_key.remove(key)?;
        (!self.is_over(session.since_ns, now_ns)).then_some(session.value)
    }

    fn can_cache(&self) -> bool {
        true
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions") // they are secrets
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::SimClock;

    #[test]
    fn the_oldest_go() {
        let sessions = Sessions::new(Arc::new(SimClock::new(0)), 2, 300);
        for key in [b"a", b"b", b"c"] {
            assert!(sessions.put(key.to_vec(), b"value".to_vec()));
        }
        assert!(sessions.get(b"a").is_none());
        assert!(sessions.take(b"b").is_some() && sessions.take(b"b").is_none());
        for number in 0..100u8 {
            sessions.put(vec![number], Vec::new());
            sessions.take(&[number]);
        }
        let inside = sessions.inside.lock();
        assert!(inside.order.len() <= 2 && inside.by_key.len() <= 2);
    }

    #[test]
    fn they_end_after_their_time() {
        let clock = Arc::new(SimClock::new(0));
        let sessions = Sessions::new(Arc::clone(&clock) as Arc<dyn Clock>, 0, 300);
        sessions.put(b"a".to_vec(), Vec::new());
        clock.advance_ms(299_999);
        assert!(sessions.get(b"a").is_some());
        clock.advance_ms(1);
        assert!(sessions.get(b"a").is_none());
        sessions.put(b"b".to_vec(), Vec::new());
        assert_eq!(sessions.inside.lock().by_key.len(), 1);
    }
}
