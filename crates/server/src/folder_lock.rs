//! One server to an append-only folder: two that write one log destroy it.
//!
//! The folder itself is locked (flock), so there is no file to be left behind, and the system lets go when the process
//! ends in whatever way. A server without a log takes no lock.

use rustix::fd::OwnedFd;
use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use std::path::Path;
use std::time::Duration;

/// Whoever is being restarted may still be ending.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(50);

/// Held until it is dropped. The error says who cannot start and why.
pub(crate) fn take(folder: &Path) -> Result<OwnedFd, String> {
    let shown = folder.display();
    std::fs::create_dir_all(folder)
        .map_err(|error| format!("Can't open or create append-only dir {shown}: {error}"))?;
    let fd = open(folder, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| format!("Can't open append-only dir {shown}: {error}"))?;
    for _ in 0..TRIES {
        match flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(fd),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(PAUSE),
            // A file system without locks: as safe as Redis.
            Err(error) => {
                kit::warning!(
                    "The append-only dir {shown} cannot be locked ({error}): see that no other server uses it"
                );
                return Ok(fd);
            }
        }
    }
    Err(format!(
        "The append-only dir {shown} is in use by another server. Give this one another 'dir' or 'appenddirname'."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = std::env::temp_dir().join(format!("basalt-lock-{}", std::process::id()));
        let held = take(&folder).expect("free");
        let error = take(&folder).expect_err("taken");
        assert!(error.contains("in use by another server"), "{error}");
        drop(held);
        drop(take(&folder).expect("free again"));
        std::fs::remove_dir(&folder).expect("empty");
    }
}
