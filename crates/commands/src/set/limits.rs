//! Where small encodings of sets end.

use exec::Ctx;
use kit::opt::{Int, Opt};
use types::set::Limits;

pub(crate) static INTS: Opt<Int> =
    Opt::int("set-max-intset-entries", 512, 0..=i64::MAX, "Members up to which a set of integers is an array.");
pub(crate) static PACKED: Opt<Int> =
    Opt::int("set-max-listpack-entries", 128, 0..=i64::MAX, "Members up to which a set is packed.");
pub(crate) static PACKED_VALUE: Opt<Int> =
    Opt::int("set-max-listpack-value", 64, 0..=i64::MAX, "Bytes of a member up to which it is packed.");

pub(crate) fn limits(ctx: &Ctx) -> Limits {
    let get = |option: &'static Opt<Int>| ctx.node.config.get(option).max(0) as usize;
    Limits { ints: get(&INTS), packed: get(&PACKED), packed_value: get(&PACKED_VALUE) }
}
