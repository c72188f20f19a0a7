//! `basalt check`: looks at the files of a log without a server, says what is wrong, cuts what can be cut.
//!
//! Works on a manifest, its folder, or a single file (an old-style AOF, or one increment). Only the last file is ever cut: in
//! another one the cut would leave a hole. RDB parts are checked by whoever is given as `rdb`, which says where the
//! commands begin. Says what redis-check-aof says, in words that scripts look for.

use crate::folder::Format;
use crate::load::{Evidence, Reading, cut_tail, is_tail};
use crate::manifest::{Entry, Kind, Manifest};
use crate::open::{PlanFile, format_of};
use crate::recover::{Damage, DamageKind};
use crate::{LoadError, Position};
use kit::world::{Disk, DiskFile};
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Repair {
    /// Only look.
    Nothing,
    /// Cut the last file behind its last whole unit.
    Fix,
    /// Cut the last file before the first unit that is later than this (seconds since 1970, by its `#TS:` lines).
    TruncateTo(i64),
}

/// What was seen, file by file.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    pub files: Vec<CheckedFile>,
    /// The files are valid, or are now.
    pub valid: bool,
}

#[derive(Clone, Debug)]
pub struct CheckedFile {
    pub path: PathBuf,
    pub kind: Kind,
    pub format: Format,
    pub size: u64,
    /// The end of the last whole unit.
    pub good_until: u64,
    pub commands: u64,
    /// Batches whose checksum was right.
    pub batches: u64,
    /// Bytes of commands without a checksum.
    pub unchecked_bytes: u64,
    pub damage: Option<CheckedDamage>,
    /// What was cut off, and where it is kept.
    pub cut: Option<(u64, PathBuf)>,
}

#[derive(Clone, Debug)]
pub struct CheckedDamage {
    pub at: u64,
    pub line: u64,
    pub what: String,
    /// Looks like a write that was cut short.
    pub tail: bool,
}

/// Checks the RDB at the beginning of a file; gives the offset behind it.
pub type RdbCheck<'a> = &'a mut dyn FnMut(&Path) -> Result<u64, String>;

/// `progress` is told bytes done and bytes in all.
pub struct Checker<'a> {
    pub disk: &'a dyn Disk,
    pub rdb: RdbCheck<'a>,
    pub progress: &'a mut dyn FnMut(u64, u64),
    /// What the user reads, line by line.
    pub say: &'a mut dyn FnMut(&str),
}

