//! One server: everything its threads share.
//!
//! There is no global state beside it, so a process may hold many nodes (tests do). What a node
//! needs from the floors above is plugged in once, at start (`seams.rs`).

use crate::acl::Acl;
use crate::client::{ClientId, ClientRecord, Clients};
use crate::command::Command;
use crate::errors::ErrorStats;
use crate::free::Freer;
use crate::held::{HELPERS, World};
use crate::held_answers::HeldAnswers;
use crate::latency::LatencyLog;
use crate::links::Links;
use crate::lock_waits::LockWaits;
use crate::memory::Memory;
use crate::options;
use crate::pause::{Pause, Paused};
use crate::pubsub::PubSub;
use crate::sample::{self, Samples};
use crate::scripts::{self, Codes, Scripts};
use crate::seams::{Mail, Mailbox, Process, Router, Saver, Tier};
use crate::session::{WatchToken, WatchedKey};
use crate::slowlog::SlowLog;
use crate::stats::CommandStats;
use crate::table::CommandTable;
use crate::tracking::{Tracked, Tracking};
use keyspace::{KeyHash, Keyspace, Placement};
use kit::metric::{AnyMetric, Tallies};
use kit::opt::Config;
use kit::world::{Clock, Disk, Rng, UnixMs};
use log::Log;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};

/// What a node is made from.
pub struct Parts {
    pub commands: Vec<&'static [&'static Command]>,
    pub metrics: Vec<&'static [&'static dyn AnyMetric]>,
    pub clock: Arc<dyn Clock>,
    pub disk: Arc<dyn Disk>,
    pub log: Arc<Log>,
    pub threads: usize,
    pub seed: u64,
}

/// What the executor keeps with each shard, under the shard's lock.
#[derive(Default)]
pub struct ShardExt {
    pub(crate) waiting: crate::block::Waiting,
    pub(crate) tracked: Tracked,
    pub watchers: HashMap<(u16, KeyHash), Vec<Watcher>>,
}

pub struct Watcher {
    pub token: Arc<WatchToken>,
    pub key: Arc<WatchedKey>,
}

pub struct Node {
    pub keyspace: Keyspace<ShardExt>,
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub disk: Arc<dyn Disk>,
    pub commands: CommandTable,
    pub threads: usize,
    pub databases: usize,
    pub world: World,
    pub lock_waits: LockWaits,
    pub(crate) held_answers: HeldAnswers,
    pub clients: Clients,
    pub acl: Acl,
    pub tallies: Tallies,
    pub command_stats: CommandStats,
    pub error_stats: ErrorStats,
    pub slowlog: SlowLog,
    pub large_requests: SlowLog,
    pub large_replies: SlowLog,
    pub latency: LatencyLog,
    pub pause: Pause,
    pub memory: Memory,
    pub freer: Freer,
    pub alarms: Alarms,
    /// Clients that see every command.
    pub monitors: Mutex<Vec<Arc<ClientRecord>>>,
    pub pubsub: PubSub,
    pub tracking: Tracking,
    /// To other servers.
    pub links: Links,
    /// Rates and the system's view of the process.
    pub samples: Samples,
    pub run_id: String,
    /// Names this node's history of changes to replicas.
    pub replication_id: String,
    pub started_ms: i64,
    /// Changes since start, and since the last save.
    pub dirty: AtomicU64,
    pub last_save_ms: AtomicI64,
    /// Clients that wait for a snapshot to be given a large value.
    pub walk_waiters: crate::walk_waiters::WalkWaiters,
    /// Function libraries as snapshots hold them.
    pub libraries: Codes,
    pub scripts: Scripts,
    /// Classes of keyspace events that are asked for (`notify-keyspace-events`).
    pub notify: AtomicU32,
    /// DEBUG SET-ACTIVE-EXPIRE, DEBUG PAUSE-CRON.
    pub active_expire: AtomicBool,
    pub cron_paused: AtomicBool,
    /// RESTORE takes payloads whose checksum is wrong (DEBUG SET-SKIP-CHECKSUM-VALIDATION).
    pub skip_dump_checksum: AtomicBool,
    /// After how long a client's longest reply is forgotten, -1 for never (DEBUG REPLYBUFFER).
    pub reply_peak_reset_ms: AtomicI64,
    pub reply_resizing: AtomicBool,
    pub rng: Mutex<Rng>,
    /// The configuration file this node was started with.
    pub config_file: OnceLock<String>,
    /// Held by whoever sets options or rewrites the file: one at a time.
    pub config_turn: Mutex<()>,
    pub executable: String,
    pub port: AtomicUsize,
    /// For work that outlives a call (a key being fetched).
    pub itself: Weak<Node>,
    /// The one log: everything that changes is appended, under the locks of what changes.
    pub log: Arc<Log>,
    pub tier: OnceLock<Arc<dyn Tier>>,
    pub router: OnceLock<Arc<dyn Router>>,
    pub saver: OnceLock<Arc<dyn Saver>>,
    pub process: OnceLock<Arc<dyn Process>>,
    pub mailboxes: OnceLock<Vec<Arc<dyn Mailbox>>>,
    /// Settings that other floors carry out when CONFIG SET changes them.
    pub appliers: OnceLock<Vec<Applier>>,
}

