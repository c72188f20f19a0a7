//! Who saves: one thread that writes snapshots, one after the other, and looks at the save points between them.
//!
//! A command begins its snapshot itself, so that it shows the moment of the command; the thread does the rest. What the
//! thread begins by itself (save points, what was scheduled) begins under the world lock.
//! Always true: one walk at a time; `running` says whose. The state's lock is a leaf: nothing is locked under it.

use crate::aof::{self, Begun, FolderLock, Way};
use crate::commands_form::{self, Commands};
use crate::file::{self, Control, Failure, Plan};
use crate::form::RdbForm;
use crate::load::progress::Loading;
use crate::load::start::snapshot_path;
use crate::walk::{Form, Moment};
use crate::{ThresholdsOf, options, points};
use exec::Node;
use exec::db::Db;
use exec::node::{ShardExt, alarm};
use exec::seams::{Reload, Saved, Start};
use keyspace::{SHARDS, Shard};
use log::Base;
use parking_lot::{Condvar, Mutex};
use proto::Error;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A node's snapshots: `Node::saver`.
pub struct Snapshots {
    pub(crate) node: Weak<Node>,
    pub(crate) itself: Weak<Snapshots>,
    pub(crate) state: Mutex<State>,
    /// Rung when there is work, and when some is done.
    pub(crate) bell: Condvar,
    pub(crate) loading: Loading,
    pub(crate) thresholds: ThresholdsOf,
    pub(crate) folder: FolderLock,
    /// Whoever turns the log off, until it is closed.
    pub(crate) off_turn: Mutex<()>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum What {
    /// The RDB file.
    Snapshot,
    /// The base of the append-only file.
    Rewrite,
}

pub(crate) struct State {
    job: Option<Job>,
    /// `running` is a rewrite that was claimed: the keeper begins it.
    rewrite_claimed: bool,
    /// DEBUG RELOAD, in order.
    reloads: VecDeque<(Reload, Saved)>,
    pub drop_history: bool,
    /// Who wants to hear when the log is on or off, as CONFIG SET said.
    pub log_waiters: Vec<Saved>,
    pub running: Option<Running>,
    pub save_scheduled: bool,
    pub rewrite_scheduled: bool,
    pub saved: Record,
    pub rewritten: Record,
    /// Changes that FLUSHALL took off `Node::dirty` because the empty data will be saved: should that fail, they count
    /// again.
    pub flushed: u64,
    pub early_bytes_peak: u64,
    stop: bool,
    /// The thread has ended.
    ended: bool,
}

/// How it went so far. Times in milliseconds of the clock that never jumps.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub ok: bool,
    pub tried_ms: Option<i64>,
    pub took_ms: Option<i64>,
    pub count: u64,
    pub failures_in_a_row: u64,
    pub early_bytes: u64,
}

pub(crate) struct Running {
    pub what: What,
    pub since_ms: i64,
    pub control: Arc<Control>,
    /// Its walk has begun.
    begun: bool,
}

enum Next {
    Job(Box<Job>),
    Rewrite,
    Reload(Reload, Saved),
    Tick,
}

impl State {
    fn has_work(&self) -> bool {
        self.job.is_some() || self.rewrite_claimed || !self.reloads.is_empty() || self.stop
    }

    fn next(&mut self) -> Next {
        if let Some(job) = self.job.take() {
            return Next::Job(Box::new(job));
        }
        if std::mem::take(&mut self.rewrite_claimed) {
            return Next::Rewrite;
        }
        match self.reloads.pop_front() {
            Some((reload, done)) => Next::Reload(reload, done),
            None => Next::Tick,
        }
    }

    /// A snapshot has ended that began after these changes of FLUSHALL.
    fn settle_flushed(&mut self, node: &Node, flushed: u64, saved: bool) {
        let goes_on = self.save_scheduled || self.running.is_some();
        if saved || !goes_on {
            let flushed = flushed.min(self.flushed);
            self.flushed -= flushed;
            node.dirty.fetch_add(if saved { 0 } else { flushed }, Relaxed);
        }
    }

