//! SREM key member [member …]

use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use types::Set;
use types::set::Member;

pub static SREM: Command = Command {
    name: "SREM",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    element: 2,
    complexity: "O(N), N = members to be removed",
    summary: "Removes members from the set at a key; the key goes with the last one.",
    history: &[("2.4.0", "Takes several members.")],
    docs: &[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let removed = if let Some(mut set) = ctx.db.write::<Set>(key)? {
        let members = set.unmarked();
        let removed = args.iter_from(2).filter(|member| members.remove(Member::of(member))).count();
        if removed > 0 {
            set.touch();
        }
        removed
    } else {
        0
    };
    if removed > 0 {
        ctx.db.event(notify::SET, "srem", key.bytes);
        ctx.db.drop_if_empty(key);
        ctx.dirty(removed as u64 - 1);
    }
    ctx.reply.int(removed as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn removes() {
        check("SADD s a b c 1; SREM s x -> :0; SREM s a a 1 -> :2; SMEMBERS s -> {b c}; SREM none a -> :0");
        check(
            "SADD s 1 2 3; SREM s 1 2 3 4 5 -> :3; EXISTS s -> :0; SADD s a; SREM s a -> :1; EXISTS s -> :0; SET k v; SREM k v -> -WRONGTYPE",
        );
    }

    #[test]
    fn says_what_happened() {
        let mut node = node(&[("notify-keyspace-events", "KEA")]);
        node.converse("SADD s a b; c2> PSUBSCRIBE __keyspace*; SREM s x; c2> <- silence; SREM s a; c2> <- [pmessage __keyspace* __keyspace@0__:s srem]; SREM s b c; c2> <- [pmessage __keyspace* __keyspace@0__:s srem]; c2> <- [pmessage __keyspace* __keyspace@0__:s del]");
        assert_eq!(node.log.lines(), ["SADD s a b", "SREM s a", "SREM s b c"]);
    }
}
