//! What the clients of a thread take, told to the node; `maxmemory-clients` is kept by it.
//!
//! Without that limit the sum is passed on at each tick, which is enough for INFO. With it each turn ends with it, and a
//! request that has outgrown the usual buffer is weighed before it is run: what would be freed by the end of the turn
//! has its part in the limit too. Who must go is chosen by the executor (`exec/src/evict_clients.rs`).

use crate::buffers::READ_BYTES;
use crate::loop_thread::EventLoop;
use exec::evict_clients;
use exec::session::Close;
use std::sync::atomic::Ordering::Relaxed;

impl EventLoop {
    #[inline]
    pub(crate) fn limits_clients(&self) -> bool {
        self.node.memory.clients_limit.load(Relaxed) > 0
    }

    pub(crate) fn count_memory(&mut self) {
        match std::mem::take(&mut self.mem_shift) {
            0 => {}
            shift => self.node.memory.shift_clients(shift),
        }
    }

    /// At the end of a turn.
    pub(crate) fn limit_clients(&mut self) {
        self.count_memory();
        if self.node.memory.clients_excess() {
            evict_clients::make_room(&self.node);
        }
    }

    /// After a read: a connection with much input is closed before its request runs, if it is the one that must go.
    pub(crate) fn limit_input(&mut self, active: usize) {
        let conn = &mut self.active[active].conn;
        if conn.input.buf.capacity() <= READ_BYTES {
            return; // lent for this turn
        }
        conn.weigh();
        self.mem_shift += conn.mem_shift();
        self.limit_clients();
        let conn = &mut self.active[active].conn;
        if conn.session.record.evicted_mem.load(Relaxed) > 0 {
            conn.session.close = Close::Now;
        }
    }
}
