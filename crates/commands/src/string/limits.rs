//! How long a string may become.
//!
//! The setting is for clients; what a master or the log says was checked where it came from, and only the
//! entry's own limit holds for it.

use exec::{Ctx, Error, options};
use keyspace::LEN_MAX;

/// Longest string that this caller may make, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct LenMax(u64);

impl LenMax {
    pub(crate) fn of(ctx: &Ctx) -> LenMax {
        let setting = match ctx.session.internal {
            true => u64::MAX,
            false => ctx.node.config.get(&options::PROTO_MAX_BULK).unsigned_abs(),
        };
        LenMax(setting.min(LEN_MAX as u64))
    }

    /// `len`, unless it is too long.
    pub(crate) fn check(self, len: u64) -> Result<usize, Error> {
        if len <= self.0 { Ok(len as usize) } else { Err(Error::StringTooLong) }
    }

    /// The same limit in bits.
    pub(crate) fn bits(self) -> u64 {
        self.0 * 8 // at most 32 + 3 bits long
    }
}

const _: () = assert!(LEN_MAX <= u32::MAX as usize, "a length in bits fits in 35 bits");
