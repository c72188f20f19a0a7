//! The batteries: what every floor needs and no floor owns.
//!
//! Time, chance and disk (`world`), options (`opt`), counters (`metric`), numbers as text (`text`), patterns,
//! checksums, the log file, assertions, the allocator and what the system knows of the process. Knows no product: no command, no key, no protocol.
//! Only this crate asks the operating system for time, randomness and files, so a test can own all three.
#![deny(unsafe_code)] // allowed in `alloc` (the allocator's C functions) and in `world::clock::tsc` (one instruction)

pub mod alloc;
pub mod crc;
pub mod glob;
pub mod huge_pages;
pub mod journal;
pub mod mark;
pub mod metric;
pub mod never;
pub mod opt;
pub mod process;
pub mod sha;
pub mod size;
pub mod text;
pub mod world;
