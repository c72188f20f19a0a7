//! A disk in memory that forgets what was not synced.
//!
//! Two pictures are kept: what a running program sees, and what is on the platter. `sync_data` copies a file's
//! bytes to the second, `sync_dir` a folder's names. `power_cut` goes back to the second, after letting a random part of
//! the unsynced work through: a file keeps a prefix of what was appended (its last bytes may be garbage), a folder a
//! prefix of its creations, renames and removals. Sometimes blocks in the middle of what was not synced are zeros: the disk
//! writes in the order it likes. Stricter than most file systems: a synced file whose
//! folder was not synced may vanish. Folders themselves last at once.
//! A sync that fails loses what it was to save, as Linux does: the file still shows those bytes, a later sync succeeds,
//! and after the cut zeros stand there.
//! Always true: what was synced, bytes and name, is there after any cut.

use super::disk::{Disk, DiskFile, parent};
use super::rng::Rng;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What a fault can be attached to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskOp {
    Read,
    Write,
    Sync,
    /// Create, rename, remove, sync of a folder.
    Name,
}

/// Clones share the same disk.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Inode>,
    files_durable: BTreeMap<PathBuf, Inode>,
    dirs: BTreeSet<PathBuf>,
    /// Changes of names since their folder's last sync, oldest first.
    pending: Vec<NameChange>,
    /// Counts power cuts; files opened before the last one are dead.
    boot: u64,
    capacity_bytes: Option<u64>,
    faults: Vec<Fault>,
    /// Operations until nothing works any more.
    power_off_in: Option<u64>,
}

type Inode = Arc<Mutex<Content>>;

#[derive(Default)]
struct Content {
    data: Vec<u8>,
    durable: Vec<u8>,
    /// `data` and `durable` agree below this offset, but for `lost`.
    same_until: usize,
    /// Parts of `data` that a failed sync was to save: never written any more.
    lost: Vec<Range<usize>>,
}

enum NameChange {
    Link(PathBuf, Inode),
    Unlink(PathBuf),
    Rename { from: PathBuf, to: PathBuf, inode: Inode },
}

struct Fault {
    op: DiskOp,
    /// Operations of this kind that still succeed.
    after: u64,
    /// Operations that then fail.
    times: u64,
    errno: i32,
}

impl SimDisk {
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// Loses what was not synced, or a random part of it. Files that were open answer with an error from now on.
    pub fn power_cut(&self, rng: &mut Rng) {
        let mut state = self.0.lock();
        state.boot += 1;
        state.power_off_in = None;
        // Each folder got a random distance down its own list of changes.
        let mut reached: BTreeMap<PathBuf, bool> = BTreeMap::new();
        for change in std::mem::take(&mut state.pending) {
            let going_on = reached.entry(change.dir().to_owned()).or_insert(true);
            *going_on &= !rng.one_in(3);
            if *going_on {
                change.apply(&mut state.files_durable);
            }
        }
        state.files = state.files_durable.clone();
        for inode in state.files.values() {
            inode.lock().power_cut(rng);
        }
    }

    /// ENOSPC when all files together would grow beyond this. `None`: never.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.0.lock().capacity_bytes = bytes;
    }

    /// After `after` more operations of this kind, `times` of them fail with the error number (5 is EIO, 28 ENOSPC).
    pub fn fail(&self, op: DiskOp, after: u64, times: u64, errno: i32) {
        self.0.lock().faults.push(Fault { op, after, times, errno });
    }

    /// After this many more reads, writes, syncs and changes of names everything fails, until `power_cut`.
    pub fn power_off_after(&self, operations: u64) {
        self.0.lock().power_off_in = Some(operations);
    }

    /// Whether `power_off_after` has struck.
    pub fn is_off(&self) -> bool {
        self.0.lock().power_off_in == Some(0)
    }

    /// Forgets all faults and the capacity.
    pub fn heal(&self) {
        let mut state = self.0.lock();
        state.faults.clear();
        state.capacity_bytes = None;
    }

    fn file(&self, inode: &Inode, boot: u64) -> Box<dyn DiskFile> {
        Box::new(SimFile { disk: self.clone(), inode: inode.clone(), boot })
    }
}

