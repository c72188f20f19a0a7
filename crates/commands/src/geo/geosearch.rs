//! GEOSEARCH key FROMMEMBER member | FROMLONLAT longitude latitude BYRADIUS radius unit | BYBOX width height unit
//!   [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
//! GEOSEARCHSTORE destination source … [STOREDIST]
//!
//! BYPOLYGON number longitude latitude longitude latitude longitude latitude … (Valkey 9) stands in the place of both
//! the middle and the shape. Distances are from the mean of its corners, in metres.
//! Without an order the middle's cell of the grid comes first, then its neighbours.

use super::search;
use super::search_words::{Dialect, Words};
use super::{COUNT, KEY, LATITUDE, LONGITUDE, ORDER, UNIT, WITHCOORD, WITHDIST, WITHHASH};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ, REPLACE};
use types::SortedSet;

pub static GEOSEARCH: Command = Command {
    name: "GEOSEARCH",
    group: Group::Geo,
    since: "6.2.0",
    arity: Arity::AtLeast(7),
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N+log(M)), N = members near the area, M = members of the set",
    summary: "Members inside a circle or a box.",
    docs: &[KEY, FROM, BY, ORDER, COUNT, WITHCOORD, WITHDIST, WITHHASH],
    run: geosearch,
    ..Command::BASE
};

pub static GEOSEARCHSTORE: Command = Command {
    name: "GEOSEARCHSTORE",
    group: Group::Geo,
    since: "6.2.0",
    arity: Arity::AtLeast(8),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, REPLACE), KeySpec::at(2, READ)],
    complexity: "O(N+log(M)), N = members near the area, M = members of the set",
    summary: "Stores the members inside a circle or a box.",
    docs: &[
        Arg::key("destination", 0),
        Arg::key("source", 1),
        FROM,
        BY,
        ORDER,
        COUNT,
        Arg::token("storedist", "STOREDIST").optional(),
    ],
    run: geosearchstore,
    ..Command::BASE
};

const FROM: Arg = Arg::one_of(
    "from",
    &[
        Arg::new("member", ArgKind::String).after("FROMMEMBER"),
        Arg::block("fromlonlat", &[LONGITUDE, LATITUDE]).after("FROMLONLAT"),
    ],
)
.optional();
const BY: Arg = Arg::one_of(
    "by",
    &[
        Arg::block("circle", &[Arg::new("radius", ArgKind::Double).after("BYRADIUS"), UNIT]),
        Arg::block(
            "box",
            &[Arg::new("width", ArgKind::Double).after("BYBOX"), Arg::new("height", ArgKind::Double), UNIT],
        ),
        Arg::block(
            "polygon",
            &[
                Arg::new("num-vertices", ArgKind::Integer).after("BYPOLYGON"),
                Arg::block("vertices", &[LONGITUDE, LATITUDE]).multiple(),
            ],
        )
        .since("9.0.0"),
    ],
);

fn geosearch(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    let words = Words::parse_search(args, 2, set.as_deref(), Dialect::Search)?;
    let found = set.map_or_else(Vec::new, |set| search::search(&set, &words));
    search::say(ctx, &found, &words);
    Ok(())
}

