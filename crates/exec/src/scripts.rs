//! What a node keeps of its scripts: their texts, the libraries of functions, who is running, which shards they hold.
//!
//! A script that may take long runs on a thread of its own (the crate `script` has them) and holds the shards of its
//! keys all the while. Event loops must not wait for such a shard: they see here that a script has it, and keep the
//! client's request for later.
//! Always true: a shard's bit is set while a script thread has its lock, and cleared before it gives it back.

use crate::acl::Identity;
use crate::client::{ClientId, ClientRecord};
use crate::node::{Node, alarm};
use crate::session::OwnedRequest;
use crate::tracking::Mode;
use kit::opt::{Int, Opt};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst,
};
use std::sync::{Arc, OnceLock};

pub static BUSY_THRESHOLD: Opt<Int> =
    Opt::int("busy-reply-threshold", 5000, 0..=i64::MAX, "Milliseconds after which a script counts as slow: from then on clients in its way are answered BUSY, and it can be killed.")
        .aliases(&["lua-time-limit"]);

/// Threads for scripts that may take long. Each has its place in the world lock and in the statistics.
pub const THREADS: usize = 4;

/// Texts that came by EVAL and are kept; when there are more the one not used for longest goes.
pub const EVALS_MAX: usize = 500;

#[derive(Default)]
pub struct Scripts {
    pub shards: HeldShards,
    sources: Mutex<Sources>,
    pub libraries: Mutex<LibrarySet>,
    running: Mutex<Vec<Arc<Running>>>,
    running_count: AtomicUsize,
    /// Scripts past `busy-reply-threshold`.
    over: AtomicUsize,
    /// Clients that were sent away because of a script, since the last time they were called back.
    turned_away: AtomicBool,
    pool: OnceLock<Arc<dyn Pool>>,
    /// Scripts may call what is not for scripts (DEBUG SET-DISABLE-DENY-SCRIPTS).
    pub allow_denied: AtomicBool,
    pub evicted: AtomicU64,
    flushes: AtomicU64,
    /// What the Lua machines of all threads use.
    pub lua_bytes: AtomicI64,
}

/// Threads that run scripts which may take long.
pub trait Pool: Send + Sync {
    fn submit(&self, work: Deferred);
    /// Frees what scripts left behind in the calling thread's Lua machine, and counts what it uses anew.
    fn collect(&self);
}

/// A client's EVAL or FCALL on its way to a script thread.
pub struct Deferred {
    pub(crate) record: Arc<ClientRecord>,
    pub(crate) db: usize,
    pub(crate) user: Identity,
    pub(crate) resp3: bool,
    pub(crate) no_touch: bool,
    pub(crate) tracking: Option<Box<Mode>>,
    pub(crate) command: u16,
    pub(crate) request: OwnedRequest,
}

/// Shards that script threads hold.
#[derive(Default)]
pub struct HeldShards {
    bits: [AtomicU64; 4],
    count: AtomicUsize,
}

impl HeldShards {
    pub(crate) fn set(&self, shard: u8) {
        self.bits[usize::from(shard / 64)].fetch_or(1 << (shard % 64), SeqCst);
        self.count.fetch_add(1, SeqCst);
    }

    pub(crate) fn clear(&self, shard: u8) {
        self.bits[usize::from(shard / 64)].fetch_and(!(1 << (shard % 64)), SeqCst);
        self.count.fetch_sub(1, SeqCst);
    }

    pub(crate) fn holds(&self, shard: u8) -> bool {
        self.bits[usize::from(shard / 64)].load(SeqCst) & 1 << (shard % 64) != 0
    }

    pub fn any(&self) -> bool {
        self.count.load(Relaxed) > 0
    }
}

// ---- texts

/// A script's text and what was learned about it.
pub struct Source {
    pub sha: String,
    pub text: Arc<[u8]>,
    /// It came by EVAL: may be forgotten when there are many.
    from_eval: AtomicBool,
    /// Forgotten (SCRIPT FLUSH, too many): whoever has a copy looks again.
    dead: AtomicBool,
    pub habits: Habits,
    used_at: AtomicU64,
    number: u64,
}

impl Source {
    pub fn is_dead(&self) -> bool {
        self.dead.load(Relaxed)
    }

    /// Used now. Written once a millisecond at most: all threads read this line.
    pub fn used(&self, mono_ns: u64) {
        if mono_ns.saturating_sub(self.used_at.load(Relaxed)) > 1_000_000 {
            self.used_at.store(mono_ns, Relaxed);
        }
    }

    pub fn is_from_eval(&self) -> bool {
        self.from_eval.load(Relaxed)
    }
}

