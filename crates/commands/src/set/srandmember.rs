//! SRANDMEMBER key [count]
//!
//! A count asks for that many different members; a negative one for so many draws, in which a member may come again.

use super::algebra::say;
use crate::draws::{self, Members};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::world::Rng;
use proto::Reply;
use std::collections::HashSet;
use types::Set;

pub static SRANDMEMBER: Command = Command {
    name: "SRANDMEMBER",
    group: Group::Set,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = count without its sign",
    summary: "Members of the set at a key, drawn by chance.",
    history: &[("2.6.0", "Added `count`.")],
    tips: &["nondeterministic_output"],
    docs: &[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).optional().since("2.6.0")],
    run,
    ..Command::BASE
};

/// Of sets up to this size all members are looked at to choose some.
const SMALL: usize = 128;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = match args.len() {
        2 => None,
        3 => Some(args.int(2)?),
        _ => return Err(Error::Syntax),
    };
    if count == Some(i64::MIN) {
        let (low, high) = (-i64::MAX, i64::MAX);
        return Err(Error::text(format!("ERR value is out of range, value must between {low} and {high}")));
    }
    let mut rng = Rng::new(ctx.rng().next_u64());
    let set = ctx.db.read::<Set>(args.key(1))?;
    match (set, count) {
        (None, None) => ctx.reply.null(),
        (None, Some(_)) => ctx.reply.array(0),
        (Some(set), None) => {
            let place = set.random(&mut rng).expect("no key holds an empty set");
            say(ctx.reply, set.at(place));
        }
        (Some(set), Some(count @ ..0)) => {
            let count = count.unsigned_abs();
            if draws::are_many(count, set.len()) {
                let members = Members::of(ctx.reply.is_resp3(), set.iter(), say);
                return members.draw(ctx, usize::try_from(count).unwrap_or(usize::MAX), count, rng);
            }
            ctx.reply.array(usize::try_from(count).unwrap_or(usize::MAX));
            for _ in 0..count {
                let place = set.random(&mut rng).expect("no key holds an empty set");
                say(ctx.reply, set.at(place));
            }
        }
        (Some(set), Some(count)) => different(ctx.reply, &set, usize::try_from(count).unwrap_or(usize::MAX), &mut rng),
    }
    Ok(())
}

fn different(reply: &mut Reply, set: &Set, count: usize, rng: &mut Rng) {
    let count = count.min(set.len());
    reply.array(count);
    if count == set.len() {
        set.iter().for_each(|member| say(reply, member));
    } else if set.len() <= SMALL || count > set.len() / 3 {
        // One look at each: taken with the chance that is left over the members that are left.
        let (mut wanted, mut left) = (count as u64, set.len() as u64);
        for member in set.iter() {
            if wanted == 0 {
                break;
            }
            if rng.below(left) < wanted {
                say(reply, member);
                wanted -= 1;
            }
            left -= 1;
        }
    } else {
        let mut drawn = HashSet::with_capacity(count);
        while drawn.len() < count {
            let place = set.random(rng).expect("no key holds an empty set");
            if drawn.insert(place) {
                say(reply, set.at(place));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use std::collections::HashMap;

    #[test]
    fn draws() {
        check(
            "SRANDMEMBER s -> nil; SRANDMEMBER s 3 -> []; SRANDMEMBER s -3 -> []; SADD s a; SRANDMEMBER s -> a; SRANDMEMBER s 0 -> []; SRANDMEMBER s 5 -> [a]; SRANDMEMBER s -3 -> [a a a]; SCARD s -> :1",
        );
        check(
            "SADD s 1 2 3; SRANDMEMBER s 3 -> {1 2 3}; HELLO 3; SRANDMEMBER none 2 -> []; SRANDMEMBER s 9 -> {1 2 3}",
        );
        check(
            "SADD s a; SRANDMEMBER s -9223372036854775808 -> -ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807; SRANDMEMBER s x -> -ERR value is not an integer or out of range; SRANDMEMBER s 1 2 -> -ERR syntax error; SET k v; SRANDMEMBER k -> -WRONGTYPE; SRANDMEMBER k 2 -> -WRONGTYPE",
        );
    }

    #[test]
    fn every_member_is_as_likely() {
        for (members, prefix) in [(10, ""), (10, "m"), (300, "m")] {
            for count in [2, 8, 150, 90, -50].into_iter().filter(|&count| count < members) {
                let mut node = node(&[]);
                (0..members).for_each(|i| node.converse(&format!("SADD s {prefix}{i}")));
                let (mut seen, mut draws) = (HashMap::new(), 0);
                while draws < members * 100 {
                    let Value::Array(drawn) = node.ask_line(&format!("SRANDMEMBER s {count}")) else { panic!() };
                    assert_eq!(drawn.len() as i32, i32::abs(count));
                    draws += drawn.len() as i32;
                    let mut different: Vec<String> = drawn.into_iter().map(|member| format!("{member:?}")).collect();
                    different.iter().for_each(|member| *seen.entry(member.clone()).or_insert(0) += 1);
                    if count > 0 {
                        let len = different.len();
                        different.sort();
                        different.dedup();
                        assert_eq!(different.len(), len);
                    }
                }
                assert_eq!(seen.len() as i32, members);
                // About 100 each, with a standard deviation of 10 at the most.
                assert!(seen.values().all(|times| (50..160).contains(times)), "{members} {count}: {seen:?}");
            }
        }
    }
}
