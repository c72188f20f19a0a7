//! Streams: entries under growing IDs, and groups of consumers that share them out.

mod groups;
mod ids;
pub mod limits;
mod replay;
mod say;
mod trimming;
pub mod xack;
pub mod xadd;
pub mod xautoclaim;
pub mod xclaim;
pub mod xdel;
pub mod xgroup;
pub mod xinfo;
pub mod xlen;
pub mod xpending;
pub mod xrange;
pub mod xread;
pub mod xreadgroup;
pub mod xsetid;
pub mod xtrim;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &xack::XACK,
    &xadd::XADD,
    &xautoclaim::XAUTOCLAIM,
    &xclaim::XCLAIM,
    &xdel::XDEL,
    &xgroup::XGROUP,
    &xinfo::XINFO,
    &xlen::XLEN,
    &xpending::XPENDING,
    &xrange::XRANGE,
    &xrange::XREVRANGE,
    &xread::XREAD,
    &xreadgroup::XREADGROUP,
    &xsetid::XSETID,
    &xtrim::XTRIM,
];
