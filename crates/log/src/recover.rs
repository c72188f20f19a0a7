//! Reading a segment: bytes in, whole units out, and what is wrong with the bytes.
//!
//! A state machine without I/O. It is given the bytes from the last safe place on and tells how many it has used; a place
//! is safe between units, and inside a batch of ours (`line`) only behind its checksum. So what it delivers
//! is whole and, where there is a checksum, right. The caller keeps what was not used and adds to it.
//! Knows what Redis writes too: no brackets, no positions, only commands and time lines.

use crate::Position;
use crate::line::{self, Line};
use crate::parse::{self, Stop, Word};
use std::ops::Range;

/// Whole units, in order, and the bytes they stand in.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    words: Vec<Word>,
    commands: Vec<Command>,
    /// Where each unit ends in `commands`.
    units: Vec<usize>,
    times: Vec<Time>,
}

/// A line that says what time it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    pub seconds: i64,
    /// How many of the batch's units come before it.
    pub units_before: usize,
    /// Where the file can be cut so that only what comes before the line is left.
    pub offset: u64,
}

#[derive(Clone, Debug)]
pub struct Command {
    pub db: u32,
    words: Range<usize>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// How many commands, in all units.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// The commands of each unit.
    pub fn units(&self) -> impl Iterator<Item = &[Command]> {
        let mut from = 0;
        self.units.iter().map(move |&end| {
            let unit = &self.commands[from..end];
            from = end;
            unit
        })
    }

    pub fn times(&self) -> &[Time] {
        &self.times
    }

    /// Only the first units stay.
    pub(crate) fn keep_units(&mut self, count: usize) {
        self.units.truncate(count);
        self.commands.truncate(self.units.last().copied().unwrap_or(0));
    }

    /// Where the words are in `bytes`.
    pub fn ranges(&self, command: &Command) -> impl ExactSizeIterator<Item = Range<usize>> {
        self.words[command.words.clone()].iter().map(|word| word.at..word.at + word.len)
    }

    pub fn words(&self, command: &Command) -> impl ExactSizeIterator<Item = &[u8]> {
        self.words[command.words.clone()].iter().map(|word| &self.bytes[word.at..word.at + word.len])
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn clear(&mut self) {
        self.words.clear();
        self.commands.clear();
        self.units.clear();
        self.times.clear();
    }

    fn sizes(&self) -> [usize; 4] {
        [self.words.len(), self.commands.len(), self.units.len(), self.times.len()]
    }

    fn cut(&mut self, sizes: [usize; 4]) {
        self.times.truncate(sizes[3]);
        self.words.truncate(sizes[0]);
        self.commands.truncate(sizes[1]);
        self.units.truncate(sizes[2]);
    }
}

/// What is wrong from `from` on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Damage {
    pub(crate) kind: DamageKind,
    /// In the file: where the last whole unit before it ends.
    pub(crate) from: u64,
    /// In the file: where it was noticed.
    pub(crate) at: u64,
    pub(crate) what: String,
    /// In a batch of ours, or where one has to be.
    pub(crate) ours: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DamageKind {
    /// The file ends inside a unit or batch.
    Torn,
    /// Nothing but zeros follows.
    Zeros,
    /// A batch's checksum does not fit its bytes.
    Checksum,
    /// Not what a log may hold.
    Garbage,
    /// By the positions a part is missing.
    Gap,
    /// By the positions a part is there twice.
    Overlap,
    TooNew,
}

pub(crate) struct Recover {
    /// File offset of the first byte that the next `scan` is given.
    pub(crate) offset: u64,
    pub(crate) position: Position,
    /// `position` comes from one of our lines (or from a base of ours), so the next one must agree.
    pub(crate) exact: bool,
    pub(crate) db: Option<u32>,
    /// Where the file began in the stream.
    started: Position,
    /// The next position line is the file's first.
    first_line: bool,
    pub(crate) time_s: Option<i64>,
    /// Bytes outside our batches.
    pub(crate) unchecked_bytes: u64,
    /// `unchecked_bytes` at the end of the last batch.
    unchecked_at_batch: u64,
    pub(crate) batches: u64,
    /// The file was made by us.
    pub(crate) strict: bool,
}

/// State at the last safe place.
#[derive(Clone, Copy)]
struct Safe {
    used: usize,
    position: Position,
    exact: bool,
    db: Option<u32>,
    first_line: bool,
    time_s: Option<i64>,
    unchecked_bytes: u64,
    sizes: [usize; 4],
}

impl Recover {
    /// For a file that begins at `position` of the stream; `exact`: as our own lines say.
    pub(crate) fn new(offset: u64, position: Position, exact: bool) -> Recover {
        Recover {
            offset,
            position,
            exact,
            db: None,
            started: position,
            first_line: true,
            time_s: None,
            unchecked_bytes: 0,
            unchecked_at_batch: 0,
            batches: 0,
            strict: false,
        }
    }

    /// Commands without a batch came last: somebody else has appended here.
    pub(crate) fn is_foreign_here(&self) -> bool {
        self.unchecked_bytes > self.unchecked_at_batch
    }

