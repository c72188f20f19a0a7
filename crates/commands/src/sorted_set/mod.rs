//! Sorted sets: members in the order of their scores.

mod bounds;
mod combine;
mod elements;
#[cfg(test)]
mod events;
pub(crate) mod limits;
mod pop;
mod query;
pub mod zadd;
pub mod zcard;
pub mod zcount;
pub mod zdiff;
pub mod zinter;
pub mod zintercard;
pub mod zlexcount;
pub mod zmpop;
pub mod zpop;
pub mod zrandmember;
pub mod zrange;
pub mod zrangebylex;
pub mod zrangebyscore;
pub mod zrangestore;
pub mod zrank;
pub mod zrem;
pub mod zremrange;
pub mod zscan;
pub mod zscore;
pub mod zunion;

use exec::{Arg, ArgKind, Command};

pub static COMMANDS: &[&Command] = &[
    &zadd::ZADD,
    &zadd::ZINCRBY,
    &zcard::ZCARD,
    &zcount::ZCOUNT,
    &zdiff::ZDIFF,
    &zdiff::ZDIFFSTORE,
    &zinter::ZINTER,
    &zinter::ZINTERSTORE,
    &zintercard::ZINTERCARD,
    &zlexcount::ZLEXCOUNT,
    &zmpop::BZMPOP,
    &zmpop::ZMPOP,
    &zpop::BZPOPMAX,
    &zpop::BZPOPMIN,
    &zpop::ZPOPMAX,
    &zpop::ZPOPMIN,
    &zrandmember::ZRANDMEMBER,
    &zrange::ZRANGE,
    &zrange::ZREVRANGE,
    &zrangebylex::ZRANGEBYLEX,
    &zrangebylex::ZREVRANGEBYLEX,
    &zrangebyscore::ZRANGEBYSCORE,
    &zrangebyscore::ZREVRANGEBYSCORE,
    &zrangestore::ZRANGESTORE,
    &zrank::ZRANK,
    &zrank::ZREVRANK,
    &zrem::ZREM,
    &zremrange::ZREMRANGEBYLEX,
    &zremrange::ZREMRANGEBYRANK,
    &zremrange::ZREMRANGEBYSCORE,
    &zscan::ZSCAN,
    &zscore::ZMSCORE,
    &zscore::ZSCORE,
    &zunion::ZUNION,
    &zunion::ZUNIONSTORE,
];

/// Arguments that many of them have, for `COMMAND DOCS`.
const KEY: Arg = Arg::key("key", 0);
const MEMBER: Arg = Arg::new("member", ArgKind::String);
const MIN: Arg = Arg::new("min", ArgKind::Double);
const MAX: Arg = Arg::new("max", ArgKind::Double);
const LEX_MIN: Arg = Arg::new("min", ArgKind::String);
const LEX_MAX: Arg = Arg::new("max", ArgKind::String);
const NUMKEYS: Arg = Arg::new("numkeys", ArgKind::Integer);
const LIMIT: Arg = Arg::block("limit", &[Arg::new("offset", ArgKind::Integer), Arg::new("count", ArgKind::Integer)])
    .after("LIMIT")
    .optional();
const WITHSCORES: Arg = Arg::token("withscores", "WITHSCORES").optional();
/// Tip of commands whose answer depends on chance.
const NEVER_THE_SAME: &[&str] = &["nondeterministic_output"];
