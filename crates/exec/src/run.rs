//! How commands run: plan a window, ask the gates, lock, call the body, follow up, unlock.
//!
//! The one door to the data: clients' batches, transactions, parked commands, replay, expiry and
//! eviction all come through a `Turn`. A worker belongs to one event-loop thread and lends its
//! scratch memory to the turn.

use crate::args::{Args, KeyAt};
use crate::changes::{Changes, KeyName};
use crate::client::{ClientId, flag};
use crate::command::{Command, Flags};
use crate::compat::Look;
use crate::ctx::{Ctx, ParkOn};
use crate::db::{Db, Touch};
use crate::evict::Pool;
use crate::gates::{self, Intent, Verdict};
use crate::held::Held;
use crate::node::Node;
use crate::plan::{self, Plan, UNKNOWN};
use crate::script::ScriptEnd;
use crate::session::{OwnedRequest, Parked, Queued, ReplyMode, Session, Why};
use crate::tracking::Broadcast;
use crate::transaction::Transaction;
use crate::{block, evict, metrics, monitor, options, prefetch, pubsub, record, slowlog};
use keyspace::KeyHash;
use kit::metric::Tally;
use kit::world::{Rng, UnixMs};
use log::{Position, Unit};
use parking_lot::MutexGuard;
use proto::{Error, Reply, Request, Word};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

// A window's buckets and entries (three lines a key) stay inside the first-level cache.
const WINDOW: usize = 64;
const WINDOW_KEYS: usize = 96;

/// One event-loop thread's side of the executor.
pub struct Worker {
    pub node: Arc<Node>,
    pub thread: usize,
    pub(crate) scratch: Scratch,
}

/// What a turn needs and keeps from turn to turn.
pub(crate) struct Scratch {
    pub tally: Arc<Tally>,
    pub rng: Rng,
    pub changes: Changes,
    pub unit: Unit,
    /// Where the log ended after what this worker appended last.
    pub logged: Position,
    pub shards: Vec<u8>,
    pub keys: Vec<KeyAt>,
    /// Of the command that a script calls.
    pub nested_keys: Vec<KeyAt>,
    /// Changes of this turn that the node has not counted yet.
    pub dirty: u64,
    pub ready: VecDeque<(u16, KeyHash)>,
    /// Keys that left without a command and that somebody waits for.
    pub left: Vec<(u16, KeyHash)>,
    /// Invalidations: for those who want to know of prefixes, and for the client whose request is run.
    pub broadcast: Vec<Broadcast>,
    pub own_pushes: Vec<Arc<[u8]>>,
    pub pool: Pool,
    pub mem_published: i64,
    pub sweep: crate::expire::Sweep,
}

/// A connection's part of a batch: whole requests in its input buffer.
pub struct Job<'j> {
    pub session: &'j mut Session,
    pub reply: &'j mut Reply,
    pub input: &'j [u8],
    pub words: &'j [Word],
    pub requests: &'j [Request],
    /// With more than this unsent the client's next requests wait.
    pub reply_bytes_max: usize,
    /// Requests that were taken; the rest waits because the client was parked, is closing,
    /// or does not read its replies.
    pub done: usize,
}

impl Worker {
    pub fn new(node: Arc<Node>, thread: usize) -> Worker {
        let seed = node.rng.lock().next_u64();
        let scratch = Scratch {
            tally: node.tallies.thread(thread),
            rng: Rng::new(seed),
            changes: Changes::default(),
            unit: Unit::default(),
            logged: 0,
            shards: Vec::new(),
            keys: Vec::new(),
            nested_keys: Vec::new(),
            dirty: 0,
            ready: VecDeque::new(),
            left: Vec::new(),
            broadcast: Vec::new(),
            own_pushes: Vec::new(),
            pool: Pool::default(),
            mem_published: kit::alloc::thread_net(),
            sweep: crate::expire::Sweep::default(),
        };
        Worker { node, thread, scratch }
    }

    /// Where the log ended after what this worker appended last.
    pub fn logged(&self) -> Position {
        self.scratch.logged
    }

    pub fn tally(&self) -> &Tally {
        &self.scratch.tally
    }

