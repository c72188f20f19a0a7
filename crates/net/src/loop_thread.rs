//! One event-loop thread: the phases of a turn.
//!
//! Wait; accept; read from every ready connection; take the mail; parse all that came, of all
//! connections; run it as one batch; write all answers; look after timers and the background work. The
//! connections of a turn stand in `active`, taken out of the slab, so that the executor gets all of
//! them at once.
//! Always true: between turns every connection is in the slab, its requests were run, its replies
//! written as far as the socket took them, and its record tells so.

use crate::balance::{self, LoadCell};
use crate::buffers::{Got, Pools};
use crate::conn::{Conn, Sent, TurnPart, described};
use crate::limits;
use crate::listen::Listeners;
use crate::mailbox::{Letter, Posts, client_of};
use crate::options::Settings;
use crate::poller::{Interest, Poller, Ready, Registrar};
use crate::slab::{Slab, Slot};
use crate::tls;
use exec::client::{ClientId, ClientRecord};
use exec::evict_clients;
use exec::node::Node;
use exec::pubsub::Message;
use exec::rest::PART_BYTES;
use exec::seams::Mail;
use exec::session::{Close, OwnedRequest, Session, Why};
use exec::{Progress, Worker, metrics};
use kit::world::UnixMs;
use log::Position;
use proto::{Reply, Request, Word};
use rustix::net::Shutdown;
use std::collections::BTreeSet;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

pub(crate) const TOKEN_WAKE: u64 = u64::MAX;
pub(crate) const TOKEN_LISTEN: u64 = u64::MAX - 1;

const TICK_NS: u64 = 100_000_000;

// A parked client goes on being read up to here: then the sender feels it.
const PARKED_INPUT_BYTES_MAX: usize = 1024 * 1024;

// How long a closed connection's peer may take to stop sending.
const LINGER_MS: i64 = 1000;

// Mail that comes while the turn runs still belongs to it, this many times.
const MAIL_ROUNDS_MAX: usize = 8;

// A stopping server tries for this long to get its last replies out.
const STOP_WRITE_MS: u64 = 500;

/// What the threads of a server share.
pub(crate) struct Shared {
    pub node: Arc<Node>,
    pub posts: Arc<Posts>,
    pub loads: Vec<LoadCell>,
    pub listeners: Listeners,
    /// What new encrypted connections begin with.
    pub tls: tls::Context,
    pub stop: AtomicBool,
    /// Threads that will send no connection to another one any more.
    pub ended: AtomicUsize,
}

pub(crate) struct Active {
    pub slot: u32,
    pub conn: Box<Conn>,
}

pub(crate) struct EventLoop {
    pub shared: Arc<Shared>,
    pub node: Arc<Node>,
    pub thread: usize,
    pub worker: Worker,
    pub poller: Poller,
    pub slab: Slab,
    pub pools: Pools,
    pub active: Vec<Active>,
    pub timers: BTreeSet<(UnixMs, u32)>,
    pub settings: Settings,
    pub now: UnixMs,
    pub words: Vec<Word>,
    pub requests: Vec<Request>,
    pub done: Vec<usize>,
    /// This round leaves connections for the next one.
    pub cut: bool,
    /// The connection being worked on, to know whose it was if something panics.
    pub at: Option<u32>,
    pub accept_pause: bool,
    /// Memory of the clients here: change since the last tick.
    pub mem_shift: i64,
    pub load: LoadState,
    pub cron_next: u32,
    letters: Vec<Letter>,
    /// Connections with replies that wait for the log.
    waits_for_log: Vec<u32>,
    /// Where the log has to come for the first of them.
    log_wanted: Position,
    /// A nudge came: paused clients ask again, and replies may leave that waited for the log.
    nudged: bool,
    /// Steps of TLS handshakes that this turn may still take.
    handshakes_left: i64,
    accept: bool,
    /// Keys are waiting to be expired: come back without waiting.
    sweep: bool,
    tick_at_ns: u64,
}

/// Why a parked command is looked at.
#[derive(Clone, Copy)]
enum Wake {
    Again,
    TimeOver,
    Unblock { with_error: bool },
}