    /// BGREWRITEAOF and its like: runs at once if nothing does, else afterwards.
    pub(crate) fn claim_rewrite(&mut self) {
        if self.running.is_some() {
            self.rewrite_scheduled |= self.running.as_ref().is_some_and(|running| running.what == What::Snapshot);
            return;
        }
        self.rewrite_claimed = true;
        self.rewrite_scheduled = false;
        self.running =
            Some(Running { what: What::Rewrite, since_ms: 0, control: Arc::new(Control::default()), begun: false });
    }
}

/// A snapshot that has begun.
pub(crate) struct Job {
    what: What,
    plan: Plan,
    moment: Moment,
    control: Arc<Control>,
    since_ms: i64,
    /// Changes that it holds.
    dirty: u64,
    /// And of `State::flushed`.
    flushed: u64,
    done: Option<Saved>,
    asked_by: AskedBy,
    rewrite: Option<Begun>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AskedBy {
    /// Waits for it.
    Save,
    Background,
    /// The end of the process, DEBUG RELOAD, the start.
    Nobody,
}

const TICK: Duration = Duration::from_millis(100);
/// The end of the process does not wait longer.
const END_TICKS_MAX: u32 = 20;
const CANCEL_TICKS_MAX: u32 = 10;
/// After a failure the save points wait so long.
const RETRY_MS: i64 = 5000;

impl Default for Record {
    fn default() -> Record {
        Record { ok: true, tried_ms: None, took_ms: None, count: 0, failures_in_a_row: 0, early_bytes: 0 }
    }
}

impl Snapshots {
    pub(crate) fn new(node: &Arc<Node>, thresholds: ThresholdsOf) -> Arc<Snapshots> {
        let state = State {
            job: None,
            rewrite_claimed: false,
            reloads: VecDeque::new(),
            drop_history: false,
            log_waiters: Vec::new(),
            running: None,
            save_scheduled: false,
            rewrite_scheduled: false,
            saved: Record::default(),
            rewritten: Record::default(),
            flushed: 0,
            early_bytes_peak: 0,
            stop: false,
            ended: false,
        };
        Arc::new_cyclic(|itself| Snapshots {
            itself: itself.clone(),
            node: Arc::downgrade(node),
            state: Mutex::new(state),
            bell: Condvar::new(),
            loading: Loading::default(),
            thresholds,
            folder: FolderLock::default(),
            off_turn: Mutex::default(),
        })
    }

    /// The thread's body; ends when the node is gone.
    pub(crate) fn keep(&self) {
        while let Some((node, next)) = self.wait_for_work() {
            let done = catch_unwind(AssertUnwindSafe(|| match next {
                // What became of it is in the state and in the log.
                Next::Job(job) => drop(self.work(&node, *job)),
                Next::Rewrite => self.rewrite(&node),
                Next::Reload(reload, done) => done(self.reload_now(&node, reload)),
                Next::Tick => self.tick(&node),
            }));
            if done.is_err() {
                self.recover(&node);
            }
            self.tell_log_waiters(&node, None);
        }
        self.state.lock().ended = true;
        self.bell.notify_all();
    }

    fn wait_for_work(&self) -> Option<(Arc<Node>, Next)> {
        let mut state = self.state.lock();
        if !state.has_work() {
            self.bell.wait_for(&mut state, TICK);
        }
        if state.stop {
            return None;
        }
        let next = state.next();
        Some((self.node.upgrade()?, next))
    }

    /// A mistake of ours ended what was being done: the walk must not go on collecting, and the next one may come.
    fn recover(&self, node: &Node) {
        kit::warning!("Saving ended by a mistake of the server's");
        node.keyspace.walk_cancel();
        node.walk_waiters.set_walking(false);
        node.walk_waiters.wake(node);
        node.log.set_rewriting(false);
        let mut state = self.state.lock();
        let record = match state.running.take().map(|running| running.what) {
            Some(What::Rewrite) => &mut state.rewritten,
            Some(What::Snapshot) | None => &mut state.saved,
        };
        record.ok = false;
        record.failures_in_a_row += 1;
        drop(state);
        self.apply(node);
        self.bell.notify_all();
    }

