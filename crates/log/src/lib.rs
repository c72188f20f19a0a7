//! The one log: append-only file, replication stream and change feed at once.
//!
//! Takes bytes and gives positions; knows nothing of keys, clients or shards. The executor appends units under the
//! shard locks, so the order here agrees with the order on every key.
//!
//! A **position** counts the bytes of the stream of commands (SELECT, MULTI and EXEC included; annotation lines, which
//! only a file has, are not counted): it is the replication offset.
//!
//! ```text
//!  append ──> memory ──flush──> file ──sync──> disk
//!             (append)         (writer)       (sync)          recover, load: the way back
//! ```
//!
//! Two mutexes and their order: the writer's, then memory's; `append` takes only the second, for a copy. A third, the
//! folder's, comes before both and is for what changes the set of files; whoever appends or flushes never takes it.
//! What is promised: `acknowledged` does not pass what was written (policies `everysec` and `no`) or synced (`always`), and
//! after a crash the files give all units up to there, each whole, in order.

mod append;
mod check;
mod folder;
mod gather;
mod keep;
mod line;
mod load;
mod manifest;
mod open;
mod parse;
mod recover;
mod repair;
mod restore;
mod rotate;
mod settings;
mod slow;
mod status;
mod sync;
mod times;
mod trouble;
mod unit;
mod writer;

pub use check::{Checked, CheckedDamage, CheckedFile, Checker, RdbCheck, Repair};
pub use folder::{Base, Format};
pub use load::{Cut, Damaged, LoadError, LoadSink, Loaded};
pub use manifest::{Kind, ManifestError};
pub use open::{OpenError, Plan, PlanFile};
pub use recover::{Batch, Command, Time};
pub use restore::Moments;
pub use rotate::{Prepared, Rotated};
pub use settings::{Live, Policy, Settings};
pub use slow::Slow;
pub use status::Status;
pub use times::{APPENDS_PER_SAMPLE, Times};
pub use trouble::{Event, Trouble, What};
pub use unit::Unit;

use append::Pending;
use folder::Folder;
use kit::world::{Clock, Disk, SimClock, SimDisk};
use parking_lot::{Mutex, RwLock};
use settings::Switches;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use writer::Writer;

pub type Position = u64;

type Listener = Box<dyn Fn(Event) + Send + Sync>;

/// Shared by all threads of a node.
pub struct Log {
    on: AtomicBool,
    /// Somebody reads along as it grows: replicas, the change feed, tests.
    followed: AtomicBool,
    acknowledged: AtomicU64,
    memory: AtomicU64,
    switches: Switches,
    pending: Mutex<Pending>,
    writer: Mutex<Writer>,
    /// What is surely on the disk.
    synced: AtomicU64,
    /// What the kernel has.
    written: AtomicU64,
    /// There is trouble: flushes leave the file to the background thread.
    troubled: AtomicBool,
    trouble: Mutex<Option<Arc<Trouble>>>,
    sync: sync::Background,
    folder: Mutex<Folder>,
    settings: Settings,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    listener: RwLock<Option<Listener>>,
    events: Mutex<Vec<Event>>,
    sizes: status::Sizes,
    times: Times,
}

impl Log {
    /// A log that is off: nobody wants to know what changes.
    pub fn off() -> Log {
        Log::new(Arc::new(SimDisk::new()), Arc::new(SimClock::new(0)), Settings::new("."))
    }

    /// A log that keeps every unit in memory, for tests.
    pub fn in_memory() -> Log {
        let log = Log::off();
        log.pending.lock().units = Some(Vec::new());
        log.on.store(true, Release);
        log.followed.store(true, Release);
        log
    }

    /// A log for files; off until `begin` or `turn_on`.
    pub fn new(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, settings: Settings) -> Log {
        Log {
            on: AtomicBool::new(false),
            followed: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            switches: Switches::new(&settings.live),
            pending: Mutex::default(),
            writer: Mutex::default(),
            synced: AtomicU64::new(0),
            written: AtomicU64::new(0),
            troubled: AtomicBool::new(false),
            trouble: Mutex::new(None),
            sync: sync::Background::default(),
            folder: Mutex::new(Folder::new(disk.clone(), &settings)),
            settings,
            disk,
            clock,
            listener: RwLock::new(None),
            events: Mutex::default(),
            sizes: status::Sizes::default(),
            times: Times::default(),
        }
    }

