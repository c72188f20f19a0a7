//! How long a hash stays packed: two options, read by every command that sets a field.

use exec::Ctx;
use kit::opt::{Int, Opt};
use types::hash::Limits;

pub static FIELDS_MAX: Opt<Int> =
    Opt::int("hash-max-listpack-entries", 512, 0..=i64::MAX, "Fields up to which a hash is packed.")
        .aliases(&["hash-max-ziplist-entries"]);
pub static TEXT_LEN_MAX: Opt<Int> =
    Opt::int("hash-max-listpack-value", 64, 0..=i64::MAX, "Bytes of a field or value up to which it is packed.")
        .memory()
        .aliases(&["hash-max-ziplist-value"]);

pub(super) fn limits(ctx: &Ctx) -> Limits {
    let config = &ctx.node.config;
    let size = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    Limits { fields: size(config.get(&FIELDS_MAX)), text_len: size(config.get(&TEXT_LEN_MAX)) }
}
