//! SPOP key [count]
//!
//! The log gets what was taken, as SREM, or DEL (UNLINK, when values are freed in the background) when that was all.

use super::algebra::say;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify, options};
use kit::world::Rng;
use types::Set;

pub static SPOP: Command = Command {
    name: "SPOP",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE))],
    complexity: "O(N), N = count",
    summary: "Takes members out of the set at a key by chance.",
    history: &[("3.2.0", "Added `count`.")],
    tips: &["nondeterministic_output"],
    docs: &[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).optional().since("3.2.0")],
    run,
    ..Command::BASE
};

/// Members of one SREM in the log.
const REPLAY_WORDS: usize = 1024;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::Syntax);
    }
    match args.opt_count(2)? {
        None => one(ctx, args),
        Some(count) => several(ctx, args, count),
    }
}

fn one(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let mut rng = Rng::new(ctx.rng().next_u64());
    let Some(mut set) = ctx.db.write::<Set>(key)? else {
        ctx.reply.null();
        return Ok(());
    };
    let place = set.random(&mut rng).expect("no key holds an empty set");
    let member = set.at(place).to_vec();
    set.remove_at(place);
    drop(set);
    ctx.reply.bulk(&member);
    ctx.db.event(notify::SET, "spop", key.bytes);
    ctx.db.drop_if_empty(key);
    ctx.replay_as(&[b"SREM", key.bytes, &member]);
    Ok(())
}

fn several(ctx: &mut Ctx, args: &Args, count: usize) -> Result<(), Error> {
    let key = args.key(1);
    let mut rng = Rng::new(ctx.rng().next_u64());
    let logs = ctx.node.log.is_on();
    let Some(mut set) = ctx.db.write::<Set>(key)? else {
        ctx.reply.set(0);
        return Ok(());
    };
    let taken = count.min(set.len());
    ctx.reply.set(taken);
    if taken == 0 {
        return Ok(());
    }
    let mut replay = Vec::new();
    let all = taken == set.len();
    if all {
        set.iter().for_each(|member| say(ctx.reply, member));
    } else {
        for _ in 0..taken {
            let place = set.random(&mut rng).expect("some are left");
            say(ctx.reply, set.at(place));
            if logs {
                replay.push(set.at(place).to_vec());
            }
            set.remove_at(place);
        }
    }
    drop(set);
    ctx.db.event(notify::SET, "spop", key.bytes);
    if all {
        let lazy = ctx.node.config.get(&options::LAZY_SERVER_DEL);
        ctx.db.delete(key, lazy)?;
        ctx.db.event(notify::GENERIC, "del", key.bytes);
        ctx.replay_as(&[if lazy { b"UNLINK" } else { b"DEL" }, key.bytes]);
    }
    for members in replay.chunks(REPLAY_WORDS) {
        let mut words: Vec<&[u8]> = vec![b"SREM", key.bytes];
        words.extend(members.iter().map(Vec::as_slice));
        ctx.replay_as(&words);
    }
    ctx.dirty(taken as u64 - 1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn pops() {
        check(
            "SPOP s -> nil; SPOP s 3 -> []; SADD s a; SPOP s -> a; EXISTS s -> :0; SADD s 1 2 3; SPOP s 0 -> []; SPOP s 9 -> [1 2 3]; EXISTS s -> :0",
        );
        check(
            "SPOP s 1 2 -> -ERR syntax error; SPOP s -1 -> -ERR value is out of range, must be positive; SPOP s x -> -ERR value is out of range, must be positive; SET k v; SPOP k -> -WRONGTYPE; SPOP k 1 -> -WRONGTYPE",
        );
        check("HELLO 3; SPOP s 1 -> ~[]; SADD s a; SPOP s 1 -> ~[a]; SPOP s -> nil");
    }

    #[test]
    fn everything_comes_once_in_every_encoding() {
        for (from, to, prefix) in [(0, 60, ""), (0, 60, "m"), (0, 700, "m"), (0, 700, "")] {
            let mut node = node(&[]);
            (from..to).for_each(|i| node.converse(&format!("SADD s {prefix}{i}")));
            let mut seen = std::collections::BTreeSet::new();
            for count in (1..).map(|i| i % 11) {
                let popped = match node.ask_line(&format!("SPOP s {count}")) {
                    Value::Array(popped) => popped,
                    other => panic!("{other:?}"),
                };
                let left = to - seen.len();
                assert_eq!(popped.len(), left.min(count));
                for member in popped {
                    assert!(seen.insert(format!("{member:?}")));
                }
                if left == 0 {
                    break;
                }
                node.converse(&format!("SCARD s -> :{}", to - seen.len()));
            }
            node.converse("EXISTS s -> :0");
            // Two commands more than the members say nothing to the log.
            assert_eq!(node.node.dirty.load(Relaxed), 2 * to as u64);
        }
    }

    #[test]
    fn the_log_knows_what_was_taken() {
        let mut node = node(&[("lazyfree-lazy-server-del", "no")]);
        node.converse("SADD s a; SPOP s; SADD s 1 2; SPOP s 2; CONFIG SET lazyfree-lazy-server-del yes; SADD s 1 2; SPOP s 5; SPOP s; SPOP s 3; SADD s x x2; SPOP s 0");
        assert_eq!(
            node.log.lines(),
            ["SADD s a", "SREM s a", "SADD s 1 2", "DEL s", "SADD s 1 2", "UNLINK s", "SADD s x x2"]
        );
        let Value::Array(popped) = node.ask_line("SPOP s 1") else { panic!() };
        let Value::Bulk(member) = &popped[0] else { panic!() };
        assert_eq!(node.log.lines()[7..], [format!("SREM s {}", String::from_utf8_lossy(member))]);
    }
}