    /// Stops the thread and waits until it has ended. The world is not locked.
    pub(crate) fn end(&self) {
        self.loading.stop.store(true, Relaxed);
        // A script that never ends keeps its shards, and a walk that comes to one of them does not end either.
        let cancelled = self.cancel_running_within(CANCEL_TICKS_MAX);
        let mut state = self.state.lock();
        state.stop = true;
        self.bell.notify_all();
        for _ in 0..END_TICKS_MAX {
            if state.ended || !cancelled {
                break;
            }
            self.bell.wait_for(&mut state, TICK);
        }
    }

    // ---- beginning -------------------------------------------------------------------------------------

    pub(crate) fn start_for(&self, db: &mut Db, start: Start, done: Option<Saved>) -> Result<&'static str, Error> {
        let Some(node) = self.node.upgrade() else { return Err(Error::Static("ERR this server ends")) };
        {
            let mut state = self.state.lock();
            let busy = state.running.as_ref().map(|running| running.what);
            match (start, busy) {
                (Start::Cancel, _) => return cancel(&mut state),
                (Start::Save | Start::Background { .. }, Some(What::Snapshot)) => {
                    return Err(Error::Static("ERR Background save already in progress"));
                }
                (Start::Background { schedule: true }, Some(What::Rewrite)) => {
                    state.save_scheduled = true;
                    return Ok("Background saving scheduled");
                }
                (Start::Background { schedule: false }, Some(What::Rewrite)) => {
                    return Err(Error::Static(
                        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in \
                         order to schedule a BGSAVE whenever possible.",
                    ));
                }
                (Start::Save, Some(What::Rewrite)) => {
                    return Err(Error::Static(
                        "ERR the append-only file is being rewritten: SAVE is possible when that is done",
                    ));
                }
                (Start::Rewrite, Some(What::Rewrite)) => {
                    return Err(Error::Static("ERR Background append only file rewriting already in progress"));
                }
                (Start::Rewrite, Some(What::Snapshot)) => {
                    state.rewrite_scheduled = true;
                    // A rewrite that somebody asks for is tried at once, however often it failed.
                    state.rewritten.failures_in_a_row = 0;
                    return Ok("Background append only file rewriting scheduled");
                }
                (Start::Rewrite, None) => {
                    state.claim_rewrite();
                    state.rewritten.failures_in_a_row = 0;
                    drop(state);
                    self.bell.notify_all();
                    return Ok("Background append only file rewriting started");
                }
                (Start::Save | Start::Background { .. }, None) => {}
            }
        }
        let asked_by = if start == Start::Save { AskedBy::Save } else { AskedBy::Background };
        let each = |look: &mut dyn FnMut(&mut Shard<ShardExt>)| db.each_shard(|_, shard| look(shard));
        let job = self.begin(&node, asked_by, done, None, each);
        self.hand_over(job);
        Ok("Background saving started")
    }

    /// After FLUSHALL. The world is locked, nothing runs.
    pub(crate) fn save_nothing(&self, node: &Node, db: &mut Db, done: Option<Saved>) {
        let each = |look: &mut dyn FnMut(&mut Shard<ShardExt>)| db.each_shard(|_, shard| look(shard));
        let job = self.begin(node, AskedBy::Background, done, None, each);
        self.hand_over(job);
    }

    /// A snapshot that the keeper begins by itself.
    fn begin_alone(&self, node: &Node) {
        let world = node.world.exclusive();
        // A command may have been faster.
        if self.state.lock().running.is_some() {
            return;
        }
        let job = self.begin(node, AskedBy::Background, None, None, |look| all_shards(node, look));
        drop(world);
        drop(self.work(node, job));
    }

