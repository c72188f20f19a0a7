//! Keys that are not in memory: brought in while the command that wanted them is parked.

use crate::changes::KeyName;
use crate::client::ClientRecord;
use crate::node::Node;
use crate::seams::{Fetched, Mail};
use keyspace::{Entry, NewValue};
use std::sync::Arc;

/// Asks for the keys; the client is resumed as each of them arrives (and parked again while one is
/// still missing).
pub(crate) fn fetch(node: &Node, client: &Arc<ClientRecord>, away: Vec<KeyName>) {
    let Some(tier) = node.tier.get() else {
        // Without a tier no lookup says "away".
        return node.send(client, Mail::Resume(client.id));
    };
    for name in away {
        let (client, weak) = (Arc::clone(client), node.itself.clone());
        let (db, key) = (name.db, name.key.clone());
        let done = Box::new(move |fetched: Option<Fetched>| {
            let Some(node) = weak.upgrade() else { return };
            if let Some(fetched) = fetched {
                install(&node, &name, &fetched);
            }
            node.send(&client, Mail::Resume(client.id));
        });
        tier.fetch(db, &key, done);
    }
}

/// Puts a fetched key into its table, unless somebody made it anew meanwhile.
fn install(node: &Node, name: &KeyName, fetched: &Fetched) {
    let clock = (node.now().0 / 1000) as u32 & 0xff_ffff;
    let value = NewValue::Str(&fetched.value);
    let entry = Entry::new(&name.key, value, fetched.deadline, clock);
    let mut shard = node.keyspace.lock(name.hash.shard());
    if shard.find(name.db, name.hash, &name.key).is_none() {
        shard.insert(name.db, name.hash, entry);
    }
}