    /// Runs a batch: all whole requests of all ready connections.
    pub fn run(&mut self, jobs: &mut [Job]) {
        let node = Arc::clone(&self.node);
        let mut turn = Turn::new(&node, self.thread, &mut self.scratch);
        let mut plans: [(usize, usize, Plan); WINDOW] = [(0, 0, Plan::NONE); WINDOW];
        let mut keys = std::mem::take(&mut turn.scratch.keys);
        let (mut job_idx, mut request_idx) = (0, 0);
        while job_idx < jobs.len() {
            // Other threads need not wait for shards while this one plans: with the locks kept over it, two threads
            // of MSETs of ten keys spent a fourth of their time waiting for each other.
            turn.held.release();
            // Plan a window: find commands, hash keys, fetch buckets, then entries.
            let mut len = 0;
            keys.clear();
            while len < WINDOW && keys.len() < WINDOW_KEYS && job_idx < jobs.len() {
                let job = &jobs[job_idx];
                let Some(request) = job.requests.get(request_idx) else {
                    job_idx += 1;
                    request_idx = 0;
                    continue;
                };
                let plan = plan::plan(&node, job.session.db, job.input, words_of(job, request), &mut keys);
                plans[len] = (job_idx, request_idx, plan);
                len += 1;
                request_idx += 1;
            }
            for (job, _, plan) in &plans[..len] {
                plan::prefetch_entries(&node, jobs[*job].session.db, plan.keys(&keys));
            }
            turn.begin_window();
            for (nth, (job_idx, request_idx, plan)) in plans[..len].iter().enumerate() {
                if nth % prefetch::AHEAD == 1 {
                    prefetch::elements(&turn, jobs, &plans[nth..len.min(nth + prefetch::AHEAD)], &keys);
                }
                let job = &mut jobs[*job_idx];
                if !job.session.is_open() || job.done < *request_idx || job.reply.len() > job.reply_bytes_max {
                    continue;
                }
                job.done = request_idx + 1;
                let words = words_of(job, &job.requests[*request_idx]);
                turn.request(job.session, job.reply, job.input, words, *plan, plan.keys(&keys));
            }
        }
        turn.scratch.keys = keys;
        turn.end();
    }

    /// Runs one request that lives outside an input buffer (inline with escapes, tests, replay).
    pub fn run_owned(&mut self, session: &mut Session, reply: &mut Reply, request: &OwnedRequest) {
        if request.words.is_empty() {
            return;
        }
        let node = Arc::clone(&self.node);
        let mut turn = Turn::new(&node, self.thread, &mut self.scratch);
        turn.begin_window();
        turn.owned_request(session, reply, request);
        turn.end();
    }

    /// Runs a parked command again. The client may be parked anew afterwards.
    pub fn resume(&mut self, session: &mut Session, reply: &mut Reply) {
        if session.rest.is_some() {
            return self.go_on(session, reply);
        }
        let Some(parked) = self.unpark(session) else { return };
        self.run_owned(session, reply, &parked.request);
    }

    /// A blocking command ends without what it waited for: its time is over (`with_error` false), or
    /// CLIENT UNBLOCK ended it with an error. Its body runs once more and must not wait again.
    pub fn end_wait(&mut self, session: &mut Session, reply: &mut Reply, with_error: bool) {
        if session.parked.as_ref().is_none_or(|parked| !matches!(parked.why, Why::Blocked | Why::Looks)) {
            return;
        }
        let waiter = session.parked.as_ref().and_then(|parked| parked.waiter.clone());
        if let Some(waiter) = waiter
            && !block::end(&self.node, &waiter)
        {
            // It is being served this moment; the reply comes by mail.
            if let Some(parked) = session.parked.as_mut() {
                parked.deadline = None;
            }
            return;
        }
        let Some(parked) = self.unpark(session) else { return };
        if with_error {
            self.turn(|turn| {
                // It ran, and this is how it ended; the time it waited is no time of the server's.
                turn.node.command_stats.ran(turn.thread, parked.command, 0, true, false);
                turn.reply_error(reply, &Error::Static("UNBLOCKED client unblocked via CLIENT UNBLOCK"));
            });
            return;
        }
        let mut answer = Reply::new();
        answer.set_resp3(reply.is_resp3());
        session.deny_blocking = true;
        self.run_owned(session, &mut answer, &parked.request);
        session.deny_blocking = false;
        // A key may be of another type by now. Nobody asked for it again: nothing came, that is all.
        if parked.waiter.is_some() && answer.front().first() == Some(&b'-') {
            answer = Reply::new();
            answer.set_resp3(reply.is_resp3());
            answer.null_array();
        }
        reply.append(answer);
    }

