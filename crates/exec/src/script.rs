//! How a script's commands run: nested under the locks of its EVAL or FCALL, its effects one unit of the log.
//!
//! A body cannot call the turn it runs in. So EVAL leaves a `Script` with its context, and when the body is done the
//! turn runs it, lending itself as a `Caller`.
//!
//! Locks. A script holds the shards of the keys it declared. When it touches another key, that shard is waited for only
//! if it stands above all that are held; out of order it is *tried*. Is it taken, and nothing was written yet: the script starts again with all shards held;
//! when that happens often it takes them all at once for a while. Once it has written it could be stopped halfway: so a
//! script that is not yet known to keep to its keys (`Habits::is_trusted`) starts again with all shards before its first
//! write, and one that ever strayed after a write takes them all from the start. What is left is a trusted script that
//! strays for the first time: the shard is tried for `PATIENCE`, and then the call fails. So two scripts that want each
//! other's shards cannot wait for ever: each gives up by the clock, at different times, and neither ever sleeps on a
//! shard below one that it holds.
//!
//! Time. A script that may take long does not run on an event loop: its client is parked, and the command is run by a
//! script thread (`Deferred`), which has a place of its own in the world lock and mails the reply. What it holds is
//! marked (`scripts.rs`); who finds it in the way is parked too, or told BUSY after `busy-reply-threshold`.

use crate::acl;
use crate::args::{Args, KeyAt};
use crate::command::{Command, Flags, Reach};
use crate::ctx::{Ctx, ParkOn};
use crate::gates;
use crate::node::{Node, alarm};
use crate::plan::{self, UNKNOWN};
use crate::run::{Turn, Worker, panic_error, unpark};
use crate::scripts::Deferred;
use crate::seams::Mail;
use crate::session::{OwnedRequest, Session, Why};
use keyspace::SHARDS;
use kit::world::UnixMs;
use proto::{Error, Mark, Reply, Word};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Of every thread that runs scripts: Lua's patterns, nested replies and JSON recurse, each to a limit of its own.
pub const STACK_BYTES: usize = 16 << 20;

/// How long a script that has written tries to get a shard it did not declare.
const PATIENCE: Duration = Duration::from_millis(20);

/// A client that a script keeps waiting asks again after this time, if nobody calls it before.
const ASK_AGAIN_MS: i64 = 10;

/// What EVAL and FCALL leave to be run.
pub trait Script {
    fn run(&mut self, caller: &mut dyn Caller, args: &Args, reply: &mut Reply) -> Ended;

    /// It was seen to touch keys that it does not declare.
    fn wants_all(&self, now_ns: u64) -> bool;

    /// May it write while it holds only the shards of the keys that it declares?
    fn is_trusted(&self) -> bool;

    /// Whether it touched one after it had written; told of each run that wrote.
    fn note_reach(&self, strayed: bool);

    /// It touched one that somebody else had.
    fn met(&self, now_ns: u64);
}

/// How a script ended.
pub enum Ended {
    /// Its reply is written.
    Done,
    /// With an error; `counted` when it is a command's that the statistics know already.
    Failed { error: Error, counted: bool },
    /// Nothing was written: to be run again with every shard held.
    WantsAll,
    /// Nothing was written: to be run again on a script thread.
    TooLong,
}

/// Whether and how a script's command may run.
#[derive(Clone, Copy)]
pub struct Rules {
    pub read_only: bool,
    pub deny_oom: bool,
    pub allow_cross_slot: bool,
    /// Its effect goes to the log (`redis.set_repl`).
    pub replicate: bool,
}

/// How a script's command ended.
pub enum Called {
    /// It ran; the reply, which may be an error, is written.
    Ran,
    /// It was not run; the statistics know.
    Refused(Error),
    /// The script must end with `Ended::WantsAll`.
    WantsAll,
}