/// What earlier runs of a script or function taught.
#[derive(Default)]
pub struct Habits {
    strays: AtomicBool,
    /// Runs that wrote and touched no undeclared key afterwards.
    clean_runs: AtomicU32,
    length: AtomicU8,
    /// Short runs on script threads in a row.
    quick: AtomicU8,
    /// When it last touched a key that it had not declared while somebody else had it.
    met_ns: AtomicU64,
    all_until_ns: AtomicU64,
}

/// Two such meetings within this time, and a script takes all shards for a while: locking 256 of them costs more than
/// starting again once in 256 runs.
const OFTEN_NANOS: u64 = 1_000_000;
const ALL_NANOS: u64 = 50_000_000;

const QUICK_RUNS: u8 = 8;

/// Runs that write with every shard held before a script is trusted to keep to the keys that it declares.
const CLEAN_RUNS: u32 = 256;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Length {
    Unknown,
    /// Runs on the event loop.
    Short,
    /// Runs on a script thread.
    Long,
}

impl Habits {
    pub fn length(&self) -> Length {
        match self.length.load(Relaxed) {
            0 => Length::Unknown,
            1 => Length::Short,
            _ => Length::Long,
        }
    }

    pub fn set_length(&self, length: Length) {
        let number = match length {
            Length::Unknown => 0,
            Length::Short => 1,
            Length::Long => 2,
        };
        self.length.store(number, Relaxed);
    }

    /// A run on a script thread: a script that was long must be short a few times before it is believed.
    pub fn note_run(&self, short: bool) {
        match (short, self.length()) {
            (true, Length::Unknown) => self.set_length(Length::Short),
            (true, Length::Long) => {
                if self.quick.fetch_add(1, Relaxed) >= QUICK_RUNS {
                    self.quick.store(0, Relaxed);
                    self.set_length(Length::Short);
                }
            }
            (true, Length::Short) => {}
            (false, _) => {
                self.quick.store(0, Relaxed);
                self.set_length(Length::Long);
            }
        }
    }

    /// Does it take all shards from the start?
    pub fn wants_all(&self, now_ns: u64) -> bool {
        self.strays.load(Relaxed) || now_ns < self.all_until_ns.load(Relaxed)
    }

    /// Has it written often enough without touching a key that it had not declared afterwards?
    pub fn is_trusted(&self) -> bool {
        self.clean_runs.load(Relaxed) >= CLEAN_RUNS
    }

    /// How a run that wrote ended: whether it touched a key that it had not declared, after it had written. One that ever
    /// did takes every shard from then on, for it could be stopped halfway.
    pub fn note_reach(&self, strayed: bool) {
        if strayed {
            self.strays.store(true, Relaxed);
        } else if self.clean_runs.load(Relaxed) < CLEAN_RUNS {
            self.clean_runs.fetch_add(1, Relaxed);
        }
    }

    /// It touched a key that it had not declared while somebody else had it.
    pub fn met(&self, now_ns: u64) {
        let before = self.met_ns.swap(now_ns, Relaxed);
        if now_ns.saturating_sub(before) < OFTEN_NANOS {
            self.all_until_ns.fetch_max(now_ns.saturating_add(ALL_NANOS), Relaxed);
        }
    }
}

#[derive(Default)]
struct Sources {
    by_sha: HashMap<String, Arc<Source>>,
    evals: usize,
    bytes: usize,
    next_number: u64,
}

impl Scripts {
    /// By lower-case sha1.
    pub fn source(&self, sha: &str) -> Option<Arc<Source>> {
        self.sources.lock().by_sha.get(sha).cloned()
    }

    /// Keeps a text that compiles. SCRIPT LOAD keeps it for good.
    pub fn keep_source(&self, sha: String, text: &[u8], from_eval: bool, mono_ns: u64) -> Arc<Source> {
        let mut sources = self.sources.lock();
        if let Some(known) = sources.by_sha.get(&sha) {
            let known = Arc::clone(known);
            if !from_eval && known.from_eval.swap(false, Relaxed) {
                sources.evals -= 1;
            }
            return known;
        }
        if from_eval && sources.evals >= EVALS_MAX {
            let oldest = sources.by_sha.values().filter(|source| source.from_eval.load(Relaxed));
            let oldest = oldest.min_by_key(|source| (source.used_at.load(Relaxed), source.number)).cloned();
            if let Some(oldest) = oldest {
                sources.forget(&oldest);
                self.evicted.fetch_add(1, Relaxed);
            }
        }
        let source = Arc::new(Source {
            sha: sha.clone(),
            text: text.into(),
            from_eval: AtomicBool::new(from_eval),
            dead: AtomicBool::new(false),
            habits: Habits::default(),
            used_at: AtomicU64::new(mono_ns),
            number: sources.next_number,
        });
        sources.next_number += 1;
        sources.evals += usize::from(from_eval);
        sources.bytes += text.len();
        sources.by_sha.insert(sha, Arc::clone(&source));
        source
    }

