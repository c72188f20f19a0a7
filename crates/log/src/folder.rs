//! The folder of the log: which files there are, and how one set of them becomes another.
//!
//! ```text
//! <dir>/appendonlydir/appendonly.aof.manifest        the list
//!                     appendonly.aof.1.base.rdb      a snapshot, the data at the position where increment 1 begins
//!                     appendonly.aof.1.incr.aof      what came later
//!                     kept/…                         replaced files that are kept for restoring to a moment
//! ```
//!
//! The order that makes each step safe: a file is made and its name synced before the manifest names it; the manifest
//! is replaced as a whole; a file is dropped after the manifest calls it history. So a manifest never names a file that is
//! not there, but for history. Stock Redis removes history when it starts, therefore what is to be kept moves to a
//! folder of its own (see `keep`).
//! All of this is I/O and may block: only the background thread and the thread of a rewrite come here.

use crate::Position;
use crate::manifest::{Entry, Kind, Manifest};
use crate::settings::Settings;
use kit::world::{Disk, DiskFile};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
    pub(crate) path: PathBuf,
    pub(crate) file_name: String,
    pub(crate) manifest: Manifest,
    /// Increments of a log that was turned on and has no base yet: the manifest does not know them.
    pub(crate) waiting: Option<Vec<Entry>>,
    /// Of each rotation that a base may come for: the number of its segment now.
    pub(crate) rotations: Vec<(u64, u64)>,
    pub(crate) rotation_last: u64,
}

/// The form of a base.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    Rdb,
    Aof,
}

/// A snapshot that is to become the base: a whole, synced file somewhere on the same file system.
#[derive(Clone, Debug)]
pub struct Base {
    pub temp: PathBuf,
    pub format: Format,
}

/// An open increment.
pub(crate) struct Segment {
    /// The number in its name.
    pub(crate) seq: u64,
    /// Which rotation it is for; a repair replaces the file and keeps this.
    pub(crate) rotation: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Where the stream was at its beginning.
    pub(crate) started: Position,
    /// Length up to the last whole batch.
    pub(crate) len: u64,
    pub(crate) synced: Mark,
    /// Where the stream is after `len` bytes.
    pub(crate) end: Mark,
    /// What was written since the last good sync, while it is not too much.
    pub(crate) unsynced: Option<Vec<u8>>,
}

/// A place in a file and what a reader knows there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    pub(crate) position: Position,
    pub(crate) db: Option<u32>,
}

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>, settings: &Settings) -> Folder {
        Folder {
            disk,
            dir: settings.dir.clone(),
            path: settings.dir.join(&settings.folder_name),
            file_name: settings.file_name.clone(),
            manifest: Manifest::default(),
            waiting: None,
            rotations: Vec::new(),
            rotation_last: 0,
        }
    }

    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.path.join(format!("{}.manifest", self.file_name))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Replaces the manifest on the disk, then in memory.
    pub(crate) fn switch(&mut self, manifest: Manifest) -> io::Result<()> {
        self.disk.write_atomic(&self.manifest_path(), manifest.text().as_bytes())?;
        self.manifest = manifest;
        Ok(())
    }

    pub(crate) fn make(&self) -> io::Result<()> {
        if !self.disk.exists(&self.path) {
            self.disk.create_dir_all(&self.path)?;
            self.disk.sync_dir(&self.dir)?;
        }
        Ok(())
    }

    /// A new, empty increment whose name lasts; not in the manifest yet.
    pub(crate) fn create_increment(&self, seq: u64, rotation: u64, position: Position) -> io::Result<Segment> {
        let path = self.file(&self.increment_name(seq));
        let file: Arc<dyn DiskFile> = Arc::from(self.disk.create(&path)?);
        // A file of that name that no manifest names (a rotation in vain, before a crash) was emptied just now: the old bytes
        // must not come back.
        file.sync_data()?;
        self.disk.sync_dir(&self.path)?;
        let mark = Mark { offset: 0, position, db: None };
        Ok(Segment {
            seq,
            rotation,
            path,
            file,
            len: 0,
            synced: mark,
            end: mark,
            unsynced: Some(Vec::new()),
            started: position,
        })
    }

    /// Increments in force, in order.
    pub(crate) fn increments(&self) -> &[Entry] {
        self.waiting.as_deref().unwrap_or(&self.manifest.increments)
    }

    /// Another list of increments is in force from now on.
    pub(crate) fn set_increments(&mut self, increments: Vec<Entry>) -> io::Result<()> {
        if self.waiting.is_some() {
            self.waiting = Some(increments);
            return Ok(());
        }
        self.switch(Manifest { increments, ..self.manifest.clone() })
    }

    pub(crate) fn next_increment_seq(&self) -> u64 {
        let waiting = self.waiting.iter().flatten().map(|entry| entry.seq).max().unwrap_or(0);
        self.manifest.next_increment_seq().max(waiting + 1)
    }

    pub(crate) fn increment_name(&self, seq: u64) -> String {
        format!("{}.{seq}.incr.aof", self.file_name)
    }

    pub(crate) fn increment_entry(&self, seq: u64, start: Option<Position>) -> Entry {
        Entry { name: self.increment_name(seq), seq, kind: Kind::Increment, start, end: None, cut: None, sums: true }
    }

    /// Gives a snapshot its name; the manifest does not know of it yet.
    pub(crate) fn place_base(&self, base: &Base, start: Option<Position>) -> io::Result<Entry> {
        let seq = self.manifest.next_base_seq();
        let suffix = match base.format {
            Format::Rdb => "rdb",
            Format::Aof => "aof",
        };
        let name = format!("{}.{seq}.base.{suffix}", self.file_name);
        let to = self.file(&name);
        // Cheap when the caller has done it, and everything when he has not.
        self.disk.open(&base.temp)?.sync_data()?;
        self.disk.rename(&base.temp, &to)?;
        self.disk.sync_dir(&self.path)?;
        Ok(Entry { name, seq, kind: Kind::Base, start, end: None, cut: None, sums: false })
    }

    /// Removes a file if it is there.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        match self.disk.remove(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
