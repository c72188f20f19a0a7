//! Data types: their memory form and what can be done with it, without keys, clients or clocks.
//!
//! A file per type. A type never knows where it is stored, who asked, or how a reply looks.

pub mod string;
