//! Every reason to refuse a request or to hold it back, in the order they are asked.
//!
//! lookup, arity (both in `plan.rs`), auth, ACL, cluster redirect, memory, disk health, enough
//! replicas, read-only replica, pub/sub context, stale replica, loading, busy script, messages under way, client pause.
//! A refusal inside MULTI makes the transaction dirty.

use crate::acl;
use crate::args::Args;
use crate::command::Flags;
use crate::node::{Node, alarm};
use crate::pause::Paused;
use crate::session::Session;
use crate::table::CommandNo;
use keyspace::KeyHash;
use kit::world::UnixMs;
use proto::Error;
use std::sync::atomic::Ordering::Relaxed;

// The threads of the receivers are behind: publishers ask again after this time.
const FLOOD_WAIT_MS: i64 = 2;

/// What a request does, transactions and scripts seen whole: EXEC writes when a queued command does.
#[derive(Clone, Copy)]
pub struct Intent {
    pub flags: Flags,
    pub command: CommandNo,
}

impl Intent {
    /// EXEC: its own flags and what a queued command adds, or does not allow.
    pub fn with(self, queued: Flags) -> Intent {
        const CARRIED: u32 = Flags::WRITE.0 | Flags::DENYOOM.0 | Flags::MAY_REPLICATE.0;
        const NEEDED: u32 = Flags::LOADING.0;
        Intent { flags: Flags((self.flags.0 | queued.0 & CARRIED) & (queued.0 | !NEEDED)), ..self }
    }

    fn has(self, flags: Flags) -> bool {
        self.flags.0 & flags.0 != 0
    }

    fn writes(self) -> bool {
        self.has(Flags::WRITE)
    }

    /// PUBLISH, and what announces its changes.
    fn sends_messages(self, node: &Node) -> bool {
        self.has(Flags::MAY_REPLICATE) || self.writes() && node.notify.load(Relaxed) != 0
    }
}

#[derive(Debug)]
pub enum Verdict {
    Run,
    Refuse(Error),
    /// CLIENT PAUSE, or too many messages under way: wait until then and ask again.
    Hold(UnixMs),
}

/// Asked of every request. `make_room` frees memory below `maxmemory` and says whether that worked.
#[inline]
pub fn ask(
    node: &Node,
    session: &mut Session,
    intent: Intent,
    args: &Args,
    hashes: &[KeyHash],
    now: UnixMs,
    make_room: &mut dyn FnMut() -> bool,
) -> Verdict {
    let alarms = node.alarms.get();
    // The common case: known client, nothing wrong with the node.
    let calm = alarms == 0 && session.subscriptions.is_none() && node.router.get().is_none();
    if calm && session.authenticated {
        return match acl::admit(node, session, intent.command, args) {
            Ok(()) => Verdict::Run,
            Err(error) => Verdict::Refuse(error),
        };
    }
    if session.internal {
        return Verdict::Run;
    }
    match refusal(node, session, intent, args, hashes, alarms, make_room) {
        Err(error) => Verdict::Refuse(error),
        Ok(()) => match held_back(node, intent, alarms, now) {
            Some(until) => Verdict::Hold(until),
            None => Verdict::Run,
        },
    }
}

fn refusal(
    node: &Node,
    session: &mut Session,
    intent: Intent,
    args: &Args,
    hashes: &[KeyHash],
    alarms: u32,
    make_room: &mut dyn FnMut() -> bool,
) -> Result<(), Error> {
    let on = |alarm: u32| alarms & alarm != 0;
    refuse_if(!intent.has(Flags::NO_AUTH) && !is_known(node, session), || Error::NoAuth)?;
    acl::admit(node, session, intent.command, args)?;
    if let Some(router) = node.router.get() {
        router.route(hashes, intent.writes(), session.asking)?;
    }
    refuse_if(on(alarm::MAXMEMORY) && !make_room() && intent.has(Flags::DENYOOM), || Error::Oom)?;
    if intent.writes() {
        writable(node, alarms)?;
    }
    refuse_if(only_listens(session) && !intent.has(Flags::IN_PUBSUB), || listens_error(node, intent))?;
    refuse_if(on(alarm::STALE_REPLICA) && !intent.has(Flags::STALE), || Error::MasterDown)?;
    refuse_if(on(alarm::LOADING) && !intent.has(Flags::LOADING), || Error::Loading)?;
    refuse_if(on(alarm::ASYNC_LOADING) && intent.has(Flags::NO_ASYNC_LOADING), || Error::Loading)?;
    refuse_if(on(alarm::BUSY_SCRIPT) && !intent.has(Flags::ALLOW_BUSY), || node.scripts.busy_error())?;
    Ok(())
}

/// May anything be written now? Scripts ask for each of their commands.
pub fn writable(node: &Node, alarms: u32) -> Result<(), Error> {
    let on = |alarm: u32| alarms & alarm != 0;
    refuse_if(on(alarm::DISK), || disk_error(node))?;
    refuse_if(on(alarm::SAVE), save_error)?;
    refuse_if(on(alarm::TOO_FEW_REPLICAS), || Error::NoReplicas)?;
    refuse_if(on(alarm::READ_ONLY_REPLICA), || Error::ReadOnly)?;
    Ok(())
}

fn held_back(node: &Node, intent: Intent, alarms: u32, now: UnixMs) -> Option<UnixMs> {
    if alarms & alarm::MESSAGES != 0 && intent.sends_messages(node) && node.pubsub.is_flooded(&node.alarms) {
        return Some(now.saturating_add_ms(FLOOD_WAIT_MS));
    }
    if alarms & alarm::PAUSED == 0 {
        return None;
    }
    let changes = intent.writes() || intent.has(Flags::MAY_REPLICATE);
    match node.pause.state(&node.alarms, now) {
        (Paused::All, until) => Some(until),
        (Paused::Writes, until) if changes => Some(until),
        (Paused::Writes | Paused::No, _) => None,
    }
}

/// It said who it is, or need not: the default user is open (again).
fn is_known(node: &Node, session: &Session) -> bool {
    session.authenticated || node.acl.default_is_open()
}

/// A client of RESP2 could not tell messages from replies: while it listens it does little else.
fn only_listens(session: &Session) -> bool {
    session.subscriptions.is_some() && session.record.resp.load(Relaxed) == 2
}

fn listens_error(node: &Node, intent: Intent) -> Error {
    let name = &node.commands.row(intent.command).full_name;
    Error::text(format!(
        "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
         this context"
    ))
}

/// The log's trouble first: it says what happened, where, and how much room is left.
fn disk_error(node: &Node) -> Error {
    match node.log.trouble() {
        Some(trouble) => Error::text(trouble.misconf()),
        None => Error::MisConf("Errors writing to disk: see the log. Writes are refused until it heals.".into()),
    }
}

fn save_error() -> Error {
    Error::MisConf(
        "Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may \
         modify the data set are disabled, because this instance is configured to report errors during writes if RDB \
         snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the \
         RDB error."
            .into(),
    )
}

fn refuse_if(refuse: bool, error: impl FnOnce() -> Error) -> Result<(), Error> {
    if refuse { Err(error()) } else { Ok(()) }
}