    pub fn flush_sources(&self) {
        let mut sources = self.sources.lock();
        for source in sources.by_sha.values() {
            source.dead.store(true, Relaxed);
        }
        *sources = Sources { next_number: sources.next_number, ..Sources::default() };
        self.flushes.fetch_add(1, Relaxed);
    }

    /// Another number after each SCRIPT FLUSH.
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Relaxed)
    }

    pub fn source_count(&self) -> usize {
        self.sources.lock().by_sha.len()
    }

    /// Bytes of all texts, and what keeping them takes.
    pub fn source_bytes(&self) -> usize {
        let sources = self.sources.lock();
        sources.bytes + sources.by_sha.len() * (size_of::<Source>() + 2 * 40 + size_of::<(String, Arc<Source>)>())
    }
}

impl Sources {
    fn forget(&mut self, source: &Arc<Source>) {
        source.dead.store(true, Relaxed);
        self.by_sha.remove(&source.sha);
        self.evals -= usize::from(source.from_eval.load(Relaxed));
        self.bytes -= source.text.len();
    }
}

// ---- libraries

/// The codes of the function libraries, as snapshots hold them.
#[derive(Default)]
pub struct Codes {
    list: Mutex<Vec<Box<[u8]>>>,
    version: AtomicU64,
}

pub struct CodesGuard<'c> {
    list: MutexGuard<'c, Vec<Box<[u8]>>>,
    version: &'c AtomicU64,
}

impl Codes {
    pub fn lock(&self) -> CodesGuard<'_> {
        CodesGuard { list: self.list.lock(), version: &self.version }
    }

    /// Another one after each change.
    pub fn version(&self) -> u64 {
        self.version.load(SeqCst)
    }
}

/// The name in the first line of a library's code. That the line is a proper one, whoever added it has seen.
pub fn library_name(code: &[u8]) -> Option<Vec<u8>> {
    let line = code.split(|&byte| byte == b'\n').next()?;
    kit::text::split_words(line)?.iter().find_map(|word| Some(word.strip_prefix(b"name=")?.to_vec()))
}

impl Deref for CodesGuard<'_> {
    type Target = Vec<Box<[u8]>>;
    fn deref(&self) -> &Vec<Box<[u8]>> {
        &self.list
    }
}

impl DerefMut for CodesGuard<'_> {
    fn deref_mut(&mut self) -> &mut Vec<Box<[u8]>> {
        self.version.fetch_add(1, SeqCst);
        &mut self.list
    }
}

/// The libraries and their functions, read from the codes.
#[derive(Default)]
pub struct LibrarySet {
    /// The version of the codes that it was read from.
    pub version: u64,
    libraries: BTreeMap<String, Arc<Library>>,
    /// Library and place by the function's name in lower case.
    functions: HashMap<String, (Arc<Library>, usize)>,
    bytes: usize,
}

impl LibrarySet {
    pub fn libraries(&self) -> impl ExactSizeIterator<Item = &Arc<Library>> {
        self.libraries.values()
    }

    pub fn library(&self, name: &str) -> Option<&Arc<Library>> {
        self.libraries.get(name)
    }

    pub fn function(&self, name: &str) -> Option<&(Arc<Library>, usize)> {
        self.functions.get(&name.to_ascii_lowercase())
    }

    pub fn function_count(&self) -> usize {
        self.functions.len()
    }

    /// Codes and names.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// None of its names is there.
    pub fn insert(&mut self, library: Arc<Library>) {
        for (i, function) in library.functions.iter().enumerate() {
            self.functions.insert(function.name.to_ascii_lowercase(), (Arc::clone(&library), i));
        }
        self.bytes += library.bytes();
        self.libraries.insert(library.name.clone(), library);
    }

    pub fn remove(&mut self, name: &str) -> Option<Arc<Library>> {
        let library = self.libraries.remove(name)?;
        for function in &library.functions {
            self.functions.remove(&function.name.to_ascii_lowercase());
        }
        self.bytes -= library.bytes();
        Some(library)
    }
}

pub struct Library {
    pub name: String,
    pub code: Arc<[u8]>,
    pub functions: Vec<Function>,
}

