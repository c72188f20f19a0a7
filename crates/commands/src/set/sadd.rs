//! SADD key member [member …]
//!
//! The number of words decides with which encoding a set begins, as in Redis: 129 words make a table even when they
//! are all the same.

use super::limits::limits;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use types::Set;
use types::set::Member;

pub static SADD: Command = Command {
    name: "SADD",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::INSERT))],
    element: 2,
    complexity: "O(N), N = members",
    summary: "Adds members to the set at a key, which is made when there is none.",
    history: &[("2.4.0", "Takes several members.")],
    docs: &[Arg::key("key", 0), Arg::new("member", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, count, limits) = (args.key(1), args.len() - 2, limits(ctx));
    let mut set = if let Some(mut set) = ctx.db.write::<Set>(key)? {
        set.unmarked().expect(count, &limits);
        set
    } else {
        ctx.db.make(key, Set::for_members(Member::of(args.get(2)), count, &limits))
    };
    let members = set.unmarked();
    let added = args.iter_from(2).filter(|member| members.add(Member::of(member), &limits)).count();
    if added > 0 {
        set.touch();
        drop(set);
        ctx.db.event(notify::SET, "sadd", key.bytes);
        ctx.dirty(added as u64 - 1);
    }
    ctx.reply.int(added as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn adds() {
        check("SADD s a b a -> :2; SADD s b c -> :1; SMEMBERS s -> {a b c}; SADD s a -> :0; SCARD s -> :3");
        check(
            "SADD s \"\" -> :1; SISMEMBER s \"\" -> :1; SADD s 1 01 -> :2; SADD s 1 -> :0; SMEMBERS s -> {1 01 \"\"}",
        );
        check(
            "SET k v; SADD k a -> -WRONGTYPE; GET k -> v; SADD k -> -ERR wrong number of arguments for 'sadd' command",
        );
    }

    #[test]
    fn encodings() {
        check(
            "SADD s 1 2 -> :2; OBJECT ENCODING s -> intset; SADD s a -> :1; OBJECT ENCODING s -> listpack; SREM s a; OBJECT ENCODING s -> listpack",
        );
        let words = |from: usize, to: usize| (from..to).map(|i| format!(" {i}")).collect::<String>();
        check(&format!(
            "SADD s{} -> :512; OBJECT ENCODING s -> intset; SADD s x -> :1; OBJECT ENCODING s -> hashtable",
            words(0, 512)
        ));
        check(&format!("SADD s{} -> :513; OBJECT ENCODING s -> hashtable", words(0, 513)));
        check(&format!("SADD s 1; SADD s{} -> :512; OBJECT ENCODING s -> hashtable", words(0, 513)));
        check(&format!("SADD s{} -> :1; OBJECT ENCODING s -> listpack", " a".repeat(128)));
        check(&format!("SADD s{} -> :1; OBJECT ENCODING s -> hashtable", " a".repeat(129)));
        check(&format!(
            "SADD s {}; OBJECT ENCODING s -> listpack; SADD s {}; OBJECT ENCODING s -> hashtable",
            "x".repeat(64),
            "y".repeat(65)
        ));
        let settings =
            [("set-max-intset-entries", "2"), ("set-max-listpack-entries", "3"), ("set-max-listpack-value", "4")];
        node(&settings).converse("SADD i 1 2; OBJECT ENCODING i -> intset; SADD i 3; OBJECT ENCODING i -> hashtable; SADD l a b c; OBJECT ENCODING l -> listpack; SADD l d; OBJECT ENCODING l -> hashtable; SADD v abcd; OBJECT ENCODING v -> listpack; SADD v abcde; OBJECT ENCODING v -> hashtable; SADD v abcde -> :0; SADD v 12345 -> :1");
    }

    #[test]
    fn marks_what_was_changed() {
        let mut node = node(&[("notify-keyspace-events", "KEA")]);
        node.converse("c2> SUBSCRIBE __keyevent@0__:sadd; SADD s a; c2> <- [message __keyevent@0__:sadd s]; SADD s a; c2> <- silence; SADD s a b; c2> <- [message __keyevent@0__:sadd s]");
        assert_eq!(node.log.lines(), ["SADD s a", "SADD s a b"]);
    }
}
