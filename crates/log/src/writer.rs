//! The file side: takes what waits in memory and appends it to the current segment, with one write(2) a batch.
//!
//! One mutex; whoever has it writes for all who wait. Nothing here syncs. A batch is in the file whole or not at all: after a
//! short write the file is cut back, and the batch stays at hand until it is written. A segment's bytes since its
//! last good sync are remembered (up to a bound), because after a failed sync nobody knows what is on the disk.
//!
//! A rotation arrives as a mark in the stream of bytes: the chunk before it is the last of the current file, and the
//! prepared segment takes over. The old one waits in `closed` until it is synced; nothing that is newer counts as
//! synced before.

use crate::append::{Chunk, Pending, Taken};
use crate::folder::{Mark, Segment};
use crate::trouble::What;
use crate::{Log, Policy, Position};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

#[derive(Default)]
pub(crate) struct Writer {
    pub(crate) current: Option<Segment>,
    /// Complete and not synced, oldest first.
    pub(crate) closed: VecDeque<Segment>,
    /// Segments that a mark in the stream will ask for.
    pub(crate) prepared: Vec<Segment>,
    /// Taken from memory and not in the file.
    at_hand: Option<(Chunk, Option<u64>)>,
    spare: Chunk,
    /// The file may have bytes beyond `Segment::len`.
    torn: bool,
    /// The current segment takes no more: a sync failed, or it has vanished.
    pub(crate) broken: bool,
}

/// What a write failed at.
pub(crate) struct WriteError {
    pub(crate) what: What,
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

/// Memory for what is written and not synced, of one segment.
const UNSYNCED_BYTES_MAX: usize = 16 << 20;
/// Memory for them that is not given back.
const KEPT_BYTES: usize = 64 << 10;

impl Writer {
    /// Writes all that waits. Gives the position that is in the file.
    pub(crate) fn write_all(&mut self, log: &Log, synced: Position, policy: Policy) -> Result<Position, WriteError> {
        let mut written = self.written();
        loop {
            if self.at_hand.is_none() {
                let (mut chunk, next) = match log.pending.lock().take(&mut self.spare, synced) {
                    Taken::Nothing => return Ok(written),
                    Taken::Chunk(chunk) => (chunk, None),
                    Taken::Last(chunk, next) => (chunk, Some(next)),
                };
                chunk.seal();
                self.at_hand = Some((chunk, next));
            }
            written = self.write_at_hand(policy)?;
        }
    }

    fn write_at_hand(&mut self, policy: Policy) -> Result<Position, WriteError> {
        let Some((chunk, next)) = &mut self.at_hand else { return Ok(self.written()) };
        let Some(segment) = &mut self.current else {
            return Err(WriteError {
                what: What::Make,
                path: PathBuf::new(),
                error: io::Error::other("no file is open"),
            });
        };
        let fail = |segment: &Segment, error| WriteError { what: What::Write, path: segment.path.clone(), error };
        if self.broken {
            return Err(fail(segment, io::Error::other("a sync of this file has failed")));
        }
        if !chunk.bytes.is_empty() {
            if self.torn {
                segment.file.truncate(segment.len).map_err(|error| fail(segment, error))?;
                self.torn = false;
            }
            if let Err(error) = segment.file.write_all(&chunk.bytes) {
                // Cut back at once if that works, so that the file is whole whatever happens next.
                self.torn = segment.file.truncate(segment.len).is_err();
                return Err(fail(segment, error));
            }
            segment.wrote(chunk, policy);
        }
        if let Some(next) = next.take() {
            let Some(at) = self.prepared.iter().position(|segment| segment.rotation == next) else {
                return Err(fail(segment, io::Error::other("the next file is not prepared")));
            };
            let mut segment = self.prepared.swap_remove(at);
            segment.begin_at(chunk.position);
            self.closed.extend(self.current.replace(segment));
        }
        if let Some((mut chunk, _)) = self.at_hand.take() {
            chunk.clear();
            self.spare = chunk;
        }
        Ok(self.written())
    }

    pub(crate) fn written(&self) -> Position {
        self.current.as_ref().map_or(0, |segment| segment.end.position)
    }

    /// Memory of all buffers.
    pub(crate) fn memory_bytes(&self) -> usize {
        let at_hand = self.at_hand.as_ref().map_or(0, |(chunk, _)| chunk.bytes.capacity());
        let unsynced = self.closed.iter().chain(&self.current).filter_map(|segment| segment.unsynced.as_ref());
        at_hand + self.spare.bytes.capacity() + unsynced.map(Vec::capacity).sum::<usize>()
    }

