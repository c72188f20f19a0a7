//! Damaged files: every kind of damage at every kind of place is found, at the right byte, and never loads silently.
//! `BASALT_DAMAGE_COUNT` asks for more of them.

use crate::model::{Counting, DIR, World};
use kit::world::{Disk, Rng, SimDisk};
use log::{Checker, LoadError, Loaded, Log, Repair, Settings};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn incr() -> PathBuf {
    Path::new(DIR).join("appendonlydir/appendonly.aof.1.incr.aof")
}

/// A closed log of 60 units and where each of its batches ends in the file.
fn world(seed: u64) -> (World, Vec<u64>, Vec<u8>) {
    let mut settings = Settings::new(DIR);
    settings.live.timestamps = seed.is_multiple_of(2);
    let mut world = World::new(settings);
    let mut rng = Rng::new(seed);
    world.log.plan().unwrap();
    world.begin(&Loaded::default()).unwrap();
    let mut ends = vec![0];
    for _ in 0..20 {
        for _ in 0..3 {
            world.append(&mut rng);
        }
        world.log.sync_now().unwrap();
        world.clock.advance_ms(400);
        ends.push(world.disk.size(&incr()).unwrap());
    }
    let bytes = world.disk.read(&incr()).unwrap();
    (world, ends, bytes)
}

fn load(world: &World, bytes: &[u8]) -> (Result<Loaded, LoadError>, usize) {
    world.disk.write_atomic(&incr(), bytes).unwrap();
    let log = Log::new(Arc::new(world.disk.clone()), world.clock.clone(), world.settings.clone());
    let plan = log.plan().unwrap();
    let mut sink = Counting { next: 0, disk: &world.disk };
    let loaded = log.load(&plan, &mut sink, true);
    (loaded, sink.next)
}

#[test]
fn flipped_cut_inserted_zeroed() {
    let count = std::env::var("BASALT_DAMAGE_COUNT").ok().and_then(|n| n.parse().ok()).unwrap_or(600);
    let step = 3;
    for seed in 0..count {
        let (world, ends, good) = world(seed % step);
        let mut rng = Rng::new(1_000 + seed);
        let at = rng.index(good.len());
        let mut bytes = good.clone();
        match seed % 4 {
            0 => bytes[at] ^= 1 << rng.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, rng.next_u64() as u8),
            _ => {
                let len = (1 + rng.index(50)).min(bytes.len() - at);
                bytes[at..at + len].fill(0);
            }
        }
        if bytes == good {
            continue;
        }
        let whole_batches = ends.iter().filter(|end| **end <= at as u64).count() - 1;
        let (loaded, units) = load(&world, &bytes);
        let last_batch = whole_batches >= ends.len() - 2;
        match loaded {
            Err(LoadError::Damaged(damaged)) => {
                assert!(!last_batch && seed % 4 != 1, "seed {seed}: {}", damaged.what);
                assert_eq!(
                    damaged.from,
                    from_of(&good, ends[whole_batches], at as u64),
                    "seed {seed} at {at}: {}",
                    damaged.what
                );
                assert!(damaged.at >= damaged.from && damaged.at <= bytes.len() as u64, "seed {seed}");
                assert!(!damaged.tail);
            }
            Err(other) => panic!("seed {seed}: {other}"),
            Ok(loaded) => {
                let harmless = loaded.cuts.is_empty();
                assert!(last_batch || harmless || seed % 4 == 1, "seed {seed} at {at} of {}: silent", good.len());
                if harmless && seed % 4 == 1 && ends.contains(&(bytes.len() as u64)) {
                    assert_eq!(units, whole_batches * 3, "seed {seed}: a cut between batches shows nowhere");
                } else if harmless {
                    // In a time line before the first bracket, or in a line end that nobody needs.
                    assert_eq!(
                        units,
                        60,
                        "seed {seed} at {at}: {:?}",
                        &good[at.saturating_sub(10)..at + 5].escape_ascii().to_string()
                    );
                } else {
                    assert_eq!(loaded.cuts[0].from, from_of(&good, ends[whole_batches], at as u64), "seed {seed}");
                    let kept = world.disk.read(&loaded.cuts[0].kept_as).unwrap();
                    assert_eq!(kept, &bytes[loaded.cuts[0].from as usize..]);
                }
            }
        }
        assert!(units >= whole_batches * 3 || units == 60, "seed {seed}: {units} of {}", whole_batches * 3);
    }
}

/// A time line may stand before a batch's bracket, and is whole by itself.
fn from_of(good: &[u8], end: u64, at: u64) -> u64 {
    let rest = &good[end as usize..];
    let line = rest.starts_with(b"#TS:").then(|| rest.iter().position(|b| *b == b'\n').unwrap() as u64 + 1);
    line.map(|len| end + len).filter(|behind| *behind <= at).unwrap_or(end)
}

