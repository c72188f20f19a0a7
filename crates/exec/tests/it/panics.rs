//! A mistake in a command: its client is told, nobody else notices, no lock stays taken.

use crate::commands::COMMANDS;
use testkit::TestNode;

#[test]
fn answers_and_goes_on() {
    let mut node = TestNode::new(COMMANDS);
    node.converse(
        "PUT k 1 -> +OK; BOOM k -> -ERR internal error in 'boom': a mistake in a command; TAKE k -> [half]
         c2> PUT k 2 -> +OK; MOVEALL -> :1",
    );
    node.converse("MULTI; PUT k 1; BOOM k; TAKE k; EXEC -> [+OK * [half]]; PUT k 3 -> +OK");
    assert_eq!(node.node.tallies.sum(&exec::metrics::PANICS), 2);
}