impl Checker<'_> {
    /// The error is the last line to say.
    pub fn check(&mut self, path: &Path, repair: Repair) -> Result<Checked, String> {
        match manifest_of(self.disk, path) {
            Some(manifest) => self.check_set(&manifest, repair),
            None => self.check_single(path, repair),
        }
    }

    fn check_single(&mut self, path: &Path, repair: Repair) -> Result<Checked, String> {
        (self.say)(&format!("Start checking Old-Style AOF {}", path.display()));
        let entry = Entry {
            name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            seq: 1,
            kind: Kind::Increment,
            start: None,
            end: None,
            cut: None,
            sums: false,
        };
        let mut at = Place { position: 0, exact: false, done: 0, total: self.disk.size(path).unwrap_or(0) };
        let file = self.check_file(path, &entry, true, repair, &mut at)?;
        let valid = file.damage.is_none() || file.cut.is_some();
        if valid {
            (self.say)(&format!("AOF {} is valid", path.display()));
        }
        Ok(Checked { files: vec![file], valid })
    }

    fn check_set(&mut self, path: &Path, repair: Repair) -> Result<Checked, String> {
        (self.say)(&format!("Start checking Multi Part AOF {}", path.display()));
        let text = self.disk.read(path).map_err(|error| format!("Cannot open {}: {error}", path.display()))?;
        let manifest = Manifest::parse(path, &text).map_err(|error| error.to_string())?;
        let dir = path.parent().unwrap_or(Path::new("."));
        let entries: Vec<_> = manifest.loaded().cloned().collect();
        let size = |entry: &Entry| self.disk.size(&dir.join(&entry.name)).unwrap_or(0);
        // Increments that wait for their first command do not count: the one before them is the last.
        let last = entries.iter().rposition(|entry| size(entry) > 0).unwrap_or(0);
        let total = entries.iter().map(size).sum();
        let mut at = Place { position: 0, exact: false, done: 0, total };
        let mut checked = Checked { files: Vec::new(), valid: true };
        let mut told = false;
        for (number, entry) in entries.iter().enumerate() {
            let path = dir.join(&entry.name);
            let name = if entry.kind == Kind::Base { "BASE" } else { "INCR" };
            if entry.kind != Kind::Base && !std::mem::replace(&mut told, true) {
                (self.say)("Start to check INCR files.");
            }
            let file = self.check_file(&path, entry, number >= last, repair, &mut at)?;
            let valid = file.damage.is_none() || file.cut.is_some();
            if valid {
                (self.say)(&format!("{name} AOF {} is valid", entry.name));
            }
            checked.valid &= valid;
            checked.files.push(file);
            if !valid {
                return Ok(checked);
            }
        }
        (self.say)("All AOF files and manifest are valid");
        Ok(checked)
    }

    fn check_file(
        &mut self,
        path: &Path,
        entry: &Entry,
        is_last: bool,
        repair: Repair,
        at: &mut Place,
    ) -> Result<CheckedFile, String> {
        let failed = |error: std::io::Error| format!("Cannot open file {}: {error}", path.display());
        let opened = self.disk.open(path).map_err(failed)?;
        let size = opened.len().map_err(failed)?;
        let format = format_of(&*opened).map_err(failed)?;
        let bytes = entry.cut.map_or(size, |cut| cut.min(size));
        if entry.kind == Kind::Base {
            let word = if format == Format::Rdb { "RDB" } else { "RESP" };
            (self.say)(&format!("Start to check BASE AOF ({word} format)."));
        }
        let file = PlanFile { path: path.to_owned(), kind: entry.kind, format, bytes, entry: entry.clone() };
        let mut reading = Reading::new(&file, &*opened, at.position, at.exact);
        if format == Format::Rdb {
            (self.say)("The AOF appears to start with an RDB preamble. Checking the RDB preamble to start:");
            reading.recover.offset =
                (self.rdb)(path).map_err(|error| format!("RDB preamble of AOF file is not sane, aborting: {error}"))?;
            (self.say)("RDB preamble is OK, proceeding with AOF tail...");
        }
        let (mut commands, mut late) = (0, None);
        let until = if let Repair::TruncateTo(seconds) = repair { seconds } else { i64::MAX };
        let damage = reading
            .commands(&mut |batch, offset| {
                commands += batch.len() as u64;
                (self.progress)(at.done + offset, at.total);
                let first_late = batch.times().iter().find(|time| time.seconds > until);
                late = late.or(first_late.map(|time| time.offset));
                Ok(())
            })
            .map_err(|error: LoadError| error.to_string())?;
        if let Some(offset) = late.filter(|_| !is_last) {
            return Err(format!(
                "Failed to truncate AOF {} to timestamp {until} to offset {offset} because it is not the last file.\n\
                 If you insist, take the later files out of the manifest by hand, then run this again.",
                path.display()
            ));
        }
        at.done += bytes;
        (at.position, at.exact) = reading.ends();
        let recover = &reading.recover;
        let mut checked = CheckedFile {
            path: path.to_owned(),
            kind: entry.kind,
            format,
            size,
            good_until: recover.offset,
            commands,
            batches: recover.batches,
            unchecked_bytes: recover.unchecked_bytes,
            damage: None,
            cut: None,
        };
        if let Some(from) = late {
            if from == 0 {
                return Err(format!(
                    "AOF {} has nothing before timestamp {until}, aborting truncation.",
                    path.display()
                ));
            }
            let cut = cut_tail(self.disk, path, &*opened, from, "later".into()).map_err(failed)?;
            (self.say)(&format!("Successfully truncated AOF {} to timestamp {until}, at byte {from}", path.display()));
            checked.cut = Some((cut.bytes, cut.kept_as));
        } else if let Some(damage) = damage {
            let ours = damage.ours || (entry.sums && !recover.is_foreign_here());
            self.tell_damage(&mut checked, &*opened, &damage, ours, at.position).map_err(failed)?;
            self.fix(&mut checked, &*opened, damage, is_last, repair)?;
        }
        Ok(checked)
    }

    fn tell_damage(
        &mut self,
        checked: &mut CheckedFile,
        opened: &dyn DiskFile,
        damage: &Damage,
        ours: bool,
        position: Position,
    ) -> std::io::Result<()> {
        let mut later = Evidence::default();
        later.search(opened, damage.at, checked.size)?;
        let tail = is_tail(damage, &later, position, ours);
        let line = line_of(opened, damage.from)?;
        let path = checked.path.display();
        (self.say)(&format!(
            "AOF analyzed: filename={path}, size={}, ok_up_to={}, ok_up_to_line={line}, diff={}",
            checked.size,
            damage.from,
            checked.size - damage.from
        ));
        let kind = if tail { "a write that was cut short" } else { "damage" };
        (self.say)(&format!("0x{:16x}: {} ({kind})", damage.at, damage.what));
        checked.damage = Some(CheckedDamage { at: damage.at, line, what: damage.what.clone(), tail });
        Ok(())
    }

    fn fix(
        &mut self,
        checked: &mut CheckedFile,
        opened: &dyn DiskFile,
        damage: Damage,
        is_last: bool,
        repair: Repair,
    ) -> Result<(), String> {
        let path = checked.path.clone();
        let shown = path.display();
        if repair == Repair::Nothing {
            (self.say)(&format!("AOF {shown} is not valid. Use the --fix option to try fixing it."));
            return Ok(());
        }
        if damage.kind == DamageKind::TooNew {
            return Err(format!("{}: nothing was changed in {shown}", damage.what));
        }
        if !is_last {
            return Err(format!(
                "Failed to truncate AOF {shown} because it is not the last file: what comes later would not fit. Take the \
                 later files out of the manifest by hand if you want to lose them, then run this again."
            ));
        }
        let cut = cut_tail(self.disk, &path, opened, damage.from, damage.what)
            .map_err(|error| format!("Failed to truncate AOF {shown}: {error}"))?;
        (self.say)(&format!(
            "Successfully truncated AOF {shown}: {} bytes from byte {} on are kept as {}",
            cut.bytes,
            cut.from,
            cut.kept_as.display()
        ));
        checked.cut = Some((cut.bytes, cut.kept_as));
        Ok(())
    }
}

