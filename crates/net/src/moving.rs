//! Connections come to a thread and leave it for another.

use crate::balance::{self, Load, Move};
use crate::conn::Conn;
use crate::loop_thread::{Active, EventLoop};
use crate::slab::Slot;
use exec::session::Close;
use std::sync::atomic::Ordering::Relaxed;

impl EventLoop {
    /// A connection lives here from now on. It becomes part of this turn, in case something waits.
    pub(crate) fn adopt(&mut self, conn: Box<Conn>) {
        let record = std::sync::Arc::clone(&conn.session.record);
        record.thread.store(self.thread, Relaxed);
        let slot = self.slab.insert(conn);
        let token = self.slab.token(slot);
        let Some(active) = self.activate(slot) else { return };
        let Active { conn, .. } = &mut self.active[active];
        conn.turn.write = true;
        if self.poller.registrar().add(&conn.fd, token, conn.interest).is_err() || record.kill.load(Relaxed) {
            conn.session.close = Close::Now;
        }
    }

    /// A load window is over: tells the others how busy this thread is, and gives connections away.
    pub(crate) fn weigh(&mut self, now_ns: u64) {
        let window_ns = now_ns - self.load.begin_ns;
        let work_ns = self.load.work_ns + now_ns.saturating_sub(self.load.turn_ns);
        let busy = (work_ns.min(window_ns) * 1000 / window_ns.max(1)) as u32;
        self.shared.loads[self.thread].publish(busy, now_ns);
        if self.shared.loads.len() > 1 {
            let loads: Vec<Load> = self.shared.loads.iter().map(|cell| cell.load(now_ns)).collect();
            let since_ns = now_ns - self.load.moved_ns;
            let decided = balance::decide(self.thread, &loads, self.load.active, self.slab.len(), since_ns);
            if let Some(decided) = decided {
                self.load.moved_ns = now_ns;
                self.give_away(decided);
            }
        }
        self.load.window += 1;
        self.load.begin_ns = now_ns;
        // The work of the present turn up to here belongs to the window that is over.
        self.load.work_ns = 0;
        self.load.weighed_ns += now_ns.saturating_sub(self.load.turn_ns);
        self.load.turn_ns = now_ns.max(1);
        self.load.active = 0;
    }

    fn give_away(&mut self, Move { to, count, gather }: Move) {
        let mut leaving = Vec::with_capacity(count);
        for slot in 0..self.slab.slot_count() {
            if leaving.len() == count {
                break;
            }
            let Slot::Idle(conn) = self.slab.get_mut(slot) else { continue };
            let wanted = gather || conn.window == self.load.window;
            if !wanted || !may_move(conn) {
                continue;
            }
            let Some(conn) = self.slab.take(slot, 0) else { continue };
            if self.poller.registrar().remove(&conn.fd).is_err() {
                self.close(slot, conn);
                continue;
            }
            self.slab.remove(slot, Some(conn.session.record.id));
            leaving.push(conn);
        }
        if !leaving.is_empty() {
            kit::debug!("Event loop {}: {} connections move to {to}", self.thread, leaving.len());
            self.shared.posts.move_all(self.thread, to, leaving);
        }
    }
}

/// A parked command's wake-up knows the thread; who is closing stays for the rest.
fn may_move(conn: &Conn) -> bool {
    conn.session.parked.is_none()
        && conn.holds.waits_for().is_none()
        && conn.session.close == Close::No
        && conn.timer.is_none()
}
