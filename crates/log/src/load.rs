//! Loading: drives `recover` over the files of a plan, decides what damage means, cuts a torn tail.
//!
//! **Tail or middle.** A power cut may take whatever was not synced, in any order; a reader cannot tell a block that never
//! reached the disk from one that the disk has lost. But each of our batches says how far the log was synced when it was
//! made. So after damage the rest of the files is searched for closing lines: if one of them says that the damaged
//! place had been synced, it is damage in the middle, and nothing is loaded silently; otherwise what was never
//! synced is missing, and the log ends before the damage. Without lines of ours Redis's rule holds: a file that ends in the middle is a
//! torn tail, anything else is not.
//!
//! What is cut is kept beside as `<file>.damaged`.

use crate::folder::Format;
use crate::line::{self, Line};
use crate::open::{Plan, PlanFile};
use crate::recover::{Batch, Damage, DamageKind, Recover};
use crate::{Kind, Log, Position};
use kit::world::{Disk, DiskFile};
use kit::{notice, warning};
use std::io;
use std::path::{Path, PathBuf};

/// Runs what was logged.
pub trait LoadSink {
    /// The file begins with an RDB: load it. Gives the offset behind it; commands follow if the file is longer.
    fn rdb(&mut self, path: &Path) -> Result<u64, String>;
    /// Whole units in order. The error is the cause in the words of the log, such as "Unknown command 'x'".
    fn batch(&mut self, batch: &Batch) -> Result<(), String>;
    /// Bytes of all files that are done.
    fn progress(&mut self, _bytes: u64) {}
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    pub position: Position,
    /// The last `#TS:` line.
    pub time_s: Option<i64>,
    pub bytes: u64,
    /// Bytes that had no checksum: files of Redis.
    pub unchecked_bytes: u64,
    pub cuts: Vec<Cut>,
}

/// A tail that was taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    pub path: PathBuf,
    pub from: u64,
    pub bytes: u64,
    pub kept_as: PathBuf,
    pub what: String,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("Unrecoverable error reading the append only file {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error("{what} reading the append only file {}", path.display())]
    Refused { path: PathBuf, what: String },
    #[error("{}", told(.0))]
    Damaged(Box<Damaged>),
    /// What was wanted is there; never seen outside.
    #[doc(hidden)]
    #[error("enough")]
    Enough,
}

/// Where a file is damaged, and what is around it.
#[derive(Debug, Clone)]
pub struct Damaged {
    pub path: PathBuf,
    /// The end of the last whole unit.
    pub from: u64,
    /// Where it was noticed.
    pub at: u64,
    pub size: u64,
    pub what: String,
    /// It looks like a write that was cut short at the end of the log: `aof-load-truncated yes` would go on.
    pub tail: bool,
    pub before: String,
    pub after: String,
}

fn told(damaged: &Damaged) -> String {
    let Damaged { path, from, at, size, what, before, after, .. } = damaged;
    let path = path.display();
    let place = format!(
        "{what} at byte {at} of {size}; the last whole command ends at byte {from}. Before: {before}. After: {after}."
    );
    if damaged.tail {
        format!(
            "Unexpected end of file reading the append only file {path}: {place} Either set aof-load-truncated to yes, \
             which cuts the {} bytes from there and keeps them beside the file, or make a backup and run: basalt check --fix {path}",
            size - from
        )
    } else {
        format!(
            "Bad file format reading the append only file {path}: {place} Nothing was changed. Make a backup, look with \
             'basalt check {path}', then 'basalt check --fix {path}' cuts the log there."
        )
    }
}

const CHUNK_BYTES: usize = 1 << 20;

impl Log {
    /// Loads the files of a plan; with `load_truncated` a torn tail is cut.
    pub fn load(&self, plan: &Plan, sink: &mut dyn LoadSink, load_truncated: bool) -> Result<Loaded, LoadError> {
        let mut loaded = Loaded::default();
        let mut exact = false;
        for (at, file) in plan.files.iter().enumerate() {
            let begin_ns = self.clock.mono_ns();
            let opened = self.disk.open(&file.path).map_err(|error| io_error(file, error))?;
            let mut reading = Reading::new(file, &*opened, loaded.position, exact);
            let damage = reading.all(sink, loaded.bytes)?;
            (loaded.position, exact) = reading.ends();
            loaded.time_s = reading.recover.time_s.or(loaded.time_s);
            loaded.unchecked_bytes += reading.recover.unchecked_bytes;
            loaded.bytes += file.bytes;
            let damage = damage.or_else(|| ends_early(file, &reading.recover));
            if let Some(damage) = damage {
                let rest = &plan.files[at + 1..];
                self.damaged(file, &*opened, &reading, damage, rest, load_truncated, &mut loaded)?;
                self.tell_loaded(file, begin_ns);
                break;
            }
            self.tell_loaded(file, begin_ns);
        }
        Log::closed_position(plan, exact, &mut loaded);
        Ok(loaded)
    }

