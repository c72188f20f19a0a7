//! Bytes to requests, replies to bytes.
//!
//! Everything here is a function of bytes: no socket, no clock, no thread. `net` hands in what it
//! has read and gets requests as ranges of its own buffer; command bodies write into a `Reply`,
//! which `net` sends away piece by piece.
//!
//! Always true: memory grows with the bytes that arrived, never with a length somebody announced;
//! how a stream was cut into reads never changes what is understood.
//! Knows nothing of commands: a request is words, and the first one is a word like the others.
#![forbid(unsafe_code)]

mod error;
mod inline;
mod parts;
mod reply;
mod request;
mod resp;
pub mod resp_client;

pub use error::{Error, ProtocolError};
pub use parts::{Mark, REPLY_PART_BYTES, SHARED_COPY_BYTES_MAX};
pub use reply::{Later, Reply};
pub use request::{InlineRequest, Limits, Request, Step, Word};
pub use resp::Parser;
