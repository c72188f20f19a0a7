//! Entries in RDB form, and what stands before and after them in a file.
//!
//! ```text
//! file    := "REDIS" | "VALKEY", then digits to 9 bytes | aux … | library … | (SELECT_DB RESIZE_DB) … | entry … | EOF | crc64
//! aux     := AUX | name | value                                       strings
//! library := FUNCTION2 | code
//! entry   := SELECT_DB? | DEADLINE_MS ms? | (IDLE secs | FREQ count)? | type | key | value
//! ```
//! The values are `types::rdb`'s.

use crate::opcodes;
use crate::options;
use crate::walk::{DbCount, Form, Part};
use exec::Node;
use exec::evict::{self, Policy};
use keyspace::{EntryRef, ValueRef};
use kit::world::UnixMs;
use types::rdb;

pub(crate) struct RdbForm {
    pub form: rdb::Form,
    uses: Uses,
    now: UnixMs,
}

/// What of an entry's access clock goes into the file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Uses {
    No,
    Idle,
    Freq,
}

/// Redis 7.0's, which every server of today reads.
const VERSION_USUAL: u16 = 10;
/// The first that knows deadlines of fields.
const VERSION_TIMED_FIELDS: u16 = 12;

impl RdbForm {
    /// For the data of this moment; the world is locked.
    pub(crate) fn choose(node: &Node) -> RdbForm {
        let timed = (0..node.databases).any(|db| node.keyspace.inner_deadline_count(db) > 0);
        let version = match node.config.get(&options::VERSION) {
            0 if timed => VERSION_TIMED_FIELDS,
            0 => VERSION_USUAL,
            version => version as u16,
        };
        let compress = node.config.get(&exec::options::RDB_COMPRESSION);
        let form = rdb::Form { version, family: rdb::Family::of_version(version), compress };
        let policy = Policy::of(node);
        let uses = match (policy.is_lfu(), policy.reads_clocks()) {
            (true, _) => Uses::Freq,
            (false, true) => Uses::Idle,
            (false, false) => Uses::No,
        };
        RdbForm { form, uses, now: node.now() }
    }

    /// What stands before the first entry.
    pub(crate) fn head(&self, node: &Node, databases: &[DbCount], is_base: bool) -> Vec<u8> {
        let mut out = match self.form.family {
            rdb::Family::Redis => format!("REDIS{:04}", self.form.version),
            rdb::Family::Valkey => format!("VALKEY{:03}", self.form.version),
        }
        .into_bytes();
        self.aux(&mut out, "redis-ver", exec::version::REDIS);
        self.aux(&mut out, "redis-bits", "64");
        self.aux(&mut out, "ctime", &(self.now.0 / 1000).to_string());
        self.aux(&mut out, "used-mem", &node.memory.used().to_string());
        self.aux(&mut out, "aof-base", if is_base { "1" } else { "0" });
        for library in &*node.libraries.lock() {
            out.push(opcodes::FUNCTION2);
            rdb::write_string(library, self.form.compress, &mut out);
        }
        for count in databases {
            self.select(&mut out, count.db);
            out.push(opcodes::RESIZE_DB);
            rdb::write_len(count.keys as u64, &mut out);
            rdb::write_len(count.deadlines as u64, &mut out);
        }
        out
    }

    fn aux(&self, out: &mut Vec<u8>, name: &str, value: &str) {
        out.push(opcodes::AUX);
        rdb::write_string(name.as_bytes(), self.form.compress, out);
        rdb::write_string(value.as_bytes(), self.form.compress, out);
    }
}

impl RdbForm {
    fn marks(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) {
        if let Some(deadline) = entry.deadline() {
            out.push(opcodes::DEADLINE_MS);
            out.extend_from_slice(&deadline.0.to_le_bytes());
        }
        match self.uses {
            Uses::No => {}
            Uses::Idle => {
                out.push(opcodes::IDLE);
                rdb::write_len(u64::from(evict::idle_secs(entry.clock(), self.now)), out);
            }
            Uses::Freq => out.extend_from_slice(&[opcodes::FREQ, entry.clock() as u8]),
        }
    }
}

impl RdbForm {
    /// A large string is not compressed: that would have to be done in one piece.
    fn write_head_of_text(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Part {
        self.marks(out, entry);
        out.push(rdb::STRING);
        rdb::write_string(entry.key(), self.form.compress, out);
        rdb::write_len(entry.value().len() as u64, out);
        Part::Text(0)
    }
}

fn refused(error: rdb::CannotHold, entry: EntryRef<'_>) -> String {
    format!("{error} (key {}); see the option 'rdb-version'", kit::text::quote(entry.key()))
}

impl Form for RdbForm {
    fn write(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Result<(), String> {
        let start = out.len();
        self.marks(out, entry);
        let Some(object) = entry.object() else {
            out.push(rdb::STRING);
            rdb::write_string(entry.key(), self.form.compress, out);
            match entry.value() {
                ValueRef::Int(number) => rdb::write_int(number, out),
                ValueRef::Str(text) | ValueRef::Raw(text) => rdb::write_string(text, self.form.compress, out),
                ValueRef::Object(_) => {}
            }
            return Ok(());
        };
        let written = rdb::type_byte(&object, &self.form).and_then(|type_byte| {
            out.push(type_byte);
            rdb::write_string(entry.key(), self.form.compress, out);
            rdb::write(&object, &self.form, out)
        });
        written.map_err(|error| {
            out.truncate(start);
            refused(error, entry)
        })
    }

    fn begin(&self, out: &mut Vec<u8>, entry: EntryRef<'_>) -> Result<Part, String> {
        let Some(object) = entry.object() else {
            return Ok(self.write_head_of_text(out, entry));
        };
        let writing = rdb::Writing::new(&object, &self.form).map_err(|error| refused(error, entry))?;
        self.marks(out, entry);
        out.push(writing.type_byte());
        rdb::write_string(entry.key(), self.form.compress, out);
        Ok(Part::Object(writing))
    }

    fn select(&self, out: &mut Vec<u8>, db: usize) {
        out.push(opcodes::SELECT_DB);
        rdb::write_len(db as u64, out);
    }
}
