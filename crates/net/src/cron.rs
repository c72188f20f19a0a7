//! What is looked at now and then: idle clients, buffers nobody needs, limits that only time exceeds.
//!
//! Ten ticks a second; each looks at a tenth of the clients, so that each is seen once a second.

use crate::conn::Conn;
use crate::loop_thread::{EventLoop, over_limit};
use crate::slab::Slot;
use exec::client::{ClientKind, flag};
use exec::metrics;
use exec::session::Close;
use std::sync::atomic::Ordering::Relaxed;

const TICKS_A_ROUND: u32 = 10;
// So few are looked at in every tick.
const CLIENTS_MIN: u32 = 64;

const IDLE_MS: i64 = 2000;

const LAST_REPLY_MS: i64 = 10_000;

// So long a TLS handshake may take. A storm of clients that all come at once must get through.
const HANDSHAKE_MS: i64 = 30_000;

impl EventLoop {
    pub(crate) fn tick(&mut self) {
        if self.thread == 0 {
            self.node.memory.clients_stuck.store(false, Relaxed);
        }
        self.count_memory();
        self.worker.chores();
        if std::mem::take(&mut self.accept_pause) {
            self.shared.listeners.set_accepting(true);
        }
        if self.node.cron_paused.load(Relaxed) {
            return;
        }
        let slots = self.slab.slot_count();
        let count = (slots / TICKS_A_ROUND).max(CLIENTS_MIN).min(slots);
        for _ in 0..count {
            self.cron_next = (self.cron_next + 1) % slots;
            self.look_at(self.cron_next);
        }
        if self.limits_clients() {
            self.limit_clients();
        }
        self.pools.trim();
        self.shared.posts.forget_moved(self.thread);
    }

    fn look_at(&mut self, slot: u32) {
        let now_ms = self.now.0;
        match self.slab.get_mut(slot) {
            Slot::Free | Slot::Active(_) => {}
            Slot::Lingering { until_ms, .. } => {
                if *until_ms <= now_ms {
                    self.slab.remove(slot, None);
                }
            }
            Slot::Idle(conn) => {
                let resizing = self.node.reply_resizing.load(Relaxed);
                let reset_ms = resizing.then(|| self.node.reply_peak_reset_ms.load(Relaxed));
                if over_limit(conn, &self.settings, now_ms) {
                    self.worker.tally().add(&metrics::OUTPUT_LIMIT_CLOSED, 1);
                } else if timed_out(conn, self.settings.timeout_ms, now_ms) {
                    kit::verbose!("Closing idle client");
                    conn.session.close = Close::Now;
                } else if conn.is_handshaking() && now_ms - conn.session.record.created_ms > HANDSHAKE_MS {
                    conn.tell_of_failure(true, "the handshake took too long");
                    conn.session.close = Close::Now;
                } else if gives_up(conn, now_ms) {
                    conn.session.close = Close::Now;
                }
                if conn.session.close == Close::Now {
                    if let Some(conn) = self.slab.take(slot, 0) {
                        self.close(slot, conn);
                    }
                    return;
                }
                shrink(conn, now_ms, reset_ms);
                self.mem_shift += conn.mem_shift();
            }
        }
    }
}

/// Replicas, masters, subscribers and waiting clients are silent by nature.
fn timed_out(conn: &Conn, timeout_ms: i64, now_ms: i64) -> bool {
    let record = &conn.session.record;
    timeout_ms > 0
        && now_ms - record.last_ms.load(Relaxed) > timeout_ms
        && conn.session.parked.is_none()
        && record.kind() == ClientKind::Normal
        && !record.has(flag::MONITOR)
}

/// Killed, or it does not fetch the last reply it is owed.
fn gives_up(conn: &Conn, now_ms: i64) -> bool {
    let record = &conn.session.record;
    match conn.session.close {
        Close::No => record.kill.load(Relaxed),
        Close::AfterReply => now_ms - record.last_ms.load(Relaxed) > LAST_REPLY_MS,
        Close::Now => true,
    }
}

/// Without a `reply_peak_reset_ms` the reply size stays what it is (DEBUG REPLYBUFFER RESIZING).
fn shrink(conn: &mut Conn, now_ms: i64, reply_peak_reset_ms: Option<i64>) {
    let idle = now_ms - conn.session.record.last_ms.load(Relaxed) > IDLE_MS;
    let capacity = conn.input.buf.capacity();
    if capacity > 0 {
        conn.input.shrink(idle);
    }
    let before = conn.reply_size;
    if let Some(reset_ms) = reply_peak_reset_ms {
        conn.reply_size.adapt(conn.reply.len(), now_ms, reset_ms);
    }
    if conn.input.buf.capacity() != capacity {
        conn.publish(now_ms);
    } else if conn.reply_size != before {
        conn.reply_size.publish(&conn.session.record);
    }
}
