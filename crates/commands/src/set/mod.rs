//! Sets.

mod algebra;
pub(crate) mod limits;
pub mod sadd;
pub mod scard;
pub mod sdiff;
pub mod sinter;
pub mod sismember;
pub mod smembers;
pub mod smove;
pub mod spop;
pub mod srandmember;
pub mod srem;
pub mod sscan;
pub mod sunion;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &sadd::SADD,
    &scard::SCARD,
    &sdiff::SDIFF,
    &sdiff::SDIFFSTORE,
    &sinter::SINTER,
    &sinter::SINTERCARD,
    &sinter::SINTERSTORE,
    &sismember::SISMEMBER,
    &sismember::SMISMEMBER,
    &smembers::SMEMBERS,
    &smove::SMOVE,
    &spop::SPOP,
    &srandmember::SRANDMEMBER,
    &srem::SREM,
    &sscan::SSCAN,
    &sunion::SUNION,
    &sunion::SUNIONSTORE,
];
