//! Clients that want to change, in place, a large value which a snapshot has not been given yet.
//!
//! While a walk is under way every command that writes into values (`Command::replaces`) asks for its keys, before its body runs. Such a client is parked,
//! the walk takes the value next, and then the command runs. Values are large from about a megabyte on, so there are
//! few such clients, and all of them are woken when one value was handed over.

use crate::args::KeyAt;
use crate::client::ClientRecord;
use crate::node::Node;
use crate::run::Turn;
use crate::seams::Mail;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};

#[derive(Default)]
pub struct WalkWaiters {
    walking: AtomicBool,
    clients: Mutex<Vec<Arc<ClientRecord>>>,
}

impl WalkWaiters {
    /// By whoever walks.
    pub fn set_walking(&self, walking: bool) {
        self.walking.store(walking, Release);
    }

    #[inline]
    pub(crate) fn is_walking(&self) -> bool {
        self.walking.load(Acquire)
    }

    /// Under the lock of the key's shard, so that the walk cannot have handed it over in between.
    pub(crate) fn add(&self, client: &Arc<ClientRecord>) {
        self.clients.lock().push(Arc::clone(client));
    }

    /// A large value was handed over, or the walk has ended: who waits asks again.
    pub fn wake(&self, node: &Node) {
        let clients = std::mem::take(&mut *self.clients.lock());
        for client in clients {
            node.send(&client, Mail::Resume(client.id));
        }
    }
}

impl Turn<'_, '_> {
    /// Is one of these keys' values large, and not with the snapshot yet? Their shards are held.
    pub(crate) fn walk_wants<'k>(&mut self, db: usize, keys: impl Iterator<Item = (KeyAt, &'k [u8])>) -> bool {
        let mut wants = false;
        for (at, key) in keys {
            wants |= self.held.shard(at.hash.shard() as u8).walk_wants(db, at.hash, key);
        }
        wants
    }
}