impl State {
    fn check(&mut self, op: DiskOp) -> io::Result<()> {
        match &mut self.power_off_in {
            Some(0) => return Err(io::Error::other("the power is off")),
            Some(left) => *left -= 1,
            None => {}
        }
        let Some(at) = self.faults.iter().position(|fault| fault.op == op) else { return Ok(()) };
        let fault = &mut self.faults[at];
        if fault.after > 0 {
            fault.after -= 1;
            return Ok(());
        }
        let errno = fault.errno;
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.faults.remove(at);
        }
        Err(io::Error::from_raw_os_error(errno))
    }

    fn find(&self, path: &Path) -> io::Result<Inode> {
        self.files.get(&clean(path)).cloned().ok_or_else(not_found)
    }

    fn link(&mut self, path: &Path) -> io::Result<Inode> {
        self.check(DiskOp::Name)?;
        let path = clean(path);
        self.dir_must_exist(parent(&path))?;
        let inode = Inode::default();
        self.files.insert(path.clone(), inode.clone());
        self.pending.push(NameChange::Link(path, inode.clone()));
        Ok(inode)
    }

    fn dir_must_exist(&self, dir: &Path) -> io::Result<()> {
        let root = dir.parent().is_none() || dir == Path::new(".");
        if root || self.dirs.contains(dir) { Ok(()) } else { Err(not_found()) }
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(DiskOp::Name)?;
        let (from, to) = (clean(from), clean(to));
        self.dir_must_exist(parent(&to))?;
        let inode = self.files.remove(&from).ok_or_else(not_found)?;
        self.files.insert(to.clone(), inode.clone());
        self.pending.push(NameChange::Rename { from, to, inode });
        Ok(())
    }

    fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        self.check(DiskOp::Name)?;
        let dir = clean(dir);
        self.dir_must_exist(&dir)?;
        for change in std::mem::take(&mut self.pending) {
            if change.dir() != dir {
                self.pending.push(change);
                continue;
            }
            // A file that lasts under its new name cannot come back under the old one, in another folder.
            if let NameChange::Rename { from, inode, .. } = &change {
                self.pending.retain(|earlier| !earlier.links(from, inode));
            }
            change.apply(&mut self.files_durable);
        }
        Ok(())
    }

    fn free_bytes(&self) -> u64 {
        let Some(capacity) = self.capacity_bytes else { return 1 << 50 };
        let used: u64 = self.files.values().map(|inode| inode.lock().data.len() as u64).sum();
        capacity.saturating_sub(used)
    }
}

impl NameChange {
    /// The folder whose sync makes the change last; of a rename, the one that gets the file.
    fn dir(&self) -> &Path {
        match self {
            NameChange::Link(path, _) | NameChange::Unlink(path) | NameChange::Rename { to: path, .. } => parent(path),
        }
    }

    fn links(&self, path: &Path, inode: &Inode) -> bool {
        matches!(self, NameChange::Link(linked, of) if linked == path && Arc::ptr_eq(of, inode))
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, Inode>) {
        match self {
            NameChange::Link(path, inode) => {
                names.insert(path, inode);
            }
            NameChange::Unlink(path) => {
                names.remove(&path);
            }
            NameChange::Rename { from, to, inode } => {
                // Another file may have taken the old name since, in a folder synced earlier.
                if names.get(&from).is_some_and(|old| Arc::ptr_eq(old, &inode)) {
                    names.remove(&from);
                }
                names.insert(to, inode);
            }
        }
    }
}

