//! The memory side: units become bytes of the current segment, in one buffer under one mutex.
//!
//! The stream's framing is made here: SELECT when the database changes, MULTI and EXEC around a unit of several
//! commands. Each segment starts without a database, so that it can be read alone. Bytes are written into a batch between
//! two annotation lines (see `line`), closed when 64 KiB are full or the writer takes it; its checksum is computed by
//! the writer, outside the mutex. The writer swaps buffers, so write(2) happens without the mutex and a buffer's memory
//! is used again: no allocation on the common path.
//!
//! Measured (examples/log_speed.rs, a loaded 2-core machine, best of many): 31 ns for a 59-byte unit with its copy into a
//! growing buffer and the mutex; 54 ns for 107 bytes with checksum and write(2) when 500 units share the write, of which two
//! thirds are the kernel's.
//!
//! Not bounded: while the file side is in trouble the gates refuse writes, so what gathers here is what was running
//! at that moment, and what expires.

use crate::Position;
use crate::line;
use crate::times::APPENDS_PER_SAMPLE;
use crate::unit::{Unit, head};
use kit::world::Clock;
use std::collections::VecDeque;

/// A batch is closed at the next end of a unit after this many bytes.
const BATCH_BYTES: usize = 64 << 10;
/// Memory of an emptied buffer that is not given back.
const KEPT_BYTES_MAX: usize = 4 << 20;

#[derive(Default)]
pub(crate) struct Pending {
    current: Chunk,
    /// Where the stream is after `current`.
    position: Position,
    /// Where the open batch begins in `current`; `None`: the next unit opens one.
    batch_from: Option<usize>,
    /// `None`: the segment has just begun.
    db: Option<u32>,
    second: i64,
    /// For `lag`: told by the writer whenever it takes something.
    synced: Position,
    /// Chunks that belong to earlier segments, each with the number of the rotation that comes after it.
    sealed: VecDeque<(Chunk, u64)>,
    pub(crate) units: Option<Vec<Unit>>,
    /// Appends since the last one that asked for a timed one.
    since_sample: u32,
}

/// Bytes of a segment as they go to the file.
#[derive(Default)]
pub(crate) struct Chunk {
    pub(crate) bytes: Vec<u8>,
    /// Position after the bytes.
    pub(crate) position: Position,
    /// Where the checksums' digits stand, in order. Each covers from its bracket on.
    crcs: Vec<usize>,
    /// The database that is selected after the bytes.
    pub(crate) db: Option<u32>,
}

pub(crate) enum Taken {
    Nothing,
    /// To the end of the current file.
    Chunk(Chunk),
    /// To the end of the current file, which this closes; what comes later goes to the segment of this rotation.
    Last(Chunk, u64),
}

impl Pending {
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Bytes that wait for the writer.
    pub(crate) fn len(&self) -> usize {
        self.current.bytes.len() + self.sealed.iter().map(|(chunk, _)| chunk.bytes.len()).sum::<usize>()
    }