    /// The command of a waiting client was run on its behalf: here is its reply.
    pub fn served(&mut self, session: &mut Session, reply: &mut Reply, answer: Reply, logged: Position) {
        if self.unpark(session).is_none() {
            return;
        }
        session.logged = session.logged.max(logged);
        match session.reply_mode {
            ReplyMode::On | ReplyMode::SkipNext => reply.append(answer),
            ReplyMode::Off => {}
            ReplyMode::Skip => session.reply_mode = ReplyMode::On,
        }
    }

    /// Takes a client out of the parking place without running its command.
    pub fn unpark(&mut self, session: &mut Session) -> Option<Box<Parked>> {
        unpark(&self.node, session)
    }

    /// The client is gone: everything kept for it elsewhere goes too.
    pub fn disconnect(&mut self, session: &mut Session) {
        if let Some(parked) = self.unpark(session)
            && let Some(waiter) = parked.waiter
        {
            block::end(&self.node, &waiter);
        }
        crate::watch::unwatch_all(&self.node, session);
        crate::tracking::stop(&self.node, session);
        if session.multi.take().is_some() {
            self.node.clients.in_multi.fetch_sub(1, Relaxed);
        }
        if session.monitor {
            monitor::leave(&self.node, session);
        }
        pubsub::leave_all(&self.node, session);
        self.node.clients.remove(session.record.id);
    }

    /// A turn for work that is no client's: expiry, eviction, replay.
    pub(crate) fn turn<R>(&mut self, work: impl FnOnce(&mut Turn) -> R) -> R {
        let node = Arc::clone(&self.node);
        let mut turn = Turn::new(&node, self.thread, &mut self.scratch);
        turn.begin_window();
        let result = work(&mut turn);
        turn.end();
        result
    }
}

pub(crate) fn words_of<'j>(job: &Job<'j>, request: &Request) -> &'j [Word] {
    &job.words[request.first_word as usize..(request.first_word + request.word_count) as usize]
}

/// One batch being run: the locks it holds and its view of time.
pub(crate) struct Turn<'w, 'n> {
    pub node: &'n Node,
    pub held: Held<'n>,
    pub scratch: &'w mut Scratch,
    pub thread: usize,
    pub now: UnixMs,
    pub touch: Touch,
    /// A waiting client's command is run again: MONITOR has shown it.
    pub rerun: bool,
    /// Whose request is being run.
    pub client: Option<ClientId>,
    /// The command is a script's.
    pub in_script: bool,
    /// What TIME says in a script or transaction, once it was asked.
    pub frozen_us: Option<i64>,
    pub running: Option<MutexGuard<'n, ()>>,
    pub mono_ns: u64,
    /// Is the request checked for use in a cluster?
    pub look: Look,
}

impl<'w, 'n> Turn<'w, 'n> {
    pub(crate) fn new(node: &'n Node, thread: usize, scratch: &'w mut Scratch) -> Turn<'w, 'n> {
        let running = Some(node.enter(thread));
        let held = Held::new(node, thread);
        Turn {
            node,
            held,
            scratch,
            thread,
            now: UnixMs(0),
            touch: Touch::No,
            rerun: false,
            client: None,
            in_script: false,
            frozen_us: None,
            running,
            mono_ns: 0,
            look: Look::Away,
        }
    }

    pub(crate) fn begin_window(&mut self) {
        self.now = self.node.clock.unix_ms();
        self.touch = evict::touch(self.node, self.now);
        self.mono_ns = self.node.clock.mono_ns();
    }