impl Content {
    fn write(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    fn truncate(&mut self, len: usize) {
        self.same_until = self.same_until.min(len);
        self.data.resize(len, 0);
        self.lost.retain(|part| part.start < len);
        self.lost.iter_mut().for_each(|part| part.end = part.end.min(len));
    }

    fn sync_failed(&mut self) {
        self.lost.push(self.same_until..self.data.len());
    }

    /// What is on its way to the disk: zeros where a failed sync has lost the bytes.
    fn unsynced(&self) -> Vec<u8> {
        let mut tail = self.data[self.same_until..].to_vec();
        for part in &self.lost {
            let from = part.start.max(self.same_until) - self.same_until;
            let to = part.end.max(self.same_until) - self.same_until;
            tail[from..to].fill(0);
        }
        tail
    }

    fn sync(&mut self) {
        let tail = self.unsynced();
        self.durable.truncate(self.same_until);
        self.durable.extend_from_slice(&tail);
        self.same_until = self.data.len();
    }

    fn power_cut(&mut self, rng: &mut Rng) {
        let truncated = self.same_until < self.durable.len();
        if truncated {
            // A cut of the file that was not synced: it took place or it did not.
            if rng.one_in(2) {
                self.durable.truncate(self.same_until);
            }
        }
        if self.durable.len() == self.same_until {
            let mut tail = self.unsynced();
            let kept = rng.index(tail.len() + 1);
            tail.truncate(kept);
            if rng.one_in(3) {
                // Later blocks were written and earlier ones were not.
                for block in tail.chunks_mut(512).filter(|_| rng.one_in(4)) {
                    block.fill(0);
                }
            }
            if kept > 0 && rng.one_in(2) {
                // The file's length went to the disk before its last block did.
                let garbage = rng.index(kept.min(4096)) + 1;
                let zeros = rng.one_in(2);
                for byte in &mut tail[kept - garbage..] {
                    *byte = if zeros { 0 } else { rng.next_u64() as u8 };
                }
            }
            self.durable.extend_from_slice(&tail);
        }
        self.data = self.durable.clone();
        self.same_until = self.data.len();
        self.lost.clear();
    }
}

impl Disk for SimDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut state = self.0.lock();
        state.check(DiskOp::Read)?;
        let inode = state.find(path)?;
        let content = inode.lock();
        Ok(content.data.clone())
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temp = path.with_file_name(format!("temp-{}", path.file_name().unwrap_or_default().to_string_lossy()));
        let written = (|| {
            let file = self.create(&temp)?;
            file.write_all(bytes)?;
            file.sync_data()?;
            self.rename(&temp, path)
        })();
        if written.is_err() {
            let _ = self.remove(&temp); // best effort: the first error is the one to tell
        }
        written?;
        self.sync_dir(parent(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        let inode = match state.find(path) {
            Ok(inode) => inode,
            Err(_) => state.link(path)?,
        };
        inode.lock().truncate(0);
        Ok(self.file(&inode, state.boot))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        let inode = match state.find(path) {
            Ok(inode) => inode,
            Err(_) => state.link(path)?,
        };
        Ok(self.file(&inode, state.boot))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let state = self.0.lock();
        Ok(self.file(&state.find(path)?, state.boot))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.lock().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.check(DiskOp::Name)?;
        let path = clean(path);
        state.files.remove(&path).ok_or_else(not_found)?;
        state.pending.push(NameChange::Unlink(path));
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        let state = self.0.lock();
        state.find(path).is_ok() || state.dir_must_exist(&clean(path)).is_ok()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        let dir = clean(dir);
        state.dir_must_exist(&dir)?;
        let paths = state.files.keys().chain(&state.dirs).filter(|path| parent(path) == dir && **path != dir);
        let names: BTreeSet<String> =
            paths.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect();
        Ok(names.into_iter().collect())
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        let dir = clean(dir);
        state.dirs.extend(dir.ancestors().filter(|part| part.file_name().is_some()).map(Path::to_owned));
        Ok(())
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        let dir = clean(dir);
        state.dir_must_exist(&dir)?;
        state.dirs.retain(|path| !path.starts_with(&dir));
        state.files.retain(|path, _| !path.starts_with(&dir));
        state.files_durable.retain(|path, _| !path.starts_with(&dir));
        state.pending.retain(|change| !change.dir().starts_with(&dir));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.lock().sync_dir(dir)
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(self.0.lock().free_bytes())
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        let inode = self.0.lock().find(path)?;
        let content = inode.lock();
        Ok(content.data.len() as u64)
    }
}

struct SimFile {
    disk: SimDisk,
    inode: Inode,
    boot: u64,
}

impl SimFile {
    fn check(&self, op: DiskOp) -> io::Result<parking_lot::MutexGuard<'_, State>> {
        let mut state = self.disk.0.lock();
        if state.boot != self.boot {
            return Err(io::Error::other("the file was open when the power went"));
        }
        state.check(op)?;
        Ok(state)
    }
}

