//! Places of bits as clients name them, and the units of ranges.

use crate::string::limits::LenMax;
use exec::{Args, Error};
use kit::text::parse_u64;
use types::string::bits::Unit;

/// A place that a string may reach.
pub(super) fn bit_offset(word: &[u8], max: LenMax) -> Result<u64, Error> {
    parse_u64(word).filter(|&offset| offset < max.bits()).ok_or(Error::BitOffset)
}

/// BYTE or BIT at word `i`; bytes when there is no such word.
pub(super) fn unit(args: &Args, i: usize) -> Result<Unit, Error> {
    match i {
        i if i >= args.len() || args.is(i, "BYTE") => Ok(Unit::Byte),
        i if args.is(i, "BIT") => Ok(Unit::Bit),
        _ => Err(Error::Syntax),
    }
}