    pub(crate) fn end(mut self) {
        self.held.release();
        if !self.scratch.left.is_empty() {
            self.serve_left();
        }
        self.count_changes();
        self.node.memory.publish(&mut self.scratch.mem_published);
    }

    /// The node's count of changes is a line that all threads write: once a turn is often enough, and before a
    /// command that may show it.
    fn count_changes(&mut self) {
        if self.scratch.dirty > 0 {
            self.node.dirty.fetch_add(std::mem::take(&mut self.scratch.dirty), Relaxed);
        }
    }

    fn owned_request(&mut self, session: &mut Session, reply: &mut Reply, request: &OwnedRequest) {
        let mut keys = Vec::new();
        let plan = plan::plan(self.node, session.db, &request.buf, &request.words, &mut keys);
        self.request(session, reply, &request.buf, &request.words, plan, &keys);
    }

    /// One request of a client, from the gates to the follow-up.
    fn request(
        &mut self,
        session: &mut Session,
        reply: &mut Reply,
        buf: &[u8],
        words: &[Word],
        plan: Plan,
        keys: &[KeyAt],
    ) {
        let start = reply.mark();
        let logged = self.scratch.logged;
        self.client = Some(session.record.id);
        if session.reply_mode == ReplyMode::SkipNext {
            session.reply_mode = ReplyMode::Skip;
        }
        let hasher = |key: &[u8]| self.node.keyspace.hash(key);
        let mut args = Args::new(buf, words, keys, &hasher);
        args.name_words = usize::from(plan.name_words);
        self.gated(session, reply, &args, plan, keys);
        if self.scratch.logged != logged {
            session.logged = self.scratch.logged;
        }
        match session.reply_mode {
            ReplyMode::On | ReplyMode::SkipNext => {}
            ReplyMode::Off => reply.truncate(start),
            ReplyMode::Skip => {
                reply.truncate(start);
                if session.parked.is_none() {
                    session.reply_mode = ReplyMode::On;
                }
            }
        }
        if !self.scratch.own_pushes.is_empty() {
            self.take_own_pushes(reply);
        }
        if let Some(mode) = &mut session.tracking
            && mode.caching
        {
            let is_client = self.node.commands.row(plan.command).full_name.starts_with("client|");
            mode.caching = session.multi.is_some() || is_client;
        }
        self.client = None;
    }

    fn gated(&mut self, session: &mut Session, reply: &mut Reply, args: &Args, plan: Plan, keys: &[KeyAt]) {
        let command = match plan::admit(self.node, &plan, args.len(), &|i| args.get(i)) {
            Ok(command) => command,
            Err(error) => return self.refuse(session, reply, plan.command, error),
        };
        let mut intent = Intent { flags: command.flags_of(self.node, args.opt(1)), command: plan.command };
        if let Some(multi) = &session.multi
            && command.has(Flags::RUNS_QUEUE)
            && !multi.dirty
        {
            intent = multi.queued.iter().fold(intent, |intent, queued| intent.with(flags_of(self.node, queued)));
        }
        let hashes = if self.node.router.get().is_some() { plan::hashes(keys) } else { Vec::new() };
        let node = self.node;
        let now = self.now;
        let verdict = gates::ask(node, session, intent, args, &hashes, now, &mut || self.make_room());
        if !self.scratch.own_pushes.is_empty() && session.reply_mode == ReplyMode::On {
            self.take_own_pushes(reply); // of keys that had to go before it can run
        }
        match verdict {
            Verdict::Run => {}
            Verdict::Refuse(error) => return self.refuse(session, reply, plan.command, error),
            Verdict::Hold(until) => {
                let park = ParkOn { why: Why::Paused, deadline: Some(until), keys: None, request: None };
                return self.park(session, reply, args, plan.command, park);
            }
        }
        if session.multi.is_some() && plan::is_queued(command) {
            return self.queue(session, reply, command, args, plan.command);
        }
        self.choose_look();
        self.look_at(session, plan.command, args, keys);
        let ran = self.lock(command, args, |turn| {
            if command.is_write() && !turn.widen_for_waiters() {
                return false;
            }
            if command.is_write() && node.walk_waiters.is_walking() && !command.replaces() {
                let keys = keys.iter().map(|at| (*at, args.get(at.word as usize)));
                if turn.walk_wants(session.db, keys) {
                    turn.wait_for_walk(session, reply, args, plan.command);
                    return true;
                }
            }
            turn.call(session, reply, args, plan.command, false);
            turn.serve_ready();
            turn.tell_broadcasts();
            true
        });
        if !ran {
            self.turned_away(session, reply, args, plan.command);
        }
    }

