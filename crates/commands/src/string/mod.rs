//! Strings: bytes and numbers at a key.

pub mod append;
pub mod delifeq;
#[cfg(test)]
mod events;
pub mod get;
pub mod getdel;
pub mod getex;
pub mod getrange;
pub mod getset;
pub mod incr;
pub mod incrbyfloat;
pub mod lcs;
pub(crate) mod limits;
pub mod mget;
pub mod mset;
pub mod msetex;
mod options;
pub mod set;
pub mod setex;
pub mod setnx;
pub mod setrange;
pub mod strlen;
mod value;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &append::APPEND,
    &delifeq::DELIFEQ,
    &get::GET,
    &getdel::GETDEL,
    &getex::GETEX,
    &getrange::GETRANGE,
    &getrange::SUBSTR,
    &getset::GETSET,
    &incr::DECR,
    &incr::DECRBY,
    &incr::INCR,
    &incr::INCRBY,
    &incrbyfloat::INCRBYFLOAT,
    &lcs::LCS,
    &mget::MGET,
    &mset::MSET,
    &mset::MSETNX,
    &msetex::MSETEX,
    &set::SET,
    &setex::PSETEX,
    &setex::SETEX,
    &setnx::SETNX,
    &setrange::SETRANGE,
    &strlen::STRLEN,
];
