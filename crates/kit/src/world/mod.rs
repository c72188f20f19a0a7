//! The world outside: time, chance and disk, each real and simulated, behind a small trait.
//!
//! Whoever needs one of them takes it as an argument. A test gives `SimClock`, `SimDisk` and a seeded `Rng`, and
//! then the same seed gives the same run, power cuts included.

mod clock;
mod disk;
mod rng;
mod sim_disk;

pub use clock::{Clock, RealClock, SimClock, UnixMs};
pub use disk::{Disk, DiskFile, DiskReader, DiskWriter, RealDisk};
pub use rng::Rng;
pub use sim_disk::{DiskOp, SimDisk};
