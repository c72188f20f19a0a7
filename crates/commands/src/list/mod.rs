//! Lists at a key: pushed, popped and waited for at both ends.

pub mod blmove;
pub mod blmpop;
pub mod bpop;
mod ends;
pub mod lindex;
pub mod linsert;
pub mod llen;
pub mod lmove;
pub mod lmpop;
pub mod lpos;
pub mod lrange;
pub mod lrem;
pub mod lset;
pub mod ltrim;
pub mod options;
pub mod pop;
pub mod push;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &blmove::BLMOVE,
    &blmove::BRPOPLPUSH,
    &blmpop::BLMPOP,
    &bpop::BLPOP,
    &bpop::BRPOP,
    &lindex::LINDEX,
    &linsert::LINSERT,
    &llen::LLEN,
    &lmove::LMOVE,
    &lmove::RPOPLPUSH,
    &lmpop::LMPOP,
    &lpos::LPOS,
    &lrange::LRANGE,
    &lrem::LREM,
    &lset::LSET,
    &ltrim::LTRIM,
    &pop::LPOP,
    &pop::RPOP,
    &push::LPUSH,
    &push::LPUSHX,
    &push::RPUSH,
    &push::RPUSHX,
];
