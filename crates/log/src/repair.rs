//! After a failed sync: what the file owes is written again, to fresh segments.
//!
//! The kernel may have thrown the dirty pages away and call the next sync a success, so the file is not trusted
//! beyond its last good sync. In order, such that a crash between any two steps leaves a set that gives every unit once:
//! the fresh segments are written and synced; the manifest names them and says where the old one ends (`endoffset`); the old
//! one is cut there, for loaders that do not read `endoffset`.

use crate::Log;
use crate::folder::{Folder, Mark, Segment};
use crate::line;
use crate::sync::Hope;
use crate::trouble::{Event, What};
use crate::unit::head;
use crate::writer::WriteError;
use kit::notice;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering::Release;

struct Owed {
    seq: u64,
    rotation: u64,
    path: PathBuf,
    from: Mark,
    upto: Mark,
    bytes: Vec<u8>,
}

impl Log {
    pub(crate) fn repair(&self) -> Result<(), WriteError> {
        let mut folder = self.folder.lock();
        let (owed, prepared) = match self.what_is_owed() {
            Ok(both) => both,
            Err(path) => {
                self.set_hope(Hope::NeedsBase);
                self.tell(Event::NeedsBase);
                let error = io::Error::other("what was not synced cannot be read back: a rewrite is needed");
                return Err(WriteError { what: What::Sync, path, error });
            }
        };
        let path = owed.first().map(|owed| owed.path.clone()).unwrap_or_default();
        let failed = |error| WriteError { what: What::Sync, path, error };
        let (fresh, prepared) =
            write_again(&mut folder, &owed, &prepared, self.clock.unix_ms().secs()).map_err(failed)?;
        self.take_over(&folder, fresh, prepared, &owed);
        Ok(())
    }

    /// And the rotations that are prepared. The error is the path of a file that gives nothing back.
    fn what_is_owed(&self) -> Result<(Vec<Owed>, Vec<u64>), PathBuf> {
        let writer = self.writer.lock();
        let owes = |segment: &Segment| -> Result<Owed, PathBuf> {
            let bytes = segment.owed().map_err(|_| segment.path.clone())?;
            let Segment { seq, rotation, .. } = *segment;
            Ok(Owed { seq, rotation, path: segment.path.clone(), from: segment.synced, upto: segment.end, bytes })
        };
        let owed = writer.closed.iter().chain(&writer.current).map(owes).collect::<Result<_, _>>()?;
        Ok((owed, writer.prepared.iter().map(|segment| segment.rotation).collect()))
    }

    fn take_over(&self, folder: &Folder, mut fresh: Vec<Segment>, prepared: Vec<Segment>, owed: &[Owed]) {
        let Some(current) = fresh.pop() else { return };
        let old = self.writer.lock().replace(current, prepared);
        for segment in old {
            let from = segment.synced.offset;
            // Best effort: the manifest has said what counts.
            let _ = if from > 0 { segment.file.truncate(from) } else { folder.remove(&segment.path) };
        }
        if let Some(last) = owed.last() {
            self.synced.fetch_max(last.upto.position, Release);
            self.acknowledge(last.upto.position);
        }
        let bytes: usize = owed.iter().map(|owed| owed.bytes.len()).sum();
        notice!("After a failed sync {bytes} bytes were written again to a new file of the AOF.");
    }
}

/// Makes a fresh, synced segment for each that owes and an empty one for each that is prepared (their numbers must be
/// higher), and the manifest that names them instead.
fn write_again(
    folder: &mut Folder,
    owed: &[Owed],
    prepared: &[u64],
    now_s: i64,
) -> io::Result<(Vec<Segment>, Vec<Segment>)> {
    folder.make()?;
    let mut seqs = folder.next_increment_seq()..;
    let mut fresh = Vec::new();
    for (owed, seq) in owed.iter().zip(&mut seqs) {
        let mut segment = folder.create_increment(seq, owed.rotation, owed.from.position)?;
        let mut bytes = if owed.from.offset > 0 { beginning(owed.from, now_s) } else { Vec::new() };
        bytes.extend_from_slice(&owed.bytes);
        segment.file.write_all(&bytes)?;
        segment.file.sync_data()?;
        segment.len = bytes.len() as u64;
        segment.end = Mark { offset: segment.len, ..owed.upto };
        segment.synced = segment.end;
        fresh.push(segment);
    }
    let mut empty = Vec::new();
    for (rotation, seq) in prepared.iter().zip(&mut seqs) {
        empty.push(folder.create_increment(seq, *rotation, 0)?);
    }

    let cut = |seq: u64| owed.iter().find(|owed| owed.seq == seq).map(|owed| owed.from.offset);
    let replaced = |seq: u64| folder.rotations.iter().any(|(rotation, of)| *of == seq && prepared.contains(rotation));
    let mut increments = folder.increments().to_vec();
    increments.retain(|entry| cut(entry.seq) != Some(0) && !replaced(entry.seq));
    for entry in &mut increments {
        entry.cut = cut(entry.seq).or(entry.cut);
    }
    increments.extend(fresh.iter().map(|segment| folder.increment_entry(segment.seq, Some(segment.started))));
    increments.extend(empty.iter().map(|segment| folder.increment_entry(segment.seq, None)));
    folder.set_increments(increments)?;
    // Of a segment that was cut, the first part is where its rotation begins.
    let begins =
        |segment: &&Segment| !owed.iter().any(|owed| owed.rotation == segment.rotation && owed.from.offset > 0);
    for segment in fresh.iter().filter(begins).chain(&empty) {
        folder.rotations.retain(|(rotation, _)| *rotation != segment.rotation);
        folder.rotations.push((segment.rotation, segment.seq));
    }
    Ok((fresh, empty))
}

/// The middle of a stream as the beginning of a segment: the database that was selected, then the position. The SELECT is
/// not part of the stream: the position counts from the line behind it.
fn beginning(mark: Mark, now_s: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(db) = mark.db {
        let db = db.to_string();
        bytes.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n");
        head(&mut bytes, b'$', db.len());
        bytes.extend_from_slice(db.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let from = bytes.len();
    bytes.extend_from_slice(line::OPEN);
    line::write_start(&mut bytes, mark.position, now_s);
    let len = (bytes.len() - from) as u64;
    let at = line::write_close(&mut bytes, mark.position, len, 0);
    let crc = crc32c::crc32c(&bytes[from..at]);
    line::write_crc(&mut bytes[at..at + 8], crc);
    bytes
}
