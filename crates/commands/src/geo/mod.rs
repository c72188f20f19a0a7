//! Places: members of a sorted set whose scores are geohashes.

pub mod geoadd;
pub mod geodist;
pub mod geohash;
pub mod geopos;
pub mod georadius;
pub mod geosearch;
mod place;
mod search;
mod search_words;

use exec::{Arg, ArgKind, Command};

pub static COMMANDS: &[&Command] = &[
    &geoadd::GEOADD,
    &geodist::GEODIST,
    &geohash::GEOHASH,
    &geopos::GEOPOS,
    &georadius::GEORADIUS,
    &georadius::GEORADIUSBYMEMBER,
    &georadius::GEORADIUSBYMEMBER_RO,
    &georadius::GEORADIUS_RO,
    &geosearch::GEOSEARCH,
    &geosearch::GEOSEARCHSTORE,
];

/// Arguments that many of them have, for `COMMAND DOCS`.
const KEY: Arg = Arg::key("key", 0);
const MEMBER: Arg = Arg::new("member", ArgKind::String);
const LONGITUDE: Arg = Arg::new("longitude", ArgKind::Double);
const LATITUDE: Arg = Arg::new("latitude", ArgKind::Double);
const UNIT: Arg = Arg::one_of(
    "unit",
    &[Arg::token("m", "M"), Arg::token("km", "KM"), Arg::token("ft", "FT"), Arg::token("mi", "MI")],
);
const ORDER: Arg = Arg::one_of("order", &[Arg::token("asc", "ASC"), Arg::token("desc", "DESC")]).optional();
const COUNT: Arg = Arg::block(
    "count-block",
    &[Arg::new("count", ArgKind::Integer).after("COUNT"), Arg::token("any", "ANY").since("6.2.0").optional()],
)
.optional();
const WITHCOORD: Arg = Arg::token("withcoord", "WITHCOORD").optional();
const WITHDIST: Arg = Arg::token("withdist", "WITHDIST").optional();
const WITHHASH: Arg = Arg::token("withhash", "WITHHASH").optional();
