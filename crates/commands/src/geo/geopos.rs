//! GEOPOS key [member [member …]]

use super::place;
use super::{KEY, MEMBER};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::SortedSet;

pub static GEOPOS: Command = Command {
    name: "GEOPOS",
    group: Group::Geo,
    since: "3.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1) for each member",
    summary: "Places of members as longitude and latitude.",
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
            Some(place) => place::say_point(ctx.reply, place),
            None => ctx.reply.null_array(),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn says_coordinates() {
        check(
            "GEOADD g 13.361389 38.115556 Palermo; GEOPOS g Palermo x -> [[13.36138933897018433 38.11555639549629859] nil[]]; GEOPOS g -> []; GEOPOS none a -> [nil[]]; SET s v; GEOPOS s a -> -WRONGTYPE; HELLO 3; GEOPOS g Palermo -> [[,13.36138933897018433 ,38.11555639549629859]]",
        );
    }
}
