//! Up to where a sorted set stays small: the options, and reading them.

use exec::Node;
use kit::opt::{Int, Opt};
use types::sorted_set::Limits;

pub(crate) static ENTRIES: Opt<Int> =
    Opt::int("zset-max-listpack-entries", 128, 0..=i64::MAX, "Members up to which a sorted set is packed.")
        .aliases(&["zset-max-ziplist-entries"]);
pub(crate) static VALUE: Opt<Int> =
    Opt::int("zset-max-listpack-value", 64, 0..=i64::MAX, "Bytes of a member up to which it is packed.")
        .memory()
        .aliases(&["zset-max-ziplist-value"]);

pub(crate) fn limits(node: &Node) -> Limits {
    let limit = |opt: &Opt<Int>| usize::try_from(node.config.get(opt)).unwrap_or(0);
    Limits { entries: limit(&ENTRIES), value: limit(&VALUE) }
}