    /// Takes whole units out of `batch.bytes`, which begin at `self.offset` of the file. `last`: no byte follows. Gives how many
    /// bytes were used; `batch` holds the units in them, also when there is damage behind.
    pub(crate) fn scan(&mut self, batch: &mut Batch, last: bool) -> (usize, Option<Damage>) {
        batch.clear();
        let bytes = std::mem::take(&mut batch.bytes);
        let mut scan = Scan { at: 0, safe: 0, bracket: None, multi: None };
        let mut safe = self.safe(0, batch);
        let mut stop = None;
        while scan.at < bytes.len() {
            match self.one(&bytes, &mut scan, batch) {
                Ok(true) => {
                    safe = self.safe(scan.at, batch);
                    scan.safe = scan.at;
                }
                Ok(false) => {}
                Err(found) => {
                    stop = Some(found);
                    break;
                }
            }
        }
        // The bytes end in the middle of something that began well.
        if stop.is_none() && safe.used < bytes.len() {
            stop = Some(Found::More);
        }
        let bracket = scan.bracket;
        let damage = match stop {
            None => None,
            Some(Found::More) if !last => None,
            Some(found) => Some(self.damage(found, &bytes, scan.at, safe.used, bracket, last)),
        };
        // What damage hides behind zeros shows when the rest of the file is there.
        batch.bytes = bytes;
        self.back_to(&safe, batch);
        self.offset += safe.used as u64;
        (safe.used, damage)
    }

    /// One command or line. True: a safe place is reached.
    #[inline]
    fn one(&mut self, bytes: &[u8], scan: &mut Scan, batch: &mut Batch) -> Result<bool, Found> {
        if bytes[scan.at] == b'#' {
            return self.annotation(bytes, scan, batch);
        }
        let (from, words_before) = (scan.at, batch.words.len());
        let end = parse::command(bytes, from, &mut batch.words)?;
        scan.at = end;
        self.position += (end - from) as u64;
        if scan.bracket.is_none() {
            self.unchecked_bytes += (end - from) as u64;
        }
        match special(bytes, &batch.words[words_before..]) {
            Special::No => {
                let db = self.db.unwrap_or(0);
                batch.commands.push(Command { db, words: words_before..batch.words.len() });
                if scan.multi.is_none() {
                    batch.units.push(batch.commands.len());
                }
            }
            Special::Select(db) => {
                batch.words.truncate(words_before);
                self.db = Some(db);
            }
            Special::Multi => {
                batch.words.truncate(words_before);
                if scan.multi.replace(batch.commands.len()).is_some() {
                    return Err(Found::Bad { at: from, what: "MULTI inside MULTI" });
                }
            }
            Special::Exec => {
                batch.words.truncate(words_before);
                match scan.multi.take() {
                    Some(first) if batch.commands.len() > first => batch.units.push(batch.commands.len()),
                    Some(_) => {}
                    None => return Err(Found::Bad { at: from, what: "EXEC without MULTI" }),
                }
            }
        }
        Ok(scan.multi.is_none() && scan.bracket.is_none())
    }

    fn annotation(&mut self, bytes: &[u8], scan: &mut Scan, batch: &mut Batch) -> Result<bool, Found> {
        let at = scan.at;
        let window = &bytes[at..bytes.len().min(at + line::LINE_BYTES_MAX)];
        let Some(end) = window.iter().position(|b| *b == b'\n') else {
            return Err(if window.len() < line::LINE_BYTES_MAX {
                Found::More
            } else {
                Found::Bad { at, what: "an annotation that is too long" }
            });
        };
        let text = window[..end].strip_suffix(b"\r").unwrap_or(&window[..end]);
        scan.at = at + end + 1;
        match line::parse(text) {
            Some(Line::Time(seconds)) => self.time(seconds, scan, batch),
            // In a file of ours nobody makes remarks: this was a bracket.
            Some(Line::Other) if scan.bracket.is_none() && (self.strict || self.batches > 0) => {
                return Err(Found::Bad { at, what: "an unknown annotation" });
            }
            Some(Line::Other) => {}
            Some(Line::Open) => {
                if scan.bracket.is_some() || scan.multi.is_some() {
                    return Err(Found::Bad { at, what: "a batch inside a batch or a transaction" });
                }
                scan.bracket = Some(at);
            }
            Some(Line::Start { version, position, seconds }) => {
                self.time(seconds as i64, scan, batch);
                if version > line::VERSION {
                    return Err(Found::TooNew { at, version });
                }
                self.start_line(at, position)?;
            }
            Some(Line::Close { position, len, crc, .. }) => {
                let Some(open) = scan.bracket.take() else {
                    return Err(Found::Bad { at, what: "a batch's end without its beginning" });
                };
                scan.bracket = Some(open);
                let right =
                    (at - open) as u64 == len && crc32c::crc32c(&bytes[open..scan.at - line::CRC_AND_END]) == crc;
                if !right {
                    return Err(Found::Checksum { at });
                }
                if scan.multi.is_some() {
                    return Err(Found::Bad { at, what: "a batch ends inside a transaction" });
                }
                if position != self.position {
                    return Err(Found::Gap { at, is: self.position, says: position });
                }
                scan.bracket = None;
                self.exact = true;
                self.batches += 1;
                self.unchecked_at_batch = self.unchecked_bytes;
            }
            None => return Err(Found::Bad { at, what: "a damaged annotation" }),
        }
        Ok(scan.multi.is_none() && scan.bracket.is_none())
    }

