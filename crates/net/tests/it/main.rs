//! The event loops over real sockets, on loopback.

mod commands;
mod harness;
mod lifetime;
mod requests;
mod threads;