    /// Whether changes are wanted at all. One load: asked after each command.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Acquire)
    }

    /// Whether somebody reads along, who also wants what changes no data (PUBLISH). A file alone need not have that.
    #[inline]
    pub fn is_followed(&self) -> bool {
        self.is_on() && self.followed.load(Acquire)
    }

    /// Appends a unit, framed by MULTI and EXEC when it is of several commands, with SELECT before it when the
    /// database is another one than before. Called under the shard locks: copies and returns. The answer to the client
    /// may leave when `acknowledged` has reached the position that this gives.
    pub fn append(&self, unit: &Unit) -> Position {
        let begin = self.times.begin_append(&*self.clock);
        let now_s = self.switches.timestamps().then(|| self.clock.unix_ms().secs());
        let mut pending = self.pending.lock();
        let position = pending.push(unit, now_s, &*self.clock);
        if pending.is_sample() {
            self.times.append_is_due.store(true, Relaxed);
        }
        if let Some(begin) = begin {
            self.times.append.record(self.clock.mono_ns().saturating_sub(begin));
        }
        if pending.units.is_some() {
            self.acknowledged.store(position, Release);
        }
        position
    }

    /// Called by an event loop when it has run a batch, holding no lock, before the answers leave: hands what was
    /// appended to the kernel (`everysec`, `no`) or to the thread that syncs (`always`). While the file is in trouble
    /// it does nothing: `Event::Acknowledged` tells when the wait is over.
    pub fn flush(&self, upto: Position) {
        if self.acknowledged() >= upto {
            return;
        }
        if self.switches.policy() == Policy::Always {
            if self.sync.gather.wakes(upto) {
                self.wake();
            }
            return;
        }
        self.write_waiting(upto);
    }

    /// Answers to writes up to here may leave.
    #[inline]
    pub fn acknowledged(&self) -> Position {
        self.acknowledged.load(Acquire)
    }

    /// Bytes of all buffers, of which most are what is not synced yet. As of the last write or sync.
    pub fn memory_bytes(&self) -> u64 {
        self.memory.load(Relaxed)
    }

    fn note_memory(&self, writer: &Writer) {
        let bytes = writer.memory_bytes() + self.pending.lock().memory_bytes();
        self.memory.store(bytes as u64, Relaxed);
    }

    /// Where the stream is: after everything that was appended.
    pub fn position(&self) -> Position {
        self.pending.lock().position()
    }

    /// What is surely on the disk (WAITAOF).
    pub fn synced(&self) -> Position {
        self.synced.load(Acquire)
    }

    /// Of a log in memory: every unit so far.
    pub fn units(&self) -> Vec<Unit> {
        self.pending.lock().units.clone().unwrap_or_default()
    }

    pub fn times(&self) -> &Times {
        &self.times
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings that may change at run time, as they are.
    pub fn live(&self) -> Live {
        self.switches.live()
    }

    pub fn set_live(&self, live: &Live) {
        self.switches.set(live);
        if live.policy != Policy::Always {
            self.acknowledge(self.written.load(Acquire));
            self.tell(Event::Acknowledged);
            self.deliver();
        }
        self.wake();
    }

    /// Before each write of something it sleeps so long (DEBUG AOF-FLUSH-SLEEP): tests see what waits for a write.
    pub fn set_flush_sleep(&self, us: u64) {
        self.switches.flush_sleep_us.store(us, Relaxed);
    }

    /// Told by whoever writes a snapshot, for `no-appendfsync-on-rewrite`.
    pub fn set_rewriting(&self, rewriting: bool) {
        self.switches.rewriting.store(rewriting, Relaxed);
        self.wake();
    }

    /// Called without locks, from any thread that uses the log.
    pub fn set_listener(&self, listener: impl Fn(Event) + Send + Sync + 'static) {
        *self.listener.write() = Some(Box::new(listener));
    }

    /// What is wrong with the file now. Writes are refused while there is something.
    pub fn trouble(&self) -> Option<Arc<Trouble>> {
        if !self.troubled.load(Acquire) {
            return None;
        }
        self.trouble.lock().clone()
    }

    /// To be delivered when this thread holds no lock any more.
    fn tell(&self, event: Event) {
        self.events.lock().push(event);
    }

    /// At the end of whatever may have told something.
    fn deliver(&self) {
        for event in std::mem::take(&mut *self.events.lock()) {
            if let Some(listener) = &*self.listener.read() {
                listener(event);
            }
        }
    }

    fn acknowledge(&self, position: Position) {
        self.acknowledged.fetch_max(position, Release);
    }
}

impl Default for Log {
    fn default() -> Log {
        Log::off()
    }
}
