//! What takes long is told, with its kind; nothing is measured while nobody asks.

use kit::world::{Clock, Disk, SimClock, SimDisk};
use log::{Base, Event, Format, Loaded, Log, Policy, Settings, Slow, Unit};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;

/// Each look at it takes 5 ms.
struct Ticking(SimClock);

impl Clock for Ticking {
    fn unix_us(&self) -> i64 {
        self.0.unix_us()
    }

    fn mono_ns(&self) -> u64 {
        self.0.advance_ms(5);
        self.0.mono_ns()
    }

    fn sleep_us(&self, us: u64) {
        self.0.advance_us(us);
    }
}

struct World {
    log: Log,
    disk: Arc<SimDisk>,
    clock: Arc<Ticking>,
    told: Arc<Mutex<Vec<&'static str>>>,
}

impl World {
    fn new(policy: Policy, slow_ms: u64) -> World {
        let (disk, clock) = (Arc::new(SimDisk::new()), Arc::new(Ticking(SimClock::new(1_000))));
        disk.create_dir_all(Path::new("/data")).unwrap();
        let mut settings = Settings::new("/data");
        (settings.live.policy, settings.live.slow_ms) = (policy, slow_ms);
        let log = Log::new(disk.clone(), clock.clone(), settings);
        let told = Arc::new(Mutex::new(Vec::new()));
        let world = World { log, disk, clock, told: told.clone() };
        world.log.set_listener(move |event| {
            if let Event::Slow { what, ms } = event {
                assert!(ms >= 5 && ms.is_multiple_of(5), "{ms}"); // the clock goes on by 5 ms with each look at it
                told.lock().push(what.name());
            }
        });
        world.log.plan().unwrap();
        world.log.begin(&Loaded::default(), Some(&world.base())).unwrap();
        world
    }

    fn base(&self) -> Base {
        self.disk.create(Path::new("/data/temp")).unwrap();
        Base { temp: "/data/temp".into(), format: Format::Aof }
    }

    fn write(&self) {
        let mut unit = Unit::default();
        unit.push(0, [&b"DEL"[..], b"k"].into_iter());
        self.log.append(&unit);
        self.log.flush(self.log.position());
    }

    fn told(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.told.lock())
    }
}

#[test]
fn says_what_took_long() {
    let world = World::new(Policy::EverySecond, 5);
    world.told();
    world.write();
    assert_eq!(world.told(), ["aof-write", "aof-write-alone"]);
    world.log.set_rewriting(true);
    world.write();
    assert_eq!(world.told(), ["aof-write", "aof-write-active-child"]);
    let rotated = world.log.rotate(world.log.prepare_rotate().unwrap());
    world.log.install_base(&world.base(), Some(rotated)).unwrap();
    world.log.step();
    assert!(world.told().contains(&Slow::Rename.name()));

    let always = World::new(Policy::Always, 5);
    always.told();
    always.write();
    always.log.step();
    let told = always.told();
    assert!(told.ends_with(&["aof-fsync-always"]), "{told:?}");
}

#[test]
fn nothing_is_measured_below_the_threshold_or_without_one() {
    for slow_ms in [0, 1000] {
        let world = World::new(Policy::EverySecond, slow_ms);
        world.write();
        world.log.step();
        assert!(world.told().is_empty());
    }
}

#[test]
fn sleeps_before_it_writes_something() {
    let world = World::new(Policy::EverySecond, 0);
    world.log.set_flush_sleep(500_000);
    let before = world.clock.0.mono_ns();
    world.log.flush(world.log.position());
    assert!(world.clock.0.mono_ns() - before < 100_000_000, "there is nothing to write");
    world.write();
    assert!(world.clock.0.mono_ns() - before >= 500_000_000);
}
