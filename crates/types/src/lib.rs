//! Data types: their memory form and what can be done with it, without keys, clients or clocks.
//!
//! A folder per type. A type never knows where it is stored, who asked, or how a reply looks.
//! The keyspace keeps a collection as one word beside its key: `object.rs` tells how, and has the table
//! of encodings. Small forms of all types live in a `Thin`, one allocation; `packed.rs` is the simplest.
#![deny(unsafe_code)] // allowed in `thin`, `heap`, and `object` for turning words into owners

pub mod geo;
pub mod hash;
mod hashing;
#[allow(unsafe_code)]
pub mod heap;
pub mod hyperloglog;
pub mod list;
#[allow(unsafe_code)]
pub mod object;
pub mod packed;
pub mod rdb;
pub mod set;
pub mod sorted_set;
pub mod stream;
pub mod string;
#[allow(unsafe_code)]
pub mod thin;

pub use hash::Hash;
pub use heap::Heap;
pub use list::List;
pub use object::{Encoding, Object, Type, Typed};
pub use set::Set;
pub use sorted_set::SortedSet;
pub use stream::Stream;
pub use thin::Thin;