pub type Apply = Box<dyn Fn(&Node) -> Result<(), String> + Send + Sync>;

/// Carries out a changed setting; an error takes the change back.
pub struct Applier {
    pub options: &'static [&'static str],
    pub apply: Apply,
}

/// Conditions under which requests may have to be refused or held back. All zero on the common
/// path, so the gates cost one load.
#[derive(Default)]
pub struct Alarms(AtomicU32);

pub mod alarm {
    pub const LOADING: u32 = 1 << 0;
    pub const PAUSED: u32 = 1 << 1;
    pub const MAXMEMORY: u32 = 1 << 2;
    /// A write to disk failed; the text is with the log.
    pub const DISK: u32 = 1 << 3;
    pub const TOO_FEW_REPLICAS: u32 = 1 << 4;
    pub const READ_ONLY_REPLICA: u32 = 1 << 5;
    pub const STALE_REPLICA: u32 = 1 << 6;
    pub const BUSY_SCRIPT: u32 = 1 << 7;
    pub const ASYNC_LOADING: u32 = 1 << 8;
    /// Too many published messages are on their way; see `pubsub.rs`.
    pub const MESSAGES: u32 = 1 << 9;
    /// The last snapshot failed, and `stop-writes-on-bgsave-error` stands.
    pub const SAVE: u32 = 1 << 10;
    /// Commands are checked for use in a cluster; see `compat.rs`.
    pub const COMPATIBILITY: u32 = 1 << 11;
}

impl Alarms {
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub fn set(&self, alarm: u32, on: bool) {
        if on {
            self.0.fetch_or(alarm, Relaxed);
        } else {
            self.0.fetch_and(!alarm, Relaxed);
        }
    }
}

