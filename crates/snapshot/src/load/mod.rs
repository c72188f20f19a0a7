//! Loads an RDB file: one thread cuts it into pieces, all cores decode them and insert the keys.
//!
//! The cutting thread takes the checksum, passes over values without decoding them, and follows what stands between them. A
//! piece is whole entries of one database; a decoding thread makes its entries, fetches the buckets for a batch of them,
//! and inserts. The order of keys does not count.
//! Nothing that is read is believed, see `types::rdb`; memory grows with bytes that came.
//! Always true: each key comes once (a second one is an error), and after an error nothing more is inserted.
//! Knows nothing of the append-only file; whoever calls decides what becomes of an error.

mod cut;
pub(crate) mod entries;
pub(crate) mod progress;
pub(crate) mod start;

use crate::opcodes;
use crate::options;
use cut::Cutter;
use entries::Inserter;
use exec::Node;
use exec::held::HELPERS;
use exec::scripts::library_name;
use kit::text::parse_i64;
use kit::world::DiskReader;
use parking_lot::Mutex;
use progress::Loading;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use types::rdb::{self, Family, Source, Thresholds};

/// How to load. Clients are kept out by `alarm::LOADING`.
#[derive(Clone, Copy)]
pub(crate) struct How {
    /// Keys that are there already are replaced.
    pub merge: bool,
    /// The file is the base of a log: keys past their time are kept, because what follows may change that.
    pub is_base: bool,
    /// Up to where small collections are made.
    pub thresholds: Thresholds,
}

#[derive(Debug)]
pub(crate) struct LoadError {
    pub offset: u64,
    pub key: Option<Vec<u8>>,
    pub what: String,
}

impl LoadError {
    fn at(offset: u64, what: impl Into<String>) -> LoadError {
        LoadError { offset, key: None, what: what.into() }
    }

    /// `base` is where the source began in the file.
    fn of(error: rdb::Error, base: u64, key: Option<&[u8]>) -> LoadError {
        let key = key.map(<[u8]>::to_vec);
        let (offset, what) = match error {
            rdb::Error::Short { offset } => (offset, "Unexpected EOF reading RDB file".to_owned()),
            rdb::Error::Corrupt { what, offset } => (offset, what.to_owned()),
            rdb::Error::UnknownType { type_byte, offset } => (offset, format!("Unknown RDB encoding type {type_byte}")),
            rdb::Error::Module { name, offset } => {
                (offset, format!("The RDB file contains module data I can't load: no matching module type '{name}'"))
            }
            rdb::Error::Io(error) => (0, format!("cannot be read: {error}")),
        };
        LoadError { offset: base + offset, key, what }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, at byte {}", self.what, self.offset)?;
        match &self.key {
            Some(key) => write!(f, " (key {})", kit::text::quote(&key[..key.len().min(200)])),
            None => Ok(()),
        }
    }
}

/// Whole entries of one database.
struct Piece {
    db: usize,
    /// Where it begins in the file.
    start: u64,
    bytes: Vec<u8>,
}

/// What the threads share.
struct Shared<'n> {
    node: &'n Node,
    loading: &'n Loading,
    how: How,
    family: Family,
    with_crc: bool,
    failed: AtomicBool,
    error: Mutex<Option<LoadError>>,
}

impl Shared<'_> {
    fn fail(&self, error: LoadError) {
        self.error.lock().get_or_insert(error);
        self.failed.store(true, Relaxed);
    }

    fn must_stop(&self) -> bool {
        self.failed.load(Relaxed) || self.loading.stop.load(Relaxed)
    }
}

const PIECE_BYTES: usize = 128 << 10;
/// The newest versions known of the two families.
const REDIS_MAX: u16 = 12;
const VALKEY_MIN: u16 = 80;
const VALKEY_MAX: u16 = 80;

/// Loads the file at `path`, from `offset` on. The keyspace keeps what was loaded before an error.
pub(crate) fn load(node: &Node, loading: &Loading, path: &Path, how: How) -> Result<u64, LoadError> {
    let file = node.disk.open(path).map_err(|error| LoadError::at(0, format!("cannot be opened: {error}")))?;
    let with_crc = node.config.get(&options::CHECKSUM);
    load_from(node, loading, DiskReader::new(&*file, 0), with_crc, how)
}

