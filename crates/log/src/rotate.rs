//! From one set of files to the next: rotation and new base (a rewrite), turning on and off, dropping what was replaced.
//!
//! A rewrite in four steps, and what a crash leaves after each:
//! 1. `prepare_rotate`, no lock held: a new, empty increment is made and the manifest names it. An empty last file loads.
//! 2. `rotate`, the world locked: no I/O, a mark in the stream of bytes. Old and new increment load one after the other.
//! 3. The snapshot of that moment is written, beside the log. A half-written file in nobody's list.
//! 4. `install_base`: the snapshot gets its name, the manifest is switched. The old set or the new one.
//!
//! Turning on is the same, but that the manifest names nothing of it until the base is there: `prepare_on`, `turn_on`,
//! `install_base`. When the snapshot fails, `abandon` forgets it; after `rotate` there is nothing to undo.
//! A `Rotated` is known by its number and not by its file, because a repair may replace the file in between.

use crate::folder::{Base, Folder, Segment};
use crate::manifest::Entry;
use crate::sync::Hope;
use crate::trouble::Event;
use crate::writer::WriteError;
use crate::{Log, Position, Slow};
use kit::notice;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering::{Acquire, Release, SeqCst};

/// A segment is ready to take over. May be dropped unused.
#[must_use = "`rotate` or `turn_on` uses it"]
pub struct Prepared {
    rotation: u64,
    /// Only of `prepare_on`, and of a rotation that begins a whole new set.
    segment: Option<Segment>,
}

/// The moment that a base shows: everything before `position`, nothing after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotated {
    pub position: Position,
    rotation: u64,
}

impl Log {
    /// Makes the files for `rotate`. I/O; no lock may be held.
    pub fn prepare_rotate(&self) -> io::Result<Prepared> {
        let mut folder = self.folder.lock();
        folder.make()?;
        folder.rotation_last += 1;
        let rotation = folder.rotation_last;
        let segment = folder.create_increment(folder.next_increment_seq(), rotation, 0)?;
        if self.hope() != Hope::Fine {
            // The present files are lost: this begins another set, named with its base.
            return Ok(Prepared { rotation, segment: Some(segment) });
        }
        let mut increments = folder.increments().to_vec();
        increments.push(folder.increment_entry(segment.seq, None));
        folder.set_increments(increments)?;
        folder.rotations.push((rotation, segment.seq));
        self.writer.lock().prepared.push(segment);
        Ok(Prepared { rotation, segment: None })
    }

    /// Later units go to the prepared segment. The world is locked: nobody appends. No I/O.
    pub fn rotate(&self, prepared: Prepared) -> Rotated {
        let Prepared { rotation, segment } = prepared;
        if let Some(segment) = segment {
            return self.begin_new_set(segment);
        }
        let position = self.pending.lock().rotate(rotation);
        Rotated { position, rotation }
    }

    /// The old files are lost: what waits for them is in the snapshot that will be taken now.
    fn begin_new_set(&self, mut segment: Segment) -> Rotated {
        let mut writer = self.writer.lock();
        let mut pending = self.pending.lock();
        let (position, rotation) = (pending.position(), segment.rotation);
        pending.clear();
        pending.start_segment(position);
        segment.begin_at(position);
        writer.close();
        writer.current = Some(segment);
        self.set_hope(Hope::BaseComing);
        Rotated { position, rotation }
    }

    /// Makes the files for `turn_on`. I/O; no lock may be held.
    pub fn prepare_on(&self) -> io::Result<Prepared> {
        let mut folder = self.folder.lock();
        folder.make()?;
        folder.waiting = None;
        folder.rotation_last += 1;
        let rotation = folder.rotation_last;
        let segment = folder.create_increment(folder.next_increment_seq(), rotation, 0)?;
        folder.waiting = Some(vec![folder.increment_entry(segment.seq, None)]);
        folder.rotations.push((rotation, segment.seq));
        Ok(Prepared { rotation, segment: Some(segment) })
    }

    /// The stream goes on, into a file that no manifest names before `install_base`. The world is locked. No I/O.
    pub fn turn_on(&self, prepared: Prepared) -> Rotated {
        let Prepared { rotation, segment } = prepared;
        let mut writer = self.writer.lock();
        let mut pending = self.pending.lock();
        let position = pending.position();
        pending.start_segment(position);
        if let Some(mut segment) = segment {
            segment.begin_at(position);
            writer.current = Some(segment);
        }
        self.written.fetch_max(position, SeqCst);
        self.synced.fetch_max(position, Release);
        self.sizes.waits.store(true, Release);
        self.on.store(true, Release);
        Rotated { position, rotation }
    }

    /// A whole, synced snapshot of the data at `rotated` becomes the base; what is older becomes history. `None` while the
    /// log is off: the base is all there is. I/O; no lock may be held.
    pub fn install_base(&self, base: &Base, rotated: Option<Rotated>) -> io::Result<()> {
        if rotated.is_none() && self.is_on() {
            return Err(io::Error::other("the log is on: a base needs the rotation that it shows"));
        }
        let mut folder = self.folder.lock();
        folder.make()?;
        let position = rotated.map_or_else(|| self.position(), |rotated| rotated.position);
        let begin = self.clock.mono_ns();
        let entry = folder.place_base(base, Some(position))?;
        self.tell_if_slow(self.clock.mono_ns().saturating_sub(begin), &[Slow::Rename]);
        let mut manifest = folder.manifest.clone();
        match rotated {
            None => manifest.replace_base(entry, None),
            Some(rotated) => {
                let increments = self.increments_since(&folder, rotated);
                match increments.first().map(|first| first.seq) {
                    Some(first) if manifest.increments.iter().any(|entry| entry.seq == first) => {
                        manifest.replace_base(entry, Some(first));
                    }
                    _ => manifest.replace_base(entry, None),
                }
                manifest.increments = increments;
            }
        }
        folder.switch(manifest)?;
        folder.waiting = None;
        folder.rotations.retain(|(rotation, _)| rotated.is_some_and(|rotated| *rotation > rotated.rotation));
        if let Some(rotated) = rotated {
            let mut writer = self.writer.lock();
            let old = writer.skip_to(rotated.rotation, &mut self.pending.lock(), position);
            drop(writer);
            drop(old);
        }
        self.count_sizes(&folder);
        let live = self.switches.live();
        if live.drops_history {
            let _ = folder.drop_history(&live, self.clock.unix_ms()); // tried again in the background
        }
        drop(folder);
        self.base_installed(position);
        Ok(())
    }

