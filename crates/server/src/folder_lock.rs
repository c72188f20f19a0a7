//! One server to an append-only file: two that write one log destroy it.
//!
//! A file `<appendfilename>.lock` in its folder is locked (flock), because two servers may share a folder when their files
//! have other names. The system lets go when the process ends in whatever way. It is removed by whoever held it, and
//! stays when he crashed, which does no harm: what counts is the lock and not the file.
//! A server without a log takes no lock.

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open, stat, unlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whoever is being restarted may still be ending.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Held until it is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    path: PathBuf,
    _fd: OwnedFd,
}

impl FolderLock {
    /// The error says who cannot start and why.
    pub(crate) fn take(folder: &Path, name: &str) -> Result<FolderLock, String> {
        let shown = folder.display();
        std::fs::create_dir_all(folder)
            .map_err(|error| format!("Can't open or create append-only dir {shown}: {error}"))?;
        let path = folder.join(format!("{name}.lock"));
        for _ in 0..TRIES {
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
            let fd = open(&path, flags, Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH)
                .map_err(|error| format!("Can't open append-only dir {shown}: {}: {error}", path.display()))?;
            match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_at(&path, &fd) => return Ok(FolderLock { path, _fd: fd }),
                // Whoever had it has removed the file in between.
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
                // A file system without locks: as safe as Redis.
                Err(error) => {
                    kit::warning!(
                        "The append-only dir {shown} cannot be locked ({error}): see that no other server uses it"
                    );
                    return Ok(FolderLock { path, _fd: fd });
                }
            }
        }
        Err(format!(
            "The append-only dir {shown} is in use by another server. Give this one another 'dir', 'appenddirname' or \
             'appendfilename'."
        ))
    }
}

fn is_at(path: &Path, fd: &OwnedFd) -> bool {
    match (stat(path), fstat(fd)) {
        (Ok(there), Ok(here)) => (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino),
        (_, _) => false,
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        let _ = unlink(&self.path); // somebody has removed the folder: there is nothing left to do
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = std::env::temp_dir().join(format!("basalt-lock-{}", std::process::id()));
        let held = FolderLock::take(&folder, "a.aof").expect("free");
        let error = FolderLock::take(&folder, "a.aof").expect_err("taken");
        assert!(error.contains("in use by another server"), "{error}");
        let other = FolderLock::take(&folder, "b.aof").expect("another name");
        // Somebody waits, and takes it over.
        let waits = std::thread::spawn({
            let folder = folder.clone();
            move || FolderLock::take(&folder, "a.aof")
        });
        std::thread::sleep(PAUSE);
        drop(held);
        let next = waits.join().expect("no panic").expect("free again");
        FolderLock::take(&folder, "a.aof").expect_err("taken again");
        drop((next, other));
        std::fs::remove_dir(&folder).expect("empty");
    }
}