/// The same from anywhere; how many bytes the file has.
pub(crate) fn load_from(
    node: &Node,
    loading: &Loading,
    from: impl Read,
    with_crc: bool,
    how: How,
) -> Result<u64, LoadError> {
    loading.begin_snapshot();
    let mut cutter = Cutter::new(from, with_crc);
    let (version, family) = read_magic(node, &mut cutter)?;
    if version < 5 {
        cutter.without_crc();
    }
    let shared = Shared {
        node,
        loading,
        how,
        family,
        with_crc: with_crc && version >= 5,
        failed: AtomicBool::new(false),
        error: Mutex::default(),
    };
    let slow = node.config.get(&options::LOAD_DELAY) != 0;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if slow { 1 } else { cores.min(HELPERS) };
    let (sender, receiver) = sync_channel::<Piece>(2 * threads);
    let receiver = Mutex::new(receiver);
    let ended = std::thread::scope(|scope| {
        let sender = sender;
        let mut running = 0;
        for i in 0..threads {
            let (shared, receiver) = (&shared, &receiver);
            let thread = std::thread::Builder::new().name(format!("load-{i}"));
            running += usize::from(thread.spawn_scoped(scope, move || work(shared, receiver, i)).is_ok());
        }
        if running == 0 {
            return Err(LoadError::at(0, "no thread could be started"));
        }
        let cut = cut(&shared, &mut cutter, version, &sender, if slow { 1 } else { PIECE_BYTES });
        drop(sender);
        cut
    });
    if let Some(error) = shared.error.into_inner() {
        return Err(error);
    }
    let len = ended?;
    if loading.stop.load(Relaxed) {
        return Err(LoadError::at(len, "stopped"));
    }
    Ok(len)
}

fn read_magic<R: Read>(node: &Node, cutter: &mut Cutter<R>) -> Result<(u16, Family), LoadError> {
    let magic: [u8; 9] = match cutter.array() {
        Ok(magic) => magic,
        Err(rdb::Error::Short { offset: 0 }) => return Err(LoadError::at(0, "The RDB file is empty")),
        Err(error) => return Err(LoadError::of(error, 0, None)),
    };
    cutter.drop_taken();
    let digits = magic.strip_prefix(b"REDIS").or_else(|| magic.strip_prefix(b"VALKEY"));
    let version = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<u16>().ok());
    let Some(version) = version else {
        return Err(LoadError::at(0, "Wrong signature trying to load DB from file"));
    };
    let relaxed = node.config.get(&options::VERSION_CHECK) == 1;
    let family = if magic.starts_with(b"VALKEY") { Family::Valkey } else { Family::of_version(version) };
    match version {
        1..=REDIS_MAX | VALKEY_MIN..=VALKEY_MAX => {}
        1.. if relaxed => kit::warning!("RDB version {version} is not known here; it is loaded all the same"),
        _ => return Err(LoadError::at(5, format!("Can't handle RDB format version {version}"))),
    }
    Ok((version, family))
}

