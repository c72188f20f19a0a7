//! What the tests log and how they know it again: units numbered from 0, each checked when it comes back.

use kit::world::{Disk, Rng, SimClock, SimDisk};
use log::{Base, Batch, Format, LoadError, LoadSink, Loaded, Log, Position, Settings, Unit};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) const DIR: &str = "/data";

/// A log on a simulated disk, and all that was given to it.
pub(crate) struct World {
    pub(crate) disk: SimDisk,
    /// The disk as the log sees it: sometimes a lying one.
    pub(crate) seen: Arc<dyn Disk>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) log: Log,
    /// Position behind each unit.
    pub(crate) ends: Vec<Position>,
    pub(crate) settings: Settings,
}

impl World {
    pub(crate) fn new(settings: Settings) -> World {
        let disk = SimDisk::new();
        World::on(disk.clone(), Arc::new(disk), settings)
    }

    pub(crate) fn on(disk: SimDisk, seen: Arc<dyn Disk>, settings: Settings) -> World {
        disk.create_dir_all(Path::new(DIR)).unwrap();
        let clock = Arc::new(SimClock::new(1_700_000_000_000));
        let log = Log::new(seen.clone(), clock.clone(), settings.clone());
        World { disk, seen, clock, log, ends: Vec::new(), settings }
    }

    /// A new process on the same disk: loads, checks, goes on. Gives how many units came back.
    pub(crate) fn restart(&mut self) -> Result<(usize, Loaded), LoadError> {
        self.log = self.new_log();
        let plan = self.log.plan().unwrap_or_else(|error| panic!("{error}"));
        let mut sink = Counting { next: 0, disk: &self.disk };
        let loaded = self.log.load(&plan, &mut sink, true)?;
        let count = sink.next;
        assert!(count <= self.ends.len(), "{count} units came back, {} were given", self.ends.len());
        self.ends.truncate(count);
        Ok((count, loaded))
    }

    pub(crate) fn new_log(&self) -> Log {
        Log::new(self.seen.clone(), self.clock.clone(), self.settings.clone())
    }

    pub(crate) fn begin(&mut self, loaded: &Loaded) -> std::io::Result<()> {
        self.disk.create_dir_all(Path::new(DIR)).unwrap();
        let base = self.base(self.ends.len(), Format::Rdb)?;
        self.log.begin(loaded, Some(&base))
    }

    pub(crate) fn append(&mut self, rng: &mut Rng) {
        let unit = unit(self.ends.len(), rng);
        self.ends.push(self.log.append(&unit));
    }

    /// A snapshot of the first `count` units.
    pub(crate) fn base(&self, count: usize, format: Format) -> std::io::Result<Base> {
        let temp = PathBuf::from(DIR).join("temp-base");
        let file = self.disk.create(&temp)?;
        match format {
            Format::Rdb => file.write_all(format!("REDIS {count}").as_bytes())?,
            Format::Aof => {
                let mut unit = Unit::default();
                unit.push(0, [&b"BASE"[..], count.to_string().as_bytes()].into_iter());
                file.write_all(unit.commands().next().unwrap().1)?;
            }
        }
        file.sync_data()?;
        Ok(Base { temp, format })
    }

    pub(crate) fn manifest(&self) -> String {
        let path = Path::new(DIR).join("appendonlydir/appendonly.aof.manifest");
        String::from_utf8_lossy(&self.disk.read(&path).unwrap_or_default()).into_owned()
    }

    /// Units that end at or before a position.
    pub(crate) fn upto(&self, position: Position) -> usize {
        self.ends.partition_point(|end| *end <= position)
    }
}

/// `SET u<number> <bytes that follow from it>`, sometimes several commands, in some database.
pub(crate) fn unit(number: usize, rng: &mut Rng) -> Unit {
    let mut unit = Unit::default();
    let commands = if rng.one_in(4) { 1 + rng.index(5) } else { 1 };
    for command in 0..commands {
        let db = if rng.one_in(6) { rng.index(4) } else { 0 };
        let len = if rng.one_in(30) { rng.index(20_000) } else { rng.index(100) };
        let head = format!("u{number}.{command}/{commands}.{db}");
        unit.push(db, [&b"SET"[..], head.as_bytes(), &value(number, len)].into_iter());
    }
    unit
}

fn value(number: usize, len: usize) -> Vec<u8> {
    (0..len).map(|at| (number * 31 + at * 7) as u8).collect()
}

/// Checks that units come in order, whole and right.
pub(crate) struct Counting<'a> {
    pub(crate) next: usize,
    pub(crate) disk: &'a dyn Disk,
}

impl LoadSink for Counting<'_> {
    fn rdb(&mut self, path: &Path) -> Result<u64, String> {
        let bytes = self.disk.read(path).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
        self.next = text.strip_prefix("REDIS ").and_then(|n| n.parse().ok()).ok_or(format!("not a base: {text:?}"))?;
        Ok(text.len() as u64)
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), String> {
        for unit in batch.units() {
            let words: Vec<Vec<&[u8]>> = unit.iter().map(|command| batch.words(command).collect()).collect();
            if words[0][0] == b"BASE" {
                self.next = std::str::from_utf8(words[0][1]).unwrap().parse().unwrap();
                continue;
            }
            for (at, words) in words.iter().enumerate() {
                let head = format!("u{}.{at}/{}.{}", self.next, unit.len(), unit[at].db);
                if words[1] != head.as_bytes() {
                    return Err(format!("{head} expected, {} came", String::from_utf8_lossy(words[1])));
                }
                if words[2] != value(self.next, words[2].len()) {
                    return Err(format!("{head} has a wrong value"));
                }
            }
            self.next += 1;
        }
        Ok(())
    }
}