/// The turn as a script sees it.
pub trait Caller {
    fn call(&mut self, buf: &[u8], words: &[Word], rules: Rules, reply: &mut Reply) -> Called;
    /// Whether the user may run these words; an error when there is no such command.
    fn may_call(&mut self, buf: &[u8], words: &[Word]) -> Result<bool, Error>;
    fn node(&self) -> &Node;
    fn session(&self) -> &Session;
    fn now(&self) -> UnixMs;
    /// The words of the EVAL or FCALL.
    fn request(&self) -> Vec<&[u8]>;
    fn wrote(&self) -> bool;
    /// The script says that it is not for clusters.
    fn note_incompatible(&mut self);
    /// The clock when the command before ended.
    fn mono_ns(&self) -> u64;
    /// Can it still be taken from the event loop and run elsewhere?
    fn may_defer(&self) -> bool;
    /// Is there no memory for commands that need some?
    fn is_out_of_memory(&self) -> bool;
}

pub(crate) enum ScriptEnd {
    Done,
    Failed,
    TurnedAway,
    Deferred,
}

impl Turn<'_, '_> {
    /// Runs what EVAL or FCALL left. `nested`: within EXEC, whose locks are held.
    pub(crate) fn run_script(
        &mut self,
        session: &mut Session,
        reply: &mut Reply,
        script: &mut dyn Script,
        args: &Args,
        number: u16,
        nested: bool,
    ) -> ScriptEnd {
        let mark = reply.mark();
        if self.thread >= self.node.threads {
            self.mono_ns = self.node.clock.mono_ns(); // it may have waited long for its shards
            self.choose_look();
            self.forget_counted(session, number, args);
        }
        let began = self.mono_ns;
        let (db, deny_blocking) = (session.db, session.deny_blocking);
        if !nested {
            self.frozen_us = None;
        }
        if !nested {
            let got = if script.wants_all(began) { self.held.take_all() } else { self.widen_for_waiters() };
            if !got {
                return ScriptEnd::TurnedAway;
            }
        }
        loop {
            session.deny_blocking = true;
            self.in_script = true;
            let mut caller = Nested {
                turn: self,
                session,
                request: args,
                nested,
                wrote: false,
                met: false,
                strayed: false,
                trusted: script.is_trusted(),
            };
            let ended = catch_unwind(AssertUnwindSafe(|| script.run(&mut caller, args, reply)));
            if caller.wrote {
                script.note_reach(caller.strayed);
            }
            if caller.met {
                script.met(caller.turn.mono_ns);
            }
            self.in_script = false;
            session.deny_blocking = deny_blocking;
            if session.db != db {
                session.select(db);
            }
            let (error, counted) = match ended {
                Ok(Ended::Done) => {
                    self.end_script(began, nested);
                    return ScriptEnd::Done;
                }
                Ok(Ended::WantsAll) => {
                    reply.truncate(mark);
                    self.append_unit(); // keys found past their time
                    if !self.held.take_all() {
                        return ScriptEnd::TurnedAway;
                    }
                    continue;
                }
                Ok(Ended::TooLong) => {
                    reply.truncate(mark);
                    self.append_unit();
                    self.held.release();
                    let request = OwnedRequest::copy(args.buf(), args.words());
                    submit(self.node, session, reply.is_resp3(), number, request);
                    let park = ParkOn { why: Why::Working, deadline: None, keys: None, request: None };
                    self.park(session, reply, args, number, park);
                    return ScriptEnd::Deferred;
                }
                Ok(Ended::Failed { error, counted }) => (error, counted),
                Err(panic) => (panic_error(self.node.commands.command(number), args, panic.as_ref()), false),
            };
            reply.truncate(mark);
            if counted {
                reply.error(&error);
            } else {
                self.reply_error(reply, &error);
            }
            self.end_script(began, nested);
            return ScriptEnd::Failed;
        }
    }

    /// All it did is one unit; its time is the time of its commands too.
    fn end_script(&mut self, began: u64, nested: bool) {
        if !nested {
            self.append_unit();
        }
        self.mono_ns = began;
    }

