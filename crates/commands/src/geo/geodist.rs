//! GEODIST key member1 member2 [M | KM | FT | MI]

use super::place;
use super::{KEY, UNIT};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static GEODIST: Command = Command {
    name: "GEODIST",
    group: Group::Geo,
    since: "3.2.0",
    arity: Arity::AtLeast(4),
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1)",
    summary: "Distance between two members.",
    docs: &[KEY, Arg::new("member1", ArgKind::String), Arg::new("member2", ArgKind::String), UNIT.optional()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let unit = match args.len() {
        4 => 1.0,
        5 => place::unit(args, 4)?,
        _ => return Err(Error::Syntax),
    };
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    let places = set.and_then(|set| Some((place::of_member(&set, args.get(2))?, place::of_member(&set, args.get(3))?)));
    match places {
        Some((a, b)) => place::say_distance(ctx.reply, a.distance(b) / unit),
        None => ctx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn measures() {
        check(
            "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania; GEODIST g Palermo Catania -> 166274.1516; GEODIST g Palermo Catania km -> 166.2742; GEODIST g Palermo Catania MI -> 103.3182; GEODIST g Palermo Catania ft -> 545518.8700; GEODIST g Palermo Palermo -> 0.0000; GEODIST g Palermo x -> nil; GEODIST none a b -> nil",
        );
        check(
            "GEODIST g a b x -> -ERR unsupported unit provided. please use M, KM, FT, MI; GEODIST g a b m x -> -ERR syntax error; SET s v; GEODIST s a b -> -WRONGTYPE",
        );
    }
}
