//! What becomes of replaced files: dropped, or kept for restoring to a moment.
//!
//! Kept ones move to the folder `kept/` beside the manifest, because a stock Redis that opens our folder removes
//! everything the manifest calls history. A list tells what is there, oldest first, one set (a base and its increments) after
//! the other:
//!
//! ```text
//! file <name> seq <number> type b|i [startoffset <position>] replaced <seconds> bytes <size>\n
//! ```
//!
//! The name is the old one with the milliseconds of its replacement before it: numbers may come again.
//! A crash between two steps leaves at worst a file in `kept/` that no list names.

use crate::Position;
use crate::folder::Folder;
use crate::manifest::{Entry, Kind, Manifest};
use crate::settings::Live;
use kit::text::{parse_u64, split_words, word_for_file};
use kit::world::UnixMs;
use std::io;
use std::path::PathBuf;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) seq: u64,
    pub(crate) kind: Kind,
    pub(crate) start: Option<Position>,
    pub(crate) cut: Option<u64>,
    pub(crate) replaced_s: u64,
    pub(crate) bytes: u64,
}

impl Folder {
    /// Drops or keeps what the manifest calls history, then forgets it; drops what was kept long enough.
    pub(crate) fn drop_history(&mut self, live: &Live, now: UnixMs) -> io::Result<()> {
        let keeps = live.keep_secs > 0 || live.keep_bytes > 0;
        if !self.manifest.history.is_empty() {
            let history = self.manifest.history.clone();
            if keeps {
                // Newest first in the manifest.
                let oldest_first: Vec<_> = history.iter().rev().collect();
                self.keep(&oldest_first, now)?;
            } else {
                for entry in &history {
                    self.remove(&self.file(&entry.name))?;
                }
            }
            self.switch(Manifest { history: Vec::new(), ..self.manifest.clone() })?;
        }
        if keeps || self.disk.exists(&self.kept_list()) {
            self.drop_kept(live, now.secs().max(0) as u64)?;
        }
        Ok(())
    }

    fn keep(&self, entries: &[&Entry], now: UnixMs) -> io::Result<()> {
        let dir = self.kept_dir();
        if !self.disk.exists(&dir) {
            self.disk.create_dir_all(&dir)?;
            self.disk.sync_dir(&self.path)?;
        }
        let mut kept = self.kept()?;
        for entry in entries {
            let from = self.file(&entry.name);
            let name = format!("{}-{}", now.0, entry.name);
            let Ok(bytes) = self.disk.size(&from) else { continue }; // moved before a crash
            self.disk.rename(&from, &dir.join(&name))?;
            let is_base = entry.name.contains(".base.") || entry.name == self.file_name;
            let kind = if is_base { Kind::Base } else { Kind::Increment };
            let replaced_s = now.secs().max(0) as u64;
            kept.push(Kept { name, seq: entry.seq, kind, start: entry.start, cut: entry.cut, replaced_s, bytes });
        }
        self.disk.sync_dir(&dir)?;
        self.write_kept(&kept)
    }

    /// Whole sets go, oldest first: an increment without its base is of no use.
    fn drop_kept(&self, live: &Live, now_s: u64) -> io::Result<()> {
        let kept = self.kept()?;
        let mut bytes: u64 = kept.iter().map(|kept| kept.bytes).sum();
        let mut sets: Vec<Vec<Kept>> = Vec::new();
        for one in kept {
            match sets.last_mut() {
                Some(set) if one.kind != Kind::Base => set.push(one),
                _ => sets.push(vec![one]),
            }
        }
        let mut gone = Vec::new();
        let mut left = Vec::new();
        for set in sets {
            let old = set.iter().map(|one| one.replaced_s).max().unwrap_or(0).saturating_add(live.keep_secs) < now_s;
            let much = live.keep_bytes > 0 && bytes > live.keep_bytes;
            let by_time = live.keep_secs > 0 && old;
            if left.is_empty() && (by_time || much || (live.keep_secs == 0 && live.keep_bytes == 0)) {
                bytes -= set.iter().map(|one| one.bytes).sum::<u64>();
                gone.extend(set);
            } else {
                left.extend(set);
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.write_kept(&left)?;
        for one in gone {
            self.remove(&self.kept_dir().join(one.name))?;
        }
        Ok(())
    }

    pub(crate) fn kept_dir(&self) -> PathBuf {
        self.path.join("kept")
    }

    fn kept_list(&self) -> PathBuf {
        self.kept_dir().join(format!("{}.kept", self.file_name))
    }

    /// What is kept, oldest first.
    pub(crate) fn kept(&self) -> io::Result<Vec<Kept>> {
        let text = match self.disk.read(&self.kept_list()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let lines = text.split(|b| *b == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| parse(line).ok_or_else(|| io::Error::other("the list of kept files is damaged"))).collect()
    }

    fn write_kept(&self, kept: &[Kept]) -> io::Result<()> {
        let text: String = kept.iter().map(Kept::text).collect();
        self.disk.write_atomic(&self.kept_list(), text.as_bytes())
    }
}

impl Kept {
    fn text(&self) -> String {
        let kind = if self.kind == Kind::Base { 'b' } else { 'i' };
        let mut line = format!("file {} seq {} type {kind}", word_for_file(&self.name), self.seq);
        for (key, value) in [("startoffset", self.start), ("cutoffset", self.cut)] {
            if let Some(value) = value {
                line += &format!(" {key} {value}");
            }
        }
        line + &format!(" replaced {} bytes {}\n", self.replaced_s, self.bytes)
    }

    pub(crate) fn entry(&self) -> Entry {
        let Kept { name, seq, kind, start, cut, .. } = self.clone();
        Entry { name, seq, kind, start, end: None, cut, sums: false }
    }
}

fn parse(line: &[u8]) -> Option<Kept> {
    let words = split_words(line)?;
    let get = |key: &str| words.as_chunks::<2>().0.iter().find(|pair| pair[0] == key.as_bytes()).map(|pair| &pair[1]);
    let number = |key: &str| get(key).and_then(|value| parse_u64(value));
    Some(Kept {
        name: String::from_utf8(get("file")?.clone()).ok()?,
        seq: number("seq")?,
        kind: if get("type")?.as_slice() == b"b" { Kind::Base } else { Kind::Increment },
        start: number("startoffset"),
        cut: number("cutoffset"),
        replaced_s: number("replaced")?,
        bytes: number("bytes")?,
    })
}
