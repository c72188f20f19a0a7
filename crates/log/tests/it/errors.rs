//! Full disks, failing disks, vanished folders: what is told, what is held back, how it heals.

use crate::model::{Counting, DIR, World};
use kit::world::{Disk, DiskOp, Rng};
use log::{Event, Format, Loaded, Policy, Settings, What};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

fn world(policy: Policy) -> (World, Arc<Mutex<Vec<Event>>>, Rng) {
    let mut settings = Settings::new(DIR);
    settings.live.policy = policy;
    let mut world = World::new(settings);
    world.log.plan().unwrap();
    world.begin(&Loaded::default()).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = events.clone();
    world.log.set_listener(move |event| told.lock().push(event));
    (world, events, Rng::new(1))
}

/// Steps until the trouble is over; gives the milliseconds it took.
fn heal(world: &World) -> u64 {
    for ms in 0..5_000 {
        if world.log.trouble().is_none() {
            return ms;
        }
        world.log.step();
        world.clock.advance_ms(1);
    }
    panic!("{}", world.log.trouble().unwrap());
}

fn all_come_back(world: &mut World, count: usize) {
    let (back, _) = world.restart().unwrap();
    assert_eq!(back, count);
}

#[test]
fn a_full_disk() {
    for policy in [Policy::EverySecond, Policy::Always, Policy::Never] {
        let (mut world, events, mut rng) = world(policy);
        world.append(&mut rng);
        world.log.flush(world.log.position());
        world.log.step();
        let good = world.log.acknowledged();
        assert_eq!(good, world.log.position());

        let used: u64 = world.disk.free_bytes(Path::new(DIR)).map(|_| used(&world)).unwrap();
        world.disk.set_capacity(Some(used + 10)); // a short write
        for _ in 0..5 {
            world.append(&mut rng);
        }
        world.log.flush(world.log.position());
        world.log.step();
        assert_eq!(world.log.acknowledged(), good, "{policy:?}");
        let trouble = world.log.trouble().unwrap();
        assert_eq!((trouble.what, trouble.errno), (What::Write, Some(28)));
        let text = trouble.misconf();
        assert!(text.starts_with("MISCONF Errors writing to the AOF file: No space left on device."), "{text}");
        assert!(text.contains("appendonly.aof.1.incr.aof, errno 28, 10 bytes free"), "{text}");
        assert!(!world.log.status().write_ok);
        assert_eq!(used_by_log(&world), used_by_log(&world), "cut back");

        world.clock.advance_ms(3_000);
        world.log.step();
        assert!(world.log.trouble().is_some(), "still full");
        world.disk.set_capacity(None);
        assert!(heal(&world) <= 500, "heals within half a second");
        assert_eq!(world.log.acknowledged(), world.log.position());
        let events = events.lock().clone();
        assert!(events.starts_with(&[Event::Acknowledged]) || policy != Policy::Always, "{events:?}");
        assert_eq!(events.iter().filter(|e| **e == Event::TroubleBegan).count(), 1, "{events:?}");
        assert!(events.ends_with(&[Event::TroubleEnded, Event::Acknowledged]), "{events:?}");
        all_come_back(&mut world, 6);
    }
}

fn used(world: &World) -> u64 {
    let folder = Path::new(DIR).join("appendonlydir");
    let names = world.disk.list(&folder).unwrap();
    names.iter().map(|name| world.disk.size(&folder.join(name)).unwrap_or(0)).sum()
}

fn used_by_log(world: &World) -> u64 {
    world.log.status().current_bytes
}

#[test]
fn a_failed_sync_is_never_believed() {
    for policy in [Policy::EverySecond, Policy::Always] {
        let (mut world, _, mut rng) = world(policy);
        world.append(&mut rng);
        world.log.sync_now().unwrap();
        for _ in 0..4 {
            world.append(&mut rng);
        }
        world.disk.fail(DiskOp::Sync, 0, 1, 5);
        world.log.flush(world.log.position());
        world.clock.advance_ms(1_100);
        world.log.step();
        assert_eq!(world.log.trouble().unwrap().what, What::Sync);
        assert_eq!(world.log.synced(), world.ends[0]);
        heal(&world);
        assert_eq!(world.log.synced(), world.ends[4]);
        world.append(&mut rng);
        world.log.sync_now().unwrap();
        let manifest = world.manifest();
        assert!(manifest.contains("appendonly.aof.1.incr.aof seq 1 type i startoffset 0 cutoffset"), "{manifest}");
        assert!(manifest.contains("appendonly.aof.2.incr.aof seq 2 type i startoffset"), "{manifest}");
        // The first file's lost bytes are zeros now, whatever it showed.
        world.disk.power_cut(&mut rng);
        all_come_back(&mut world, 6);
    }
}

#[test]
fn a_folder_that_comes_back() {
    let (mut world, events, mut rng) = world(Policy::EverySecond);
    world.append(&mut rng);
    world.log.sync_now().unwrap();
    let (here, away) = (incr(1), Path::new(DIR).join("away"));
    world.disk.rename(&here, &away).unwrap();
    world.clock.advance_ms(1_100);
    world.log.step();
    let trouble = world.log.trouble().unwrap();
    assert_eq!(trouble.what, What::Vanished);
    assert!(trouble.misconf().contains("No such file or directory"), "{}", trouble.misconf());
    assert!(events.lock().contains(&Event::NeedsBase));
    world.disk.rename(&away, &here).unwrap();
    heal(&world);
    world.append(&mut rng);
    world.log.sync_now().unwrap();
    all_come_back(&mut world, 2);
}

