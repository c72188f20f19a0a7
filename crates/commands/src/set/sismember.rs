//! SISMEMBER key member
//! SMISMEMBER key member [member …]

use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK, READ};
use types::Set;
use types::set::Member;

pub static SISMEMBER: Command = Command {
    name: "SISMEMBER",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::at(1, LOOK)],
    element: 2,
    summary: "Whether something is a member of the set at a key.",
    docs: &[Arg::key("key", 0), Arg::new("member", ArgKind::String)],
    run: one,
    ..Command::BASE
};

pub static SMISMEMBER: Command = Command {
    name: "SMISMEMBER",
    since: "6.2.0",
    arity: Arity::AtLeast(3),
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    complexity: "O(N), N = words asked for",
    summary: "Whether each of several words is a member of the set at a key.",
    docs: &[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()],
    run: several,
    ..SISMEMBER
};

fn one(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<Set>(args.key(1))?;
    let is_member = set.is_some_and(|set| set.contains(Member::of(args.get(2))));
    ctx.reply.int(i64::from(is_member));
    Ok(())
}

fn several(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let set = ctx.db.read::<Set>(args.key(1))?;
    ctx.reply.array(args.len() - 2);
    for word in args.iter_from(2) {
        let is_member = set.as_ref().is_some_and(|set| set.contains(Member::of(word)));
        ctx.reply.int(i64::from(is_member));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tells() {
        check(
            "SISMEMBER s a -> :0; SADD s a 17 -> :2; SISMEMBER s a -> :1; SISMEMBER s 17 -> :1; SISMEMBER s 017 -> :0; SISMEMBER s b -> :0",
        );
        check(
            "SMISMEMBER s a b -> [:0 :0]; SADD s 1 2; SMISMEMBER s 2 3 a 1 2 -> [:1 :0 :0 :1 :1]; SMISMEMBER s 2 -> [:1]",
        );
        check(
            "SET k v; SISMEMBER k a -> -WRONGTYPE; SMISMEMBER k a -> -WRONGTYPE; SMISMEMBER k -> -ERR wrong number of arguments for 'smismember' command",
        );
    }
}