    /// A script has what this request needs: the client asks again when it has ended, or is told that it takes long.
    pub(crate) fn turned_away(&mut self, session: &mut Session, reply: &mut Reply, args: &Args, number: u16) {
        let scripts = &self.node.scripts;
        if scripts.is_over() {
            let error = scripts.busy_error();
            return self.refuse(session, reply, number, error);
        }
        scripts.turn_away();
        let deadline = Some(self.node.now().saturating_add_ms(ASK_AGAIN_MS));
        self.park(session, reply, args, number, ParkOn { why: Why::Paused, deadline, keys: None, request: None });
    }
}

fn submit(node: &Node, session: &Session, resp3: bool, command: u16, request: OwnedRequest) {
    let Some(pool) = node.scripts.pool() else { return };
    pool.submit(Deferred {
        record: Arc::clone(&session.record),
        db: session.db,
        user: session.user.clone(),
        resp3,
        no_touch: session.no_touch,
        tracking: session.tracking.clone(),
        command,
        request,
    });
}

impl Ctx<'_, '_> {
    /// When the body is done, this runs.
    pub fn run_script(&mut self, script: Box<dyn Script>) {
        self.script = Some(script);
    }

    pub fn is_on_script_thread(&self) -> bool {
        self.thread >= self.node.threads
    }

    /// Can the command be run by a script thread instead?
    pub fn may_defer(&self) -> bool {
        !self.nested && !self.session.internal && self.thread < self.node.threads && self.node.scripts.pool().is_some()
    }

    /// The command is run by a script thread, and the client waits. `return Err(ctx.defer(args))`.
    pub fn defer(&mut self, args: &Args) -> Error {
        let request = OwnedRequest::copy(args.buf(), args.words());
        submit(self.node, self.session, self.reply.is_resp3(), self.command, request);
        self.wait(Why::Working, None)
    }
}

impl Worker {
    /// Of a script thread: runs a client's command in its place and mails the reply.
    pub fn run_deferred(&mut self, work: Deferred) {
        let node = Arc::clone(&self.node);
        let Deferred { record, db, user, resp3, no_touch, tracking, command: number, request } = work;
        let mut session = Session::on_behalf_of(Arc::clone(&record), db, user);
        session.no_touch = no_touch;
        session.tracking = tracking;
        let mut reply = Reply::new();
        reply.set_resp3(resp3);
        let mut turn = Turn::new(&node, self.thread, &mut self.scratch);
        turn.begin_window();
        turn.client = Some(record.id);
        turn.rerun = true;
        let mut keys = Vec::new();
        let plan = plan::plan(&node, db, &request.buf, &request.words, &mut keys);
        let hasher = |key: &[u8]| node.keyspace.hash(key);
        let mut args = Args::new(&request.buf, &request.words, &keys, &hasher);
        args.name_words = usize::from(plan.name_words);
        let command = node.commands.command(number);
        let _ = turn.lock(command, &args, |turn| {
            turn.call(&mut session, &mut reply, &args, number, false);
            turn.serve_ready();
            turn.tell_broadcasts();
            true
        });
        let pushes = std::mem::take(&mut turn.scratch.own_pushes);
        turn.end();
        let logged = self.scratch.logged;
        let mail = match session.parked {
            None => Mail::Served(record.id, reply, logged),
            Some(_) => Mail::Resume(record.id),
        };
        node.send(&record, mail);
        for bytes in pushes {
            node.send(&record, Mail::Push(record.id, bytes));
        }
        node.scripts.call_back(&node);
    }
}

/// A turn, lent to a script.
struct Nested<'t, 'w, 'n> {
    turn: &'t mut Turn<'w, 'n>,
    session: &'t mut Session,
    /// EVAL's own words.
    request: &'t Args<'t>,
    /// Within EXEC.
    nested: bool,
    wrote: bool,
    /// Somebody else had a shard that it tried.
    met: bool,
    /// It touched a key that it does not declare, after it had written.
    strayed: bool,
    /// It keeps to the keys that it declares, as far as is known.
    trusted: bool,
}