    /// The rewrite that was claimed.
    fn rewrite(&self, node: &Node) {
        let Some(claim) = self.state.lock().running.as_ref().map(|running| running.control.clone()) else { return };
        self.turn_off_if_unwanted(node); // asked for before the rewrite was
        let way = match (node.config.get(&options::APPEND_ONLY), node.log.is_on()) {
            (_, true) => Way::Rewrite,
            (true, false) => Way::TurnOn,
            (false, false) => Way::Alone,
        };
        let prepared = match self.folder.take(node).and_then(|()| aof::prepare(&node.log, way)) {
            Ok(prepared) => prepared,
            Err(error) => {
                kit::warning!("Can't rewrite the append-only file: {error}");
                self.folder.release_if_off(node);
                let mut state = self.state.lock();
                state.running = None;
                state.rewritten.ok = false;
                state.rewritten.failures_in_a_row += 1;
                state.rewritten.tried_ms = Some(now_ms(node));
                drop(state);
                return self.tell_log_waiters(node, Some(&error));
            }
        };
        let job = {
            let _world = node.world.exclusive();
            let mut state = self.state.lock();
            let is_mine = state.running.as_ref().is_some_and(|running| Arc::ptr_eq(&running.control, &claim));
            if !is_mine {
                // The end of the process came between, and was put off.
                state.rewrite_scheduled = true;
                return;
            }
            if claim.cancel.load(Relaxed) {
                state.running = None;
                drop(state);
                return self.folder.release_if_off(node);
            }
            drop(state);
            let begun = aof::begin(node, way, prepared);
            self.begin(node, AskedBy::Background, None, Some(begun), |look| all_shards(node, look))
        };
        self.tell_log_waiters(node, None);
        drop(self.work(node, job));
        self.folder.release_if_off(node);
    }

    #[cfg(test)]
    pub(crate) fn begin_for_test(&self, node: &Node) -> Job {
        self.begin(node, AskedBy::Background, None, None, |look| all_shards(node, look))
    }

    /// Marks it as running and starts the walk. The world is locked.
    pub(crate) fn begin(
        &self,
        node: &Node,
        asked_by: AskedBy,
        done: Option<Saved>,
        rewrite: Option<Begun>,
        each_shard: impl FnOnce(&mut dyn FnMut(&mut Shard<ShardExt>)),
    ) -> Job {
        let what = if rewrite.is_some() { What::Rewrite } else { What::Snapshot };
        let control = Arc::new(Control::default());
        let commands = rewrite.as_ref().is_some_and(|begun| begun.as_commands);
        let rdb = Arc::new(RdbForm::choose(node));
        let form: Arc<dyn Form> = if commands { Arc::new(Commands) } else { rdb.clone() };
        let moment = Moment::begin(node, form.clone(), control.counts.clone(), each_shard);
        let head = match commands {
            true => commands_form::head(node),
            false => rdb.head(node, &moment.databases, rewrite.is_some()),
        };
        let plan = Plan {
            path: snapshot_path(node),
            temp: rewrite.as_ref().map_or_else(file::temp_name, |begun| begun.temp.clone()),
            form,
            head,
            rdb_end: !commands,
            checksum: node.config.get(&options::CHECKSUM),
        };
        let since_ms = now_ms(node);
        let mut state = self.state.lock();
        state.running = Some(Running { what, since_ms, control: control.clone(), begun: true });
        state.early_bytes_peak = 0;
        match what {
            What::Snapshot => {
                state.save_scheduled = false;
                state.saved.tried_ms = Some(since_ms);
            }
            What::Rewrite => {
                state.rewrite_scheduled = false;
                state.rewritten.tried_ms = Some(since_ms);
            }
        }
        drop(state);
        match (what, asked_by) {
            (What::Snapshot, AskedBy::Background) => {
                kit::notice!("Background saving started by pid {}", std::process::id());
            }
            (What::Rewrite, AskedBy::Background) => {
                kit::notice!("Background append only file rewriting started by pid {}", std::process::id());
            }
            (_, AskedBy::Save | AskedBy::Nobody) => {}
        }
        let (dirty, flushed) = (node.dirty.load(Relaxed), self.state.lock().flushed);
        Job { what, plan, moment, control, since_ms, dirty, flushed, done, asked_by, rewrite }
    }

    fn hand_over(&self, job: Job) {
        self.state.lock().job = Some(job);
        self.bell.notify_all();
    }

    // ---- doing -----------------------------------------------------------------------------------------