impl Library {
    fn bytes(&self) -> usize {
        let described = |it: &Function| it.name.len() + it.description.as_ref().map_or(0, Vec::len);
        size_of::<Library>() + self.code.len() + self.functions.iter().map(described).sum::<usize>()
    }
}

pub struct Function {
    pub name: String,
    pub description: Option<Vec<u8>>,
    pub flags: u32,
    pub habits: Habits,
}

// ---- who is running

/// A script that has been running for a while.
pub struct Running {
    pub client: ClientId,
    /// The function's name, or the script's sha.
    pub name: String,
    pub is_function: bool,
    pub words: Vec<Vec<u8>>,
    pub started_ns: u64,
    pub wrote: AtomicBool,
    pub kill: AtomicBool,
    over: AtomicBool,
}

impl Running {
    pub fn new(client: ClientId, name: String, is_function: bool, words: Vec<Vec<u8>>, started_ns: u64) -> Running {
        Running {
            client,
            name,
            is_function,
            words,
            started_ns,
            wrote: AtomicBool::new(false),
            kill: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }
}

impl Scripts {
    pub fn running(&self) -> Vec<Arc<Running>> {
        self.running.lock().clone()
    }

    /// Is there a script that others may have to wait for?
    pub(crate) fn any(&self) -> bool {
        self.running_count.load(SeqCst) > 0 || self.shards.any()
    }

    pub fn begin(&self, running: &Arc<Running>) {
        self.running.lock().push(Arc::clone(running));
        self.running_count.fetch_add(1, SeqCst);
    }

    /// It passed `busy-reply-threshold`: from now on everybody is told so, as Redis does, in its way or not.
    pub fn note_over(&self, node: &Node, running: &Running) {
        if !running.over.swap(true, Relaxed) {
            self.over.fetch_add(1, SeqCst);
        }
        node.alarms.set(alarm::BUSY_SCRIPT, true);
        node.nudge_all();
    }

    pub fn end(&self, node: &Node, running: &Arc<Running>) {
        let mut list = self.running.lock();
        list.retain(|other| !Arc::ptr_eq(other, running));
        self.running_count.fetch_sub(1, SeqCst);
        if running.is_over() {
            self.over.fetch_sub(1, SeqCst);
            let still = list.iter().any(|other| other.is_over());
            node.alarms.set(alarm::BUSY_SCRIPT, still);
        }
        drop(list);
        self.call_back(node);
    }

    /// Is a script past its threshold? Then clients in its way are not kept waiting.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Relaxed) > 0
    }

    /// Why a client is refused while a script is in its way.
    pub fn busy_error(&self) -> proto::Error {
        let function = self.running.lock().iter().any(|running| running.is_over() && running.is_function);
        if function {
            proto::Error::Static(
                "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
            )
        } else {
            proto::Error::Busy
        }
    }

    pub(crate) fn turn_away(&self) {
        self.turned_away.store(true, SeqCst);
    }

    /// Those who were turned away ask again.
    pub(crate) fn call_back(&self, node: &Node) {
        if self.turned_away.swap(false, SeqCst) {
            node.nudge_all();
        }
    }

    // ---- the threads

    pub fn set_pool(&self, pool: Arc<dyn Pool>) {
        let _ = self.pool.set(pool);
    }

    pub fn pool(&self) -> Option<&Arc<dyn Pool>> {
        self.pool.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evals_are_forgotten_and_loaded_ones_are_not() {
        let scripts = Scripts::default();
        scripts.keep_source("loaded".into(), b"x", false, 0);
        let first = scripts.keep_source("0".into(), b"x", true, 0);
        for i in 1..EVALS_MAX as u64 {
            scripts.keep_source(i.to_string(), b"x", true, i);
        }
        first.used(10_000_000);
        scripts.keep_source("new".into(), b"x", true, 600);
        assert!(!first.is_dead() && scripts.source("1").is_none() && scripts.source("loaded").is_some());
        assert_eq!((scripts.source_count(), scripts.evicted.load(Relaxed)), (EVALS_MAX + 1, 1));
        scripts.keep_source("2".into(), b"x", false, 600);
        assert_eq!(scripts.sources.lock().evals, EVALS_MAX - 1, "SCRIPT LOAD keeps what EVAL brought");
        scripts.flush_sources();
        assert!(first.is_dead() && scripts.source_count() == 0);
    }

    #[test]
    fn bits_of_shards() {
        let shards = HeldShards::default();
        shards.set(0);
        shards.set(255);
        assert!(shards.holds(0) && shards.holds(255) && !shards.holds(64) && shards.any());
        shards.clear(0);
        shards.clear(255);
        assert!(!shards.any() && !shards.holds(255));
    }
}
