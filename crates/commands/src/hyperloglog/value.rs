//! The string behind a key as a HyperLogLog.

use exec::{Ctx, Error, Str};
use kit::opt::{Int, Opt};
use types::hyperloglog::{self, Corrupt, Encoding};

pub(crate) static SPARSE_MAX: Opt<Int> =
    Opt::int("hll-sparse-max-bytes", 3000, 0..=i64::MAX, "Bytes up to which a HyperLogLog stays sparse.").memory();

/// Longer sparse values than this are of no use.
const SPARSE_MAX_USEFUL: usize = 16_000;

pub(super) fn sparse_max(ctx: &Ctx) -> usize {
    (ctx.node.config.get(&SPARSE_MAX).max(0) as usize).min(SPARSE_MAX_USEFUL)
}

/// The bytes of a string that is one, and how it is written.
pub(super) fn open(value: Str<'_>) -> Result<(&[u8], Encoding), Error> {
    let opened = match value {
        Str::Bytes(bytes) => hyperloglog::encoding(bytes).map(|encoding| (bytes, encoding)),
        Str::Int(_) => None,
    };
    opened.ok_or(Error::Static("WRONGTYPE Key is not a valid HyperLogLog string value."))
}

pub(super) fn corrupt(_: Corrupt) -> Error {
    Error::Static("INVALIDOBJ Corrupted HLL object detected")
}