fn geosearchstore(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(2))?;
    let words = Words::parse_search(args, 3, set.as_deref(), Dialect::SearchStore)?;
    let found = set.map_or_else(Vec::new, |set| search::search(&set, &words));
    search::store(ctx, args.key(1), &found, &words, "geosearchstore")
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    const SICILY: &str = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.758489 38.788135 edge1 17.241510 38.788135 edge2;";

    #[test]
    fn searches() {
        node(&[]).converse(&format!(
            "{SICILY} GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC -> [Catania Palermo]; GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST -> [[Catania 56.4413] [Palermo 190.4424] [edge2 279.7403] [edge1 279.7405]]; GEOSEARCH g FROMMEMBER Palermo BYRADIUS 1 m -> [Palermo]; GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 -> [Catania Palermo]; GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 1 DESC -> [edge1]; GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 100 km WITHHASH WITHCOORD WITHDIST -> [[Catania 56.4413 :3479447370796909 [15.08726745843887329 37.50266842333162032]]]; GEOSEARCH none FROMMEMBER x BYRADIUS 1 m -> []; GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 500 km COUNT 1 ANY -> [*]"
        ));
    }

    #[test]
    fn polygons() {
        node(&[]).converse(&format!(
            "{SICILY} GEOSEARCH g BYPOLYGON 4 13 38 14 38 14 39 13 39 ASC WITHDIST -> [[Palermo *]]; GEOSEARCH g ASC BYPOLYGON 3 12 37 18 37 15 38.5 -> [Catania]; GEOSEARCHSTORE d g BYPOLYGON 4 12 37 18 37 18 39 12 39 -> :4; GEOSEARCH g BYPOLYGON 2 1 1 2 2 ASC -> -ERR BYPOLYGON must have at least 3 vertices; GEOSEARCH g BYPOLYGON 4 1 1 2 2 3 3 -> -ERR syntax error; GEOSEARCH g FROMLONLAT 1 1 BYPOLYGON 3 1 1 2 2 3 1 -> -ERR syntax error; GEOSEARCH g BYPOLYGON 9223372036854775807 1 1 2 2 3 3 -> -ERR syntax error; GEOSEARCH g BYPOLYGON 3 1 1 2 2 3 99 -> -ERR invalid longitude,latitude pair"
        ));
    }

    #[test]
    fn stores() {
        node(&[]).converse(&format!(
            "{SICILY} GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km -> :2; ZRANGE d 0 -1 WITHSCORES -> [Palermo 3479099956230698 Catania 3479447370796909]; GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST -> :2; ZRANGE d 0 0 WITHSCORES -> [Catania 56.4412578701582*]; GEOSEARCHSTORE d g FROMLONLAT 100 37 BYRADIUS 1 m -> :0; EXISTS d -> :0; GEOSEARCHSTORE d none FROMMEMBER x BYRADIUS 1 m -> :0"
        ));
    }

    #[test]
    fn refuses() {
        node(&[]).converse(&format!(
            "{SICILY} GEOSEARCH g FROMMEMBER x BYRADIUS 1 m -> -ERR could not decode requested zset member; GEOSEARCH g BYRADIUS 1 m WITHDIST ASC -> -ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH; geosearch g FROMLONLAT 1 1 ASC WITHDIST -> -ERR exactly one of BYRADIUS and BYBOX can be specified for geosearch; GEOSEARCH g FROMLONLAT 1 1 FROMMEMBER Palermo BYRADIUS 1 m -> -ERR syntax error; GEOSEARCH g FROMLONLAT 1 1 BYRADIUS x m -> -ERR need numeric radius; GEOSEARCH g FROMLONLAT 1 1 BYRADIUS -1 m -> -ERR radius cannot be negative; GEOSEARCH g FROMLONLAT 1 1 BYBOX x 1 m -> -ERR need numeric width; GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 x m -> -ERR need numeric height; GEOSEARCH g FROMLONLAT 1 1 BYBOX 1 -1 m -> -ERR height or width cannot be negative; GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 yd -> -ERR unsupported unit"
        ));
        check(
            "GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m ANY -> -ERR the ANY argument requires COUNT argument; GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT 0 -> -ERR COUNT must be > 0; GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m COUNT -> -ERR syntax error; GEOSEARCH g FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST -> -ERR syntax error; GEOSEARCHSTORE d g FROMLONLAT 1 1 BYRADIUS 1 m WITHDIST -> -ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options; GEOSEARCH g FROMLONLAT 181 1 BYRADIUS 1 m -> -ERR invalid longitude,latitude pair 181.000000,1.000000; SET s v; GEOSEARCH s FROMLONLAT 1 1 BYRADIUS 1 m -> -WRONGTYPE",
        );
    }
}