    fn time(&mut self, seconds: i64, scan: &Scan, batch: &mut Batch) {
        self.time_s = Some(seconds);
        batch.times.push(Time { seconds, units_before: batch.units.len(), offset: self.offset + scan.safe as u64 });
    }

    fn start_line(&mut self, at: usize, says: Position) -> Result<(), Found> {
        let first = std::mem::replace(&mut self.first_line, false);
        // A SELECT that a repaired segment begins with is not part of the stream.
        let is = if first { self.started } else { self.position };
        if self.exact && says != is {
            return Err(Found::Gap { at, is, says });
        }
        self.position = says;
        Ok(())
    }

    fn damage(&self, found: Found, bytes: &[u8], at: usize, safe: usize, bracket: Option<usize>, last: bool) -> Damage {
        let place = |at: usize| self.offset + at as u64;
        let ours = bracket.is_some();
        let damage = |kind, at, what: String| Damage { kind, from: place(safe), at: place(at), what, ours };
        let zeros = |at: usize| last && bytes[at..].iter().all(|b| *b == 0) && at < bytes.len();
        match found {
            Found::More => damage(DamageKind::Torn, at, "the file ends in the middle".into()),
            Found::Bad { at, .. } if zeros(at) => damage(DamageKind::Zeros, at, "nothing but zeros".into()),
            Found::Bad { at, what } => damage(DamageKind::Garbage, at, what.into()),
            Found::Checksum { at } => damage(DamageKind::Checksum, at, "a checksum does not fit".into()),
            Found::Gap { at, is, says } => {
                let what = format!("the position is {is}, and the file says {says}");
                let kind = if says > is { DamageKind::Gap } else { DamageKind::Overlap };
                Damage { ours: true, ..damage(kind, at, what) }
            }
            Found::TooNew { at, version } => {
                damage(DamageKind::TooNew, at, format!("written by a newer Basalt: format {version}"))
            }
        }
    }

    fn safe(&self, used: usize, batch: &Batch) -> Safe {
        Safe {
            used,
            position: self.position,
            exact: self.exact,
            db: self.db,
            first_line: self.first_line,
            time_s: self.time_s,
            unchecked_bytes: self.unchecked_bytes,
            sizes: batch.sizes(),
        }
    }

    fn back_to(&mut self, safe: &Safe, batch: &mut Batch) {
        batch.cut(safe.sizes);
        self.position = safe.position;
        self.exact = safe.exact;
        self.db = safe.db;
        self.first_line = safe.first_line;
        self.time_s = safe.time_s;
        self.unchecked_bytes = safe.unchecked_bytes;
    }
}

struct Scan {
    at: usize,
    /// The last safe place.
    safe: usize,
    /// Where the open batch began.
    bracket: Option<usize>,
    /// The first command of the open transaction.
    multi: Option<usize>,
}

enum Found {
    More,
    Bad { at: usize, what: &'static str },
    Checksum { at: usize },
    Gap { at: usize, is: Position, says: Position },
    TooNew { at: usize, version: u64 },
}

impl From<Stop> for Found {
    fn from(stop: Stop) -> Found {
        match stop {
            Stop::More => Found::More,
            Stop::Bad { at, what } => Found::Bad { at, what },
        }
    }
}

enum Special {
    No,
    Select(u32),
    Multi,
    Exec,
}

/// Commands that frame others.
#[inline]
fn special(bytes: &[u8], words: &[Word]) -> Special {
    let word = |at: usize| &bytes[words[at].at..words[at].at + words[at].len];
    match words {
        [Word { len: 4, .. }] if word(0).eq_ignore_ascii_case(b"exec") => Special::Exec,
        [Word { len: 5, .. }] if word(0).eq_ignore_ascii_case(b"multi") => Special::Multi,
        [Word { len: 6, .. }, _] if word(0).eq_ignore_ascii_case(b"select") => {
            match kit::text::parse_u64(word(1)).and_then(|db| u32::try_from(db).ok()) {
                Some(db) => Special::Select(db),
                // Whoever runs it says what is wrong with it.
                None => Special::No,
            }
        }
        _ => Special::No,
    }
}

/// Whether these bytes are whole batches of ours from one position to another.
pub(crate) fn whole(bytes: &[u8], from: Position, upto: Position) -> bool {
    let mut batch = Batch { bytes: bytes.to_vec(), ..Batch::default() };
    let mut recover = Recover::new(0, from, true);
    // These bytes may be from the middle of a file.
    let (used, damage) = recover.scan(&mut batch, true);
    damage.is_none() && used == bytes.len() && recover.position == upto && recover.unchecked_bytes == 0
}

impl Batch {
    pub(crate) fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}
