//! ZRANDMEMBER key [count [WITHSCORES]]
//!
//! A count answers so many different members, or all; a negative one so many picks, each of all members. Picks are of
//! ranks, so each member is as likely as any other.

use super::{KEY, NEVER_THE_SAME, WITHSCORES, elements};
use crate::draws::{self, Members};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::world::Rng;
use std::collections::HashSet;
use types::SortedSet;

pub static ZRANDMEMBER: Command = Command {
    name: "ZRANDMEMBER",
    group: Group::SortedSet,
    since: "6.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = members answered",
    summary: "Answers with members chosen by chance.",
    tips: NEVER_THE_SAME,
    docs: &[KEY, Arg::block("options", &[Arg::new("count", ArgKind::Integer), WITHSCORES]).optional()],
    run,
    ..Command::BASE
};

/// Up to so many members a pick copies them all first: walking to a rank would take longer.
const FLAT_MAX: usize = 512;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = if args.len() > 2 { Some(args.int(2)?) } else { None };
    let with_scores = args.len() == 4 && args.is(3, "WITHSCORES");
    if count == Some(i64::MIN) {
        return Err(Error::text(format!(
            "ERR value is out of range, value must between {} and {}",
            -i64::MAX,
            i64::MAX
        )));
    }
    if args.len() > 4 || (args.len() == 4 && !with_scores) {
        return Err(Error::Syntax);
    }
    if with_scores && count.is_some_and(|count| count.unsigned_abs() > i64::MAX as u64 / 2) {
        return Err(Error::OutOfRange);
    }
    let mut rng = Rng::new(ctx.rng().next_u64());
    let Some(set) = ctx.db.read::<SortedSet>(args.key(1))? else {
        match count {
            None => ctx.reply.null(),
            Some(_) => ctx.reply.array(0),
        }
        return Ok(());
    };
    let len = set.len();
    let Some(count) = count else {
        let (member, _) = set.at_rank(rng.index(len)).expect("the rank is below the length");
        ctx.reply.bulk(member);
        return Ok(());
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count >= 0 && wanted >= len {
        elements::write(ctx.reply, set.iter(), with_scores);
        return Ok(());
    }
    if count < 0 && draws::are_many(count.unsigned_abs(), len) {
        let resp3 = ctx.reply.is_resp3();
        let members = Members::of(resp3, set.iter(), |reply, element| elements::say(reply, element, with_scores));
        let announced = if with_scores && !resp3 { wanted.saturating_mul(2) } else { wanted };
        return members.draw(ctx, announced, count.unsigned_abs(), rng);
    }
    let all: Vec<(&[u8], f64)> = if len <= FLAT_MAX { set.iter().collect() } else { Vec::new() };
    let element = |rank: usize| match all.get(rank) {
        Some(&element) => element,
        None => set.at_rank(rank).expect("the rank is below the length"),
    };
    if count >= 0 {
        let ranks = distinct(&mut rng, wanted, len);
        elements::write(ctx.reply, ranks.into_iter().map(element), with_scores);
    } else {
        elements::write(ctx.reply, Picks { left: wanted, pick: || element(rng.index(len)) }, with_scores);
    }
    Ok(())
}

/// `wanted` of the numbers below `len`, which is more, in an order of chance.
fn distinct(rng: &mut Rng, wanted: usize, len: usize) -> Vec<usize> {
    // Floyd's way: each set of numbers is as likely as any other, and no pick is made twice.
    let mut seen = HashSet::with_capacity(wanted);
    let mut ranks = Vec::with_capacity(wanted);
    for top in len - wanted..len {
        let pick = rng.index(top + 1);
        let pick = if seen.insert(pick) { pick } else { top };
        seen.insert(pick);
        ranks.push(pick);
    }
    rng.shuffle(&mut ranks);
    ranks
}

/// A number of elements known beforehand, each made when it is asked for.
struct Picks<F> {
    left: usize,
    pick: F,
}

impl<T, F: FnMut() -> T> Iterator for Picks<F> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        Some((self.pick)())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T, F: FnMut() -> T> ExactSizeIterator for Picks<F> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check, node};
    use proto::resp_client::Value;

    #[test]
    fn picks() {
        check(
            "ZADD z 1 a 2 b 3 c; ZRANDMEMBER z 5 -> [a b c]; ZRANDMEMBER z 3 WITHSCORES -> [a 1 b 2 c 3]; ZRANDMEMBER z 0 -> []; ZRANDMEMBER none -> nil; ZRANDMEMBER none 2 -> []; ZRANDMEMBER z 2 -> [* *]; ZRANDMEMBER z -4 -> [* * * *]; ZRANDMEMBER z -1 WITHSCORES -> [* *]; ZADD y 1 a; ZRANDMEMBER y -> a",
        );
        check(
            "HELLO 3; ZADD y 1 a; ZRANDMEMBER y 1 WITHSCORES -> [[a ,1]]; ZRANDMEMBER y -2 WITHSCORES -> [[a ,1] [a ,1]]",
        );
        check(
            "ZRANDMEMBER z x -> -ERR value is not an integer or out of range; ZRANDMEMBER z 1 x -> -ERR syntax error; ZRANDMEMBER z 1 WITHSCORES x -> -ERR syntax error; ZRANDMEMBER z -9223372036854775808 -> -ERR value is out of range; ZRANDMEMBER z -9223372036854775807 WITHSCORES -> -ERR value is out of range; SET s v; ZRANDMEMBER s -> -WRONGTYPE",
        );
    }

    #[test]
    fn all_members_are_equally_likely() {
        for settings in [&[][..], &[("zset-max-listpack-entries", "0")]] {
            let mut node = node(settings);
            let names: Vec<String> = (0..20).map(|i| format!("m{i}")).collect();
            for name in &names {
                node.ask(1, &["ZADD", "z", "1", name]);
            }
            let mut seen = std::collections::HashMap::new();
            for _ in 0..200 {
                let Value::Array(picks) = node.ask_line("ZRANDMEMBER z 10") else { panic!() };
                let different: HashSet<String> = picks.iter().map(|pick| format!("{pick:?}")).collect();
                assert_eq!(different.len(), 10);
                different.into_iter().for_each(|pick| *seen.entry(pick).or_insert(0) += 1);
            }
            assert!(seen.len() == 20 && seen.values().all(|count| (60..140).contains(count)), "{seen:?}");
        }
    }

    #[test]
    fn distinct_numbers_are_distinct() {
        let mut rng = Rng::new(1);
        for (wanted, len) in [(0, 5), (1, 2), (4, 5), (500, 1000)] {
            let picks: HashSet<usize> = distinct(&mut rng, wanted, len).into_iter().collect();
            assert!(picks.len() == wanted && picks.iter().all(|&pick| pick < len));
        }
    }
}
