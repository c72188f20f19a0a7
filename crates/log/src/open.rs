//! What is in the folder at start: which files to load, in which order, and the old single file taken over.
//!
//! As Redis 7 does it: a file `<dir>/<appendfilename>` without a set of its own becomes the base of a new set. The
//! manifest is written first and the file moved afterwards; when that was interrupted, it is done now.

use crate::folder::{Folder, Format};
use crate::manifest::{Entry, Kind, Manifest, ManifestError};
use crate::{Base, Loaded, Log, Position};
use kit::notice;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::{Release, SeqCst};

/// The files to load, in order.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub files: Vec<PlanFile>,
    pub bytes: u64,
}

#[derive(Clone, Debug)]
pub struct PlanFile {
    pub path: PathBuf,
    pub kind: Kind,
    /// By its first bytes: an RDB (commands may follow it), or commands.
    pub format: Format,
    /// What counts of it.
    pub bytes: u64,
    pub(crate) entry: Entry,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    #[error("The AOF file {} can't be opened: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
}

impl Plan {
    /// Nothing was ever logged here.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub fn has_base(&self) -> bool {
        self.files.first().is_some_and(|file| file.kind == Kind::Base)
    }
}

impl Log {
    /// Reads the manifest; takes over an old single file.
    pub fn plan(&self) -> Result<Plan, OpenError> {
        let mut folder = self.folder.lock();
        folder.read_manifest()?;
        folder.take_over_old_file()?;
        folder.plan()
    }

    /// For a log that stays off at start: what a later turn makes goes on with the numbers of the folder, and what is
    /// there becomes history. Nothing is taken over or changed.
    pub fn look_at_folder(&self) -> Result<(), OpenError> {
        self.folder.lock().read_manifest()
    }

    /// The log is on from here: after loading (`Loaded::default()` when there was nothing to load). `base` is a snapshot of
    /// what is in memory, for a set that has no base. The first unit goes to the end of the last increment.
    pub fn begin(&self, loaded: &Loaded, base: Option<&Base>) -> io::Result<()> {
        let mut folder = self.folder.lock();
        folder.make()?;
        let mut manifest = folder.manifest.clone();
        let position = loaded.position;
        if let Some(base) = base.filter(|_| manifest.base.is_none() && manifest.increments.is_empty()) {
            manifest.base = Some(folder.place_base(base, Some(position))?);
        }
        let segment = match manifest.increments.last_mut() {
            Some(last) => {
                last.end = None;
                folder.open_increment(last, position)?
            }
            None => {
                let segment = folder.create_increment(folder.next_increment_seq(), 0, position)?;
                manifest.increments.push(folder.increment_entry(segment.seq, Some(position)));
                segment
            }
        };
        if manifest != folder.manifest {
            folder.switch(manifest)?;
        }
        // What was read may have been in the kernel's memory only.
        segment.file.sync_data()?;
        self.writer.lock().current = Some(segment);
        self.count_sizes(&folder);
        drop(folder);
        self.pending.lock().start_segment(position);
        self.written.store(position, SeqCst);
        self.synced.store(position, Release);
        self.acknowledge(position);
        self.on.store(true, Release);
        Ok(())
    }

    /// Where the stream is while the log is off, for a node that loads something else.
    pub fn set_position(&self, position: Position) {
        self.pending.lock().start_segment(position);
        self.acknowledge(position);
    }
}

impl Folder {
    pub(crate) fn read_manifest(&mut self) -> Result<(), OpenError> {
        let path = self.manifest_path();
        self.manifest = match self.disk.read(&path) {
            Ok(text) => Manifest::parse(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Manifest::default(),
            Err(error) => return Err(OpenError::File { path, error }),
        };
        Ok(())
    }

    fn take_over_old_file(&mut self) -> Result<(), OpenError> {
        let old = self.dir.join(&self.file_name);
        let new = self.file(&self.file_name);
        if !self.disk.size(&old).is_ok_and(|_| self.disk.open(&old).is_ok()) {
            return Ok(());
        }
        let interrupted = self.manifest.base.as_ref().is_some_and(|base| base.name == self.file_name)
            && self.manifest.increments.is_empty()
            && !self.disk.exists(&new);
        let no_set = self.manifest.base.is_none() && self.manifest.increments.is_empty();
        if !interrupted && !no_set {
            return Ok(());
        }
        let moved = (|| {
            self.make()?;
            if no_set {
                let name = self.file_name.clone();
                let base = Entry { name, seq: 1, kind: Kind::Base, start: None, end: None, cut: None, sums: false };
                self.switch(Manifest { base: Some(base), ..self.manifest.clone() })?;
            }
            self.disk.rename(&old, &new)?;
            self.disk.sync_dir(&self.path)?;
            self.disk.sync_dir(&self.dir)
        })();
        moved.map_err(|error| OpenError::File { path: old.clone(), error })?;
        notice!("Successfully migrated an old-style AOF: {} is now {}.", old.display(), new.display());
        Ok(())
    }

    pub(crate) fn plan(&self) -> Result<Plan, OpenError> {
        let mut plan = Plan::default();
        for entry in self.manifest.loaded() {
            let path = self.file(&entry.name);
            let file = self.plan_file(entry, &path).map_err(|error| OpenError::File { path, error })?;
            plan.bytes += file.bytes;
            plan.files.push(file);
        }
        Ok(plan)
    }

    fn plan_file(&self, entry: &Entry, path: &Path) -> io::Result<PlanFile> {
        let size = self.disk.size(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => io::Error::from_raw_os_error(2),
            _ => error,
        })?;
        let format = format_of(&*self.disk.open(path)?)?;
        let bytes = entry.cut.map_or(size, |cut| cut.min(size));
        Ok(PlanFile { path: path.to_owned(), kind: entry.kind, format, bytes, entry: entry.clone() })
    }

    /// Goes on at the end of a file that was loaded.
    fn open_increment(&self, entry: &Entry, position: Position) -> io::Result<crate::folder::Segment> {
        let path = self.file(&entry.name);
        let file: std::sync::Arc<dyn kit::world::DiskFile> = self.disk.append(&path)?.into();
        let len = file.len()?;
        let mark = crate::folder::Mark { offset: len, position, db: None };
        let unsynced = Some(Vec::new());
        let started = entry.start.unwrap_or(position);
        Ok(crate::folder::Segment {
            seq: entry.seq,
            rotation: 0,
            path,
            file,
            started,
            len,
            synced: mark,
            end: mark,
            unsynced,
        })
    }
}

pub(crate) fn format_of(file: &dyn kit::world::DiskFile) -> io::Result<Format> {
    let mut head = [0; 6];
    let read = file.read_at(&mut head, 0)?;
    let rdb = head.starts_with(b"REDIS") || head.starts_with(b"VALKEY");
    Ok(if read >= 5 && rdb { Format::Rdb } else { Format::Aof })
}
