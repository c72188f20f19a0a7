//! Restoring to a moment: which moments there are, and the data as of one of them.
//!
//! A set (a base and the increments after it) gives every moment from its base on; sets that were replaced
//! are in `kept/` while `log-retention` says so. Times stand in `#TS:` lines (`aof-timestamp-enabled`), second by second, and in the
//! line that begins a segment. As of second T means: everything before the first time line that is later than T.

use crate::folder::{Folder, Format};
use crate::load::{LoadError, LoadSink, Loaded, Reading, io_error};
use crate::manifest::{Entry, Kind};
use crate::open::{OpenError, PlanFile, format_of};
use crate::recover::Batch;
use crate::{Log, Plan};
use std::io;
use std::path::Path;

/// The moments that one set gives.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Seconds since 1970: of the base, and of the last that was logged. `None`: no time is known.
    pub first_s: Option<i64>,
    pub last_s: Option<i64>,
    /// Time lines: 0 means the whole set or nothing.
    pub times: u64,
    /// In `kept/`.
    pub kept: bool,
    pub plan: Plan,
}

impl Log {
    /// All moments that can be restored, oldest set first. Reads every increment.
    pub fn moments(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Moments>, LoadError> {
        let sets = self.sets().map_err(|error| match error {
            OpenError::Manifest(error) => LoadError::Refused { path: self.folder_path(), what: error.to_string() },
            OpenError::File { path, error } => LoadError::Io { path, error },
        })?;
        let total: u64 = sets.iter().map(|(plan, _)| plan.bytes).sum();
        let mut done = 0;
        let mut all = Vec::new();
        for (plan, kept) in sets {
            let mut moments = Moments { first_s: None, last_s: None, times: 0, kept, plan: plan.clone() };
            for file in plan.files.iter().filter(|file| file.kind == Kind::Increment) {
                let opened = self.disk.open(&file.path).map_err(|error| io_error(file, error))?;
                let mut reading = Reading::new(file, &*opened, 0, false);
                // Damage ends a set's moments here; `check` tells more.
                reading.commands(&mut |batch, offset| {
                    moments.add(batch);
                    progress(done + offset, total);
                    Ok(())
                })?;
                done += file.bytes;
            }
            all.push(moments);
        }
        Ok(all)
    }

    /// Loads what was there at the end of this second. `None` for a moment before everything that is kept.
    pub fn load_until(
        &self,
        moments: &[Moments],
        until_s: i64,
        sink: &mut dyn LoadSink,
    ) -> Result<Option<Loaded>, LoadError> {
        let begun = |set: &&Moments| set.first_s.is_some_and(|first| first <= until_s);
        let Some(set) = moments.iter().rev().find(begun) else { return Ok(None) };
        let mut loaded = Loaded::default();
        let mut exact = false;
        for file in &set.plan.files {
            let opened = self.disk.open(&file.path).map_err(|error| io_error(file, error))?;
            let mut reading = Reading::new(file, &*opened, loaded.position, exact);
            let (damage, more) = reading.until(sink, until_s)?;
            (loaded.position, exact) = reading.ends();
            loaded.time_s = reading.recover.time_s.or(loaded.time_s);
            loaded.bytes += file.bytes;
            if damage.is_some() || !more {
                break;
            }
        }
        Ok(Some(loaded))
    }

    /// Each set and whether it is a kept one.
    fn sets(&self) -> Result<Vec<(Plan, bool)>, OpenError> {
        let mut folder = self.folder.lock();
        folder.read_manifest()?;
        let list = folder.kept_dir();
        let kept = folder.kept().map_err(|error| OpenError::File { path: list, error })?;
        let mut sets: Vec<(Plan, bool)> = Vec::new();
        for one in kept {
            let path = folder.kept_dir().join(&one.name);
            let file = plan_file(&folder, &one.entry(), &path)?;
            if one.kind == Kind::Base || sets.is_empty() {
                sets.push((Plan::default(), true));
            }
            if let Some((plan, _)) = sets.last_mut() {
                plan.bytes += file.bytes;
                plan.files.push(file);
            }
        }
        let current = folder.plan()?;
        if !current.is_empty() {
            sets.push((current, false));
        }
        Ok(sets)
    }
}

impl Moments {
    fn add(&mut self, batch: &Batch) {
        for time in batch.times() {
            self.first_s.get_or_insert(time.seconds);
            self.last_s = Some(self.last_s.unwrap_or(time.seconds).max(time.seconds));
            self.times += 1;
        }
    }
}

fn plan_file(folder: &Folder, entry: &Entry, path: &Path) -> Result<PlanFile, OpenError> {
    let made = || -> io::Result<PlanFile> {
        let size = folder.disk.size(path)?;
        let format: Format = format_of(&*folder.disk.open(path)?)?;
        let bytes = entry.cut.map_or(size, |cut| cut.min(size));
        Ok(PlanFile { path: path.to_owned(), kind: entry.kind, format, bytes, entry: entry.clone() })
    };
    made().map_err(|error| OpenError::File { path: path.to_owned(), error })
}