    /// In the words of Redis, which operators know.
    fn tell_loaded(&self, file: &PlanFile, begin_ns: u64) {
        let secs = self.clock.mono_ns().saturating_sub(begin_ns) as f64 / 1e9;
        match file.kind {
            Kind::Base => notice!("DB loaded from base file {}: {secs:.3} seconds", file.entry.name),
            Kind::Increment => notice!("DB loaded from incr file {}: {secs:.3} seconds", file.entry.name),
            Kind::History => {}
        }
    }

    /// A Redis 8 has noted where its stream was. Our own lines know better: theirs may count otherwise.
    fn closed_position(plan: &Plan, exact: bool, loaded: &mut Loaded) {
        let end = plan.files.last().and_then(|file| file.entry.end);
        if let Some(end) = end.filter(|_| loaded.cuts.is_empty() && !exact) {
            loaded.position = loaded.position.max(end);
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn damaged(
        &self,
        file: &PlanFile,
        opened: &dyn DiskFile,
        reading: &Reading,
        damage: Damage,
        rest: &[PlanFile],
        load_truncated: bool,
        loaded: &mut Loaded,
    ) -> Result<(), LoadError> {
        let failed = |error| io_error(file, error);
        let later = self.later_evidence(file, opened, &damage, rest).map_err(failed)?;
        let recover = &reading.recover;
        let ours = damage.ours || ((file.entry.sums || recover.batches > 0) && !recover.is_foreign_here());
        let tail =
            is_tail(&damage, &later, loaded.position, ours) && file.kind == Kind::Increment && file.entry.cut.is_none();
        let size = opened.len().map_err(failed)?;
        if !tail || !load_truncated {
            let (before, after) = around(opened, damage.from, damage.at).map_err(failed)?;
            let (path, from, at, what) = (file.path.clone(), damage.from, damage.at, damage.what);
            return Err(LoadError::Damaged(Box::new(Damaged { path, from, at, size, what, tail, before, after })));
        }
        let cut = cut_tail(&*self.disk, &file.path, opened, damage.from, damage.what).map_err(failed)?;
        loaded.cuts.push(cut);
        for later in rest.iter().filter(|later| later.bytes > 0) {
            let failed = |error| io_error(later, error);
            let opened = self.disk.open(&later.path).map_err(failed)?;
            let what = "what comes before it is missing".to_owned();
            loaded.cuts.push(cut_tail(&*self.disk, &later.path, &*opened, 0, what).map_err(failed)?);
        }
        for cut in &loaded.cuts {
            warning!(
                "!!! Warning: short read while loading the AOF file {}!!! {}: the last {} bytes, from byte {} on, were cut and are kept as {}. \
                 AOF loaded anyway because aof-load-truncated is enabled.",
                cut.path.display(),
                cut.what,
                cut.bytes,
                cut.from,
                cut.kept_as.display()
            );
        }
        Ok(())
    }

    fn later_evidence(
        &self,
        file: &PlanFile,
        opened: &dyn DiskFile,
        damage: &Damage,
        rest: &[PlanFile],
    ) -> io::Result<Evidence> {
        // A clean end of ours says how far everything was on the disk.
        let closed_at = file.entry.end.filter(|_| file.entry.sums).unwrap_or(0);
        let mut evidence = Evidence { synced: closed_at, ..Evidence::default() };
        evidence.search(opened, damage.at, file.bytes)?;
        for later in rest.iter().filter(|later| later.bytes > 0) {
            let opened = self.disk.open(&later.path)?;
            let lines_before = evidence.lines;
            evidence.search(&*opened, 0, later.bytes)?;
            evidence.foreign_file |= evidence.lines == lines_before && begins_with_commands(&*opened)?;
        }
        Ok(evidence)
    }
}

/// Reads one file through `Recover`.
pub(crate) struct Reading<'a> {
    file: &'a PlanFile,
    opened: &'a dyn DiskFile,
    pub(crate) recover: Recover,
    batch: Batch,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(file: &'a PlanFile, opened: &'a dyn DiskFile, position: Position, exact: bool) -> Reading<'a> {
        // A base has a stream of its own, from zero.
        let (started, exact) = match file.kind {
            Kind::Base | Kind::History => (0, false),
            Kind::Increment if exact => (position, true),
            Kind::Increment => (file.entry.start.unwrap_or(position), false),
        };
        let mut recover = Recover::new(0, started, exact);
        recover.strict = file.entry.sums;
        Reading { file, opened, recover, batch: Batch::default() }
    }

