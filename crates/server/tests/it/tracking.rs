//! Client-side caching across threads: once a change was acknowledged, nobody who has read its pending invalidations
//! goes on serving the old value.

use crate::client::Client;
use crate::harness::Server;
use proto::resp_client::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

const KEYS: usize = 8;
const READERS: usize = 6;
const WRITES: u64 = 3000;

/// What a reader has in its cache, and how it hears that it is void.
struct Reader {
    client: Client,
    cache: [Option<u64>; KEYS],
}

impl Reader {
    /// Waits for the reply of what was asked; invalidations before it are carried out.
    fn reply(&mut self) -> Value {
        loop {
            match self.client.reply() {
                Value::Push(parts) => self.invalidate(&parts),
                reply => return reply,
            }
        }
    }

    fn invalidate(&mut self, parts: &[Value]) {
        let [Value::Bulk(kind), Value::Array(keys)] = parts else { panic!("{parts:?}") };
        assert_eq!(kind, b"invalidate");
        for key in keys {
            let Value::Bulk(key) = key else { panic!("{key:?}") };
            self.cache[usize::from(key[1] - b'0')] = None;
        }
    }

    fn fetch(&mut self, key: usize) {
        self.client.request(&["GET", &format!("k{key}")]);
        // A value that is invalid by the time it comes may not be kept: pushes before the reply speak of older copies.
        let Value::Bulk(value) = self.reply() else { panic!("no value") };
        self.cache[key] = Some(String::from_utf8(value).expect("digits").parse().expect("a number"));
    }
}

#[test]
fn no_stale_value_after_an_acknowledged_change() {
    let server = Server::start(&["--io-threads", "4"]);
    if server.is_redis() {
        return;
    }
    let acknowledged: Arc<[AtomicU64; KEYS]> = Arc::new(Default::default());
    let over = Arc::new(AtomicBool::new(false));
    let mut writer = server.connect();
    for key in 0..KEYS {
        writer.ask(&["SET", &format!("k{key}"), "0"]);
    }
    std::thread::scope(|scope| {
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let (acknowledged, over) = (Arc::clone(&acknowledged), Arc::clone(&over));
            let mut reader = Reader { client: server.connect(), cache: [None; KEYS] };
            readers.push(scope.spawn(move || {
                reader.client.ask_line("HELLO 3");
                reader.client.ask_line("CLIENT TRACKING ON");
                let mut hits = 0;
                while !over.load(SeqCst) {
                    for key in 0..KEYS {
                        let known = acknowledged[key].load(SeqCst);
                        // Everything that was pending when PING was answered has been read after it.
                        reader.client.request(&["PING"]);
                        reader.reply();
                        match reader.cache[key] {
                            Some(value) => {
                                hits += 1;
                                assert!(value >= known, "k{key}: served {value} after {known} was acknowledged");
                            }
                            None => reader.fetch(key),
                        }
                    }
                }
                hits
            }));
        }
        for n in 1..=WRITES {
            let key = n as usize % KEYS;
            writer.ask(&["SET", &format!("k{key}"), &n.to_string()]);
            acknowledged[key].store(n, SeqCst);
        }
        over.store(true, SeqCst);
        let hits: u64 = readers.into_iter().map(|reader| reader.join().expect("a reader")).sum();
        assert!(hits > 0, "nothing was ever served from a cache");
    });
}
