//! `FIELDS numfields field [field …]` at the end of a request.

use exec::{Args, Error};
use std::ops::Range;

pub(super) const FIELDS_MISSING: Error =
    Error::Static("ERR Mandatory argument FIELDS is missing or not at the right position");
pub(super) const COUNT_NOT_POSITIVE: Error = Error::Static("ERR Number of fields must be a positive integer");
const COUNT_WRONG: Error = Error::Static("ERR The `numfields` parameter must match the number of arguments");

/// The words of the fields, when `FIELDS` stands at word `at`. `not_positive` is what is said of a count below 1.
pub(super) fn parse(args: &Args, at: usize, not_positive: Error) -> Result<Range<usize>, Error> {
    if !args.is(at, "FIELDS") {
        return Err(FIELDS_MISSING);
    }
    let first = at + 2;
    let count = args.opt(at + 1).and_then(kit::text::parse_i64).filter(|&count| count > 0).ok_or(not_positive)?;
    if usize::try_from(count).ok() != args.len().checked_sub(first) {
        return Err(COUNT_WRONG);
    }
    Ok(first..args.len())
}