    pub(crate) fn at_hand_bytes(&self) -> usize {
        self.at_hand.as_ref().map_or(0, |(chunk, _)| chunk.bytes.len())
    }

    /// All segments that have something to sync, in order.
    pub(crate) fn unsynced(&self) -> impl Iterator<Item = &Segment> {
        self.closed.iter().chain(self.current.iter().filter(|segment| segment.end.offset > segment.synced.offset))
    }

    pub(crate) fn segment_mut(&mut self, seq: u64) -> Option<&mut Segment> {
        self.closed.iter_mut().chain(&mut self.current).find(|segment| segment.seq == seq)
    }

    /// A base shows everything before this rotation: what waits for older files is not needed any more, nor are they. Gives
    /// them back, to be closed without a lock.
    pub(crate) fn skip_to(&mut self, rotation: u64, pending: &mut Pending, position: Position) -> Vec<Segment> {
        let mut old: Vec<Segment> = Vec::new();
        if let Some(at) = self.prepared.iter().position(|segment| segment.rotation == rotation) {
            let at_hand = self.at_hand.take();
            if at_hand.is_none_or(|(_, next)| next != Some(rotation)) {
                pending.skip_to(rotation);
            }
            let mut segment = self.prepared.swap_remove(at);
            segment.begin_at(position);
            old.extend(self.current.replace(segment));
            (self.broken, self.torn) = (false, false);
        }
        let (older, prepared) = std::mem::take(&mut self.prepared).into_iter().partition(|s| s.rotation < rotation);
        self.prepared = prepared;
        old.extend::<Vec<_>>(older);
        while self.closed.front().is_some_and(|segment| segment.rotation < rotation) {
            old.extend(self.closed.pop_front());
        }
        old
    }

    /// Another set of files takes over; what waits stays. Gives the old ones.
    pub(crate) fn replace(&mut self, current: Segment, prepared: Vec<Segment>) -> Vec<Segment> {
        let mut old: Vec<_> = std::mem::take(&mut self.closed).into();
        old.extend(self.current.replace(current));
        old.append(&mut self.prepared);
        self.prepared = prepared;
        (self.broken, self.torn) = (false, false);
        old
    }

    /// Forgets the files and what waits for them.
    pub(crate) fn close(&mut self) -> Vec<Segment> {
        let mut segments: Vec<_> = std::mem::take(&mut self.closed).into();
        segments.extend(self.current.take());
        segments.append(&mut self.prepared);
        *self = Writer::default();
        segments
    }
}

impl Segment {
    fn wrote(&mut self, chunk: &Chunk, policy: Policy) {
        self.len += chunk.bytes.len() as u64;
        self.end = Mark { offset: self.len, position: chunk.position, db: chunk.db };
        let Some(unsynced) = &mut self.unsynced else { return };
        if policy == Policy::Never || unsynced.len() + chunk.bytes.len() > UNSYNCED_BYTES_MAX {
            self.unsynced = None; // read back from the file if it must be
        } else {
            unsynced.extend_from_slice(&chunk.bytes);
        }
    }

    /// A prepared segment learns where the stream is when it takes over.
    pub(crate) fn begin_at(&mut self, position: Position) {
        self.started = position;
        self.end.position = position;
        self.synced.position = position;
    }

    /// A sync that began at `mark` has ended well.
    pub(crate) fn synced(&mut self, mark: Mark) {
        let newly = (mark.offset - self.synced.offset) as usize;
        self.synced = mark;
        match &mut self.unsynced {
            Some(bytes) => {
                bytes.drain(..newly.min(bytes.len()));
                if bytes.capacity() > KEPT_BYTES && bytes.capacity() / 4 > bytes.len() {
                    bytes.shrink_to(KEPT_BYTES.max(2 * bytes.len()));
                }
            }
            // Remembers again from a place where nothing is owed.
            none if mark.offset == self.len => *none = Some(Vec::new()),
            None => {}
        }
    }

    /// The bytes since the last good sync: from memory, or from the file as far as it still shows them.
    pub(crate) fn owed(&self) -> io::Result<Vec<u8>> {
        if let Some(bytes) = &self.unsynced {
            return Ok(bytes.clone());
        }
        let mut bytes = vec![0; (self.len - self.synced.offset) as usize];
        let read = self.file.read_at(&mut bytes, self.synced.offset)?;
        if read < bytes.len() || !crate::recover::whole(&bytes, self.synced.position, self.end.position) {
            return Err(io::Error::other("the bytes that were not synced cannot be read back"));
        }
        Ok(bytes)
    }
}
