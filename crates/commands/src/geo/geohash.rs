//! GEOHASH key [member [member …]]

use super::place;
use super::{KEY, MEMBER};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static GEOHASH: Command = Command {
    name: "GEOHASH",
    group: Group::Geo,
    since: "3.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1) for each member",
    summary: "Places of members as standard geohashes.",
    docs: &[KEY, MEMBER.optional().multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<SortedSet>(args.key(1))?;
    let members = args.iter_from(2);
    ctx.reply.array(members.len());
    for member in members {
        match set.as_ref().and_then(|set| place::of_member(set, member)) {
            Some(place) => ctx.reply.bulk(&place.text()),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn says_letters() {
        check(
            "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania -5.6 42.6 w; GEOHASH g Palermo Catania x w -> [sqc8b49rny0 sqdtr74hyu0 nil ezs42e44yx0]; GEOHASH g -> []; GEOHASH none a b -> [nil nil]; SET s v; GEOHASH s a -> -WRONGTYPE",
        );
    }
}
