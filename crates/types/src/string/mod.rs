//! Strings: what can be done with bytes, as Redis does it.
//!
//! Pure functions over slices: ranges, bits, fields of bits, longest common subsequence, and the few rules by which a
//! string is shown to be a number or short. Nothing here grows a string or holds one: the caller sizes it first.
//! Knows nothing of keys, commands, replies or limits that come from options: those arrive as arguments.
#![forbid(unsafe_code)]

pub mod bits;
pub mod encoding;
pub mod field;
pub mod int;
pub mod lcs;
pub mod range;
