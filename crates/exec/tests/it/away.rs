//! Keys that are not in memory: the command is parked, the key is brought in, the command runs again.

use crate::commands::COMMANDS;
use exec::seams::{Fetched, Tier};
use keyspace::KeyHash;
use kit::world::UnixMs;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use testkit::TestNode;

type Done = Box<dyn FnOnce(Option<Fetched>) + Send>;

/// The tier's twin in memory: holds keys, and answers when told to.
#[derive(Default)]
struct SlowTier {
    keys: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    asked: Mutex<Vec<(Vec<u8>, Done)>>,
}

impl Tier for SlowTier {
    fn may_hold(&self, _: usize, _: KeyHash, key: &[u8]) -> bool {
        self.keys.lock().contains_key(key)
    }

    fn fetch(&self, _: usize, key: &[u8], done: Done) {
        self.asked.lock().push((key.to_vec(), done));
    }

    fn forget(&self, _: usize, key: &[u8]) {
        self.keys.lock().remove(key);
    }

    fn forget_database(&self, _: usize) {
        self.keys.lock().clear();
    }

    fn swap_databases(&self, _: usize, _: usize) {}
}

impl SlowTier {
    fn answer(&self) -> usize {
        let asked = std::mem::take(&mut *self.asked.lock());
        let count = asked.len();
        for (key, done) in asked {
            let value = self.keys.lock().remove(&key);
            done(value.map(|value| Fetched { value, deadline: None::<UnixMs> }));
        }
        count
    }
}

fn node_with(keys: &[(&str, &str)]) -> (TestNode, Arc<SlowTier>) {
    let node = TestNode::new(COMMANDS);
    let tier = Arc::new(SlowTier::default());
    for (key, value) in keys {
        tier.keys.lock().insert(key.as_bytes().to_vec(), value.as_bytes().to_vec());
    }
    assert!(node.node.tier.set(tier.clone()).is_ok());
    (node, tier)
}

#[test]
fn a_read_waits_for_its_keys_and_others_go_on() {
    let (mut node, tier) = node_with(&[("cold", "1"), ("colder", "2")]);
    node.converse("PUT hot 3 -> +OK; TAKE cold colder hot -> parked; c2> TAKE hot -> [3]");
    assert_eq!(tier.answer(), 1, "the first missing key stops the body");
    node.deliver();
    assert_eq!(tier.answer(), 1, "then the second one");
    node.deliver();
    assert_eq!(node.client(1).reply.to_vec(), b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
}

#[test]
fn a_key_overwritten_meanwhile_is_not_brought_back() {
    let (mut node, tier) = node_with(&[("cold", "old")]);
    node.converse("TAKE cold -> parked; c2> PUT cold new -> +OK");
    tier.answer();
    node.deliver();
    assert_eq!(node.client(1).reply.to_vec(), b"*1\r\n$3\r\nnew\r\n");
}

#[test]
fn a_transaction_waits_before_its_first_command() {
    let (mut node, tier) = node_with(&[("cold", "1")]);
    node.converse("MULTI; PUT hot 2 -> +QUEUED; TAKE cold -> +QUEUED; EXEC -> parked; c2> TAKE hot -> [nil]");
    tier.answer();
    node.deliver();
    assert_eq!(node.client(1).reply.to_vec(), b"*2\r\n+OK\r\n*1\r\n$1\r\n1\r\n");
}

#[test]
fn a_client_that_leaves_while_it_waits_leaves_nothing_behind() {
    let (mut node, tier) = node_with(&[("cold", "1")]);
    node.converse("TAKE cold -> parked");
    let record = node.client(1).session.record.clone();
    node.node.kill(&record);
    node.deliver();
    tier.answer();
    node.deliver();
    assert_eq!(node.node.clients.blocked.load(std::sync::atomic::Ordering::Relaxed), 0);
    node.converse("c2> TAKE cold -> [1]");
}
