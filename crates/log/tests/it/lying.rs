//! A disk that does not do all it says: what a forgotten sync in the log would look like.

use kit::world::{Disk, DiskFile, SimDisk};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Nothing,
    OneSyncInFourSkipped,
    FolderSyncForgotten,
}

pub(crate) struct Lying {
    disk: SimDisk,
    lie: Lie,
    syncs: Arc<AtomicU64>,
}

impl Lying {
    pub(crate) fn new(disk: SimDisk, lie: Lie) -> Lying {
        Lying { disk, lie, syncs: Arc::default() }
    }

    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let skips = self.lie == Lie::OneSyncInFourSkipped;
        Box::new(LyingFile { file, skips, syncs: self.syncs.clone() })
    }
}

impl Disk for Lying {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if self.lie != Lie::FolderSyncForgotten {
            return self.disk.write_atomic(path, bytes);
        }
        let temp = path.with_extension("temp");
        let file = self.disk.create(&temp)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        self.disk.rename(&temp, path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(self.disk.create(path)?))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(self.disk.append(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.file(self.disk.open(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn exists(&self, path: &Path) -> bool {
        self.disk.exists(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.disk.remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        if self.lie == Lie::FolderSyncForgotten { Ok(()) } else { self.disk.sync_dir(dir) }
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.disk.free_bytes(path)
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        self.disk.size(path)
    }
}

struct LyingFile {
    file: Box<dyn DiskFile>,
    skips: bool,
    syncs: Arc<AtomicU64>,
}

impl DiskFile for LyingFile {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.skips && self.syncs.fetch_add(1, Relaxed) % 4 == 3 {
            return Ok(());
        }
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.file.truncate(len)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }
}