    /// Memory of all buffers.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.current.bytes.capacity() + self.sealed.iter().map(|(chunk, _)| chunk.bytes.capacity()).sum::<usize>()
    }

    /// Begins a stream or a segment: the next unit says its database and, in a file, its position.
    pub(crate) fn start_segment(&mut self, position: Position) {
        self.position = position;
        self.db = None;
    }

    /// `now_s` is the time, if `#TS:` lines are wanted.
    #[inline]
    pub(crate) fn push(&mut self, unit: &Unit, now_s: Option<i64>, clock: &dyn Clock) -> Position {
        // Only forwards: two threads may come in another order than they asked the time.
        if self.batch_from.is_none() || now_s.is_some_and(|now_s| now_s > self.second) {
            self.open_batch(now_s, clock);
        }
        let before = self.current.bytes.len();
        let mut commands = unit.commands();
        if unit.len() == 1 {
            if let Some((db, resp)) = commands.next() {
                self.select(db as u32);
                self.current.bytes.extend_from_slice(resp);
            }
        } else if let Some((db, resp)) = commands.next() {
            self.select(db as u32);
            self.current.bytes.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n");
            self.current.bytes.extend_from_slice(resp);
            for (db, resp) in commands {
                self.select(db as u32);
                self.current.bytes.extend_from_slice(resp);
            }
            self.current.bytes.extend_from_slice(b"*1\r\n$4\r\nEXEC\r\n");
        }
        self.position += (self.current.bytes.len() - before) as u64;
        if self.batch_from.is_some_and(|from| self.current.bytes.len() - from >= BATCH_BYTES) {
            self.close_batch();
        }
        if self.units.is_some() {
            self.remember(unit);
        }
        self.position
    }

    /// After a push: whether the next one shall be timed.
    #[inline]
    pub(crate) fn is_sample(&mut self) -> bool {
        self.since_sample += 1;
        if self.since_sample < APPENDS_PER_SAMPLE {
            return false;
        }
        self.since_sample = 0;
        true
    }

    #[cold]
    fn remember(&mut self, unit: &Unit) {
        if let Some(units) = &mut self.units {
            units.push(unit.clone());
        }
        self.current.clear();
        self.batch_from = None;
    }

    #[inline]
    fn select(&mut self, db: u32) {
        if self.db != Some(db) {
            self.select_now(db);
        }
    }

    #[cold]
    fn select_now(&mut self, db: u32) {
        let mut digits = [0; 20];
        let digits = kit::text::format_u64(&mut digits, u64::from(db));
        let bytes = &mut self.current.bytes;
        bytes.extend_from_slice(b"*2\r\n$6\r\nSELECT\r\n");
        head(bytes, b'$', digits.len());
        bytes.extend_from_slice(digits);
        bytes.extend_from_slice(b"\r\n");
        self.db = Some(db);
    }

    fn open_batch(&mut self, now_s: Option<i64>, clock: &dyn Clock) {
        let segment_starts = self.db.is_none();
        let time = now_s.filter(|now_s| segment_starts || *now_s > self.second);
        // A time line stands where the log can be cut: at the beginning of a batch.
        self.close_batch();
        if let Some(time) = time.filter(|_| segment_starts) {
            // Before the bracket: tools for Redis look for the time in the first line.
            line::write_time(&mut self.current.bytes, time);
        }
        self.batch_from = Some(self.current.bytes.len());
        self.current.bytes.extend_from_slice(line::OPEN);
        if segment_starts {
            line::write_start(&mut self.current.bytes, self.position, clock.unix_ms().secs());
        } else if let Some(time) = time {
            line::write_time(&mut self.current.bytes, time);
        }
        self.second = time.unwrap_or(self.second);
    }

    fn close_batch(&mut self) {
        let Some(from) = self.batch_from.take() else { return };
        let len = self.current.bytes.len() - from;
        let lag = self.position.saturating_sub(self.synced);
        let crc = line::write_close(&mut self.current.bytes, self.position, len as u64, lag);
        self.current.crcs.push(crc);
        self.current.position = self.position;
        self.current.db = self.db;
    }

    /// The oldest bytes that wait. `spare` is the buffer to fill meanwhile.
    pub(crate) fn take(&mut self, spare: &mut Chunk, synced: Position) -> Taken {
        self.synced = synced;
        if let Some((chunk, next)) = self.sealed.pop_front() {
            return Taken::Last(chunk, next);
        }
        if self.current.bytes.is_empty() {
            return Taken::Nothing;
        }
        self.close_batch();
        spare.clear();
        Taken::Chunk(std::mem::replace(&mut self.current, std::mem::take(spare)))
    }

    /// What comes from now on belongs to another segment.
    pub(crate) fn rotate(&mut self, next: u64) -> Position {
        self.close_batch();
        let mut chunk = std::mem::take(&mut self.current);
        chunk.position = self.position;
        self.sealed.push_back((chunk, next));
        self.db = None;
        self.position
    }

    /// Forgets what waits for the segments before this rotation.
    pub(crate) fn skip_to(&mut self, rotation: u64) {
        while let Some((_, next)) = self.sealed.pop_front() {
            if next == rotation {
                break;
            }
        }
    }

    /// Forgets what waits: the log was turned off.
    pub(crate) fn clear(&mut self) {
        self.current.clear();
        self.sealed.clear();
        self.batch_from = None;
        self.db = None;
    }
}