#[test]
fn a_clean_end_is_remembered() {
    let (world, ends, good) = world(1);
    world.log.switch_off();
    world.log.close().unwrap();
    assert!(load(&world, &good).0.unwrap().cuts.is_empty());
    for cut in [ends[19] as usize, good.len() - 3] {
        let error = load(&world, &good[..cut]).0.unwrap_err().to_string();
        assert!(error.starts_with("Bad file format"), "{error}");
        assert!(error.contains("closed at position") || error.contains("ends in the middle"), "{error}");
    }
    let mut flipped = good.clone();
    flipped[ends[19] as usize + 30] ^= 1;
    assert!(load(&world, &flipped).0.is_err());
}

#[test]
fn told_with_the_place_and_the_way_out() {
    let (world, ends, good) = world(1);
    let mut bytes = good.clone();
    bytes[ends[5] as usize + 20] ^= 4;
    let error = load(&world, &bytes).0.unwrap_err().to_string();
    assert!(
        error.starts_with(
            "Bad file format reading the append only file /data/appendonlydir/appendonly.aof.1.incr.aof: "
        )
    );
    assert!(error.contains(&format!("the last whole command ends at byte {}", ends[5])), "{error}");
    assert!(error.contains("basalt check --fix"), "{error}");

    let log = Log::new(Arc::new(world.disk.clone()), world.clock.clone(), world.settings.clone());
    world.disk.write_atomic(&incr(), &good[..good.len() - 3]).unwrap();
    let plan = log.plan().unwrap();
    let error = log.load(&plan, &mut Counting { next: 0, disk: &world.disk }, false).unwrap_err().to_string();
    assert!(error.starts_with("Unexpected end of file reading the append only file "), "{error}");
    assert_eq!(world.disk.size(&incr()).unwrap(), good.len() as u64 - 3, "nothing was changed");
}

/// What Redis writes: no lines of ours.
fn foreign(commands: usize) -> Vec<u8> {
    let mut bytes = b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n".to_vec();
    for number in 0..commands {
        bytes.extend_from_slice(format!("*3\r\n$3\r\nSET\r\n$5\r\nk{number:04}\r\n$1\r\nv\r\n").as_bytes());
    }
    bytes
}

struct Count(usize);

impl log::LoadSink for Count {
    fn rdb(&mut self, _path: &Path) -> Result<u64, String> {
        Ok(4_000)
    }

    fn batch(&mut self, batch: &log::Batch) -> Result<(), String> {
        self.0 += batch.len();
        Ok(())
    }
}

fn folder(files: &[(&str, &[u8])]) -> (SimDisk, Log) {
    let disk = SimDisk::new();
    disk.create_dir_all(&Path::new(DIR).join("appendonlydir")).unwrap();
    for (name, bytes) in files {
        disk.write_atomic(&Path::new(DIR).join(name), bytes).unwrap();
    }
    let log = Log::new(Arc::new(disk.clone()), Arc::new(kit::world::SimClock::new(0)), Settings::new(DIR));
    (disk, log)
}

const MANIFEST: &str = "appendonlydir/appendonly.aof.manifest";
const ONE: (&str, &[u8]) = (MANIFEST, b"file appendonly.aof.1.incr.aof seq 1 type i\n");
const INCR: &str = "appendonlydir/appendonly.aof.1.incr.aof";

#[test]
fn files_of_redis() {
    let good = foreign(10);
    let (_, log) = folder(&[ONE, (INCR, &good)]);
    let mut count = Count(0);
    let loaded = log.load(&log.plan().unwrap(), &mut count, true).unwrap();
    assert_eq!((count.0, loaded.position, loaded.unchecked_bytes), (10, good.len() as u64, good.len() as u64));

    let mut torn = good.clone();
    torn.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$5\r\nk00");
    let mut transaction = good.clone();
    transaction.extend_from_slice(b"*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n");
    let mut zeros = good.clone();
    zeros.extend_from_slice(&[0; 5_000]);
    for bytes in [torn, transaction, zeros] {
        let (disk, log) = folder(&[ONE, (INCR, &bytes)]);
        let mut count = Count(0);
        let loaded = log.load(&log.plan().unwrap(), &mut count, true).unwrap();
        assert_eq!((count.0, loaded.cuts[0].from), (10, good.len() as u64));
        assert_eq!(disk.size(&Path::new(DIR).join(INCR)).unwrap(), good.len() as u64);
    }

    let mut bad = good.clone();
    bad.splice(60..60, *b"!!!");
    let (_, log) = folder(&[ONE, (INCR, &bad)]);
    let error = log.load(&log.plan().unwrap(), &mut Count(0), true).unwrap_err().to_string();
    assert!(error.starts_with("Bad file format reading the append only file"), "{error}");
}

