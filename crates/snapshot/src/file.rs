//! Writes a snapshot's file: a temporary one beside it, synced, then renamed.
//!
//! The walk encodes; a second thread takes the checksum, writes and syncs, so that both go on while the disk is busy. Between
//! the two stand a few chunks at most.
//! Always true: the file under its own name is whole, and the last one stays when something fails.

use crate::opcodes;
use crate::options;
use crate::walk::{Chunk, Counts, Form, Moment, Stopped};
use exec::Node;
use kit::crc::crc64_update;
use kit::world::{Disk, DiskFile};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// What a file is made of.
pub(crate) struct Plan {
    pub path: PathBuf,
    pub temp: PathBuf,
    pub form: Arc<dyn Form>,
    pub head: Vec<u8>,
    /// It ends as RDB files do: a mark, and a checksum (0 stands for none).
    pub rdb_end: bool,
    pub checksum: bool,
}

/// For whoever wants to stop it, and for INFO.
#[derive(Default)]
pub(crate) struct Control {
    pub cancel: AtomicBool,
    pub counts: Arc<Counts>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Cancelled,
    Failed(String),
}

// So many chunks may wait for the disk.
const QUEUE: usize = 16;
const SYNC_BYTES: u64 = 16 << 20;
const NAP: Duration = Duration::from_millis(10);

/// Walks and writes; the size of the file, which has its temporary name still.
pub(crate) fn write(node: &Node, plan: &Plan, moment: Moment, control: &Control) -> Result<u64, Failure> {
    let written = write_temp(node, plan, moment, control);
    if written.is_err() {
        let _ = node.disk.remove(&plan.temp); // best effort: the first error is the one to tell
    }
    written
}

/// Gives the file its name, to last.
pub(crate) fn publish(disk: &dyn Disk, plan: &Plan) -> Result<(), Failure> {
    disk.rename_durably(&plan.temp, &plan.path).map_err(|error| {
        let _ = disk.remove(&plan.temp);
        Failure::Failed(format!(
            "Error moving temp DB file {} on the final destination {}: {error}",
            plan.temp.display(),
            plan.path.display()
        ))
    })
}

fn write_temp(node: &Node, plan: &Plan, moment: Moment, control: &Control) -> Result<u64, Failure> {
    let failed = |error: io::Error| {
        Failure::Failed(format!("Write error while saving DB to the disk({}): {error}", plan.temp.display()))
    };
    let file = match node.disk.create(&plan.temp) {
        Ok(file) => file,
        Err(error) => {
            moment.give_up(node);
            let temp = plan.temp.display();
            return Err(Failure::Failed(format!("Failed opening the temp RDB file {temp} for saving: {error}")));
        }
    };
    let writer = Writer {
        file: &*file,
        crc: 0,
        with_crc: plan.rdb_end && plan.checksum,
        len: 0,
        unsynced: 0,
        sync_bytes: if node.config.get(&options::INCREMENTAL_SYNC) { SYNC_BYTES } else { u64::MAX },
        db: None,
    };
    let (walked, written) = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<Chunk>(QUEUE);
        let thread = std::thread::Builder::new().name("snapshot-write".into());
        // The receiver goes with the thread: when it fails, nobody may wait for room in the queue.
        let writing = match thread.spawn_scoped(scope, move || writer.run(plan, receiver)) {
            Ok(writing) => writing,
            Err(error) => {
                moment.give_up(node);
                return (Err(Stopped::Asked), Err(error));
            }
        };
        let mut pause = |keys| rest(node, control, keys);
        let slow = || node.config.get(&options::SAVE_DELAY) != 0;
        let walked = moment.walk(node, &mut pause, &mut |chunk| sender.send(chunk).is_ok(), &slow);
        drop(sender);
        let written = writing.join().unwrap_or_else(|_| Err(io::Error::other("the writing thread panicked")));
        (walked, written)
    });
    match (walked, written) {
        (_, Err(error)) => Err(failed(error)),
        (Err(Stopped::Refused(why)), _) => Err(Failure::Failed(why)),
        (Err(Stopped::Asked), _) => Err(Failure::Cancelled),
        (Ok(()), Ok(len)) => Ok(len),
    }
}

/// Between two steps: is it still wanted? Tests make it slow (`rdb-key-save-delay`).
///
/// An event loop that woke up on this core waits no longer than a step: left to the scheduler it would be a slice of
/// some milliseconds, which is what clients felt of a snapshot on a machine without an idle core.
fn rest(node: &Node, control: &Control, keys: u64) -> bool {
    std::thread::yield_now();
    let delay = || node.config.get(&options::SAVE_DELAY);
    let mut keys = keys;
    // Each key by itself, as in Redis: what a sleep takes beyond its time counts too.
    while keys > 0 && delay() != 0 {
        keys -= 1;
        let mut left = nap_of(delay(), 1);
        while !left.is_zero() && !control.cancel.load(Relaxed) && delay() != 0 {
            let nap = left.min(NAP);
            std::thread::sleep(nap);
            left -= nap;
        }
    }
    !control.cancel.load(Relaxed)
}

/// Microseconds for each key; below 0: a microsecond for every so many.
pub(crate) fn nap_of(delay: i64, keys: u64) -> Duration {
    match u64::try_from(delay) {
        Ok(micros) => Duration::from_micros(micros.saturating_mul(keys)),
        Err(_) => Duration::from_micros(keys / delay.unsigned_abs()),
    }
}

struct Writer<'f> {
    file: &'f dyn DiskFile,
    crc: u64,
    with_crc: bool,
    len: u64,
    unsynced: u64,
    sync_bytes: u64,
    /// That the bytes so far are of.
    db: Option<usize>,
}

impl Writer<'_> {
    fn run(mut self, plan: &Plan, chunks: Receiver<Chunk>) -> io::Result<u64> {
        self.put(&plan.head)?;
        let mut select = Vec::new();
        while let Ok(chunk) = chunks.recv() {
            std::thread::yield_now(); // as in `rest`
            if self.db != Some(chunk.db_first) {
                select.clear();
                plan.form.select(&mut select, chunk.db_first);
                self.put(&select)?;
            }
            self.db = Some(chunk.db_last);
            self.put(&chunk.bytes)?;
        }
        if plan.rdb_end {
            self.put(&[opcodes::EOF])?;
            let crc = if self.with_crc { self.crc } else { 0 };
            self.put(&crc.to_le_bytes())?;
        }
        self.file.sync_data()?;
        Ok(self.len)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.with_crc {
            self.crc = crc64_update(self.crc, bytes);
        }
        self.file.write_all(bytes)?;
        self.len += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= self.sync_bytes {
            self.unsynced = 0;
            self.file.sync_data()?;
        }
        Ok(())
    }
}

/// `temp-<pid>.rdb` in the working folder, as Redis names it.
pub(crate) fn temp_name() -> PathBuf {
    Path::new(&format!("temp-{}.rdb", std::process::id())).to_path_buf()
}
