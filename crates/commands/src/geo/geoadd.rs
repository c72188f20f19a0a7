//! GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member …]
//!
//! ZADD with places for scores; the log and the events say so too.

use super::place;
use super::{KEY, LATITUDE, LONGITUDE, MEMBER};
use crate::sorted_set::zadd;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE};

pub static GEOADD: Command = Command {
    name: "GEOADD",
    group: Group::Geo,
    since: "3.2.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(log(N)) for each member",
    summary: "Adds members with places, or moves them.",
    history: &[("6.2.0", "Added the options `CH`, `NX` and `XX`.")],
    docs: &[
        KEY,
        Arg::one_of("condition", &[Arg::token("nx", "NX"), Arg::token("xx", "XX")]).since("6.2.0").optional(),
        Arg::token("change", "CH").since("6.2.0").optional(),
        Arg::block("data", &[LONGITUDE, LATITUDE, MEMBER]).multiple(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut options = zadd::Options::default();
    let mut at = 2;
    while at < args.len() {
        let option = match () {
            () if args.is(at, "NX") => &mut options.nx,
            () if args.is(at, "XX") => &mut options.xx,
            () if args.is(at, "CH") => &mut options.ch,
            () => break,
        };
        *option = true;
        at += 1;
    }
    let words = args.len() - at;
    if words == 0 || !words.is_multiple_of(3) || (options.nx && options.xx) {
        return Err(Error::Syntax);
    }
    let places = (at..args.len()).step_by(3);
    let scores = places.map(|i| Ok(place::point(args, i)?.hash() as f64)).collect::<Result<Vec<f64>, Error>>()?;
    zadd::put(ctx, args, options, &zadd::Pairs { scores: &scores, member_at: at + 2, step: 3 })
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn adds() {
        check(
            "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania -> :2; ZSCORE g Palermo -> 3479099956230698; GEOADD g 13.361389 38.115556 Palermo -> :0; GEOADD g NX 1 1 Palermo -> :0; GEOADD g XX CH 1 1 Palermo 2 2 x -> :1; ZCARD g -> :2; TYPE g -> +zset",
        );
        check(
            "GEOADD g 1 2 -> -ERR wrong number; GEOADD g 210 10 x -> -ERR invalid longitude,latitude pair 210.000000,10.000000; GEOADD g a 1 x -> -ERR value is not a valid float; GEOADD g 1 1 x 2 2 -> -ERR syntax error; GEOADD g NX XX 1 1 x -> -ERR syntax error; GEOADD g 1 1 x 1 86 y -> -ERR invalid longitude,latitude pair 1.000000,86.000000; EXISTS g -> :0; SET s v; GEOADD s 1 1 x -> -WRONGTYPE",
        );
    }
}