impl Chunk {
    /// Computes the checksums. Once, before the bytes are written.
    pub(crate) fn seal(&mut self) {
        let mut from = 0;
        for at in std::mem::take(&mut self.crcs) {
            // A time line may stand before the bracket.
            let open = from + self.bytes[from..at].windows(4).position(|four| four == line::OPEN).unwrap_or(0);
            let crc = crc32c::crc32c(&self.bytes[open..at]);
            line::write_crc(&mut self.bytes[at..at + 8], crc);
            from = at + line::CRC_AND_END;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.crcs.clear();
        // One burst must not keep its memory for good.
        if self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::world::SimClock;

    fn unit(commands: &[(usize, &str)]) -> Unit {
        let mut unit = Unit::default();
        for (db, words) in commands {
            let words: Vec<_> = words.split(' ').map(str::as_bytes).collect();
            unit.push(*db, words.into_iter());
        }
        unit
    }

    fn taken(pending: &mut Pending) -> String {
        let Taken::Chunk(mut chunk) = pending.take(&mut Chunk::default(), 0) else { panic!("nothing") };
        chunk.seal();
        String::from_utf8(chunk.bytes).unwrap().replace("\r\n", " ")
    }

    const SELECT_0: &str = "*2 $6 SELECT $1 0 ";

    #[test]
    fn frames_units() {
        let clock = SimClock::new(7_000);
        let mut pending = Pending::default();
        let set = "*2 $3 DEL $1 a ";
        let first = pending.push(&unit(&[(0, "DEL a")]), None, &clock);
        assert_eq!(first, 23 + 20);
        let body = format!("#{{ #basalt 1 0 7 {SELECT_0}{set}#}}43 62 43 2391bdf9 ");
        assert_eq!(taken(&mut pending), body);
        let bytes = body.replace(' ', "\r\n").replace("#basalt\r\n1\r\n0\r\n7", "#basalt 1 0 7");
        let bytes = bytes.replace("#}43\r\n62\r\n43\r\n2391bdf9", "#}43 62 43 2391bdf9");
        assert!(crate::recover::whole(bytes.as_bytes(), 0, 43));

        let several = [(0, "DEL a"), (12, "DEL a"), (12, "DEL a")];
        pending.push(&unit(&several), None, &clock);
        let text = taken(&mut pending);
        let body = format!("#{{ *1 $5 MULTI {set}*2 $6 SELECT $2 12 {set}{set}*1 $4 EXEC #}}");
        assert!(text.starts_with(&body), "{text}");
        pending.push(&unit(&[(12, "DEL a")]), None, &clock);
        assert!(taken(&mut pending).starts_with(&format!("#{{ {set}#}}")), "the database stays selected");
    }

    #[test]
    fn times_stand_where_the_log_can_be_cut() {
        let clock = SimClock::new(7_000);
        let mut pending = Pending::default();
        let del = unit(&[(0, "DEL a")]);
        for second in [7, 7, 8, 7, 9] {
            pending.push(&del, Some(second), &clock);
        }
        let text = taken(&mut pending);
        assert!(text.starts_with("#TS:7 #{ #basalt 1 0 7 "), "{text}");
        assert_eq!(text.matches("#{ #TS:8 ").count(), 1, "{text}");
        assert_eq!(text.matches("#{ #TS:9 ").count(), 1, "{text}");
        assert_eq!(text.matches("#}").count(), 3);
    }

    #[test]
    fn long_batches_are_closed() {
        let clock = SimClock::new(7_000);
        let mut pending = Pending::default();
        let mut big = Unit::default();
        big.push(0, [&b"SET"[..], b"k", &[b'x'; 1000]].into_iter());
        for _ in 0..200 {
            pending.push(&big, None, &clock);
        }
        assert_eq!(taken(&mut pending).matches("#}").count(), 4);
    }

    #[test]
    fn a_rotation_is_a_mark_in_the_stream() {
        let clock = SimClock::new(7_000);
        let mut pending = Pending::default();
        let del = unit(&[(0, "DEL a")]);
        pending.push(&del, None, &clock);
        let position = pending.rotate(5);
        pending.push(&del, None, &clock);
        let Taken::Last(chunk, 5) = pending.take(&mut Chunk::default(), 0) else { panic!("the old segment first") };
        assert_eq!(chunk.position, position);
        assert!(taken(&mut pending).starts_with(&format!("#{{ #basalt 1 43 7 {SELECT_0}")));
        assert!(matches!(pending.take(&mut Chunk::default(), 0), Taken::Nothing));
    }

    #[test]
    fn buffers_are_used_again() {
        let clock = SimClock::new(7_000);
        let mut pending = Pending::default();
        let del = unit(&[(0, "DEL a")]);
        let mut spare = Chunk::default();
        let mut addresses = std::collections::BTreeSet::new();
        for _ in 0..10 {
            pending.push(&del, None, &clock);
            let Taken::Chunk(chunk) = pending.take(&mut spare, 0) else { panic!("nothing") };
            addresses.insert(chunk.bytes.as_ptr() as usize);
            spare = chunk;
        }
        assert_eq!(addresses.len(), 2);
    }
}