    /// Calls a body under its locks, and does what follows from it.
    pub(crate) fn call(&mut self, session: &mut Session, reply: &mut Reply, args: &Args, number: u16, nested: bool) {
        let node = self.node;
        let command = node.commands.command(number);
        if !nested {
            session.record.command.store(u32::from(number), Relaxed);
        }
        if command.keys.is_empty() {
            self.count_changes();
        }
        let monitored = node.clients.monitors.load(Relaxed) > 0 && (!self.rerun || self.in_script);
        // EXEC is shown after what it ran.
        if monitored && !command.has(Flags::RUNS_QUEUE) {
            monitor::feed(node, session, command, args, self.now_us(), self.in_script);
        }
        let mark = reply.mark();
        let db = Db {
            node,
            held: &mut self.held,
            changes: &mut self.scratch.changes,
            tally: &self.scratch.tally,
            rng: &mut self.scratch.rng,
            index: session.db,
            now: self.now,
            touch: if session.no_touch && !command.has(Flags::WRITE) { Touch::No } else { self.touch },
            keep_expired: session.replay || (session.imports && node.config.get(&options::IMPORT_MODE)),
        };
        let mut ctx = Ctx {
            db,
            reply,
            session,
            node,
            command: number,
            thread: self.thread,
            nested,
            park: None,
            in_script: self.in_script,
            frozen_us: &mut self.frozen_us,
            run_queue: false,
            script: None,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| (command.run)(&mut ctx, args)));
        let (park, run_queue, script) = (ctx.park.take(), ctx.run_queue, ctx.script.take());
        let mut failed = false;
        match outcome {
            Ok(Ok(())) if run_queue => match self.transaction(session, reply) {
                Transaction::Ran => {}
                Transaction::Away(keys) => return self.wait_for_keys(session, reply, args, number, keys),
                Transaction::TurnedAway => return self.turned_away(session, reply, args, number),
                Transaction::WaitsForWalk => return self.park_for_walk(session, reply, args, number),
                Transaction::Aborted => {
                    self.reply_error(reply, &Error::ExecAbort);
                    failed = true;
                }
            },
            Ok(Ok(())) if script.is_some() => {
                let mut script = script.expect("just looked");
                match self.run_script(session, reply, &mut *script, args, number, nested) {
                    ScriptEnd::Done => {}
                    ScriptEnd::Failed => failed = true,
                    ScriptEnd::TurnedAway => return self.turned_away(session, reply, args, number),
                    ScriptEnd::Deferred => return,
                }
            }
            Ok(Ok(())) => {
                if session.tracking.is_some() && command.has(Flags::READONLY) {
                    self.remember_keys(session, args);
                }
            }
            Ok(Err(Error::Away)) => {
                reply.truncate(mark);
                let away = std::mem::take(&mut self.scratch.changes.away);
                self.scratch.changes.clear();
                return self.wait_for_keys(session, reply, args, number, away);
            }
            Ok(Err(Error::Park)) => {
                reply.truncate(mark);
                // A consumer who waits in its group for the first time is in the group already (XREADGROUP).
                self.follow_up(session, args, command, nested);
                let park = park.unwrap_or(ParkOn { why: Why::Blocked, deadline: None, keys: None, request: None });
                return self.park(session, reply, args, number, park);
            }
            Ok(Err(error)) => {
                reply.truncate(mark);
                self.reply_error(reply, &error);
                failed = true;
            }
            Err(panic) => {
                reply.truncate(mark);
                self.reply_error(reply, &panic_error(command, args, panic.as_ref()));
                self.scratch.tally.add(&metrics::PANICS, 1);
                failed = true;
            }
        }
        if monitored && command.has(Flags::RUNS_QUEUE) {
            monitor::feed(node, session, command, args, self.now_us(), self.in_script);
        }
        self.follow_up(session, args, command, nested);
        let mono_ns = node.clock.mono_ns();
        let nanos = mono_ns.saturating_sub(self.mono_ns);
        self.mono_ns = mono_ns;
        self.scratch.tally.add(&metrics::COMMANDS_PROCESSED, 1);
        let histogram = node.config.get(&options::LATENCY_TRACKING);
        node.command_stats.ran(self.thread, number, nanos, failed, histogram);
        self.note_if_slow(session, command, args, nanos / 1000);
        self.note_if_large(session, command, args, reply.len_since(mark));
    }

    /// Limits are read after the command ran: it may have been the CONFIG SET that changed them.
    #[inline]
    fn note_if_slow(&mut self, session: &Session, command: &Command, args: &Args, micros: u64) {
        let node = self.node;
        let slower_than = node.config.get(&slowlog::SLOWER_THAN);
        if slower_than >= 0 && micros >= slower_than as u64 {
            let len_max = node.config.get(&slowlog::MAX_LEN);
            record::keep(self, &node.slowlog, len_max, session, command, args, micros);
        }
        let threshold = node.config.get(&crate::latency::THRESHOLD);
        if threshold > 0 && micros >= 1000 * threshold as u64 {
            let event = if command.has(Flags::FAST) { "fast-command" } else { "command" };
            node.latency.note(threshold, event, self.now.secs(), micros / 1000);
        }
    }

    #[inline]
    fn note_if_large(&mut self, session: &Session, command: &Command, args: &Args, reply_bytes: usize) {
        let node = self.node;
        let request_bytes = args.span_bytes();
        let (request_max, reply_max) =
            (node.config.get(&slowlog::REQUEST_LARGER), node.config.get(&slowlog::REPLY_LARGER));
        if request_max >= 0 && request_bytes as i64 >= request_max {
            let len_max = node.config.get(&slowlog::LARGE_REQUESTS_MAX);
            record::keep(self, &node.large_requests, len_max, session, command, args, request_bytes as u64);
        }
        if reply_max >= 0 && reply_bytes as i64 >= reply_max {
            let len_max = node.config.get(&slowlog::LARGE_REPLIES_MAX);
            record::keep(self, &node.large_replies, len_max, session, command, args, reply_bytes as u64);
        }
    }

    fn queue(&mut self, session: &mut Session, reply: &mut Reply, command: &Command, args: &Args, number: u16) {
        if command.has(Flags::NO_MULTI) {
            return self.refuse(session, reply, number, Error::NotInMulti);
        }
        let Some(multi) = session.multi.as_mut() else { return };
        // A transaction that will abort anyway does not collect commands.
        if !multi.dirty {
            let request = OwnedRequest::copy(args.buf(), args.words());
            multi.mem_bytes += request.mem_bytes() + size_of::<Queued>();
            multi.queued.push(Queued { command: number, request });
        }
        session.record.multi.store(multi.queued.len() as i64, Relaxed);
        session.record.multi_mem.store(multi.mem_bytes, Relaxed);
        reply.queued();
    }

    pub(crate) fn refuse(&mut self, session: &mut Session, reply: &mut Reply, number: u16, mut error: Error) {
        if number != UNKNOWN && self.node.commands.command(number).has(Flags::RUNS_QUEUE) {
            // A refused EXEC ends the transaction. The watched keys' shards are taken for it, and the command
            // before may have left one locked.
            self.held.release();
            crate::watch::end_multi(self.node, session);
            let cause = error.to_string();
            let cause = cause.strip_prefix("ERR ").unwrap_or(&cause);
            error = Error::text(format!("EXECABORT Transaction discarded because of: {cause}"));
        } else if let Some(multi) = session.multi.as_mut() {
            multi.dirty = true;
            multi.queued.clear();
        }
        if number != UNKNOWN {
            return self.reply_refused(reply, number, &error);
        }
        self.reply_error(reply, &error);
    }

    /// The command was not run.
    pub(crate) fn reply_refused(&mut self, reply: &mut Reply, number: u16, error: &Error) {
        self.node.command_stats.rejected(self.thread, number);
        self.reply_error(reply, error);
    }

    pub(crate) fn reply_error(&mut self, reply: &mut Reply, error: &Error) {
        self.count_error(error);
        reply.error(error);
    }

    pub(crate) fn count_error(&mut self, error: &Error) {
        self.scratch.tally.add(&metrics::ERROR_REPLIES, 1);
        let thrown_away = self.node.error_stats.count(error.prefix());
        if thrown_away > 0 {
            self.node.freer.count_freed(thrown_away);
        }
    }

    pub(crate) fn park(&mut self, session: &mut Session, reply: &Reply, args: &Args, number: u16, mut park: ParkOn) {
        let request = park.request.take().unwrap_or_else(|| OwnedRequest::copy(args.buf(), args.words()));
        let (why, deadline) = (park.why, park.deadline);
        let waiter =
            if session.stand_in { None } else { self.enlist(session, reply, args, &request, number, &mut park) };
        session.parked = Some(Box::new(Parked { command: number, request, why, deadline, waiter }));
        if session.stand_in {
            return;
        }
        session.record.set_flag(flag::BLOCKED, true);
        session.record.set_flag(flag::WAITS_FOR_KEYS, park.why == Why::Blocked);
        self.node.clients.blocked.fetch_add(1, Relaxed);
    }

    /// Keys of the command are not in memory: it waits until they were brought in.
    fn wait_for_keys(&mut self, session: &mut Session, reply: &Reply, args: &Args, number: u16, away: Vec<KeyName>) {
        self.park(session, reply, args, number, ParkOn { why: Why::Away, deadline: None, keys: None, request: None });
        if session.stand_in {
            return;
        }
        crate::away::fetch(self.node, &session.record, away);
    }

    /// A snapshot must be given a large value first. The key's shard is held.
    fn wait_for_walk(&mut self, session: &mut Session, reply: &Reply, args: &Args, number: u16) {
        self.node.walk_waiters.add(&session.record);
        self.park_for_walk(session, reply, args, number);
    }

    fn park_for_walk(&mut self, session: &mut Session, reply: &Reply, args: &Args, number: u16) {
        self.park(session, reply, args, number, ParkOn { why: Why::Away, deadline: None, keys: None, request: None });
    }

    fn now_us(&self) -> i64 {
        self.node.clock.unix_us()
    }

    pub(crate) fn make_room(&mut self) -> bool {
        self.node.memory.publish(&mut self.scratch.mem_published);
        if self.node.memory.excess() == 0 {
            return true;
        }
        self.held.release();
        evict::make_room(self)
    }
}

