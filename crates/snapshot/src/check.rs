//! `basalt check` for RDB files: reads everything as loading would, keeps nothing, and says what it sees.

use crate::opcodes;
use kit::world::{Disk, DiskReader};
use std::path::Path;
use types::rdb::{self, Buffered, Family, Reading, Source, Thresholds};

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedRdb {
    pub version: u16,
    pub keys: u64,
    pub deadlines: u64,
    pub expired: u64,
    pub libraries: u64,
    /// The offset behind it: in an append-only file commands may follow.
    pub end: u64,
}

struct Checker<'a> {
    source: Buffered<DiskReader<'a>>,
    family: Family,
    reading: Reading,
    scratch: Vec<u8>,
    now_ms: i64,
    doing: &'static str,
    key: Option<Vec<u8>>,
    say: &'a mut dyn FnMut(&str),
}

/// Is it an RDB file, by its first bytes?
pub fn is_rdb(disk: &dyn Disk, path: &Path) -> bool {
    let mut magic = [0; 9];
    let read = disk.open(path).and_then(|file| file.read_at(&mut magic, 0));
    read.is_ok_and(|read| read == magic.len()) && (magic.starts_with(b"REDIS") || magic.starts_with(b"VALKEY"))
}

/// Reads a whole file. `say` gets what the user reads; `progress` bytes done and in all. The error has been said.
pub fn check_rdb(
    disk: &dyn Disk,
    path: &Path,
    now_ms: i64,
    say: &mut dyn FnMut(&str),
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CheckedRdb, String> {
    let file = disk.open(path).map_err(|error| format!("Cannot open {}: {error}", path.display()))?;
    let total = file.len().unwrap_or(0);
    let mut checker = Checker {
        source: Buffered::new(DiskReader::new(&*file, 0), true),
        family: Family::Redis,
        reading: Reading::new(Thresholds::default(), Family::Redis, None, true),
        scratch: Vec::new(),
        now_ms,
        doing: "start",
        key: None,
        say,
    };
    match checker.all(&mut |offset| progress(offset, total)) {
        Ok(checked) => {
            checker.tell("\\o/ RDB looks OK! \\o/");
            (checker.say)(&format!("[info] {} keys read", checked.keys));
            (checker.say)(&format!("[info] {} expires", checked.deadlines));
            (checker.say)(&format!("[info] {} already expired", checked.expired));
            Ok(checked)
        }
        Err(error) => {
            (checker.say)("--- RDB ERROR DETECTED ---");
            checker.tell(&error);
            (checker.say)(&format!("[additional info] While doing: {}", checker.doing));
            if let Some(key) = &checker.key {
                (checker.say)(&format!("[additional info] Reading key {}", kit::text::quote(key)));
            }
            Err(error)
        }
    }
}

impl Checker<'_> {
    fn tell(&mut self, text: &str) {
        (self.say)(&format!("[offset {}] {text}", self.source.offset()));
    }

    fn all(&mut self, progress: &mut dyn FnMut(u64)) -> Result<CheckedRdb, String> {
        let mut checked = CheckedRdb::default();
        let magic: [u8; 9] = self.source.array().map_err(text_of)?;
        let digits = magic.strip_prefix(b"REDIS").or_else(|| magic.strip_prefix(b"VALKEY"));
        let version = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        checked.version = version.ok_or("Wrong signature trying to load DB from file")?;
        let is_valkey = magic.starts_with(b"VALKEY");
        self.family = if is_valkey { Family::Valkey } else { Family::of_version(checked.version) };
        self.reading.family = self.family;
        let mut deadline = None;
        let mut next_told = 0;
        loop {
            if self.source.offset() >= next_told {
                progress(self.source.offset());
                next_told = self.source.offset() + (1 << 20);
            }
            self.key = None;
            self.doing = "read-type";
            let opcode = self.source.byte().map_err(text_of)?;
            match opcode {
                opcodes::DEADLINE_MS => {
                    self.doing = "read-expire";
                    deadline = Some(i64::from_le_bytes(self.source.array().map_err(text_of)?));
                }
                opcodes::DEADLINE_SECS => {
                    self.doing = "read-expire";
                    let secs = i32::from_le_bytes(self.source.array().map_err(text_of)?);
                    deadline = Some(i64::from(secs) * 1000);
                }
                opcodes::FREQ => self.source.pass(1).map_err(text_of)?,
                opcodes::IDLE => drop(self.len()?),
                opcodes::EOF => break,
                opcodes::SELECT_DB => {
                    self.doing = "read-len";
                    let db = self.len()?;
                    self.tell(&format!("Selecting DB ID {db}"));
                }
                opcodes::RESIZE_DB => self.lens(2)?,
                opcodes::SLOT_INFO => self.lens(3)?,
                opcodes::SLOT_IMPORT => {
                    self.text()?;
                    let ranges = self.len()?;
                    (0..ranges).try_for_each(|_| self.lens(2))?;
                }
                opcodes::AUX => {
                    self.doing = "read-aux";
                    let (name, value) = (self.text()?, self.text()?);
                    let (name, value) = (String::from_utf8_lossy(&name), String::from_utf8_lossy(&value));
                    self.tell(&format!("AUX FIELD {name} = '{value}'"));
                }
                opcodes::FUNCTION2 => {
                    self.doing = "read-functions";
                    self.text()?;
                    checked.libraries += 1;
                }
                opcodes::MODULE_AUX => {
                    self.doing = "read-module-aux";
                    crate::load::skip_module_data(&mut self.source).map_err(text_of)?;
                }
                opcodes::FUNCTION_PRE_GA => return Err("Pre-release function format not supported".into()),
                type_byte => {
                    self.doing = "read-key";
                    self.key = Some(self.text()?);
                    self.doing = "read-object-value";
                    rdb::read(type_byte, &mut self.source, &mut self.reading).map_err(text_of)?;
                    checked.keys += 1;
                    checked.deadlines += u64::from(deadline.is_some());
                    checked.expired += u64::from(deadline.take().is_some_and(|at| at < self.now_ms));
                }
            }
        }
        if checked.version >= 5 {
            self.doing = "check-sum";
            let crc = self.source.crc();
            let expected = u64::from_le_bytes(self.source.array().map_err(text_of)?);
            match expected {
                0 => self.tell("RDB file was saved with checksum disabled: no check performed."),
                _ if expected == crc => self.tell("Checksum OK"),
                _ => return Err("RDB CRC error".into()),
            }
        }
        checked.end = self.source.offset();
        progress(checked.end);
        Ok(checked)
    }

    fn len(&mut self) -> Result<u64, String> {
        rdb::read_len(&mut self.source).map_err(text_of)
    }

    fn lens(&mut self, count: usize) -> Result<(), String> {
        (0..count).try_for_each(|_| self.len().map(drop))
    }

    fn text(&mut self) -> Result<Vec<u8>, String> {
        let text = rdb::read_string(&mut self.source, &mut self.scratch).map_err(text_of)?;
        Ok(text.bytes(&mut [0; 20]).to_vec())
    }
}

fn text_of(error: rdb::Error) -> String {
    match error {
        rdb::Error::Short { .. } => "Unexpected EOF reading RDB file".into(),
        error => error.to_string(),
    }
}