/// Reads to the end of the file, and sends the entries to whoever decodes them.
fn cut<R: Read>(
    shared: &Shared,
    cutter: &mut Cutter<R>,
    version: u16,
    sender: &SyncSender<Piece>,
    piece_bytes: usize,
) -> Result<u64, LoadError> {
    let mut db = 0;
    let mut scratch = Vec::new();
    // Where the entry begins whose parts are being passed over.
    let mut entry_begins = true;
    let mut inside = false;
    loop {
        if shared.must_stop() {
            return Ok(cutter.offset());
        }
        if cutter.taken_len() >= piece_bytes && entry_begins && inside {
            let (start, bytes) = cutter.cut();
            inside = false;
            if sender.send(Piece { db, start, bytes }).is_err() {
                return Ok(cutter.offset());
            }
        }
        let opcode = match cutter.need(1) {
            Ok(bytes) => bytes[0],
            Err(error) => return Err(LoadError::of(error, 0, None)),
        };
        let passed = match opcode {
            opcodes::DEADLINE_MS => Some(cutter.pass(9)),
            opcodes::DEADLINE_SECS => Some(cutter.pass(5)),
            opcodes::FREQ => Some(cutter.pass(2)),
            opcodes::IDLE => Some(cutter.pass(1).and_then(|()| rdb::read_len(cutter)).map(drop)),
            opcodes::SLOT_IMPORT..=opcodes::EOF => None,
            type_byte => {
                let passed = cutter
                    .pass(1)
                    .and_then(|()| rdb::skip_string(cutter))
                    .and_then(|()| rdb::skip(type_byte, cutter, shared.family));
                entry_begins = true;
                inside = true;
                passed.map_err(|error| LoadError::of(error, 0, None))?;
                continue;
            }
        };
        if let Some(passed) = passed {
            passed.map_err(|error| LoadError::of(error, 0, None))?;
            entry_begins = false;
            inside = true;
            continue;
        }
        if !entry_begins {
            return Err(LoadError::at(cutter.offset(), "a deadline without a key"));
        }
        if inside {
            let (start, bytes) = cutter.cut();
            inside = false;
            if sender.send(Piece { db, start, bytes }).is_err() {
                return Ok(cutter.offset());
            }
        }
        let between = between(shared, cutter, &mut db, &mut scratch);
        let is_end = between?;
        shared.loading.add(cutter.taken_len() as u64);
        cutter.drop_taken();
        if is_end {
            return check_end(cutter, version);
        }
    }
}

/// What stands between entries; true at the end of the file.
fn between<R: Read>(
    shared: &Shared,
    cutter: &mut Cutter<R>,
    db: &mut usize,
    scratch: &mut Vec<u8>,
) -> Result<bool, LoadError> {
    let node = shared.node;
    let start = cutter.offset();
    let bad = |error| LoadError::of(error, 0, None);
    let opcode = cutter.byte().map_err(bad)?;
    let len = |cutter: &mut Cutter<R>| rdb::read_len(cutter).map_err(bad);
    let mut text = |cutter: &mut Cutter<R>| {
        let text = rdb::read_string(cutter, scratch).map_err(bad)?;
        Ok::<Vec<u8>, LoadError>(text.bytes(&mut [0; 20]).to_vec())
    };
    match opcode {
        opcodes::EOF => return Ok(true),
        opcodes::SELECT_DB => {
            let number = len(cutter)?;
            *db = usize::try_from(number).unwrap_or(usize::MAX);
            if *db >= node.databases {
                return Err(LoadError::at(
                    start,
                    format!(
                        "FATAL: Data file was created with a Redis server configured to handle more than {} databases. \
                         Exiting",
                        node.databases
                    ),
                ));
            }
        }
        opcodes::RESIZE_DB => {
            len(cutter)?;
            len(cutter)?;
        }
        opcodes::SLOT_INFO => {
            for _ in 0..3 {
                len(cutter)?;
            }
        }
        opcodes::SLOT_IMPORT => {
            text(cutter)?;
            let ranges = len(cutter)?;
            for _ in 0..ranges {
                len(cutter)?;
                len(cutter)?;
            }
        }
        opcodes::AUX => {
            let (name, value) = (text(cutter)?, text(cutter)?);
            aux(shared, &name, &value);
        }
        opcodes::FUNCTION2 => {
            let code = text(cutter)?;
            add_library(shared, code).map_err(|what| LoadError::at(start, what))?;
        }
        opcodes::FUNCTION_PRE_GA => {
            return Err(LoadError::at(
                start,
                "Pre-release function format not supported: functions of a release candidate of Redis 7.0",
            ));
        }
        opcodes::MODULE_AUX => {
            skip_module_data(cutter).map_err(bad)?;
            kit::warning!("The RDB file holds data of a module beside its keys: skipped (byte {start})");
        }
        other => return Err(LoadError::at(start, format!("Unknown RDB encoding type {other}"))),
    }
    Ok(false)
}