impl Node {
    /// `config` has been read already; `rename` is its `rename-command` rules.
    pub fn new(parts: Parts, config: Arc<Config>) -> Arc<Node> {
        let mut rng = Rng::new(parts.seed);
        let commands = command_table(&config, &parts.commands);
        let databases = config.get(&options::DATABASES) as usize;
        let placement = if config.get(&options::CLUSTER_ENABLED) { Placement::BySlot } else { Placement::ByHash };
        let now = parts.clock.unix_ms();
        let run_id = hex_id(&mut rng);
        let replication_id = hex_id(&mut rng);
        let acl = Acl::new(&commands);
        let node = Arc::new_cyclic(|itself| Node {
            itself: Weak::clone(itself),
            keyspace: Keyspace::new(databases, rng.next_u64(), placement),
            command_stats: CommandStats::new(parts.threads + scripts::THREADS + 1, commands.len()),
            tallies: Tallies::new(&parts.metrics),
            world: World::new(parts.threads, scripts::THREADS),
            lock_waits: LockWaits::new(parts.threads + scripts::THREADS + HELPERS),
            held_answers: HeldAnswers::new(parts.threads),
            commands,
            config,
            threads: parts.threads,
            databases,
            clients: Clients::default(),
            acl,
            error_stats: ErrorStats::default(),
            slowlog: SlowLog::default(),
            large_requests: SlowLog::default(),
            large_replies: SlowLog::default(),
            latency: LatencyLog::default(),
            pause: Pause::default(),
            memory: Memory::new(Arc::clone(&parts.log)),
            freer: Freer::default(),
            alarms: Alarms::default(),
            monitors: Mutex::new(Vec::new()),
            pubsub: PubSub::default(),
            tracking: Tracking::default(),
            links: Links::default(),
            samples: Samples::default(),
            run_id,
            replication_id,
            started_ms: now.0,
            dirty: AtomicU64::new(0),
            last_save_ms: AtomicI64::new(now.0),
            walk_waiters: Default::default(),
            libraries: Codes::default(),
            scripts: Scripts::default(),
            notify: AtomicU32::new(0),
            active_expire: AtomicBool::new(true),
            cron_paused: AtomicBool::new(false),
            skip_dump_checksum: AtomicBool::new(false),
            reply_peak_reset_ms: AtomicI64::new(5000),
            reply_resizing: AtomicBool::new(true),
            rng: Mutex::new(rng),
            config_file: OnceLock::new(),
            config_turn: Mutex::new(()),
            executable: std::env::args().next().unwrap_or_default(),
            port: AtomicUsize::new(0),
            log: parts.log,
            tier: OnceLock::new(),
            router: OnceLock::new(),
            saver: OnceLock::new(),
            process: OnceLock::new(),
            mailboxes: OnceLock::new(),
            appliers: OnceLock::new(),
            clock: parts.clock,
            disk: parts.disk,
        });
        options::apply_all(&node);
        sample::tick(&node);
        node
    }

    pub fn now(&self) -> UnixMs {
        self.clock.unix_ms()
    }

    /// The number of a thread that helps while data are loaded; the first of them may run commands.
    pub fn helper(&self, i: usize) -> usize {
        self.threads + scripts::THREADS + i
    }

    /// Do keys past their time stay where they are for now? They do while writes are held back.
    pub fn holds_expired(&self, now: UnixMs) -> bool {
        self.config.get(&options::IMPORT_MODE)
            || self.alarms.get() & alarm::PAUSED != 0 && self.pause.state(&self.alarms, now).0 != Paused::No
    }

    /// Mail to the thread a client lives on.
    pub fn send(&self, client: &ClientRecord, mail: Mail) {
        self.send_to(client.thread.load(Relaxed), mail);
    }

    pub fn send_to(&self, thread: usize, mail: Mail) {
        if let Some(mailbox) = self.mailboxes.get().and_then(|all| all.get(thread)) {
            mailbox.send(mail);
        }
    }

    /// Wakes every event loop for a look at what changed.
    pub fn nudge_all(&self) {
        for thread in 0..self.threads {
            self.send_to(thread, Mail::Nudge);
        }
    }

    /// Asks a client to close; its own thread does it. It counts as gone from now on.
    pub fn kill(&self, client: &ClientRecord) {
        client.kill.store(true, Relaxed);
        self.clients.remove(client.id);
        self.send(client, Mail::Kill(client.id));
    }

    pub fn client(&self, id: ClientId) -> Option<Arc<ClientRecord>> {
        self.clients.get(id)
    }

    pub fn uptime_secs(&self) -> i64 {
        (self.now().0 - self.started_ms).max(0) / 1000
    }
}

/// The commands under the names that `rename-command` gives them.
pub(crate) fn command_table(config: &Config, lists: &[&'static [&'static Command]]) -> CommandTable {
    let renames = options::renames(config);
    CommandTable::new(lists, &|name| match renames.get(name) {
        None => Some(name.to_string()),
        Some(new) => (!new.is_empty()).then(|| new.clone()),
    })
}

/// 40 hex digits.
fn hex_id(rng: &mut Rng) -> String {
    (0..40).map(|_| char::from(b"0123456789abcdef"[rng.below(16) as usize])).collect()
}
