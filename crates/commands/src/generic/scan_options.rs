//! The options of the SCAN family: MATCH pattern, COUNT count, TYPE type.

use exec::{Args, Error};
use kit::text;

pub(crate) struct ScanOptions<'a> {
    /// `None` takes everything.
    pub pattern: Option<&'a [u8]>,
    pub count: u64,
    pub type_name: Option<&'a [u8]>,
}

const COUNT: u64 = 10;

impl<'a> ScanOptions<'a> {
    /// From word `i` to the end.
    pub(crate) fn parse(args: &Args<'a>, i: usize) -> Result<ScanOptions<'a>, Error> {
        ScanOptions::parse_until(args, i, args.len())
    }

    /// From word `i` to before word `end`.
    pub(crate) fn parse_until(args: &Args<'a>, mut i: usize, end: usize) -> Result<ScanOptions<'a>, Error> {
        let mut options = ScanOptions { pattern: None, count: COUNT, type_name: None };
        while i < end {
            if i + 1 == end {
                return Err(Error::Syntax);
            }
            if args.is(i, "COUNT") {
                options.count = u64::try_from(args.int(i + 1)?).map_err(|_| Error::Syntax)?;
                if options.count == 0 {
                    return Err(Error::Syntax);
                }
            } else if args.is(i, "MATCH") {
                options.pattern = Some(args.get(i + 1)).filter(|pattern| *pattern != b"*");
            } else if args.is(i, "TYPE") {
                options.type_name = Some(args.get(i + 1));
            } else {
                return Err(Error::Syntax);
            }
            i += 2;
        }
        Ok(options)
    }
}

pub(crate) fn cursor(word: &[u8]) -> Result<u64, Error> {
    text::parse_u64(word).ok_or(Error::InvalidCursor)
}