    pub(crate) fn work(&self, node: &Node, job: Job) -> Result<(), Failure> {
        let Job { what, plan, moment, control, since_ms, dirty, flushed, done, asked_by, rewrite } = job;
        node.log.set_rewriting(true);
        let written = file::write(node, &plan, moment, &control);
        node.log.set_rewriting(false);
        let outcome = written.and_then(|_| match &rewrite {
            None => file::publish(&*node.disk, &plan),
            Some(begun) => aof::finish(node, begun, &plan),
        });
        if outcome.is_ok() && what == What::Snapshot {
            node.dirty.fetch_update(Relaxed, Relaxed, |now| Some(now.saturating_sub(dirty))).unwrap_or_default();
            node.last_save_ms.store(node.now().0, Relaxed);
            kit::notice!("DB saved on disk");
        }
        let early_bytes = control.counts.early_bytes.load(Relaxed);
        let took_ms = now_ms(node) - since_ms;
        {
            let mut state = self.state.lock();
            let record = if what == What::Snapshot { &mut state.saved } else { &mut state.rewritten };
            record.took_ms = Some(took_ms);
            record.early_bytes = early_bytes;
            match &outcome {
                Ok(()) => {
                    record.ok = true;
                    record.count += 1;
                    record.failures_in_a_row = 0;
                }
                Err(Failure::Cancelled) => {}
                Err(Failure::Failed(_)) => {
                    record.ok = false;
                    record.failures_in_a_row += 1;
                }
            }
            // The end of the process may have put its own in this place.
            if state.running.as_ref().is_some_and(|running| Arc::ptr_eq(&running.control, &control)) {
                state.running = None;
            }
            if what == What::Snapshot {
                state.settle_flushed(node, flushed, outcome.is_ok());
            }
        }
        self.bell.notify_all();
        // Not before: who has the world locked may be waiting for `running` to end.
        if let (Err(_), Some(begun)) = (&outcome, &rewrite) {
            aof::undo(node, begun);
        }
        self.apply(node);
        tell(what, asked_by, &outcome, took_ms, early_bytes);
        if let Some(done) = done {
            done(match &outcome {
                Ok(()) => Ok(()),
                Err(Failure::Cancelled) => Err("it was cancelled".into()),
                Err(Failure::Failed(why)) => Err(why.clone()),
            });
        }
        outcome
    }

    /// Refuses writes while the last snapshot failed, or lets them through again.
    pub(crate) fn apply(&self, node: &Node) {
        let failed = !self.state.lock().saved.ok;
        let refuse = failed && node.config.get(&options::STOP_WRITES) && points::any(node);
        node.alarms.set(alarm::SAVE, refuse);
    }

    /// Ten times a second: what is due?
    fn tick(&self, node: &Node) {
        self.turn_off_if_unwanted(node);
        if node.alarms.get() & alarm::LOADING != 0 || node.cron_paused.load(Relaxed) {
            return;
        }
        let (save, rewrite, saved, rewritten, drop_history) = {
            let mut state = self.state.lock();
            let drop_history = std::mem::take(&mut state.drop_history);
            (state.save_scheduled, state.rewrite_scheduled, state.saved, state.rewritten, drop_history)
        };
        if drop_history && let Err(error) = node.log.drop_history() {
            kit::warning!("Replaced parts of the append-only file could not be removed: {error}");
        }
        let wanted = node.config.get(&options::APPEND_ONLY);
        let may_retry = |record: &Record| record.ok || record.tried_ms.is_none_or(|at| now_ms(node) - at > RETRY_MS);
        let turns_on = wanted && !node.log.is_on() && may_retry(&rewritten);
        if rewrite && may_retry(&rewritten)
            || turns_on && !aof::must_wait(node, &rewritten)
            || aof::is_due(node, &rewritten)
        {
            self.state.lock().claim_rewrite();
            return;
        }
        if save && may_retry(&saved) {
            return self.begin_alone(node);
        }
        let secs = node.now().since_ms(kit::world::UnixMs(node.last_save_ms.load(Relaxed))) / 1000;
        let changes = node.dirty.load(Relaxed);
        if may_retry(&saved)
            && changes > 0
            && let Some(point) = points::reached(&points::all(node), secs, changes)
        {
            kit::notice!("{} changes in {} seconds. Saving...", point.changes, point.secs);
            self.begin_alone(node);
        }
    }

    /// DEBUG RELOAD and LOADAOF.
    pub(crate) fn ask_reload(&self, reload: Reload, done: Saved) {
        self.state.lock().reloads.push_back((reload, done));
        self.bell.notify_all();
    }

    // ---- ending ----------------------------------------------------------------------------------------

