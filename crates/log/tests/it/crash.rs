//! Power cuts at every operation, seeded.
//!
//! Each seed runs a random mixture of appends, flushes, background steps, rotations, new bases, turning off and on, and
//! failing syncs and writes, until the power goes at a random operation of the disk; then a new process loads. Checked: what was
//! acknowledged (under `always`; under the other policies what was synced) is there, units are whole, in order
//! and without gap or repetition, and the set goes on to be used. `BASALT_CRASH_SEEDS` asks for more seeds.

use crate::lying::{Lie, Lying};
use crate::model::{DIR, World};
use kit::world::{DiskOp, Rng, SimDisk};
use log::{Base, Format, Policy, Rotated, Settings};
use std::sync::Arc;

fn seeds() -> std::ops::Range<u64> {
    let text = std::env::var("BASALT_CRASH_SEEDS").unwrap_or_else(|_| "0..300".into());
    let (from, to) = text.split_once("..").unwrap_or(("0", &text));
    from.parse().unwrap()..to.parse().unwrap()
}

#[test]
fn nothing_acknowledged_is_lost() {
    for seed in seeds() {
        let result = std::panic::catch_unwind(|| run(seed, Planted::Nothing));
        if let Err(panic) = result {
            eprintln!("seed {seed}: BASALT_CRASH_SEEDS={seed}..{}", seed + 1);
            std::panic::resume_unwind(panic);
        }
    }
}

/// Bugs that the harness has to catch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Planted {
    Nothing,
    /// One sync in four does nothing.
    SyncSkipped,
    FolderSyncForgotten,
    /// Under `always` an answer leaves when its bytes are written.
    AcknowledgedEarly,
}

#[test]
fn planted_bugs_are_caught() {
    for planted in [Planted::SyncSkipped, Planted::FolderSyncForgotten, Planted::AcknowledgedEarly] {
        let caught = (0..300).find(|seed| std::panic::catch_unwind(|| run(*seed, planted)).is_err());
        assert!(caught.is_some(), "{planted:?} went unnoticed");
        eprintln!("{planted:?} caught by seed {}", caught.unwrap());
    }
}

fn run(seed: u64, planted: Planted) {
    let mut rng = Rng::new(seed);
    let mut settings = Settings::new(DIR);
    settings.live.policy = [Policy::Always, Policy::EverySecond, Policy::Never][rng.index(3)];
    settings.live.timestamps = rng.one_in(2);
    if rng.one_in(4) {
        settings.live.keep_secs = 2;
    }
    let faults = rng.one_in(2);
    let disk = SimDisk::new();
    let lie = match planted {
        Planted::SyncSkipped => Lie::OneSyncInFourSkipped,
        Planted::FolderSyncForgotten => Lie::FolderSyncForgotten,
        Planted::Nothing | Planted::AcknowledgedEarly => Lie::Nothing,
    };
    let mut world = World::on(disk.clone(), Arc::new(Lying::new(disk, lie)), settings);
    let mut promised = 0;
    for life in 0..4 {
        let cut_after = if life == 0 { rng.below(60) } else { rng.below(400) };
        world.disk.power_off_after(cut_after);
        let mut session = Session { rewrite: None, starting: None, on: true };
        if let Ok(loaded) = load(&mut world, promised)
            && world.begin(&loaded).is_ok()
        {
            while !world.disk.is_off() {
                session.act(&mut world, &mut rng, faults);
                promised = promised.max(session.promise(&world, planted));
            }
        }
        world.disk.heal();
        world.disk.power_cut(&mut rng);
        let (count, loaded) =
            world.restart().unwrap_or_else(|error| panic!("life {life}: {error}\n{}", world.manifest()));
        assert!(count >= promised, "life {life}: {count} units came back, {promised} were promised");
        let end = world.ends.last().copied().unwrap_or(0);
        assert!(loaded.position >= end, "life {life}: position {} behind unit {end}", loaded.position);
        promised = count;
    }
}

/// While the power may go, loading may fail with an I/O error, and only so.
fn load(world: &mut World, promised: usize) -> Result<log::Loaded, ()> {
    let given = world.ends.clone();
    let log = world.new_log();
    let Ok(plan) = log.plan() else { return Err(()) };
    let mut sink = crate::model::Counting { next: 0, disk: &world.disk };
    match log.load(&plan, &mut sink, true) {
        Ok(loaded) => {
            assert!(sink.next >= promised);
            world.ends.truncate(sink.next);
            world.log = log;
            Ok(loaded)
        }
        Err(error) if world.disk.is_off() => {
            world.ends = given;
            let _ = error;
            Err(())
        }
        Err(error) => panic!("{error}"),
    }
}

struct Session {
    /// A rotation whose base is not there yet, and how many units it shows.
    rewrite: Option<(Rotated, usize)>,
    starting: Option<(Rotated, usize)>,
    on: bool,
}

impl Session {
    fn act(&mut self, world: &mut World, rng: &mut Rng, faults: bool) {
        match rng.below(40) {
            0..20 => {
                if self.on && world.log.trouble().is_none() {
                    for _ in 0..=rng.below(8) {
                        world.append(rng);
                    }
                }
                if self.on && rng.one_in(2) {
                    world.log.flush(world.log.position());
                }
            }
            20..28 => {
                world.clock.advance_ms(rng.below(700));
                world.log.step();
            }
            28..31 => {
                let _ = world.log.sync_now();
            }
            31..34 if self.on && self.rewrite.is_none() && self.starting.is_none() => {
                if let Ok(prepared) = world.log.prepare_rotate() {
                    if rng.one_in(2) {
                        world.append(rng);
                    }
                    self.rewrite = Some((world.log.rotate(prepared), world.ends.len()));
                }
            }
            34..36 => {
                if let Some((rotated, count)) = self.rewrite.take().or(self.starting.take()) {
                    let format = if rng.one_in(2) { Format::Rdb } else { Format::Aof };
                    let installed =
                        world.base(count, format).and_then(|base: Base| world.log.install_base(&base, Some(rotated)));
                    if installed.is_err() && !world.disk.is_off() && !faults {
                        panic!("{installed:?}");
                    }
                    if installed.is_err() {
                        self.rewrite = Some((rotated, count));
                    }
                }
            }
            36 if faults => world.disk.fail(DiskOp::Sync, rng.below(3), 1 + rng.below(2), 5),
            37 if faults => world.disk.fail(DiskOp::Write, rng.below(3), 1 + rng.below(3), 28),
            38 if faults => world.disk.fail(DiskOp::Name, rng.below(3), 1, 5),
            _ => {}
        }
    }

    /// How many units must survive a cut now.
    fn promise(&self, world: &World, planted: Planted) -> usize {
        let position = match world.settings.live.policy {
            Policy::Always if planted == Planted::AcknowledgedEarly => world.log.status().written,
            Policy::Always => world.log.acknowledged(),
            Policy::EverySecond | Policy::Never => world.log.synced(),
        };
        world.upto(position)
    }
}
