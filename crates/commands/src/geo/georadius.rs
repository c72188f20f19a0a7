//! GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]
//!   [STORE key | STOREDIST key]
//! GEORADIUSBYMEMBER key member radius unit …
//! GEORADIUS_RO, GEORADIUSBYMEMBER_RO: the same without STORE
//!
//! Of STORE and STOREDIST one may stand once: it names the key whose shard is locked.

use super::search;
use super::search_words::{Dialect, Words};
use super::{COUNT, KEY, LATITUDE, LONGITUDE, MEMBER, ORDER, UNIT, WITHCOORD, WITHDIST, WITHHASH};
use exec::command::{Begin, Find};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE};
use types::SortedSet;

pub static GEORADIUS: Command = Command {
    name: "GEORADIUS",
    group: Group::Geo,
    since: "3.2.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ), stores("STORE", 6), stores("STOREDIST", 6)],
    complexity: "O(N+log(M)), N = members near the area, M = members of the set",
    summary: "Members inside a circle round a place; may store them.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE`")),
    docs: &[KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER, STORE],
    run: |ctx, args| run(ctx, args, false, Dialect::Radius),
    ..Command::BASE
};

pub static GEORADIUSBYMEMBER: Command = Command {
    name: "GEORADIUSBYMEMBER",
    group: Group::Geo,
    since: "3.2.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ), stores("STORE", 5), stores("STOREDIST", 5)],
    complexity: "O(N+log(M)), N = members near the area, M = members of the set",
    summary: "Members inside a circle round a member; may store them.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the option `BYRADIUS`")),
    docs: &[KEY, MEMBER, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER, STORE],
    run: |ctx, args| run(ctx, args, true, Dialect::Radius),
    ..Command::BASE
};

pub static GEORADIUS_RO: Command = Command {
    name: "GEORADIUS_RO",
    group: Group::Geo,
    since: "3.2.10",
    arity: Arity::AtLeast(6),
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N+log(M)), N = members near the area, M = members of the set",
    summary: "Members inside a circle round a place.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the option `BYRADIUS`")),
    docs: &[KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER],
    run: |ctx, args| run(ctx, args, false, Dialect::RadiusReadOnly),
    ..Command::BASE
};

pub static GEORADIUSBYMEMBER_RO: Command = Command {
    name: "GEORADIUSBYMEMBER_RO",
    group: Group::Geo,
    since: "3.2.10",
    arity: Arity::AtLeast(5),
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N+log(M)), N = members near the area, M = members of the set",
    summary: "Members inside a circle round a member.",
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the option `BYRADIUS`")),
    docs: &[KEY, MEMBER, RADIUS, UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER],
    run: |ctx, args| run(ctx, args, true, Dialect::RadiusReadOnly),
    ..Command::BASE
};

const RADIUS: Arg = Arg::new("radius", ArgKind::Double);
const STORE: Arg =
    Arg::one_of("store", &[Arg::key("storekey", 1).after("STORE"), Arg::key("storedistkey", 2).after("STOREDIST")])
        .optional();

/// The key behind this word.
const fn stores(word: &'static str, from: i32) -> KeySpec {
    KeySpec { begin: Begin::Keyword(word, from), find: Find::Range { last: 0, step: 1, limit: 0 }, access: REPLACE }
}

fn run(ctx: &mut Ctx, args: &Args, by_member: bool, dialect: Dialect) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    let words = Words::parse_radius(args, by_member, set.as_deref(), dialect)?;
    let found = set.map_or_else(Vec::new, |set| search::search(&set, &words));
    match words.store_at {
        Some(at) => search::store(ctx, args.key(at), &found, &words, "georadiusstore"),
        None => {
            search::say(ctx, &found, &words);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::node;

    const SICILY: &str = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania;";

    #[test]
    fn searches() {
        node(&[]).converse(&format!(
            "{SICILY} GEORADIUS g 15 37 200 km ASC -> [Catania Palermo]; GEORADIUS g 15 37 200 km WITHDIST DESC -> [[Palermo 190.4424] [Catania 56.4413]]; GEORADIUS_RO g 15 37 100 km -> [Catania]; GEORADIUSBYMEMBER g Palermo 200 km -> [Palermo Catania]; GEORADIUSBYMEMBER_RO g Palermo 10 km WITHHASH -> [[Palermo :3479099956230698]]; GEORADIUS none 1 1 1 m -> []; GEORADIUSBYMEMBER none x 1 m -> []; GEORADIUS g 15 37 200 km COUNT 1 -> [Catania]"
        ));
    }

    #[test]
    fn stores() {
        node(&[]).converse(&format!(
            "{SICILY} GEORADIUS g 15 37 200 km STORE d -> :2; ZRANGE d 0 -1 -> [Palermo Catania]; GEORADIUS g 15 37 200 km STOREDIST d COUNT 1 -> :1; ZRANGE d 0 -1 WITHSCORES -> [Catania 56.4412578701582*]; GEORADIUSBYMEMBER g Palermo 1 km STORE d -> :1; ZRANGE d 0 -1 -> [Palermo]; GEORADIUS none 1 1 1 m STORE d -> :0; EXISTS d -> :0; GEORADIUS g 15 37 200 km STORE a STORE b -> -ERR syntax error; GEORADIUSBYMEMBER g store 1 km STORE b -> -ERR could not decode"
        ));
    }

    #[test]
    fn refuses() {
        node(&[]).converse(&format!(
            "{SICILY} GEORADIUS g 15 37 200 km STORE d WITHDIST -> -ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options; GEORADIUS_RO g 15 37 200 km STORE d -> -ERR syntax error; GEORADIUS g 15 37 200 x -> -ERR unsupported unit; GEORADIUS g 15 37 x m -> -ERR need numeric radius; GEORADIUS g 15 37 -1 m -> -ERR radius cannot be negative; GEORADIUS g x 37 1 m -> -ERR value is not a valid float; GEORADIUSBYMEMBER g x 1 m -> -ERR could not decode requested zset member; GEORADIUS g 1 1 1 m FROMMEMBER x -> -ERR syntax error; SET s v; GEORADIUS s 1 1 1 m -> -WRONGTYPE"
        ));
    }
}