#[test]
fn positions_of_redis_8() {
    let good = foreign(10);
    for (pairs, position) in [
        ("startoffset 100", 100 + good.len() as u64),
        ("startoffset 100 endoffset 900", 900),
        ("startoffset 100 endoffset 110", 100 + good.len() as u64),
    ] {
        let manifest = format!("file appendonly.aof.1.incr.aof seq 1 type i {pairs}\n");
        let (disk, log) = folder(&[(MANIFEST, manifest.as_bytes()), (INCR, &good)]);
        let loaded = log.load(&log.plan().unwrap(), &mut Count(0), true).unwrap();
        assert_eq!(loaded.position, position, "{pairs}");
        log.begin(&loaded, None).unwrap();
        let text = String::from_utf8(disk.read(&Path::new(DIR).join(MANIFEST)).unwrap()).unwrap();
        assert_eq!(text, "file appendonly.aof.1.incr.aof seq 1 type i startoffset 100\n");
        // Ours behind it, at the position that was taken over; and again.
        let mut unit = log::Unit::default();
        unit.push(0, [&b"DEL"[..], b"a"].into_iter());
        log.append(&unit);
        log.sync_now().unwrap();
        let end = log.position();
        let log = Log::new(Arc::new(disk.clone()), Arc::new(kit::world::SimClock::new(0)), Settings::new(DIR));
        assert_eq!(log.load(&log.plan().unwrap(), &mut Count(0), true).unwrap().position, end);
    }
}

#[test]
fn an_old_single_file_is_taken_over() {
    let good = foreign(10);
    let (disk, log) = folder(&[("appendonly.aof", &good)]);
    let plan = log.plan().unwrap();
    assert!(plan.has_base() && plan.files.len() == 1);
    let mut count = Count(0);
    let loaded = log.load(&plan, &mut count, true).unwrap();
    assert_eq!(count.0, 10);
    log.begin(&loaded, None).unwrap();
    let text = String::from_utf8(disk.read(&Path::new(DIR).join(MANIFEST)).unwrap()).unwrap();
    assert!(
        text.starts_with("file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i"),
        "{text}"
    );
    assert!(!disk.exists(&Path::new(DIR).join("appendonly.aof")));

    // With an RDB before the commands: the sink says where they begin.
    let mut with_rdb = vec![b'x'; 4_000];
    with_rdb[..9].copy_from_slice(b"REDIS0011");
    with_rdb.extend_from_slice(&good);
    let interrupted = (MANIFEST, &b"file appendonly.aof seq 1 type b\n"[..]);
    let (_, log) = folder(&[interrupted, ("appendonly.aof", &with_rdb)]);
    let mut count = Count(0);
    log.load(&log.plan().unwrap(), &mut count, true).unwrap();
    assert_eq!(count.0, 10);

    // Both old and new: the new one counts, as with Redis.
    let taken = ("appendonlydir/appendonly.aof", &good[..]);
    let (disk, log) = folder(&[interrupted, ("appendonly.aof", b"x"), taken]);
    log.load(&log.plan().unwrap(), &mut Count(0), true).unwrap();
    assert!(disk.exists(&Path::new(DIR).join("appendonly.aof")));
}

fn check(disk: &SimDisk, path: &str, repair: Repair) -> (Result<bool, String>, String) {
    let mut said = String::new();
    let mut rdb = |_: &Path| Ok(4_000);
    let mut say = |line: &str| {
        said += line;
        said.push('\n');
    };
    let mut checker = Checker { disk, rdb: &mut rdb, progress: &mut |_, _| (), say: &mut say };
    let result = checker.check(&Path::new(DIR).join(path), repair).map(|checked| checked.valid);
    (result, said)
}

