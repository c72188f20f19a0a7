//! The list of files that make the log, as Redis 7 writes it.
//!
//! ```text
//! file <name> seq <number> type b|h|i [startoffset <position>] [endoffset <position>] [cutoffset <bytes>] [sums <version>]\n
//! ```
//!
//! One base at most, then history (newest first), then increments in ascending order. Names with blanks are quoted. Unknown
//! pairs at the end of a line are skipped, so that a later version may add some; `startoffset` and `endoffset` are Redis
//! 8's, and hold our position; on a base, `startoffset` is the position that it shows. `cutoffset` is ours,
//! and so is `sums`: the file was made by us and begins with a batch (see `line`). Error texts carry the words that Redis's own tests look for.

use crate::Position;
use kit::text::{parse_u64, quote, split_words};
use std::path::Path;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Base,
    /// Replaced by a newer base: may be dropped.
    History,
    Increment,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) start: Option<Position>,
    /// The log was closed here.
    pub(crate) end: Option<Position>,
    /// Bytes of the file beyond this are not part of the log: they were written again to a later file.
    pub(crate) cut: Option<u64>,
    /// Made by us, with checksums.
    pub(crate) sums: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) base: Option<Entry>,
    pub(crate) history: Vec<Entry>,
    pub(crate) increments: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}, line {line}: {what}{shown}")]
pub struct ManifestError {
    pub path: String,
    pub line: usize,
    pub what: &'static str,
    shown: String,
}

/// Redis reads a line into a buffer of this size.
const LINE_BYTES_MAX: usize = 1024;

impl Manifest {
    pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<Manifest, ManifestError> {
        let mut manifest = Manifest::default();
        let fail = |line: usize, what: &'static str, bytes: &[u8]| {
            let shown =
                if bytes.is_empty() { String::new() } else { format!(": {}", quote(&bytes[..bytes.len().min(120)])) };
            ManifestError { path: path.display().to_string(), line, what, shown }
        };
        if text.is_empty() {
            return Err(fail(0, "Found an empty AOF manifest", b""));
        }
        let mut number = 0;
        for line in text.split_inclusive(|b| *b == b'\n') {
            number += 1;
            if line.starts_with(b"#") {
                continue;
            }
            if line.len() >= LINE_BYTES_MAX || !line.ends_with(b"\n") {
                return Err(fail(number, "The AOF manifest file contains too long line", b""));
            }
            let entry = Entry::parse(line).map_err(|what| fail(number, what, line))?;
            match entry.kind {
                Kind::Base if manifest.base.is_some() => {
                    return Err(fail(number, "Found duplicate base file information", line));
                }
                Kind::Base => manifest.base = Some(entry),
                Kind::History => manifest.history.push(entry),
                Kind::Increment => {
                    if manifest.increments.last().is_some_and(|last| last.seq >= entry.seq) {
                        return Err(fail(number, "Found a non-monotonic sequence number", line));
                    }
                    manifest.increments.push(entry);
                }
            }
        }
        Ok(manifest)
    }

    pub(crate) fn text(&self) -> String {
        self.entries().map(Entry::text).collect()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.base.iter().chain(&self.history).chain(&self.increments)
    }

    /// The files that are loaded, in order.
    pub(crate) fn loaded(&self) -> impl Iterator<Item = &Entry> {
        self.base.iter().chain(&self.increments)
    }

    pub(crate) fn next_base_seq(&self) -> u64 {
        self.next_seq(Kind::Base, ".base.")
    }

    pub(crate) fn next_increment_seq(&self) -> u64 {
        self.next_seq(Kind::Increment, ".incr.")
    }

    /// Numbers of history are taken too: the files may still be there.
    fn next_seq(&self, kind: Kind, part: &str) -> u64 {
        let of_kind = |entry: &&Entry| entry.kind == kind || (entry.kind == Kind::History && entry.name.contains(part));
        self.entries().filter(of_kind).map(|entry| entry.seq).max().unwrap_or(0) + 1
    }

    /// A new base replaces the old one and the increments before `from`; all of them when there is none.
    pub(crate) fn replace_base(&mut self, base: Entry, from: Option<u64>) {
        let mut history = Vec::new();
        if let Some(old) = self.base.replace(base) {
            history.push(old);
        }
        let kept = self.increments.iter().position(|entry| from.is_some_and(|from| entry.seq >= from));
        history.extend(self.increments.drain(..kept.unwrap_or(self.increments.len())));
        for mut entry in history {
            entry.kind = Kind::History;
            self.history.insert(0, entry);
        }
    }
}

