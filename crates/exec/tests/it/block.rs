//! Waiting for keys: order of arrival, nothing lost, nothing given twice.

use crate::commands::COMMANDS;
use testkit::TestNode;

#[test]
fn the_oldest_waiter_is_served_first() {
    let mut node = TestNode::new(COMMANDS);
    node.converse(
        "GRAB k 0 -> parked; c2> GRAB k 0 -> parked; c3> PUT k a -> +OK; c3> PUT k b -> +OK; c3> TAKE k -> [nil]",
    );
    assert_eq!(node.client(1).reply.to_vec(), b"$1\r\na\r\n");
    assert_eq!(node.client(2).reply.to_vec(), b"$1\r\nb\r\n");
    assert_eq!(node.node.clients.waiting_for_keys.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[test]
fn what_a_waiter_passes_on_serves_the_next() {
    let mut node = TestNode::new(COMMANDS);
    node.converse("PASS a b 0 -> parked; c2> PASS b c 0 -> parked; c3> GRAB c 0 -> parked; c4> PUT a x -> +OK; c4> TAKE a b c -> [nil nil nil]");
    assert_eq!(node.client(3).reply.to_vec(), b"$1\r\nx\r\n");
    assert_eq!(node.log.lines(), ["PUT a x", "PASS a b 0", "PASS b c 0", "GRAB c 0"]);
}

#[test]
fn time_ends_a_wait() {
    let mut node = TestNode::new(COMMANDS);
    node.converse("GRAB k 100 -> parked; ~50ms; c2> PUT other x; ~60ms; c2> PUT k a; c2> TAKE k -> [a]");
    assert_eq!(node.client(1).reply.to_vec(), b"$-1\r\n");
}

#[test]
fn who_leaves_takes_nothing() {
    let mut node = TestNode::new(COMMANDS);
    node.converse("GRAB k 0 -> parked; c2> GRAB k 0 -> parked");
    let record = node.client(1).session.record.clone();
    node.node.kill(&record);
    node.deliver();
    node.converse("c3> PUT k a");
    assert_eq!(node.client(2).reply.to_vec(), b"$1\r\na\r\n");
}

#[test]
fn a_transaction_does_not_wait_and_wakes_at_its_end() {
    let mut node = TestNode::new(COMMANDS);
    node.converse("MULTI; GRAB k 0; EXEC -> [nil]; GRAB k 0 -> parked; c2> MULTI; c2> PUT k a; c2> TAKE k; c2> EXEC -> [+OK [a]]; c2> TAKE k -> [nil]");
    assert_eq!(node.client(1).reply.to_vec(), b"$1\r\na\r\n");
}
