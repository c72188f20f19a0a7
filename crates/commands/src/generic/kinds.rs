//! How values are called: TYPE's names and OBJECT ENCODING's.

use keyspace::{Kind, ValueRef};

/// The answer of TYPE, and what SCAN's TYPE asks for.
pub(super) fn type_name(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Int(_) | ValueRef::Str(_) | ValueRef::Raw(_) => "string",
    }
}

pub(super) fn encoding_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "int",
        Kind::Emb => "embstr",
        Kind::Raw => "raw",
    }
}
