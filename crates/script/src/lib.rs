//! Lua scripts and functions: EVAL, EVALSHA, SCRIPT, FCALL, FUNCTION.
//!
//! A thread that runs scripts has a Lua machine of its own (`machine.rs`), made when the first one comes. What a script
//! may see is decided in `sandbox.lua`; what it may do, in `exec/src/script.rs`, through which each of its commands
//! runs. The first run of a script, and those of one that was seen to take long, go to script threads (`pool.rs`); the
//! others run on the event loop of their client, as any command.
//! Always true: no bytecode is loaded, no table that scripts share can be written by one, and the server's errors that
//! end a script cannot be caught by it.
#![forbid(unsafe_code)]

mod api;
mod bits;
pub mod commands;
mod json;
mod libraries;
mod machine;
mod msgpack;
mod pool;
mod reply;
mod shebang;
mod structs;

pub use commands::COMMANDS;
pub use pool::start;

use kit::opt::{AnyOpt, Int, Opt};

/// Options that only scripts read.
pub static OPTIONS: &[&dyn AnyOpt] = &[&MEMORY_LIMIT];

pub static MEMORY_LIMIT: Opt<Int> = Opt::int(
    "lua-memory-limit",
    512 << 20,
    0..=i64::MAX,
    "Memory that one script may use; when it needs more it ends with an error. 0: no limit.",
)
.memory();