    /// Where the stream is behind this file, and whether our own lines say so.
    pub(crate) fn ends(&self) -> (Position, bool) {
        match (self.file.kind, self.file.entry.start) {
            (Kind::Increment, _) => (self.recover.position, self.recover.exact),
            (Kind::Base | Kind::History, Some(start)) => (start, true),
            (Kind::Base | Kind::History, None) => (0, false),
        }
    }

    /// Gives the damage that stopped it.
    fn all(&mut self, sink: &mut dyn LoadSink, done_before: u64) -> Result<Option<Damage>, LoadError> {
        let path = &self.file.path;
        let refused = |what| LoadError::Refused { path: path.clone(), what };
        if self.file.format == Format::Rdb {
            self.recover.offset = sink.rdb(path).map_err(refused)?;
        }
        self.commands(&mut |batch, offset| {
            sink.batch(batch).map_err(refused)?;
            sink.progress(done_before + offset);
            Ok(())
        })
        .inspect(|_| sink.progress(done_before + self.file.bytes))
    }

    /// Up to the first time line that is later; false when there was one.
    pub(crate) fn until(&mut self, sink: &mut dyn LoadSink, until_s: i64) -> Result<(Option<Damage>, bool), LoadError> {
        let path = &self.file.path;
        let refused = |what| LoadError::Refused { path: path.clone(), what };
        if self.file.format == Format::Rdb {
            self.recover.offset = sink.rdb(path).map_err(refused)?;
        }
        // A base is of one moment, whatever times it says.
        let until_s = if self.file.kind == Kind::Base { i64::MAX } else { until_s };
        let mut more = true;
        let damage = self.commands(&mut |batch, _| {
            if let Some(late) = batch.times().iter().find(|time| time.seconds > until_s) {
                more = false;
                batch.keep_units(late.units_before);
            }
            sink.batch(batch).map_err(refused)?;
            if more { Ok(()) } else { Err(LoadError::Enough) }
        });
        match damage {
            Err(LoadError::Enough) => Ok((None, false)),
            other => Ok((other?, true)),
        }
    }

    pub(crate) fn commands(
        &mut self,
        each: &mut dyn FnMut(&mut Batch, u64) -> Result<(), LoadError>,
    ) -> Result<Option<Damage>, LoadError> {
        let limit = self.file.bytes;
        let mut next = self.recover.offset;
        let mut chunk = CHUNK_BYTES;
        loop {
            let want = chunk.min(limit.saturating_sub(next) as usize);
            let bytes = self.batch.bytes_mut();
            let held = bytes.len();
            bytes.resize(held + want, 0);
            let read = self.opened.read_at(&mut bytes[held..], next).map_err(|error| io_error(self.file, error))?;
            bytes.truncate(held + read);
            next += read as u64;
            let last = read < want || next >= limit;
            let (used, damage) = self.recover.scan(&mut self.batch, last);
            if !self.batch.is_empty() || !self.batch.times().is_empty() {
                each(&mut self.batch, self.recover.offset)?;
            }
            if damage.is_some() || last {
                return Ok(damage);
            }
            self.batch.bytes_mut().drain(..used);
            // A unit that does not fit: twice as much, so that it is not scanned again and again.
            chunk = if used == 0 { chunk * 2 } else { CHUNK_BYTES };
        }
    }
}

/// Not with a batch of ours, nor with what a power cut leaves of one.
fn begins_with_commands(file: &dyn DiskFile) -> io::Result<bool> {
    let mut batch = Batch::default();
    batch.bytes_mut().resize(CHUNK_BYTES, 0);
    let read = file.read_at(batch.bytes_mut(), 0)?;
    batch.bytes_mut().truncate(read);
    let mut recover = Recover::new(0, 0, false);
    recover.scan(&mut batch, false);
    Ok(recover.unchecked_bytes > 0)
}