struct Place {
    position: Position,
    exact: bool,
    done: u64,
    total: u64,
}

/// The manifest that a path means: itself, or the one in a folder. `None`: a file of commands or an RDB.
fn manifest_of(disk: &dyn Disk, path: &Path) -> Option<PathBuf> {
    if let Ok(names) = disk.list(path) {
        let manifest = |dir: &Path, names: Vec<String>| {
            names.into_iter().find(|name| name.ends_with(".manifest")).map(|name| dir.join(name))
        };
        return manifest(path, names).or_else(|| {
            let inner = path.join("appendonlydir");
            disk.list(&inner).ok().and_then(|names| manifest(&inner, names))
        });
    }
    // By its name or by how it begins; a command begins with `*`, so a value cannot look like one.
    let named = path.extension().is_some_and(|extension| extension == "manifest");
    let begins = disk.open(path).ok().is_some_and(|file| {
        let mut head = [0; 5];
        file.read_at(&mut head, 0).is_ok() && &head == b"file "
    });
    (named || begins).then(|| path.to_owned())
}

/// The number of the line at a byte, from 1; as redis-check-aof counts them.
fn line_of(file: &dyn DiskFile, upto: u64) -> std::io::Result<u64> {
    let mut bytes = vec![0; 1 << 16];
    let (mut at, mut lines) = (0, 0);
    while at < upto {
        let want = (upto - at).min(bytes.len() as u64) as usize;
        let read = file.read_at(&mut bytes[..want], at)?;
        if read == 0 {
            break;
        }
        lines += bytes[..read].iter().filter(|b| **b == b'\n').count() as u64;
        at += read as u64;
    }
    Ok(lines + 1)
}
