//! SMOVE source destination member

use super::limits::limits;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use types::Set;
use types::set::Member;

pub static SMOVE: Command = Command {
    name: "SMOVE",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[
        KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE)),
        KeySpec::at(2, KeyAccess::RW.and(KeyAccess::INSERT)),
    ],
    summary: "Moves a member from one set to another.",
    docs: &[Arg::key("source", 0), Arg::key("destination", 1), Arg::new("member", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (from, to, member, limits) = (args.key(1), args.key(2), Member::of(args.get(3)), limits(ctx));
    // The type of the destination does not matter when there is no source.
    let Some(is_member) = ctx.db.read_before_write::<Set>(from)?.map(|set| set.contains(member)) else {
        ctx.reply.int(0);
        return Ok(());
    };
    ctx.db.read_before_write::<Set>(to)?;
    if !is_member || from.bytes == to.bytes {
        ctx.reply.int(i64::from(is_member));
        return Ok(());
    }
    if let Some(mut set) = ctx.db.write::<Set>(from)? {
        set.remove(member);
    }
    ctx.db.event(notify::SET, "srem", from.bytes);
    ctx.db.drop_if_empty(from);
    let added = if let Some(mut set) = ctx.db.write::<Set>(to)? {
        let added = set.unmarked().add(member, &limits);
        if added {
            set.touch();
        }
        added
    } else {
        ctx.db.make(to, Set::for_members(member, 1, &limits)).add(member, &limits)
    };
    if added {
        ctx.db.event(notify::SET, "sadd", to.bytes);
    }
    ctx.reply.int(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn moves() {
        check(
            "SADD a 1 x y; SADD b 2 3; SMOVE a b x -> :1; SMEMBERS a -> {1 y}; SMEMBERS b -> {2 3 x}; OBJECT ENCODING b -> listpack; SMOVE a b nope -> :0; SMOVE b a 2 -> :1; SMEMBERS a -> {1 y 2}",
        );
        check(
            "SADD a 1; SMOVE a new 1 -> :1; EXISTS a -> :0; SMEMBERS new -> [1]; OBJECT ENCODING new -> intset; SMOVE none new 1 -> :0; SADD a 1 2; SADD b 1; SMOVE a b 1 -> :1; SCARD b -> :1",
        );
        check("SADD a 1 2; SMOVE a a 1 -> :1; SMOVE a a 3 -> :0; SMEMBERS a -> [1 2]");
        check(
            "SET k v; SADD a 1; SMOVE k a 1 -> -WRONGTYPE; SMOVE a k 1 -> -WRONGTYPE; SMOVE a k 9 -> -WRONGTYPE; SMOVE none k 1 -> :0; SMEMBERS a -> [1]",
        );
    }

    #[test]
    fn marks_only_what_changed() {
        let mut node = node(&[("notify-keyspace-events", "KEA")]);
        node.converse("SADD a 1 2; SADD b 1; WATCH b; c2> SMOVE a b 1 -> :1; MULTI; PING; EXEC -> [+PONG]; WATCH b; c2> SMOVE a b 2 -> :1; MULTI; PING; EXEC -> nil[]");
        node.converse("SMOVE b b 1 -> :1; SMOVE b c 7 -> :0");
        assert_eq!(node.log.lines(), ["SADD a 1 2", "SADD b 1", "SMOVE a b 1", "SMOVE a b 2"]);
    }
}
