//! Hashes: fields and values at a key, each field with a deadline of its own if it is given one.

pub mod del;
pub mod exists;
pub mod expire;
mod fields;
pub mod get;
pub mod getall;
pub mod getdel;
pub mod getex;
pub mod incrby;
pub mod incrbyfloat;
pub mod len;
pub mod limits;
pub mod mget;
mod moment;
pub mod persist;
pub mod randfield;
mod read;
pub mod scan;
pub mod set;
pub mod setex;
pub mod setnx;
pub mod strlen;
pub mod ttl;

use exec::Command;

pub static COMMANDS: &[&Command] = &[
    &del::HDEL,
    &exists::HEXISTS,
    &expire::HEXPIRE,
    &expire::HEXPIREAT,
    &expire::HPEXPIRE,
    &expire::HPEXPIREAT,
    &get::HGET,
    &getall::HGETALL,
    &getall::HKEYS,
    &getall::HVALS,
    &getdel::HGETDEL,
    &getex::HGETEX,
    &incrby::HINCRBY,
    &incrbyfloat::HINCRBYFLOAT,
    &len::HLEN,
    &mget::HMGET,
    &persist::HPERSIST,
    &randfield::HRANDFIELD,
    &scan::HSCAN,
    &set::HMSET,
    &set::HSET,
    &setex::HSETEX,
    &setnx::HSETNX,
    &strlen::HSTRLEN,
    &ttl::HEXPIRETIME,
    &ttl::HPEXPIRETIME,
    &ttl::HPTTL,
    &ttl::HTTL,
];
