//! ZREM key member [member …]

use super::{KEY, MEMBER};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use types::SortedSet;

pub static ZREM: Command = Command {
    name: "ZREM",
    group: Group::SortedSet,
    since: "1.2.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    element: 2,
    complexity: "O(M*log(N)), M = members named",
    summary: "Removes members; the key goes with the last one.",
    history: &[("2.4.0", "Accepts several members.")],
    docs: &[KEY, MEMBER.multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let Some(mut set) = ctx.db.write::<SortedSet>(key)? else {
        ctx.reply.int(0);
        return Ok(());
    };
    let removed = args.iter_from(2).filter(|member| set.unmarked().remove(member).is_some()).count();
    ctx.reply.int(removed as i64);
    if removed > 0 {
        set.touch();
        drop(set);
        ctx.db.event(notify::ZSET, "zrem", key.bytes);
        ctx.db.drop_if_empty(key);
        ctx.dirty(removed as u64 - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn removes_members_and_the_key() {
        check(
            "ZADD z 1 a 2 b 3 c; ZREM z a nope c -> :2; ZRANGE z 0 -1 -> [b]; ZREM z b b -> :1; EXISTS z -> :0; ZREM z a -> :0; SET s v; ZREM s a -> -WRONGTYPE",
        );
    }

    #[test]
    fn nothing_removed_is_no_change() {
        let mut node = node(&[]);
        node.converse("ZADD z 1 a; ZREM z b -> :0; ZREM none b -> :0");
        assert_eq!(node.log.lines(), ["ZADD z 1 a"]);
    }
}