impl Nested<'_, '_, '_> {
    fn refusal(&mut self, command: &Command, number: u16, args: &Args, rules: Rules) -> Result<(), Error> {
        let node = self.turn.node;
        if command.has(Flags::NOSCRIPT) && !node.scripts.allow_denied.load(Relaxed) {
            return Err(Error::Static("ERR This Redis command is not allowed from script"));
        }
        acl::admit_in_script(node, self.session, number, args)?;
        // Also what others would hear of: such scripts run while writes are paused.
        if command.has_any(Flags::WRITE | Flags::MAY_REPLICATE) && rules.read_only {
            return Err(Error::Static("ERR Write commands are not allowed from read-only scripts."));
        }
        let alarms = node.alarms.get();
        if alarms == 0 && node.router.get().is_none() {
            return Ok(());
        }
        if self.session.internal {
            return Ok(());
        }
        if alarms & alarm::STALE_REPLICA != 0 && !command.has(Flags::STALE) {
            return Err(Error::Static("ERR Can not execute the command on a stale replica"));
        }
        if command.is_write() {
            gates::writable(node, alarms)?;
        }
        if rules.deny_oom && command.has(Flags::DENYOOM) && !self.wrote && self.is_out_of_memory() {
            return Err(Error::Oom);
        }
        if let Some(router) = node.router.get() {
            router.route(&plan::hashes(args.planned_keys()), command.is_write(), self.session.asking)?;
        }
        Ok(())
    }

    /// The shards that a command needs and that are not held yet.
    fn take_more(&mut self, command: &Command, args: &Args) -> Result<(), Called> {
        let declared = self.request.planned_keys();
        let is_declared = |at: &KeyAt| declared.iter().any(|own| own.hash.shard() == at.hash.shard());
        self.strayed |= self.wrote && !args.planned_keys().iter().all(is_declared);
        if self.turn.held.has_all() {
            return Ok(());
        }
        match command.reach_of(self.turn.node, args) {
            Reach::Keys => {
                let mut added = false;
                for at in args.planned_keys() {
                    let shard = at.hash.shard() as u8;
                    if !self.turn.held.holds(shard) {
                        self.take(shard)?;
                        added = true;
                    }
                }
                if added && self.turn.node.clients.waiting_for_keys.load(Relaxed) > 0 {
                    return self.take_for_waiters();
                }
                Ok(())
            }
            Reach::Walk | Reach::World | Reach::ByWords(_) => {
                if !self.wrote && !self.nested {
                    return Err(Called::WantsAll);
                }
                (0..SHARDS).try_for_each(|shard| self.take(shard as u8))
            }
        }
    }

    fn take(&mut self, shard: u8) -> Result<(), Called> {
        let may_start_again = !self.wrote && !self.nested;
        // Of two scripts that want each other's shards one gives up first.
        let patience = PATIENCE + Duration::from_millis(self.turn.thread as u64);
        let patience = if may_start_again { Duration::ZERO } else { patience };
        if self.turn.held.add_later(shard, patience) {
            return Ok(());
        }
        self.met = true;
        if may_start_again {
            return Err(Called::WantsAll);
        }
        Err(Called::Refused(Error::Static(
            "TRYAGAIN The script touched a key that it does not declare in KEYS, after it had written, while another \
             client was using it. Declare all keys, or try again.",
        )))
    }

    /// The commands that wait for keys of the shards held may have to run as well.
    fn take_for_waiters(&mut self) -> Result<(), Called> {
        loop {
            let missing = self.turn.wanted_by_waiters();
            if missing.is_empty() {
                return Ok(());
            }
            missing.into_iter().try_for_each(|shard| self.take(shard))?;
        }
    }
}