/// As with keys: one that is there already is an error, or is replaced.
fn add_library(shared: &Shared, code: Vec<u8>) -> Result<(), String> {
    let mut libraries = shared.node.libraries.lock();
    let name = library_name(&code);
    let is_same = |known: &[u8]| library_name(known) == name;
    if !shared.how.merge && libraries.iter().any(|known| is_same(known)) {
        let name = String::from_utf8_lossy(name.as_deref().unwrap_or_default()).into_owned();
        return Err(format!("Failed creating the library: Library '{name}' already exists"));
    }
    libraries.retain(|known| !is_same(known));
    libraries.push(code.into());
    Ok(())
}

/// A module's number, then values with their types, to a 0.
pub(crate) fn skip_module_data<S: Source>(cutter: &mut S) -> Result<(), rdb::Error> {
    rdb::read_len(cutter)?;
    loop {
        match rdb::read_len(cutter)? {
            0 => return Ok(()),
            1 | 2 => drop(rdb::read_len(cutter)?),
            3 => cutter.pass(4)?,
            4 => cutter.pass(8)?,
            5 => rdb::skip_string(cutter)?,
            _ => return Err(rdb::Error::Corrupt { what: "data of a module", offset: cutter.offset() }),
        }
    }
}

fn aux(shared: &Shared, name: &[u8], value: &[u8]) {
    let number = || parse_i64(value).unwrap_or(0);
    match name {
        b"redis-ver" => kit::notice!("Loading RDB produced by version {}", String::from_utf8_lossy(value)),
        b"valkey-ver" => kit::notice!("Loading RDB produced by Valkey version {}", String::from_utf8_lossy(value)),
        b"ctime" => kit::notice!("RDB age {} seconds", (shared.node.now().secs() - number()).max(0)),
        b"used-mem" => {
            kit::notice!("RDB memory usage when created {:.2} Mb", number() as f64 / (1024.0 * 1024.0));
            shared.loading.set_used_mem(number().max(0) as u64);
        }
        b"aof-base" if number() != 0 => kit::notice!("RDB is base AOF"),
        b"aof-base" | b"aof-preamble" | b"redis-bits" | b"repl-stream-db" | b"repl-id" | b"repl-offset" => {}
        // Scripts were kept in files once; they are sent anew by their clients.
        b"lua" => {}
        name => kit::debug!("Unrecognized RDB AUX field: '{}'", kit::text::quote(name)),
    }
}

fn check_end<R: Read>(cutter: &mut Cutter<R>, version: u16) -> Result<u64, LoadError> {
    if version < 5 {
        return Ok(cutter.offset());
    }
    let start = cutter.offset();
    let expected = u64::from_le_bytes(cutter.array().map_err(|error| LoadError::of(error, 0, None))?);
    match cutter.crc() {
        None => {}
        Some(_) if expected == 0 => kit::notice!("RDB file was saved with checksum disabled: no check performed."),
        Some(crc) if crc == expected => {}
        Some(crc) => {
            return Err(LoadError::at(
                start,
                format!("RDB CRC error: Wrong RDB checksum expected: ({expected:x}) but got ({crc:x}). Aborting now"),
            ));
        }
    }
    Ok(cutter.offset())
}

/// A decoding thread.
fn work(shared: &Shared, pieces: &Mutex<Receiver<Piece>>, number: usize) {
    let thread = shared.node.helper(number);
    kit::alloc::bind_thread(number);
    let mut published = kit::alloc::thread_net();
    let mut inserter = Inserter::new(shared, thread);
    loop {
        let piece = pieces.lock().recv();
        let Ok(piece) = piece else { break };
        if shared.must_stop() {
            continue; // the cutting thread must not wait for room
        }
        if let Err(error) = inserter.insert(&piece) {
            shared.fail(error);
        }
        drop(piece.bytes);
        shared.node.memory.publish(&mut published);
    }
    drop(inserter);
    shared.node.memory.publish(&mut published);
}