impl DiskFile for SimFile {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let state = self.check(DiskOp::Write)?;
        let room = state.free_bytes();
        if (bytes.len() as u64) > room {
            // A full disk takes what fits, so a frame may be torn without any power cut.
            self.inode.lock().write(&bytes[..room as usize]);
            return Err(io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error()));
        }
        self.inode.lock().write(bytes);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.check(DiskOp::Sync) {
            Ok(_state) => self.inode.lock().sync(),
            Err(error) => {
                let powered = {
                    let state = self.disk.0.lock();
                    state.boot == self.boot && state.power_off_in != Some(0)
                };
                if powered {
                    self.inode.lock().sync_failed();
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.inode.lock().data.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        let _state = self.check(DiskOp::Write)?;
        self.inode.lock().truncate(len as usize);
        Ok(())
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let _state = self.check(DiskOp::Read)?;
        let content = self.inode.lock();
        let rest = content.data.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        buf[..n].copy_from_slice(&rest[..n]);
        Ok(n)
    }
}

/// "./a//b" and "a/b" are one path.
fn clean(path: &Path) -> PathBuf {
    let kept: PathBuf = path.components().filter(|part| *part != Component::CurDir).collect();
    if kept.as_os_str().is_empty() { PathBuf::from(".") } else { kept }
}

fn not_found() -> io::Error {
    ErrorKind::NotFound.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "dir/file";

    fn disk() -> SimDisk {
        let disk = SimDisk::new();
        disk.create_dir_all(Path::new("dir")).unwrap();
        disk
    }

    #[test]
    fn does_what_a_real_one_does() {
        super::super::disk::tests::conversation(&SimDisk::new(), Path::new("/data"));
        super::super::disk::tests::conversation(&SimDisk::new(), Path::new("."));
    }

    #[test]
    fn synced_bytes_last_and_the_rest_is_a_prefix_or_garbage() {
        let mut lengths = BTreeSet::new();
        for seed in 0..64 {
            let disk = disk();
            let file = disk.create(Path::new(FILE)).unwrap();
            file.write_all(b"synced").unwrap();
            file.sync_data().unwrap();
            disk.sync_dir(Path::new("dir")).unwrap();
            file.write_all(b" and not").unwrap();
            disk.power_cut(&mut Rng::new(seed));
            let after = disk.read(Path::new(FILE)).unwrap();
            assert!(after.starts_with(b"synced") && after.len() <= 14, "seed {seed}: {after:?}");
            lengths.insert(after.len());
            assert!(file.write_all(b"x").is_err(), "dead after the cut");
            disk.append(Path::new(FILE)).unwrap().write_all(b"x").unwrap();
        }
        assert!(lengths.len() > 4, "cuts fall at different places: {lengths:?}");
    }

    #[test]
    fn names_last_only_after_a_sync_of_the_folder() {
        let (mut lost, mut kept) = (0, 0);
        for seed in 0..64 {
            let disk = disk();
            let path = Path::new(FILE);
            disk.write_atomic(path, b"old").unwrap();
            let file = disk.create(Path::new("dir/temp")).unwrap();
            file.write_all(b"new").unwrap();
            file.sync_data().unwrap();
            disk.rename(Path::new("dir/temp"), path).unwrap();
            disk.power_cut(&mut Rng::new(seed));
            match disk.read(path).unwrap().as_slice() {
                b"old" => lost += 1,
                b"new" => kept += 1,
                other => panic!("seed {seed}: {other:?}"),
            }
        }
        assert!(lost > 5 && kept > 5, "{lost} lost, {kept} kept");
    }

    #[test]
    fn atomic_writes_survive_any_cut() {
        for seed in 0..64 {
            let (disk, mut rng) = (disk(), Rng::new(seed));
            for step in 0u8..5 {
                disk.write_atomic(Path::new(FILE), &[step; 10]).unwrap();
                disk.power_cut(&mut rng);
                assert_eq!(disk.read(Path::new(FILE)).unwrap(), [step; 10]);
            }
        }
    }

    #[test]
    fn an_unsynced_cut_of_the_file_may_be_undone() {
        let mut seen = BTreeSet::new();
        for seed in 0..32 {
            let disk = disk();
            disk.write_atomic(Path::new(FILE), b"123456").unwrap();
            disk.open(Path::new(FILE)).unwrap().truncate(3).unwrap();
            disk.power_cut(&mut Rng::new(seed));
            seen.insert(disk.read(Path::new(FILE)).unwrap());
        }
        assert_eq!(seen, BTreeSet::from([b"123".to_vec(), b"123456".to_vec()]));
    }

    #[test]
    fn a_failed_sync_loses_what_it_was_to_save() {
        let disk = disk();
        let file = disk.create(Path::new(FILE)).unwrap();
        file.write_all(b"good ").unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(Path::new("dir")).unwrap();
        file.write_all(b"lost ").unwrap();
        disk.fail(DiskOp::Sync, 0, 1, 5);
        assert!(file.sync_data().is_err());
        file.write_all(b"later").unwrap();
        file.sync_data().unwrap();
        assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"good lost later");
        disk.power_cut(&mut Rng::new(1));
        assert_eq!(disk.read(Path::new(FILE)).unwrap(), b"good \0\0\0\0\0later");
    }

    #[test]
    fn the_power_goes_at_a_chosen_operation() {
        let disk = disk();
        disk.power_off_after(2);
        let file = disk.create(Path::new(FILE)).unwrap();
        file.write_all(b"x").unwrap();
        assert!(!disk.is_off() || file.sync_data().is_err());
        assert!(disk.is_off() && disk.read(Path::new(FILE)).is_err());
        disk.power_cut(&mut Rng::new(1));
        assert!(!disk.is_off());
    }

    #[test]
    fn full_and_failing() {
        let disk = disk();
        let file = disk.create(Path::new(FILE)).unwrap();
        disk.set_capacity(Some(4));
        assert_eq!(file.write_all(b"123456").unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!((file.len().unwrap(), disk.free_bytes(Path::new("dir")).unwrap()), (4, 0));
        disk.set_capacity(None);
        disk.fail(DiskOp::Sync, 1, 2, 5);
        file.sync_data().unwrap();
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
        file.write_all(b"others go on").unwrap();
        assert!(file.sync_data().is_err());
        file.sync_data().unwrap();
        disk.fail(DiskOp::Write, 0, u64::MAX, 28);
        assert!(file.write_all(b"x").is_err());
        disk.heal();
        file.write_all(b"x").unwrap();
    }
}
