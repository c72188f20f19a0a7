//! The log as a whole: power cuts, damage, failing disks, beside Redis.

mod crash;
mod damage;
mod errors;
mod lying;
mod model;
mod redis;
mod slow;