/// How busy this thread is, and when it last gave connections away.
#[derive(Default)]
pub(crate) struct LoadState {
    /// Number of the present window, its begin, and the time at work in it.
    pub window: u64,
    pub begin_ns: u64,
    pub work_ns: u64,
    /// When the present turn began, or the window if that was later.
    pub turn_ns: u64,
    /// What of the present turn lies before the window.
    pub weighed_ns: u64,
    /// Connections that sent or got something in this window.
    pub active: usize,
    pub moved_ns: u64,
    /// Commands run here up to the present turn.
    pub commands: i64,
}

impl EventLoop {
    /// To be called on the thread itself: the worker counts what its thread allocates.
    pub(crate) fn new(shared: Arc<Shared>, thread: usize, registrar: Registrar) -> EventLoop {
        let node = Arc::clone(&shared.node);
        EventLoop {
            worker: Worker::new(Arc::clone(&node), thread),
            settings: Settings::read(&node.config),
            now: node.now(),
            load: LoadState { window: 1, ..LoadState::default() },
            tick_at_ns: node.clock.mono_ns() + TICK_NS,
            shared,
            node,
            thread,
            poller: Poller::new(registrar),
            slab: Slab::default(),
            pools: Pools::default(),
            active: Vec::new(),
            timers: BTreeSet::new(),
            words: Vec::new(),
            requests: Vec::new(),
            done: Vec::new(),
            cut: false,
            at: None,
            accept_pause: false,
            mem_shift: 0,
            cron_next: 0,
            letters: Vec::new(),
            waits_for_log: Vec::new(),
            log_wanted: Position::MAX,
            nudged: false,
            handshakes_left: 0,
            accept: false,
            sweep: false,
        }
    }

