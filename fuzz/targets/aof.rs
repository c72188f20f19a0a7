//! A segment of the log, whatever the bytes are: loading it is an answer, never a crash; what is repaired loads whole.
#![no_main]

use kit::world::{Disk, SimClock, SimDisk};
use libfuzzer_sys::fuzz_target;
use log::{Batch, Checker, LoadSink, Log, Repair, Settings};
use std::path::Path;
use std::sync::Arc;

const DIR: &str = "/data/appendonlydir";

struct Bytes(usize);

impl LoadSink for Bytes {
    fn rdb(&mut self, _path: &Path) -> Result<u64, String> {
        Ok(5)
    }

    fn batch(&mut self, batch: &Batch) -> Result<(), String> {
        for command in batch.units().flatten() {
            self.0 += batch.words(command).map(<[u8]>::len).sum::<usize>();
        }
        Ok(())
    }
}

fn load(disk: &SimDisk) -> (bool, usize) {
    let log = Log::new(Arc::new(disk.clone()), Arc::new(SimClock::new(0)), Settings::new("/data"));
    let Ok(plan) = log.plan() else { return (false, 0) };
    let mut bytes = Bytes(0);
    (log.load(&plan, &mut bytes, false).is_ok(), bytes.0)
}

fuzz_target!(|data: &[u8]| {
    let disk = SimDisk::new();
    let dir = Path::new(DIR);
    disk.create_dir_all(dir).expect("a disk without faults");
    let manifest: &[u8] = match data.first() {
        Some(first) if first % 2 == 0 => b"file a.1.incr.aof seq 1 type i startoffset 7 sums 1\n",
        _ => b"file a.1.incr.aof seq 1 type i\n",
    };
    let path = dir.join("appendonly.aof.manifest");
    disk.write_atomic(&path, manifest).expect("a disk without faults");
    disk.write_atomic(&dir.join("a.1.incr.aof"), data).expect("a disk without faults");
    let (whole, bytes) = load(&disk);
    assert!(bytes <= data.len());

    let mut checker = Checker { disk: &disk, rdb: &mut |_| Ok(5), progress: &mut |_, _| (), say: &mut |_| () };
    let Ok(checked) = checker.check(&path, Repair::Fix) else { return };
    assert!(checked.valid);
    assert!(!whole || checked.files[0].cut.is_none(), "nothing is cut off a good file");
    assert_eq!(load(&disk), (true, bytes), "the same units as before, and no complaint");
});
