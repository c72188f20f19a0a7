//! Files, as much of them as a database needs: whole files, appended files, and the syncs that make them last.
//!
//! A file's bytes last after `sync_data`; that it exists, or has a new name, lasts after `sync_dir` of its folder.
//! `write_atomic` does all of it: after a power cut the path holds the old bytes or the new ones.
//! All methods take `&self`, so an open file can be appended by one thread and synced by another (`Arc<dyn DiskFile>`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub trait Disk: Send + Sync {
    /// The whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Replaces the whole file, durably: temporary file, sync, rename, sync of the folder.
    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;
    /// A new, empty file to write and read; an old one of that name is emptied.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Writes go to the end; the file is made if missing.
    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// An existing file, to read; may be written too (at the end) where its permissions allow it.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Replaces `to` if it exists. Lasts after `sync_dir`.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. Lasts after `sync_dir`.
    fn remove(&self, path: &Path) -> io::Result<()>;
    fn exists(&self, path: &Path) -> bool;
    /// Names (not paths) of the files and folders in a folder, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    fn create_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in this folder last.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// What an ordinary user may still write on the file system that holds `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Size of a file.
    fn size(&self, path: &Path) -> io::Result<u64>;

    /// Renames within one folder and syncs it.
    fn rename_durably(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rename(from, to)?;
        self.sync_dir(parent(to))
    }
}

pub trait DiskFile: Send + Sync {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()>;
    /// What was written before this call is on the disk when it returns.
    fn sync_data(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts the file, or grows it with zeros. The next write goes to the new end.
    fn truncate(&self, len: u64) -> io::Result<()>;
    /// Bytes read; fewer than asked only at the end of the file.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// The folder that holds `path`; "." for a bare name.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Reads a file from an offset on, for whoever wants `std::io::Read`. Wrap it in a `BufReader`.
pub struct DiskReader<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
}

impl<'a> DiskReader<'a> {
    pub fn new(file: &'a dyn DiskFile, offset: u64) -> DiskReader<'a> {
        DiskReader { file, offset }
    }
}

impl io::Read for DiskReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buf, self.offset)?;
        self.offset += n as u64;
        Ok(n)
    }
}

/// Writes to a file through `std::io::Write`. Wrap it in a `BufWriter`.
pub struct DiskWriter<'a>(pub &'a dyn DiskFile);

impl Write for DiskWriter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write_all(buf).map(|()| buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file system of this machine. Relative paths start at the process's working folder.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn write_atomic(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let temp = temp_name(path);
        let written = (|| {
            let mut file = File::create(&temp)?;
            // A file that only its owner may read holds a secret, and goes on doing so.
            if let Ok(old) = fs::metadata(path) {
                file.set_permissions(old.permissions())?;
            }
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temp, path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temp); // best effort: the first error is the one to tell
        }
        written?;
        self.sync_dir(parent(path))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        // Append mode here too: then a write after `truncate` goes to the end and leaves no hole.
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        file.set_len(0)?;
        Ok(Box::new(RealFile(file)))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(OpenOptions::new().read(true).append(true).create(true).open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = match OpenOptions::new().read(true).append(true).open(path) {
            Err(e) if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                File::open(path)?
            }
            opened => opened?,
        };
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(dir)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn size(&self, path: &Path) -> io::Result<u64> {
        Ok(fs::metadata(path)?.len())
    }
}

struct RealFile(File);

impl DiskFile for RealFile {
    fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.0).write_all(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match FileExt::read_at(&self.0, &mut buf[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}

fn temp_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("temp-{}-{name}", std::process::id()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    /// What both disks must do; `SimDisk` runs it too.
    pub(in crate::world) fn conversation(disk: &dyn Disk, dir: &Path) {
        disk.create_dir_all(&dir.join("a/b")).unwrap();
        let path = dir.join("a/b/file");
        assert!(!disk.exists(&path));
        assert_eq!(disk.read(&path).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(disk.open(&path).err().unwrap().kind(), ErrorKind::NotFound);

        let file = disk.create(&path).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_all(b"hello ").unwrap();
        file.write_all(b"world").unwrap();
        file.sync_data().unwrap();
        assert_eq!((file.len().unwrap(), disk.size(&path).unwrap()), (11, 11));
        let mut buf = [0; 20];
        assert_eq!(file.read_at(&mut buf, 6).unwrap(), 5);
        assert_eq!(&buf[..5], b"world");
        assert_eq!(file.read_at(&mut buf, 50).unwrap(), 0);
        file.truncate(5).unwrap();
        file.write_all(b"!").unwrap();
        assert_eq!(disk.read(&path).unwrap(), b"hello!");

        disk.append(&path).unwrap().write_all(b"?").unwrap();
        disk.open(&path).unwrap().write_all(b"#").unwrap();
        assert_eq!(disk.read(&path).unwrap(), b"hello!?#");
        let mut text = String::new();
        let opened = disk.open(&path).unwrap();
        BufReader::new(DiskReader::new(&*opened, 5)).read_to_string(&mut text).unwrap();
        assert_eq!(text, "!?#");

        disk.write_atomic(&path, b"new").unwrap();
        disk.write_atomic(&dir.join("a/b/other"), b"x").unwrap();
        assert_eq!(opened.len().unwrap(), 8, "an open file survives its replacement");
        assert_eq!(disk.list(&dir.join("a/b")).unwrap(), ["file", "other"]);
        assert_eq!(disk.list(&dir.join("a")).unwrap(), ["b"]);
        disk.rename_durably(&path, &dir.join("a/b/other")).unwrap();
        assert_eq!(disk.read(&dir.join("a/b/other")).unwrap(), b"new");
        assert_eq!(disk.rename(&path, &path).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(disk.create(&dir.join("a/b/other")).unwrap().len().unwrap(), 0);
        disk.remove(&dir.join("a/b/other")).unwrap();
        assert_eq!(disk.remove(&dir.join("a/b/other")).unwrap_err().kind(), ErrorKind::NotFound);
        assert!(disk.free_bytes(dir).unwrap() > 0);
        disk.remove_dir_all(&dir.join("a")).unwrap();
        assert_eq!(disk.list(&dir.join("a")).unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(disk.create(&dir.join("a/file")).err().unwrap().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn real() {
        let dir = std::env::temp_dir().join(format!("kit-disk-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        conversation(&RealDisk, &dir);
        assert!(RealDisk.write_atomic(&dir.join("no/such"), b"").is_err());
        let secret = dir.join("secret");
        fs::write(&secret, "a").unwrap();
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        RealDisk.write_atomic(&secret, b"b").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&secret).unwrap().permissions());
        assert_eq!((mode & 0o777, fs::read(&secret).unwrap()), (0o600, b"b".to_vec()));
        fs::remove_file(&secret).unwrap();
        assert_eq!(RealDisk.list(&dir).unwrap(), [""; 0], "no temporary file is left");
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn parents() {
        assert_eq!(parent(Path::new("dump.rdb")), Path::new("."));
        assert_eq!(parent(Path::new("/a/b")), Path::new("/a"));
        assert_eq!(parent(Path::new("/")), Path::new("/"));
    }
}
