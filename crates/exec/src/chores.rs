//! What a thread does ten times a second besides its clients' commands.
//!
//! Every thread publishes the memory it uses; the first one also takes samples, closes
//! connections that were kept too long, frees retired tables, and evicts when the limit of memory was lowered and nobody asks for anything.

use crate::node::alarm;
use crate::run::Worker;
use keyspace::Keyspace;

impl Worker {
    /// Called about every 100 ms on each event-loop thread, outside of a batch.
    pub fn chores(&mut self) {
        let node = &self.node;
        node.memory.publish(&mut self.scratch.mem_published);
        if self.thread != 0 {
            return;
        }
        crate::sample::tick(node);
        node.links.tidy(node.clock.mono_ns());
        if node.keyspace.retired() > 0
            && let Some(_world) = node.world.try_exclusive()
        {
            free_retired(&node.keyspace);
        }
        let held_back = alarm::PAUSED | alarm::LOADING | alarm::READ_ONLY_REPLICA;
        if node.memory.excess() > 0 && node.alarms.get() & held_back == 0 {
            self.turn(|turn| turn.make_room());
        }
    }
}

#[allow(unsafe_code)]
fn free_retired<X>(keyspace: &Keyspace<X>) {
    // SAFETY: the caller holds the world lock. Tables are read without their shard's lock only inside
    // batches (`plan.rs`, and lengths by commands), and a batch holds its thread's running lock,
    // which the world lock has taken from every thread. Threads without a running lock (the freeing
    // thread, the console) take the shard's lock before they look at a table.
    unsafe { keyspace.free_retired() }
}