    pub(crate) fn run(mut self) {
        kit::alloc::bind_thread(self.thread);
        while !self.shared.stop.load(Relaxed) {
            if let Err(error) = self.wait() {
                kit::warning!("Event loop {} cannot wait for sockets: {error}", self.thread);
                std::thread::sleep(Duration::from_millis(100));
            }
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.turn())) {
                self.recover(panic.as_ref());
            }
        }
        self.shut_down();
    }

    fn wait(&mut self) -> io::Result<()> {
        let now_ns = self.node.clock.mono_ns();
        let worked_ns = now_ns.saturating_sub(self.load.turn_ns);
        if self.load.turn_ns > 0 {
            self.load.work_ns += worked_ns;
            // The ticks of the other threads when nothing happens would make an idle server look busy.
            let counts = self.thread == 0 || self.poller.ready_count() > 0;
            self.worker.tally().add(&metrics::TURNS, u64::from(counts));
            let turn_ns = worked_ns + std::mem::take(&mut self.load.weighed_ns);
            self.worker.tally().add(&metrics::TURN_NANOS, turn_ns);
            let commands = self.worker.tally().get(&metrics::COMMANDS_PROCESSED);
            self.node.samples.note_turn(turn_ns, commands.abs_diff(self.load.commands));
            self.load.commands = commands;
        }
        let asleep = !self.sweep && self.active.is_empty() && self.shared.posts.fall_asleep(self.thread);
        let timeout = if asleep { self.time_to_sleep(now_ns) } else { Duration::ZERO };
        let result = self.poller.wait(timeout);
        self.shared.posts.wake_up(self.thread);
        self.load.turn_ns = self.node.clock.mono_ns().max(1);
        result
    }

    fn time_to_sleep(&self, now_ns: u64) -> Duration {
        let tick = Duration::from_nanos(self.tick_at_ns.saturating_sub(now_ns).min(TICK_NS));
        match self.timers.first() {
            Some((deadline, _)) => {
                let ms = deadline.since_ms(self.node.now()).max(0) as u64;
                tick.min(Duration::from_millis(ms))
            }
            None => tick,
        }
    }

    fn turn(&mut self) {
        self.now = self.node.now();
        if self.settings.refresh(&self.node.config) && self.limits_clients() {
            // The limit may be a lower one: it holds for what is read from now on.
            self.count_memory();
            evict_clients::make_room(&self.node);
        }
        self.handshakes_left = self.settings.handshakes_a_turn;
        for idx in 0..self.poller.ready_count() {
            let ready = self.poller.ready(idx);
            match ready.token {
                TOKEN_WAKE => self.shared.posts.silence(self.thread),
                TOKEN_LISTEN => self.accept = true,
                token => self.became_ready(token, ready),
            }
        }
        if std::mem::take(&mut self.accept) {
            self.accept_all();
        }
        self.resume_due();
        let mut rounds = 0;
        loop {
            let mail = self.take_mail();
            let ran = self.run_round();
            rounds += 1;
            if !ran && (!mail || rounds >= MAIL_ROUNDS_MAX) {
                break;
            }
        }
        self.write_all();
        self.finish_all();
        self.background();
    }

    fn became_ready(&mut self, token: u64, ready: Ready) {
        let Some(slot) = self.slab.slot_of(token) else { return };
        if matches!(self.slab.get_mut(slot), Slot::Lingering { .. }) {
            return self.discard(slot);
        }
        let Some(active) = self.activate(slot) else { return };
        let conn = &mut self.active[active].conn;
        conn.turn.read |= ready.read;
        conn.turn.write |= ready.write;
        if ready.broken && !conn.interest.read {
            conn.session.close = Close::Now;
        }
    }

    /// Makes a connection part of this turn; its place in `active`.
    pub(crate) fn activate(&mut self, slot: u32) -> Option<usize> {
        if let Slot::Active(active) = self.slab.get_mut(slot) {
            return Some(*active);
        }
        let conn = self.slab.take(slot, self.active.len())?;
        self.active.push(Active { slot, conn });
        Some(self.active.len() - 1)
    }

    /// Reads once from a connection that is ready.
    pub(crate) fn read_one(&mut self, active: usize) {
        let Active { slot, conn } = &mut self.active[active];
        let conn = &mut **conn;
        if !std::mem::take(&mut conn.turn.read) || !conn.interest.read {
            return;
        }
        self.at = Some(*slot);
        if conn.is_handshaking() {
            if self.handshakes_left == 0 {
                return; // the poller tells of it again
            }
            self.handshakes_left -= 1;
        }
        self.worker.tally().add(&metrics::READS, 1);
        match conn.receive(&mut self.pools) {
            Got::Bytes(count) => {
                self.worker.tally().add(&metrics::NET_IN, count as u64);
                conn.turn.bytes_in += count;
                conn.turn.parse = true;
            }
            Got::Nothing => {}
            Got::End => conn.ended = true,
            Got::Broken => conn.session.close = Close::Now,
        }
        if conn.input.unread() > self.settings.query_bytes_max && !conn.session.internal {
            let head: Vec<u8> = conn.input.buf.iter().take(64).copied().collect();
            kit::warning!(
                "Closing client that reached max query buffer length: {} (qbuf initial bytes: {})",
                described(&conn.session.record),
                kit::text::quote(&head)
            );
            self.worker.tally().add(&metrics::QUERY_LIMIT_CLOSED, 1);
            conn.session.close = Close::Now;
        }
    }

    fn resume_due(&mut self) {
        while let Some(&(deadline, slot)) = self.timers.first()
            && deadline <= self.now
        {
            self.timers.pop_first();
            if let Some(active) = self.activate(slot) {
                self.active[active].conn.timer = None;
                self.resume(active, Wake::TimeOver);
            }
        }
    }

    fn ask_paused_again(&mut self) {
        let waiting: Vec<u32> = self.timers.iter().map(|(_, slot)| *slot).collect();
        for slot in waiting {
            let paused = match self.slab.get_mut(slot) {
                Slot::Idle(conn) => conn.session.parked.as_ref().is_some_and(|parked| parked.why == Why::Paused),
                Slot::Active(_) => true,
                Slot::Free | Slot::Lingering { .. } => false,
            };
            if paused
                && let Some(active) = self.activate(slot)
                && self.active[active].conn.session.parked.as_ref().is_some_and(|it| it.why == Why::Paused)
            {
                self.resume(active, Wake::Again);
            }
        }
    }

    fn resume(&mut self, active: usize, wake: Wake) {
        let Active { slot, conn } = &mut self.active[active];
        let Some(why) = conn.session.parked.as_ref().map(|parked| parked.why) else { return };
        if conn.session.close != Close::No {
            return;
        }
        self.at = Some(*slot);
        conn.lend_reply(&mut self.pools);
        match (wake, why) {
            (Wake::TimeOver, Why::Blocked) => self.worker.end_wait(&mut conn.session, &mut conn.reply, false),
            (Wake::Unblock { with_error }, _) => {
                self.worker.end_wait(&mut conn.session, &mut conn.reply, with_error);
            }
            (Wake::Again | Wake::TimeOver, _) => self.worker.resume(&mut conn.session, &mut conn.reply),
        }
        conn.turn.commands += u64::from(conn.session.parked.is_none());
        conn.turn.parse = true;
        let kind = conn.session.record.kind();
        if conn.session.rest.as_ref().is_some_and(|rest| self.settings.output.forbids(kind, rest.bytes())) {
            close_for_output(conn);
            self.worker.tally().add(&metrics::OUTPUT_LIMIT_CLOSED, 1);
        }
        self.at = None;
    }

    /// Whether there was any.
    pub(crate) fn take_mail(&mut self) -> bool {
        let mut letters = std::mem::take(&mut self.letters);
        self.shared.posts.take(self.thread, &mut letters);
        let any = !letters.is_empty();
        for letter in letters.drain(..) {
            match letter {
                Letter::Mail(mail) => self.deliver(mail),
                Letter::Adopt(conn) => self.adopt(conn),
            }
        }
        self.letters = letters;
        if std::mem::take(&mut self.nudged) {
            self.ask_paused_again();
            self.log_wanted = Position::MAX;
            for slot in std::mem::take(&mut self.waits_for_log) {
                self.activate(slot);
            }
        }
        any
    }

    fn deliver(&mut self, mail: Mail) {
        let mail = match mail {
            Mail::Published { to, message } => return self.deliver_published(&to, &message),
            Mail::Ask { request, answer } => return self.answer_inside(&request, answer),
            mail => mail,
        };
        let Some(id) = client_of(&mail) else {
            self.nudged = true;
            return;
        };
        let Some(active) = self.slab.find(id).and_then(|slot| self.activate(slot)) else {
            return self.forward(id, mail);
        };
        match mail {
            Mail::Resume(_) => self.resume(active, Wake::Again),
            Mail::Unblock { with_error, .. } => self.resume(active, Wake::Unblock { with_error }),
            Mail::Served(_, answer, logged) => {
                let conn = &mut self.active[active].conn;
                conn.lend_reply(&mut self.pools);
                self.worker.served(&mut conn.session, &mut conn.reply, answer, logged);
                conn.turn.commands += 1;
                conn.turn.parse = true;
            }
            Mail::Kill(_) => {
                let conn = &mut self.active[active].conn;
                // CLIENT KILL of oneself: the answer goes out first.
                if conn.session.close != Close::AfterReply {
                    conn.session.close = Close::Now;
                }
            }
            Mail::Push(_, bytes) => {
                let conn = &mut self.active[active].conn;
                if conn.session.close == Close::No {
                    conn.lend_reply(&mut self.pools);
                    conn.reply.shared(bytes);
                }
            }
            Mail::Nudge | Mail::Ask { .. } | Mail::Published { .. } => {}
        }
    }

    fn deliver_published(&mut self, to: &[ClientId], message: &Arc<Message>) {
        for &id in to {
            let Some(active) = self.slab.find(id).and_then(|slot| self.activate(slot)) else {
                self.forward(id, Mail::Published { to: vec![id], message: Arc::clone(message) });
                continue;
            };
            let conn = &mut self.active[active].conn;
            if conn.session.close == Close::No {
                conn.lend_reply(&mut self.pools);
                message.deliver(&conn.session, &mut conn.reply);
            }
        }
    }

    /// A request from inside the server.
    fn answer_inside(&mut self, request: &OwnedRequest, answer: Box<dyn FnOnce(Reply) + Send>) {
        let record = ClientRecord::new(ClientId(0), -1, String::new(), String::new(), self.now.0);
        let mut session = Session::new(Arc::new(record), true);
        session.internal = true;
        session.deny_blocking = true;
        let mut reply = Reply::new();
        self.worker.run_owned(&mut session, &mut reply, request);
        answer(reply);
    }

    /// The client lives elsewhere, or nowhere.
    fn forward(&self, id: ClientId, mail: Mail) {
        if let Some(record) = self.node.client(id) {
            let thread = record.thread.load(Relaxed);
            if thread != self.thread {
                self.shared.posts.send(thread, mail);
            }
        }
    }

    fn write_all(&mut self) {
        let (mut writes, mut bytes) = (0, 0);
        let now_ms = self.now.0;
        for active in &mut self.active {
            let conn = &mut *active.conn;
            if conn.reply.is_empty() && !conn.owes_tls() || conn.session.close == Close::Now {
                continue;
            }
            self.at = Some(active.slot);
            if over_limit(conn, &self.settings, now_ms) {
                self.worker.tally().add(&metrics::OUTPUT_LIMIT_CLOSED, 1);
                continue;
            }
            if conn.interest.write && !conn.turn.write {
                // The socket has been full since the turn before, when little enough was left.
                if is_stranger_with_too_much(conn) {
                    close_for_output(conn);
                    self.worker.tally().add(&metrics::OUTPUT_LIMIT_CLOSED, 1);
                }
                continue;
            }
            let before = conn.turn.bytes_out;
            let sent = conn.send(&self.node.log);
            writes += 1;
            bytes += (conn.turn.bytes_out - before) as u64;
            match sent {
                Sent::All => {}
                Sent::Part => {
                    if is_stranger_with_too_much(conn) {
                        close_for_output(conn);
                        self.worker.tally().add(&metrics::OUTPUT_LIMIT_CLOSED, 1);
                    }
                }
                Sent::Broken => conn.session.close = Close::Now,
            }
        }
        self.at = None;
        self.worker.tally().add(&metrics::WRITES, writes);
        self.worker.tally().add(&metrics::NET_OUT, bytes);
    }

    fn finish_all(&mut self) {
        while let Some(Active { slot, mut conn }) = self.active.pop() {
            self.at = Some(slot);
            let drained = conn.reply.is_empty();
            // Who sends no more may be reading a long reply yet.
            if conn.ended && conn.session.rest.is_none() {
                if drained || conn.session.parked.is_some() {
                    conn.session.close = Close::Now;
                } else {
                    conn.session.close_after_reply();
                }
            }
            match conn.session.close {
                Close::Now => self.close(slot, conn),
                Close::AfterReply if drained => self.close_gently(slot, conn),
                Close::AfterReply | Close::No => self.keep(slot, conn),
            }
        }
        self.at = None;
        if !self.waits_for_log.is_empty() && !self.node.wait_for_log(self.thread, self.log_wanted) {
            self.shared.posts.send(self.thread, Mail::Nudge);
        }
        if self.limits_clients() {
            self.limit_clients();
        }
    }

    fn keep(&mut self, slot: u32, mut conn: Box<Conn>) {
        conn.input.tidy(&mut self.pools);
        conn.return_reply(&mut self.pools);
        let deadline = conn.session.parked.as_ref().and_then(|parked| parked.deadline);
        if deadline != conn.timer {
            if let Some(old) = conn.timer {
                self.timers.remove(&(old, slot));
            }
            if let Some(new) = deadline {
                self.timers.insert((new, slot));
            }
            conn.timer = deadline;
        }
        let open = conn.session.close == Close::No && !conn.ended;
        let held_back = conn.session.parked.is_some() && conn.input.unread() > PARKED_INPUT_BYTES_MAX;
        let interest = Interest {
            read: open && !held_back,
            write: conn.holds.some_may_leave(conn.reply.len()) || conn.owes_tls(),
        };
        if interest != conn.interest {
            let token = self.slab.token(slot);
            if self.poller.registrar().change(&conn.fd, token, interest).is_err() {
                return self.close(slot, conn);
            }
            conn.interest = interest;
        }
        if conn.turn.bytes_in + conn.turn.bytes_out > 0 && conn.window != self.load.window {
            conn.window = self.load.window;
            self.load.active += 1;
        }
        if conn.session.rest.is_some() && conn.reply.len() < PART_BYTES {
            // More of its reply is made in the next turn.
            self.shared.posts.send(self.thread, Mail::Resume(conn.session.record.id));
        }
        conn.publish(self.now.0);
        self.mem_shift += conn.mem_shift();
        conn.turn = TurnPart::default();
        if let Some(position) = conn.holds.waits_for() {
            self.worker.tally().add(&metrics::REPLIES_HELD, conn.holds.take_made());
            self.waits_for_log.push(slot);
            self.log_wanted = self.log_wanted.min(position);
        }
        if let Some(shift) = conn.holds.shift(true) {
            self.worker.tally().shift(&metrics::CLIENTS_HELD, shift);
        }
        self.slab.put(slot, conn);
    }

    pub(crate) fn close(&mut self, slot: u32, mut conn: Box<Conn>) {
        conn.say_goodbye();
        self.forget(slot, &mut conn);
        self.slab.remove(slot, Some(conn.session.record.id));
    }

    /// Everything about the client but its socket.
    fn forget(&mut self, slot: u32, conn: &mut Conn) {
        if let Some(timer) = conn.timer.take() {
            self.timers.remove(&(timer, slot));
        }
        self.worker.disconnect(&mut conn.session);
        if let Some(shift) = conn.holds.shift(false) {
            self.worker.tally().shift(&metrics::CLIENTS_HELD, shift);
        }
        let evicted = conn.session.record.evicted_mem.load(Relaxed);
        self.mem_shift -= conn.mem_counted as i64 - evicted as i64;
        conn.reply.clear();
        conn.return_reply(&mut self.pools);
        conn.input.at = conn.input.buf.len();
        conn.input.own = false;
        conn.input.tidy(&mut self.pools);
        let record = &conn.session.record;
        kit::verbose!(
            "Client closed connection id={} addr={} laddr={} fd={}",
            record.id.0,
            record.addr,
            record.laddr,
            record.fd
        );
    }

    /// The last reply is out. If the peer still sends, our closing must not make it lost.
    fn close_gently(&mut self, slot: u32, mut conn: Box<Conn>) {
        conn.say_goodbye();
        let mut unread = conn.input.unread() > 0;
        if !unread && !conn.ended {
            conn.input.wanted = 0;
            unread = matches!(conn.input.read(&conn.fd, &mut self.pools), Got::Bytes(_));
        }
        if !unread || rustix::net::shutdown(&conn.fd, Shutdown::Write).is_err() {
            return self.close(slot, conn);
        }
        self.forget(slot, &mut conn);
        let Conn { fd, session, interest, .. } = *conn;
        let watched = interest == Interest::READ
            || self.poller.registrar().change(&fd, self.slab.token(slot), Interest::READ).is_ok();
        if watched {
            self.slab.linger(slot, session.record.id, fd, self.now.0 + LINGER_MS);
        } else {
            self.slab.remove(slot, Some(session.record.id));
        }
    }

    /// Reads what the peer of a lingering socket sends, for nothing.
    fn discard(&mut self, slot: u32) {
        let Slot::Lingering { fd, .. } = self.slab.get_mut(slot) else { return };
        let mut bin = crate::buffers::Input::default();
        loop {
            let got = bin.read(&*fd, &mut self.pools);
            bin.at = bin.buf.len();
            bin.own = false;
            bin.tidy(&mut self.pools);
            match got {
                Got::Bytes(count) if count == crate::buffers::READ_BYTES => {}
                Got::Bytes(_) | Got::Nothing => return,
                Got::End | Got::Broken => return self.slab.remove(slot, None),
            }
        }
    }

    /// What is done now and then.
    fn background(&mut self) {
        let now_ns = self.node.clock.mono_ns();
        if now_ns >= self.tick_at_ns {
            self.tick_at_ns = now_ns + TICK_NS;
            self.sweep = true;
            self.tick();
        }
        if self.sweep {
            self.sweep = self.worker.sweep_expired() == Progress::More;
        }
        // What no answer waits for: removed keys, writes of clients that want no replies.
        let logged = self.worker.logged();
        if logged > self.node.log.acknowledged() {
            self.node.log.flush(logged);
        }
        if now_ns - self.load.begin_ns >= balance::WINDOW_NS {
            self.weigh(now_ns);
        }
    }

    /// A mistake of ours outside of any command. Whom it concerned is closed, the others go on.
    fn recover(&mut self, panic: &(dyn std::any::Any + Send)) {
        let cause = panic.downcast_ref::<String>().map(String::as_str);
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("unknown cause");
        kit::warning!("Event loop {}: a turn ended by a mistake of the server's: {cause}", self.thread);
        self.worker.tally().add(&metrics::PANICS, 1);
        let culprit = self.at.take();
        for Active { slot, mut conn } in std::mem::take(&mut self.active) {
            // Requests of this turn may have been run or not: no answer would be right.
            if culprit == Some(slot) || !conn.turn.requests.is_empty() || conn.session.close != Close::No {
                kit::warning!("Closing the client it concerned: {}", described(&conn.session.record));
                let record = Arc::clone(&conn.session.record);
                if catch_unwind(AssertUnwindSafe(|| self.close(slot, conn))).is_err() {
                    self.node.clients.remove(record.id);
                }
                continue;
            }
            conn.turn.parse = true;
            self.slab.put(slot, conn);
            self.activate(slot); // goes on in the next turn, which comes at once
        }
        if let Some(slot) = culprit
            && let Slot::Active(_) = self.slab.get_mut(slot)
            && !self.active.iter().any(|active| active.slot == slot)
        {
            self.slab.remove(slot, None); // it was lost in the panic, socket and all
        }
    }

    /// The last replies go out, then every connection is closed.
    fn shut_down(&mut self) {
        // A connection may be on its way here: it belongs to the last ones too.
        self.shared.ended.fetch_add(1, SeqCst);
        for _ in 0..STOP_WRITE_MS {
            if self.shared.ended.load(SeqCst) == self.shared.loads.len() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.take_mail();
        self.write_all();
        self.finish_all();
        let begin_ns = self.node.clock.mono_ns();
        for round in 0..STOP_WRITE_MS {
            let mut pending = 0;
            for slot in 0..self.slab.slot_count() {
                if let Slot::Idle(conn) = self.slab.get_mut(slot)
                    && !conn.reply.is_empty()
                    && conn.send(&self.node.log) == Sent::Part
                {
                    pending += 1;
                }
            }
            let waited_ms = (self.node.clock.mono_ns() - begin_ns) / 1_000_000;
            if pending == 0 || waited_ms.max(round) >= STOP_WRITE_MS {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        for slot in 0..self.slab.slot_count() {
            if let Some(conn) = self.slab.take(slot, 0) {
                self.close(slot, conn);
            }
        }
    }
}

/// Over the limit of its class: the connection is marked for closing, unsent replies and all.
pub(crate) fn over_limit(conn: &mut Conn, settings: &Settings, now_ms: i64) -> bool {
    let used = conn.unread_bytes();
    if used == 0 {
        conn.soft_since_ms = None;
        return false;
    }
    let kind = conn.session.record.kind();
    let over = settings.output.exceeded(kind, used, &mut conn.soft_since_ms, now_ms);
    if over {
        close_for_output(conn);
    }
    over
}

fn is_stranger_with_too_much(conn: &Conn) -> bool {
    !conn.session.authenticated && conn.reply.len() > limits::STRANGER_UNREAD_BYTES_MAX
}

fn close_for_output(conn: &mut Conn) {
    conn.publish(conn.session.record.last_ms.load(Relaxed));
    let client = described(&conn.session.record);
    kit::warning!("Client {client} closed for overcoming of output buffer limits.");
    conn.session.close = Close::Now;
}
