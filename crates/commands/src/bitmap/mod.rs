//! Bitmaps: strings as rows of bits.

pub mod bitcount;
pub mod bitfield;
pub mod bitop;
pub mod bitpos;
pub mod getbit;
mod offset;
pub mod setbit;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &bitcount::BITCOUNT,
    &bitfield::BITFIELD,
    &bitfield::BITFIELD_RO,
    &bitop::BITOP,
    &bitpos::BITPOS,
    &getbit::GETBIT,
    &setbit::SETBIT,
];
