//! Numbers and words as Redis reads and prints them.
//!
//! Readers are strict where Redis is strict: what it refuses is refused, what it accepts means the same. Knows no
//! error texts: a reader answers `None`, the caller knows what to say.

pub mod decimal;
mod float;
mod int;
mod memory;
mod words;

pub use float::{format_f64, format_f64_17, format_f64_human, parse_f64, write_f64};
pub use int::{format_i64, format_u64, i64_len, parse_i64, parse_u64, write_i64, write_u64};
pub use memory::{human_bytes, memory_words, parse_memory};
pub use words::{
    edit_distance, eq_ignore_case, join_words, quote, split_words, starts_with_ignore_case, word_for_file,
};