#[test]
fn checking() {
    let mut bad = foreign(3);
    bad.extend_from_slice(b"!!!");
    let (disk, log) = folder(&[ONE, (INCR, &bad)]);
    let (valid, said) = check(&disk, MANIFEST, Repair::Nothing);
    assert_eq!(valid, Ok(false));
    assert!(said.contains("ok_up_to_line=27") && said.contains("is not valid"), "{said}");
    let (valid, said) = check(&disk, "appendonlydir", Repair::Fix);
    assert_eq!(valid, Ok(true));
    assert!(said.contains("Successfully truncated AOF"), "{said}");
    assert!(said.ends_with("All AOF files and manifest are valid\n"), "{said}");
    let mut count = Count(0);
    log.load(&log.plan().unwrap(), &mut count, false).unwrap();
    assert_eq!(count.0, 3);

    let (valid, said) = check(&disk, INCR, Repair::Nothing);
    assert_eq!(valid, Ok(true));
    assert!(said.contains("Start checking Old-Style AOF") && said.contains("is valid"), "{said}");

    let two = "file appendonly.aof.1.incr.aof seq 1 type i\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
    let (disk, _) =
        folder(&[(MANIFEST, two.as_bytes()), (INCR, &bad), ("appendonlydir/appendonly.aof.2.incr.aof", &foreign(1))]);
    let (result, _) = check(&disk, MANIFEST, Repair::Fix);
    let error = result.unwrap_err();
    assert!(error.contains("Failed to truncate AOF") && error.contains("because it is not the last file"), "{error}");
}

#[test]
fn truncating_to_a_moment() {
    let timed = |seconds: &[i64]| -> Vec<u8> {
        let one = |s: &i64| format!("#TS:{s}\r\n*2\r\n$3\r\nDEL\r\n$1\r\na\r\n").into_bytes();
        seconds.iter().flat_map(one).collect()
    };
    let (disk, log) = folder(&[ONE, (INCR, &timed(&[100, 101, 103, 104]))]);
    let left = |until| {
        let (result, _) = check(&disk, MANIFEST, Repair::TruncateTo(until));
        result.unwrap();
        let mut count = Count(0);
        log.load(&log.plan().unwrap(), &mut count, false).unwrap();
        count.0
    };
    assert_eq!((left(200), left(103), left(102), left(100)), (4, 3, 2, 1));
    let (result, _) = check(&disk, MANIFEST, Repair::TruncateTo(99));
    assert!(result.unwrap_err().contains("aborting"));

    // Files of ours are cut between batches.
    let (world, _, _) = world(0);
    let (result, said) = check(&world.disk, "appendonlydir", Repair::TruncateTo(1_700_000_003));
    assert!(result.unwrap(), "{said}");
    let (valid, said) = check(&world.disk, "appendonlydir", Repair::Nothing);
    assert!(valid.unwrap(), "{said}");
    let (_, units) = load(&world, &world.disk.read(&incr()).unwrap());
    assert_eq!(units, 30, "ten batches in the first four seconds");
}

#[test]
fn restoring_to_a_moment() {
    let mut settings = Settings::new(DIR);
    settings.live.timestamps = true;
    settings.live.keep_secs = 3_600;
    let mut world = World::new(settings);
    let mut rng = Rng::new(3);
    world.log.plan().unwrap();
    world.begin(&Loaded::default()).unwrap();
    let start = 1_700_000_000;
    let mut at_end_of = Vec::new();
    for second in 0..40 {
        world.append(&mut rng);
        world.log.sync_now().unwrap();
        if second % 10 == 9 {
            let prepared = world.log.prepare_rotate().unwrap();
            let rotated = world.log.rotate(prepared);
            let base = world.base(world.ends.len(), log::Format::Rdb).unwrap();
            world.append(&mut rng);
            world.log.install_base(&base, Some(rotated)).unwrap();
            world.log.sync_now().unwrap();
        }
        at_end_of.push(world.ends.len());
        world.clock.advance_ms(1_000);
        world.log.step();
    }
    assert!(world.manifest().lines().count() == 2, "{}", world.manifest());
    let log = Log::new(Arc::new(world.disk.clone()), world.clock.clone(), world.settings.clone());
    let moments = log.moments(&mut |_, _| ()).unwrap();
    assert_eq!(moments.len(), 5);
    assert_eq!((moments[0].first_s, moments[4].last_s), (Some(start), Some(start + 39)));
    for (second, count) in at_end_of.iter().enumerate() {
        let mut sink = Counting { next: 0, disk: &world.disk };
        log.load_until(&moments, start + second as i64, &mut sink).unwrap().unwrap();
        assert_eq!(sink.next, *count, "second {second}");
    }
    assert!(log.load_until(&moments, start - 1, &mut Counting { next: 0, disk: &world.disk }).unwrap().is_none());

    // An hour later the oldest sets go.
    world.clock.advance_ms(3_600_000 - 25_000);
    world.log.step();
    world.log.drop_history().unwrap();
    let moments = log.moments(&mut |_, _| ()).unwrap();
    assert_eq!(moments.len(), 4);
    let mut sink = Counting { next: 0, disk: &world.disk };
    log.load_until(&moments, start + 39, &mut sink).unwrap().unwrap();
    assert_eq!(sink.next, *at_end_of.last().unwrap());
}