pub(crate) fn unpark(node: &Node, session: &mut Session) -> Option<Box<Parked>> {
    let parked = session.parked.take()?;
    session.record.set_flag(flag::BLOCKED | flag::WAITS_FOR_KEYS, false);
    node.clients.blocked.fetch_sub(1, Relaxed);
    Some(parked)
}

impl Plan {
    const NONE: Plan = Plan { command: UNKNOWN, name_words: 1, first_key: 0, key_count: 0 };

    pub(crate) fn keys<'k>(&self, keys: &'k [KeyAt]) -> &'k [KeyAt] {
        &keys[self.first_key as usize..(self.first_key + self.key_count) as usize]
    }
}

fn flags_of(node: &Node, queued: &Queued) -> Flags {
    let word = (queued.request.words.len() > 1).then(|| queued.request.word(1));
    node.commands.command(queued.command).flags_of(node, word)
}

/// A body panicked: the client is told, the log gets the command, everybody else goes on.
pub(crate) fn panic_error(command: &Command, args: &Args, panic: &(dyn std::any::Any + Send)) -> Error {
    let cause = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown cause");
    let words: Vec<String> = (0..args.len().min(8)).map(|i| args.text(i).chars().take(64).collect()).collect();
    kit::warning!("Command {} ended by a mistake of the server's: {cause}; request: {words:?}", command.name);
    Error::text(format!("ERR internal error in '{}': {cause}", command.name.to_ascii_lowercase()))
}