fn incr(seq: u64) -> std::path::PathBuf {
    Path::new(DIR).join(format!("appendonlydir/appendonly.aof.{seq}.incr.aof"))
}

#[test]
fn a_folder_that_is_lost() {
    let (mut world, _, mut rng) = world(Policy::Always);
    for _ in 0..3 {
        world.append(&mut rng);
    }
    world.log.sync_now().unwrap();
    world.disk.remove_dir_all(&Path::new(DIR).join("appendonlydir")).unwrap();
    world.append(&mut rng);
    world.clock.advance_ms(1_100);
    world.log.step();
    assert_eq!(world.log.trouble().unwrap().what, What::Vanished);
    assert_eq!(world.log.acknowledged(), world.ends[2]);
    let prepared = world.log.prepare_rotate().unwrap();
    let rotated = world.log.rotate(prepared);
    world.append(&mut rng);
    world.clock.advance_ms(1_100);
    world.log.step();
    assert!(world.log.trouble().is_some(), "until the base is there");
    assert_eq!(world.log.acknowledged(), world.ends[2]);
    let base = world.base(4, Format::Rdb).unwrap();
    world.log.install_base(&base, Some(rotated)).unwrap();
    heal(&world);
    assert_eq!(world.log.acknowledged(), world.ends[4]);
    world.disk.power_cut(&mut rng);
    all_come_back(&mut world, 5);
}

#[test]
fn on_and_off() {
    let (mut world, _, mut rng) = world(Policy::EverySecond);
    world.append(&mut rng);
    world.log.switch_off();
    world.log.close().unwrap();
    assert!(world.manifest().contains(&format!("startoffset 0 endoffset {}", world.ends[0])));
    assert!(!world.log.is_on());

    // Without the log: two units that only a base will know.
    for number in 1..3 {
        let end = world.ends[number - 1];
        world.ends.push(end);
    }
    let prepared = world.log.prepare_on().unwrap();
    let rotated = world.log.turn_on(prepared);
    assert!(world.log.is_on() && world.log.status().waits_for_base);
    world.append(&mut rng);
    world.log.flush(world.log.position());
    let base = world.base(3, Format::Rdb).unwrap();
    world.log.install_base(&base, Some(rotated)).unwrap();
    assert!(!world.log.status().waits_for_base);
    let manifest = world.manifest();
    let lines: Vec<_> = manifest.lines().collect();
    assert!(lines[0].starts_with("file appendonly.aof.2.base.rdb seq 2 type b"), "{manifest}");
    assert!(lines[1].starts_with("file appendonly.aof.2.incr.aof seq 2 type i"), "{manifest}");
    assert_eq!(lines.len(), 2);
    all_come_back(&mut world, 4);
}

#[test]
fn turning_on_in_vain() {
    let (mut world, _, mut rng) = world(Policy::EverySecond);
    world.append(&mut rng);
    world.log.switch_off();
    world.log.close().unwrap();
    let manifest = world.manifest();
    let prepared = world.log.prepare_on().unwrap();
    let rotated = world.log.turn_on(prepared);
    world.append(&mut rng);
    world.log.abandon(rotated);
    world.log.close().unwrap();
    assert_eq!(world.manifest(), manifest);
    assert!(!world.disk.exists(&incr(2)));
    world.ends.truncate(1);
    all_come_back(&mut world, 1);
}

#[test]
fn syncs_once_a_second() {
    let (mut world, _, mut rng) = world(Policy::EverySecond);
    let mut syncs = 0;
    for ms in 0..5_000 {
        if ms % 10 == 0 {
            world.append(&mut rng);
            world.log.flush(world.log.position());
            assert_eq!(world.log.acknowledged(), world.log.position(), "the kernel has it");
        }
        world.log.step();
        syncs = world.log.status().syncs;
        world.clock.advance_ms(1);
    }
    assert_eq!(syncs, 5);
    assert!(world.log.synced() >= world.ends[world.upto(world.log.synced()) - 1]);
}

#[test]
fn always_waits_for_the_sync() {
    let (mut world, events, mut rng) = world(Policy::Always);
    world.append(&mut rng);
    world.append(&mut rng);
    world.log.flush(world.log.position());
    assert_eq!(world.log.acknowledged(), 0, "only the thread syncs");
    world.log.step();
    assert_eq!(world.log.acknowledged(), world.ends[1]);
    assert_eq!(world.log.status().syncs, 1, "one for both");
    assert_eq!(*events.lock(), [Event::Acknowledged]);

    // no-appendfsync-on-rewrite
    let mut live = world.log.live();
    live.no_sync_on_rewrite = true;
    world.log.set_live(&live);
    world.log.set_rewriting(true);
    world.append(&mut rng);
    world.log.step();
    assert_eq!((world.log.acknowledged(), world.log.synced()), (world.ends[2], world.ends[1]));
    world.log.set_rewriting(false);
    world.log.step();
    assert_eq!(world.log.synced(), world.ends[2]);
}

#[test]
fn damaged_set_says_why() {
    let (mut world, _, mut rng) = world(Policy::EverySecond);
    world.append(&mut rng);
    world.log.sync_now().unwrap();
    world.disk.remove(&incr(1)).unwrap();
    let log = log::Log::new(Arc::new(world.disk.clone()), world.clock.clone(), world.settings.clone());
    let error = log.plan().unwrap_err().to_string();
    assert!(error.contains("appendonly.aof.1.incr.aof can't be opened: No such file or directory"), "{error}");
    let _ = Counting { next: 0, disk: &world.disk };
}