    /// Stops a walk that has begun, and waits until it has stopped. Not under a shard's lock.
    pub(crate) fn cancel_running(&self) {
        self.cancel_running_within(u32::MAX);
    }

    /// False when it has not stopped after so many ticks.
    fn cancel_running_within(&self, ticks: u32) -> bool {
        let mut state = self.state.lock();
        let Some(running) = state.running.as_ref().filter(|running| running.begun) else { return true };
        running.control.cancel.store(true, Relaxed);
        let control = running.control.clone();
        // Nobody has begun to write it, and the keeper may be waiting for the world: it goes with its walk.
        if let Some(job) = state.job.take() {
            state.running = None;
            drop(state);
            self.drop_job(job);
            return true;
        }
        for _ in 0..ticks {
            if state.running.as_ref().is_none_or(|running| !Arc::ptr_eq(&running.control, &control)) {
                return true;
            }
            self.bell.wait_for(&mut state, TICK);
        }
        false
    }

    /// A command's snapshot, which the keeper has not picked up yet.
    fn drop_job(&self, job: Job) {
        if let Some(node) = self.node.upgrade() {
            job.moment.give_up(&node);
        }
        if let Some(done) = job.done {
            done(Err("it was cancelled".into()));
        }
    }

    /// Saves while nothing else runs. The world is locked, no shard is.
    pub(crate) fn save_now(&self, node: &Node) -> Result<(), String> {
        self.cancel_running();
        let job = self.begin(node, AskedBy::Nobody, None, None, |look| all_shards(node, look));
        match self.work(node, job) {
            Ok(()) => Ok(()),
            Err(Failure::Cancelled) => Err("it was cancelled".into()),
            Err(Failure::Failed(why)) => Err(why),
        }
    }

    /// The first base of the append-only file: written as `Log::begin` wants it. Clients are kept out.
    pub(crate) fn first_base(&self, node: &Node) -> Result<Base, String> {
        let world = node.world.exclusive();
        let begun = Begun::first(node);
        let base = begun.base();
        let job = self.begin(node, AskedBy::Nobody, None, Some(begun), |look| all_shards(node, look));
        drop(world);
        let written = file::write(node, &job.plan, job.moment, &job.control);
        self.state.lock().running = None;
        match written {
            Ok(_) => Ok(base),
            Err(Failure::Cancelled) => Err("it was cancelled".into()),
            Err(Failure::Failed(why)) => Err(why),
        }
    }
}

/// Under the world lock.
fn all_shards(node: &Node, look: &mut dyn FnMut(&mut Shard<ShardExt>)) {
    (0..SHARDS).for_each(|shard| look(&mut node.keyspace.lock(shard)));
}

fn cancel(state: &mut State) -> Result<&'static str, Error> {
    match &state.running {
        Some(running) if running.what == What::Snapshot => {
            kit::notice!("Background saving will be aborted due to user request");
            running.control.cancel.store(true, Relaxed);
            Ok("Background saving cancelled")
        }
        Some(_) | None if state.save_scheduled => {
            kit::notice!("Scheduled background saving will be cancelled due to user request");
            state.save_scheduled = false;
            Ok("Scheduled background saving cancelled")
        }
        Some(_) | None => Err(Error::Static("ERR Background saving is currently not in progress or scheduled")),
    }
}

fn tell(what: What, asked_by: AskedBy, outcome: &Result<(), Failure>, took_ms: i64, early_bytes: u64) {
    let name = match (what, asked_by) {
        (What::Snapshot, AskedBy::Background) => "Background saving",
        (What::Snapshot, AskedBy::Save | AskedBy::Nobody) => "Saving",
        (What::Rewrite, _) => "Background AOF rewrite",
    };
    match outcome {
        Ok(()) => kit::notice!(
            "{name} terminated with success ({}.{:03} seconds, {early_bytes} bytes kept for what changed meanwhile)",
            took_ms / 1000,
            took_ms % 1000
        ),
        Err(Failure::Cancelled) => kit::warning!("{name} terminated by request"),
        Err(Failure::Failed(why)) => kit::warning!("{name} error: {why}"),
    }
}

pub(crate) fn now_ms(node: &Node) -> i64 {
    (node.clock.mono_ns() / 1_000_000) as i64
}