impl Caller for Nested<'_, '_, '_> {
    fn call(&mut self, buf: &[u8], words: &[Word], rules: Rules, reply: &mut Reply) -> Called {
        let node = self.turn.node;
        let mut keys = std::mem::take(&mut self.turn.scratch.nested_keys);
        keys.clear();
        let plan = plan::plan(node, self.session.db, buf, words, &mut keys);
        let hasher = |key: &[u8]| node.keyspace.hash(key);
        let mut args = Args::new(buf, words, &keys, &hasher);
        args.name_words = usize::from(plan.name_words);
        if plan.command != UNKNOWN {
            self.turn.look_at(self.session, plan.command, &args, &keys);
        }
        let called = self.checked(&args, plan.command, rules, reply);
        if let Called::Refused(error) = &called {
            self.turn.count_error(error);
            if plan.command != UNKNOWN {
                node.command_stats.rejected(self.turn.thread, plan.command);
            }
        }
        self.turn.scratch.nested_keys = keys;
        called
    }

    fn may_call(&mut self, buf: &[u8], words: &[Word]) -> Result<bool, Error> {
        let node = self.turn.node;
        let mut keys = Vec::new();
        let plan = plan::plan(node, self.session.db, buf, words, &mut keys);
        let hasher = |key: &[u8]| node.keyspace.hash(key);
        let mut args = Args::new(buf, words, &keys, &hasher);
        args.name_words = usize::from(plan.name_words);
        if plan::admit(node, &plan, args.len(), &|i| args.get(i)).is_err() {
            return Err(Error::Static("ERR Invalid command passed to redis.acl_check_cmd()"));
        }
        let db = Some(self.session.db);
        Ok(acl::check(node, &mut self.session.user, db, plan.command, &args).is_ok())
    }

    fn node(&self) -> &Node {
        self.turn.node
    }

    fn session(&self) -> &Session {
        self.session
    }

    fn note_incompatible(&mut self) {
        self.turn.note_incompatible();
    }

    fn now(&self) -> UnixMs {
        self.turn.now
    }

    fn request(&self) -> Vec<&[u8]> {
        self.request.iter_from(0).collect()
    }

    fn wrote(&self) -> bool {
        self.wrote
    }

    fn mono_ns(&self) -> u64 {
        self.turn.mono_ns
    }

    fn may_defer(&self) -> bool {
        let node = self.turn.node;
        !self.wrote
            && !self.nested
            && !self.session.internal
            && self.turn.thread < node.threads
            && node.scripts.pool().is_some()
    }

    fn is_out_of_memory(&self) -> bool {
        self.turn.node.alarms.get() & alarm::MAXMEMORY != 0 && self.turn.node.memory.excess() > 0
    }
}

impl Nested<'_, '_, '_> {
    fn checked(&mut self, args: &Args, number: u16, rules: Rules, reply: &mut Reply) -> Called {
        let node = self.turn.node;
        if number == UNKNOWN {
            return Called::Refused(Error::Static("ERR Unknown Redis command called from script"));
        }
        let row = node.commands.row(number);
        let command = row.command;
        if !row.subcommands.is_empty() && args.len() > 1 {
            return Called::Refused(Error::Static("ERR Unknown Redis command called from script"));
        }
        if !command.arity.admits(args.len()) {
            return Called::Refused(Error::Static("ERR Wrong number of args calling Redis command from script"));
        }
        if let Err(error) = self.refusal(command, number, args, rules) {
            return Called::Refused(error);
        }
        if let Err(instead) = self.take_more(command, args) {
            return instead;
        }
        if command.is_write() {
            // Nothing is written yet: now it can still start again with everything, later it could be stopped halfway.
            if !self.wrote && !self.trusted && !self.nested && !self.turn.held.has_all() {
                return Called::WantsAll;
            }
            self.wrote = true;
        }
        let kept = (!rules.replicate).then(|| std::mem::take(&mut self.turn.scratch.unit));
        let mark = reply.mark();
        self.turn.call(self.session, reply, args, number, true);
        if let Some(kept) = kept {
            self.turn.scratch.unit = kept;
        }
        if self.session.parked.is_some() {
            return self.not_here(reply, mark);
        }
        Called::Ran
    }

    /// The command asked to wait, and a script cannot.
    fn not_here(&mut self, reply: &mut Reply, mark: Mark) -> Called {
        reply.truncate(mark);
        if self.session.stand_in {
            self.session.parked = None;
        } else {
            unpark(self.turn.node, self.session);
        }
        Called::Refused(Error::Static("ERR A key that the script touches is not in memory; declare it in KEYS"))
    }
}
