//! Merges memory into huge pages after it was filled.
//!
//! A table of millions of keys read at random misses the TLB at nearly every access; with 2 MiB pages a GET at
//! a million keys took a fifth less CPU. Asking for huge pages when memory is allocated (MADV_HUGEPAGE) makes
//! the page fault that needs one wait for the kernel to find or to make one, tens of milliseconds under load. So
//! pieces are merged afterwards (MADV_COLLAPSE, Linux 6.1), one at a time, by a thread that can wait.
//! Only pieces that are nearly all in memory are merged: the process does not grow by it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;

const PAGE: usize = 4096;
const PIECE: usize = 2 << 20;
const PAGES: usize = PIECE / PAGE;
/// Pages of a piece that must be in memory.
const PRESENT_MIN: usize = PAGES * 15 / 16;
/// Linux's number (madvise(2)); neither rustix nor libc name it.
const MADV_COLLAPSE: i32 = 25;

/// What a pass over the process's memory found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    /// Pieces that are huge pages now.
    pub huge: usize,
    /// Pieces that have too many holes.
    pub sparse: usize,
    /// Pieces that the kernel would not merge (no free huge page, an old kernel).
    pub refused: usize,
}

/// Goes over all memory once. `before_each` is called before each merge, to pause and to stop: false ends the pass.
pub fn merge(before_each: &mut dyn FnMut() -> bool) -> std::io::Result<Pass> {
    let mut pass = Pass::default();
    let pagemap = File::open("/proc/self/pagemap")?;
    for (begin, end) in regions()? {
        let mut piece = begin.next_multiple_of(PIECE);
        while piece + PIECE <= end {
            if present(&pagemap, piece).unwrap_or(0) < PRESENT_MIN {
                pass.sparse += 1;
            } else if !before_each() {
                return Ok(pass);
            } else if collapse(piece) {
                pass.huge += 1;
            } else {
                pass.refused += 1;
            }
            piece += PIECE;
        }
    }
    Ok(pass)
}

/// Private, writable memory without a file behind it, large enough for a piece.
fn regions() -> std::io::Result<Vec<(usize, usize)>> {
    let mut regions = Vec::new();
    for line in BufReader::new(File::open("/proc/self/maps")?).lines() {
        regions.extend(region(&line?));
    }
    Ok(regions)
}

/// One line of /proc/self/maps: `begin-end rwxp offset device inode [name]`.
fn region(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (begin, end) = words.next()?.split_once('-')?;
    let (begin, end) = (usize::from_str_radix(begin, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let flags = words.next()?;
    let inode = words.nth(2)?;
    let named = words.next().is_some_and(|name| name != "[heap]");
    (flags == "rw-p" && inode == "0" && !named && end - begin >= PIECE).then_some((begin, end))
}

/// How many pages of a piece are in memory (bit 63 of their entries in /proc/self/pagemap).
fn present(pagemap: &File, piece: usize) -> std::io::Result<usize> {
    let mut entries = [0; PAGES * 8];
    pagemap.read_exact_at(&mut entries, (piece / PAGE * 8) as u64)?;
    Ok(entries.chunks_exact(8).filter(|entry| entry[7] & 0x80 != 0).count())
}

#[allow(unsafe_code)]
fn collapse(piece: usize) -> bool {
    // SAFETY: MADV_COLLAPSE moves the content of a range to another physical page and changes nothing that the
    // program can see, whatever lies there; a range that was unmapped meanwhile is refused by the kernel.
    unsafe { libc::madvise(piece as *mut libc::c_void, PIECE, MADV_COLLAPSE) == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        assert_eq!(
            region("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 "),
            Some((0x7f00_0000_0000, 0x7f00_0040_0000))
        );
        assert_eq!(region("7f0000000000-7f0000001000 rw-p 00000000 00:00 0 "), None);
        assert_eq!(region("7f0000000000-7f0000400000 r-xp 00000000 00:00 0 "), None);
        assert_eq!(region("7f0000000000-7f0000400000 rw-p 00000000 08:01 77 /lib/x.so"), None);
        assert_eq!(region("7f0000000000-7f0000400000 rw-p 00000000 00:00 0 [stack]"), None);
        assert_eq!(region("nonsense"), None);
    }

    #[test]
    fn memory_keeps_its_content() {
        let mut memory = vec![0u8; 4 * PIECE];
        for (i, byte) in memory.iter_mut().enumerate() {
            *byte = (i / 1000) as u8;
        }
        // An old kernel refuses; what counts is that nothing changes.
        let pass = merge(&mut || true).expect("/proc is there");
        assert!(pass.huge + pass.refused + pass.sparse > 0);
        assert!(memory.iter().enumerate().all(|(i, byte)| *byte == (i / 1000) as u8));
    }

    #[test]
    fn stops_when_told() {
        let memory = vec![1u8; 4 * PIECE];
        let pass = merge(&mut || false).expect("/proc is there");
        assert_eq!(pass.huge + pass.refused, 0);
        drop(memory);
    }
}