impl Entry {
    fn parse(line: &[u8]) -> Result<Entry, &'static str> {
        const WRONG: &str = "Invalid AOF manifest file format";
        let words = split_words(line).ok_or(WRONG)?;
        if words.len() < 6 || !words.len().is_multiple_of(2) {
            return Err(WRONG);
        }
        let (mut name, mut seq, mut kind, mut start, mut end, mut cut) = (None, None, None, None, None, None);
        let mut sums = false;
        for pair in words.as_chunks::<2>().0 {
            let [key, value] = pair;
            match key.to_ascii_lowercase().as_slice() {
                b"file" => {
                    if value.contains(&b'/') {
                        return Err("File can't be a path, just a filename");
                    }
                    name = Some(String::from_utf8(value.clone()).map_err(|_| WRONG)?);
                }
                b"seq" => seq = Some(parse_u64(value).ok_or(WRONG)?),
                b"type" => {
                    kind = Some(match value.as_slice() {
                        b"b" => Kind::Base,
                        b"h" => Kind::History,
                        b"i" => Kind::Increment,
                        _ => return Err("Unknown AOF file type"),
                    });
                }
                b"startoffset" => start = parse_u64(value),
                b"endoffset" => end = parse_u64(value),
                b"sums" => sums = true,
                b"cutoffset" => cut = Some(parse_u64(value).ok_or(WRONG)?),
                _ => {}
            }
        }
        match (name, seq, kind) {
            (Some(name), Some(seq), Some(kind)) if !name.is_empty() && seq > 0 => {
                Ok(Entry { name, seq, kind, start, end, cut, sums })
            }
            _ => Err(WRONG),
        }
    }

    fn text(&self) -> String {
        let plain = self.name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\'));
        let name = if plain { self.name.clone() } else { quote(self.name.as_bytes()) };
        let kind = match self.kind {
            Kind::Base => 'b',
            Kind::History => 'h',
            Kind::Increment => 'i',
        };
        let mut line = format!("file {name} seq {} type {kind}", self.seq);
        for (key, value) in [("startoffset", self.start), ("endoffset", self.end), ("cutoffset", self.cut)] {
            if let Some(value) = value {
                line += &format!(" {key} {value}");
            }
        }
        if self.sums {
            line += &format!(" sums {}", crate::line::VERSION);
        }
        line + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Manifest, String> {
        Manifest::parse(Path::new("m"), text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn round_trip() {
        let text = "file a.2.base.rdb seq 2 type b startoffset 7\n\
                    file a.1.incr.aof seq 1 type h\n\
                    file a.2.incr.aof seq 2 type i startoffset 7 endoffset 99 cutoffset 5 sums 1\n\
                    file \" x \\n.4.incr.aof\" seq 4 type i\n";
        let manifest = parse(text).unwrap();
        assert_eq!(manifest.text(), text);
        assert_eq!(manifest.increments[1].name, " x \n.4.incr.aof");
        assert_eq!(manifest.increments[0].end, Some(99));
        assert_eq!((manifest.next_base_seq(), manifest.next_increment_seq()), (3, 5));
    }

    #[test]
    fn what_others_write() {
        let manifest = parse("# remark\nfile a seq 1 type b newkey newvalue\n FILE  b  SEQ 3 Type i \n").unwrap();
        assert_eq!(manifest.text(), "file a seq 1 type b\nfile b seq 3 type i\n");
    }

    #[test]
    fn refused_in_known_words() {
        let long = format!("file a seq 1 type b {}\n", "x y ".repeat(300));
        for (text, what) in [
            ("", "Found an empty AOF manifest"),
            ("file a seq 1 type i\n\nfile b seq 2 type i\n", "line 2: Invalid AOF manifest file format"),
            ("filx a seq 1 type b\n", "Invalid AOF manifest file format"),
            ("file a seq 1 type i newkey\n", "Invalid AOF manifest file format"),
            ("file a type i\n", "Invalid AOF manifest file format"),
            ("!!!\n", "Invalid AOF manifest file format"),
            ("file a seq x type i\n", "Invalid AOF manifest file format"),
            ("file a seq 1 type x\n", "Unknown AOF file type"),
            ("file a/b seq 1 type b\n", "File can't be a path"),
            ("file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information"),
            ("file a seq 2 type i\nfile b seq 1 type i\n", "Found a non-monotonic sequence number"),
            (&long, "too long line"),
            ("file a seq 1 type b", "too long line"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(what), "{text:?}: {error}");
            assert_eq!(error.matches(what).count(), 1);
        }
    }

    #[test]
    fn a_new_base_makes_history() {
        let entry = |name: &str, seq, kind| Entry {
            name: name.into(),
            seq,
            kind,
            start: None,
            end: None,
            cut: None,
            sums: false,
        };
        let mut manifest =
            Manifest { increments: vec![entry("a.1.incr.aof", 1, Kind::Increment)], ..Manifest::default() };
        manifest.base = Some(entry("a.5.base.rdb", 5, Kind::Base));
        manifest.increments.push(entry("a.2.incr.aof", 2, Kind::Increment));
        manifest.replace_base(entry("a.6.base.rdb", 6, Kind::Base), Some(2));
        manifest.increments.push(entry("a.3.incr.aof", 3, Kind::Increment));
        manifest.replace_base(entry("a.7.base.rdb", 7, Kind::Base), Some(3));
        let names: Vec<_> = manifest.entries().map(|entry| (entry.name.as_str(), entry.kind)).collect();
        assert_eq!(
            names,
            [
                ("a.7.base.rdb", Kind::Base),
                ("a.2.incr.aof", Kind::History),
                ("a.6.base.rdb", Kind::History),
                ("a.1.incr.aof", Kind::History),
                ("a.5.base.rdb", Kind::History),
                ("a.3.incr.aof", Kind::Increment),
            ]
        );
        manifest.replace_base(entry("a.8.base.rdb", 8, Kind::Base), None);
        assert!(manifest.increments.is_empty());
        assert_eq!(manifest.next_increment_seq(), 4);
    }
}