    /// The set is new: how large it is without what the writer has in hand, and in all.
    pub(crate) fn count_sizes(&self, folder: &Folder) {
        let writer = self.writer.lock();
        let in_hand: Vec<_> = writer.closed.iter().chain(&writer.current).map(|s| (s.seq, s.len)).collect();
        drop(writer);
        let sizes = |entry: &Entry| self.disk.size(&folder.file(&entry.name)).unwrap_or(0);
        let not_in_hand = |entry: &&Entry| !in_hand.iter().any(|(seq, _)| *seq == entry.seq);
        let others: u64 = folder.manifest.base.iter().map(sizes).sum::<u64>()
            + folder.manifest.increments.iter().filter(not_in_hand).map(sizes).sum::<u64>();
        self.sizes.others.store(others, Release);
        self.sizes.at_base.store(others + in_hand.iter().map(|(_, len)| len).sum::<u64>(), Release);
    }

    /// The increments that a base of this moment needs.
    fn increments_since(&self, folder: &Folder, rotated: Rotated) -> Vec<Entry> {
        let from = folder.rotations.iter().find(|(rotation, _)| *rotation == rotated.rotation).map(|(_, seq)| *seq);
        let Some(from) = from else {
            // A set of its own: its files are in the writer's hands only.
            let writer = self.writer.lock();
            let segments = writer.closed.iter().chain(&writer.current).chain(&writer.prepared);
            return segments.map(|segment| folder.increment_entry(segment.seq, Some(segment.started))).collect();
        };
        let mut increments: Vec<_> = folder.increments().iter().filter(|entry| entry.seq >= from).cloned().collect();
        if let Some(first) = increments.first_mut() {
            first.start = Some(rotated.position);
        }
        increments
    }

    fn base_installed(&self, position: Position) {
        self.sizes.waits.store(false, Release);
        self.set_hope(Hope::Fine);
        self.synced.fetch_max(position, Release);
        self.acknowledge(position);
        self.tell(Event::Acknowledged);
        self.deliver();
        self.wake();
    }

    /// The base for `turn_on` will not come: off again, its files are dropped. The world is locked.
    pub fn abandon(&self, _rotated: Rotated) {
        notice!("Removing the temp incr aof file: no base was made for it.");
        self.on.store(false, Release);
    }

    /// No more units are wanted. The world is locked; `close` follows.
    pub fn switch_off(&self) {
        self.on.store(false, Release);
    }

    /// After `switch_off` or `abandon`: what waits is written and synced, files are closed. I/O; no lock may be held.
    pub fn close(&self) -> Result<(), std::sync::Arc<crate::Trouble>> {
        let result = self.sync_now();
        let mut folder = self.folder.lock();
        let segments = self.writer.lock().close();
        let mut pending = self.pending.lock();
        pending.clear();
        let position = pending.position();
        drop(pending);
        // Off with a failing disk: answers to writes that are in memory only may leave, somebody chose to have no log.
        self.acknowledge(position);
        if self.trouble.lock().take().is_some() {
            self.troubled.store(false, Release);
            self.tell(Event::TroubleEnded);
        }
        self.tell(Event::Acknowledged);
        self.set_hope(Hope::Fine);
        if folder.waiting.take().is_some() {
            for segment in &segments {
                let _ = folder.remove(&segment.path); // best effort: no manifest names it
            }
        } else if result.is_ok() {
            let mut manifest = folder.manifest.clone();
            if let Some(last) = manifest.increments.last_mut().filter(|last| last.start.is_some()) {
                last.end = Some(position);
                let _ = folder.switch(manifest); // only a comfort: the next start counts again
            }
        }
        folder.rotations.clear();
        self.sizes.waits.store(false, Release);
        self.count_sizes(&folder);
        drop(folder);
        self.deliver();
        result
    }

    pub(crate) fn has_file(&self) -> bool {
        self.writer.lock().current.is_some()
    }

    pub(crate) fn folder_path(&self) -> PathBuf {
        self.settings.dir.join(&self.settings.folder_name)
    }

    /// Drops or keeps what was replaced. Gives the nanoseconds until it should be called again.
    pub(crate) fn housekeeping(&self, _now: u64) -> u64 {
        const LONG: u64 = 1_000_000_000;
        let Some(mut folder) = self.folder.try_lock() else { return LONG };
        let live = self.switches.live();
        if folder.manifest.history.is_empty() || !live.drops_history || self.troubled.load(Acquire) {
            return LONG;
        }
        let _ = folder.drop_history(&live, self.clock.unix_ms()); // tried again at the next round
        LONG
    }

    /// Drops or keeps now what was replaced, as `aof-disable-auto-gc no` asks when it is set. I/O.
    pub fn drop_history(&self) -> io::Result<()> {
        self.folder.lock().drop_history(&self.switches.live(), self.clock.unix_ms())
    }
}

impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> io::Error {
        error.error
    }
}
