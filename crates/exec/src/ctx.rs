//! Everything a command's body may use.
//!
//! A body is a plain synchronous function. It reads and changes keys through `ctx.db`, answers
//! through `ctx.reply`, and knows nothing of sockets, locks, files, threads or the clock. It may
//! be run again when a key had to be brought in: it looks everything up first and changes afterwards.

use crate::args::Key;
use crate::block::{Ready, WaitFor};
use crate::changes::{Effect, KeyName};
use crate::db::Db;
use crate::node::Node;
use crate::script::Script;
use crate::seams::Mail;
use crate::session::{OwnedRequest, Session, Why};
use kit::metric::Tally;
use kit::world::{Rng, UnixMs};
use parking_lot::Mutex;
use proto::{Error, Reply};
use std::any::Any;
use std::sync::Arc;

pub struct Ctx<'a, 'n> {
    pub db: Db<'a, 'n>,
    pub reply: &'a mut Reply,
    pub session: &'a mut Session,
    pub node: &'n Node,
    /// Number of this command in the node's table.
    pub command: u16,
    /// The event-loop thread it runs on.
    pub thread: usize,
    /// Runs inside EXEC (or a script).
    pub nested: bool,
    /// A script calls it.
    pub in_script: bool,
    pub(crate) frozen_us: &'a mut Option<i64>,
    pub(crate) park: Option<ParkOn>,
    pub(crate) run_queue: bool,
    pub(crate) script: Option<Box<dyn Script>>,
}

/// Of work done elsewhere; empty until it is done.
type Outcome<T> = Arc<Mutex<Option<T>>>;

/// Why and until when a body asked to wait.
pub struct ParkOn {
    pub why: Why,
    pub deadline: Option<UnixMs>,
    /// The keys it waits for, when it does.
    pub keys: Option<WaitFor>,
    /// The words to be run again, when they are not those that came.
    pub request: Option<OwnedRequest>,
}

impl Ctx<'_, '_> {
    /// One time for the whole command.
    pub fn now(&self) -> UnixMs {
        self.db.now
    }

    /// The clock for TIME: in a script or transaction it stands still.
    pub fn now_us(&mut self) -> i64 {
        let clock = &self.node.clock;
        if self.nested { *self.frozen_us.get_or_insert_with(|| clock.unix_us()) } else { clock.unix_us() }
    }

    pub fn rng(&mut self) -> &mut Rng {
        self.db.rng()
    }

    pub fn tally(&self) -> &Tally {
        self.db.tally
    }

    /// The log reproduces this command by these words instead of its own (relative times, chance).
    pub fn replay_as(&mut self, words: &[&[u8]]) {
        if !self.node.log.is_on() {
            return;
        }
        self.db.changes.effect = Effect::Instead;
        self.db.changes.instead.push(self.db.index, words.iter().copied());
    }

    /// The command goes to the log even when it changed no key.
    pub fn replay_always(&mut self) {
        if self.db.changes.effect == Effect::AsCalled {
            self.db.changes.effect = Effect::AsCalledAlways;
        }
    }

    /// The same for what changes no data (PUBLISH): for those who read along, not for the file.
    pub fn replay_to_followers(&mut self) {
        if self.node.log.is_followed() {
            self.replay_always();
        }
    }

    /// Counts as this many changes beyond the keys touched.
    pub fn dirty(&mut self, count: u64) {
        self.db.changes.dirty_extra += count;
    }

    /// Counts as this many changes, however many keys were touched.
    pub fn dirty_in_all(&mut self, count: u64) {
        self.db.changes.dirty_in_all = Some(count);
    }

    /// EXEC: the queued commands run when this body is done.
    pub fn run_queue(&mut self) {
        self.run_queue = true;
    }

    /// The client waits; its command is run again when it is resumed. Returned as an error:
    /// `return Err(ctx.wait(Why::Blocked, deadline))`.
    pub fn wait(&mut self, why: Why, deadline: Option<UnixMs>) -> Error {
        self.park = Some(ParkOn { why, deadline, keys: None, request: None });
        Error::Park
    }

    /// The client's reply comes when all that was handed to the freer has been freed. Counts as a run of the command.
    pub fn wait_for_freer(&mut self) -> Error {
        self.node.command_stats.ran(self.thread, self.command, 0, false, false);
        let (client, node, resp3) = (Arc::clone(&self.session.record), self.node.itself.clone(), self.reply.is_resp3());
        self.node.freer.then(move || {
            if let Some(node) = node.upgrade() {
                let mut reply = Reply::new();
                reply.set_resp3(resp3);
                reply.ok();
                node.send(&client, Mail::Served(client.id, reply, 0));
            }
        });
        self.wait(Why::Working, None)
    }

    /// Leaves something for the next run of this command of this client: it parked, and will be run again.
    pub fn carry<T: Any + Send>(&mut self, what: T) {
        self.session.carry = Some((self.command, Box::new(what)));
    }

    /// What the run before left.
    pub fn carried<T: Any + Send>(&mut self) -> Option<T> {
        let (_, what) = self.session.carry.take().filter(|(command, _)| *command == self.command)?;
        what.downcast().ok().map(|what| *what)
    }

    /// The client waits while `job` runs on a thread of its own, where it may do what no body may (sockets, files);
    /// then the command is run again and finds the outcome by `worked`. `return Err(ctx.work(…))`.
    pub fn work<T: Send + 'static>(&mut self, job: impl FnOnce() -> T + Send + 'static) -> Error {
        let outcome: Outcome<T> = Arc::default();
        let (to, client, node) = (Arc::clone(&outcome), Arc::clone(&self.session.record), self.node.itself.clone());
        let run = move || {
            let result = job();
            *to.lock() = Some(result);
            if let Some(node) = node.upgrade() {
                node.send(&client, Mail::Resume(client.id));
            }
        };
        match std::thread::Builder::new().name("work".into()).spawn(run) {
            Ok(_) => {
                self.carry(outcome);
                self.wait(Why::Working, None)
            }
            Err(error) => Error::text(format!("ERR no thread for the work of this command: {error}")),
        }
    }

    /// The outcome of `work`.
    pub fn worked<T: Send + 'static>(&mut self) -> Option<T> {
        self.carried::<Outcome<T>>()?.lock().take()
    }

    /// May this command wait? Not in a transaction or script, and not when its time is over: then it
    /// answers as if nothing had come.
    pub fn may_wait(&self) -> bool {
        !self.nested && !self.session.deny_blocking
    }

    /// The client waits until one of these keys is `ready`, or the deadline. The keys are among those
    /// that the command declares. `return Err(ctx.wait_for(…))`.
    pub fn wait_for(&mut self, keys: &[Key], ready: Ready, deadline: Option<UnixMs>) -> Error {
        let db = self.db.index;
        let keys = keys.iter().map(|key| KeyName { db, hash: key.hash, key: key.bytes.into() }).collect();
        self.park = Some(ParkOn { why: Why::Blocked, deadline, keys: Some(WaitFor { keys, ready }), request: None });
        Error::Park
    }

    /// After `wait_for`: these words are run again instead of those that came. The keys stand where they stood
    /// (XREAD, whose `$` is the last entry at the time it began to wait).
    pub fn resume_as(&mut self, words: &[&[u8]]) {
        if let Some(park) = &mut self.park {
            park.request = Some(OwnedRequest::from_words(words));
        }
    }
}