/// A file of ours that was closed further on than it reaches now.
fn ends_early(file: &PlanFile, recover: &Recover) -> Option<Damage> {
    let end = file.entry.end.filter(|end| file.entry.sums && *end > recover.position)?;
    let what = format!("the log was closed at position {end}, and the file ends at position {}", recover.position);
    let from = recover.offset;
    Some(Damage { kind: DamageKind::Torn, from, at: from, what, ours: true })
}

/// What closing lines behind damage say.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) lines: u64,
    /// The furthest position that was synced, as they say.
    pub(crate) synced: Position,
    /// A later file with content and without lines of ours.
    pub(crate) foreign_file: bool,
}

impl Evidence {
    pub(crate) fn search(&mut self, file: &dyn DiskFile, from: u64, upto: u64) -> io::Result<()> {
        let mut at = from;
        let mut bytes = Vec::new();
        while at < upto {
            bytes.resize((upto - at).min(CHUNK_BYTES as u64) as usize, 0);
            let read = file.read_at(&mut bytes, at)?;
            if read == 0 {
                break;
            }
            self.search_bytes(&bytes[..read]);
            let whole_rest = at + read as u64 >= upto;
            // A line may be across the border of two pieces.
            at += if whole_rest { read } else { read.saturating_sub(line::LINE_BYTES_MAX).max(1) } as u64;
        }
        Ok(())
    }

    fn search_bytes(&mut self, bytes: &[u8]) {
        for at in bytes.windows(3).enumerate().filter(|(_, three)| *three == b"\n#}").map(|(at, _)| at + 1) {
            let line = &bytes[at..bytes.len().min(at + line::LINE_BYTES_MAX)];
            let Some(end) = line.iter().position(|b| *b == b'\r') else { continue };
            if let Some(Line::Close { position, lag, .. }) = line::parse(&line[..end]) {
                self.lines += 1;
                self.synced = self.synced.max(position.saturating_sub(lag));
            }
        }
    }
}

/// The log may end before the damage: nothing behind it says that it was synced.
pub(crate) fn is_tail(damage: &Damage, later: &Evidence, position: Position, ours: bool) -> bool {
    if later.foreign_file || later.synced > position {
        return false;
    }
    match damage.kind {
        DamageKind::Torn | DamageKind::Zeros => true,
        DamageKind::Garbage | DamageKind::Checksum | DamageKind::Gap => ours || later.lines > 0,
        DamageKind::Overlap | DamageKind::TooNew => false,
    }
}

/// Puts the bytes from `from` on aside, then cuts the file there.
pub(crate) fn cut_tail(disk: &dyn Disk, path: &Path, file: &dyn DiskFile, from: u64, what: String) -> io::Result<Cut> {
    let size = file.len()?;
    let kept_as = free_name(disk, path);
    let kept = disk.create(&kept_as)?;
    let mut at = from;
    let mut bytes = vec![0; CHUNK_BYTES];
    while at < size {
        let read = file.read_at(&mut bytes, at)?;
        if read == 0 {
            break;
        }
        kept.write_all(&bytes[..read])?;
        at += read as u64;
    }
    kept.sync_data()?;
    if let Some(dir) = path.parent() {
        disk.sync_dir(dir)?;
    }
    file.truncate(from)?;
    file.sync_data()?;
    Ok(Cut { path: path.to_owned(), from, bytes: size - from, kept_as, what })
}

fn free_name(disk: &dyn Disk, path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |n: u32| match n {
        0 => path.with_file_name(format!("{name}.damaged")),
        n => path.with_file_name(format!("{name}.{n}.damaged")),
    };
    (0..).map(numbered).find(|path| !disk.exists(path)).unwrap_or_else(|| numbered(0))
}

/// Some bytes before and behind, printable.
fn around(file: &dyn DiskFile, from: u64, at: u64) -> io::Result<(String, String)> {
    const SHOWN: usize = 48;
    let mut bytes = [0; SHOWN];
    let start = from.saturating_sub(SHOWN as u64);
    let read = file.read_at(&mut bytes[..(from - start) as usize], start)?;
    let before = kit::text::quote(&bytes[..read]);
    let read = file.read_at(&mut bytes, at)?;
    Ok((before, kit::text::quote(&bytes[..read])))
}

pub(crate) fn io_error(file: &PlanFile, error: io::Error) -> LoadError {
    LoadError::Io { path: file.path.clone(), error }
}
