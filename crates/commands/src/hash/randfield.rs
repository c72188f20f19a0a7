//! HRANDFIELD key [count [WITHVALUES]]
//!
//! A count below 0 draws again and again, so a field may come more than once; above 0 all are different. Fields past
//! their time are not drawn; when there are some, all fields are looked at, and those are removed.

use super::read::say;
use crate::draws::{self, Members};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::world::Rng;
use proto::Reply;
use std::collections::HashSet;
use types::Hash;
use types::hash::Pair;

pub static HRANDFIELD: Command = Command {
    name: "HRANDFIELD",
    group: Group::Hash,
    since: "6.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = fields returned",
    summary: "Returns fields of a hash at random.",
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::block(
            "options",
            &[Arg::new("count", ArgKind::Integer), Arg::token("withvalues", "WITHVALUES").optional()],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = if args.len() > 2 { Some(count(args)?) } else { None };
    let with_values = args.len() == 4;
    let (key, now) = (args.key(1), ctx.db.fields_now());
    // The hash borrows the database, and with it the dice.
    let mut rng = Rng::new(ctx.rng().next_u64());
    let Some(hash) = ctx.db.read::<Hash>(key)? else {
        if count.is_some() {
            ctx.reply.array(0)
        } else {
            ctx.reply.null()
        }
        return Ok(());
    };
    let mut draw = Draw { hash: &hash, living: None };
    let mut stale = Vec::new();
    if hash.soonest().is_some_and(|soonest| soonest <= now) {
        let (due, living): (Vec<_>, Vec<_>) = hash.iter().partition(|pair| pair.is_due(now));
        stale.extend(due.iter().map(|pair| pair.field.to_vec()));
        draw.living = Some(living);
    }
    let tell = |reply: &mut Reply, pair: Pair<'_>| {
        if with_values && reply.is_resp3() {
            reply.array(2);
        }
        say(reply, pair.field);
        if with_values {
            say(reply, pair.value);
        }
    };
    let announce = |reply: &mut Reply, pairs: usize| {
        reply.array(if with_values && !reply.is_resp3() { 2 * pairs } else { pairs });
    };
    let reply = &mut *ctx.reply;
    match count {
        None => match draw.one(&mut rng) {
            Some(pair) => say(reply, pair.field),
            None => reply.null(),
        },
        Some(_) if draw.len() == 0 => reply.array(0),
        Some(count) if count < 0 => {
            let count = count.unsigned_abs() as usize;
            if draws::are_many(count as u64, draw.len()) {
                let members = draw.all(reply.is_resp3(), tell);
                let announced = if with_values && !reply.is_resp3() { 2 * count } else { count };
                stale.iter().for_each(|field| ctx.db.note_stale_field(key, field));
                return members.draw(ctx, announced, count as u64, rng);
            }
            announce(reply, count);
            (0..count).filter_map(|_| draw.one(&mut rng)).for_each(|pair| tell(reply, pair));
        }
        Some(count) => {
            let count = (count as usize).min(draw.len());
            announce(reply, count);
            draw.different(count, &mut rng, &mut |pair| tell(reply, pair));
        }
    }
    stale.iter().for_each(|field| ctx.db.note_stale_field(key, field));
    Ok(())
}

fn count(args: &Args) -> Result<i64, Error> {
    let count = args.int(2)?;
    if count == i64::MIN {
        return Err(Error::Static(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
        ));
    }
    if args.len() > 4 || (args.len() == 4 && !args.is(3, "WITHVALUES")) {
        return Err(Error::Syntax);
    }
    // A reply must be able to say twice as many.
    if args.len() == 4 && count.unsigned_abs() > i64::MAX as u64 / 2 { Err(Error::OutOfRange) } else { Ok(count) }
}

/// What is drawn from.
struct Draw<'a> {
    hash: &'a Hash,
    /// The fields to be seen, when there are others.
    living: Option<Vec<Pair<'a>>>,
}

impl<'a> Draw<'a> {
    fn len(&self) -> usize {
        self.living.as_ref().map_or(self.hash.len(), Vec::len)
    }

    fn all(&self, resp3: bool, tell: impl Fn(&mut Reply, Pair<'a>)) -> Members {
        match &self.living {
            Some(living) => Members::of(resp3, living.iter().copied(), tell),
            None => Members::of(resp3, self.hash.iter(), tell),
        }
    }

    fn one(&self, rng: &mut Rng) -> Option<Pair<'a>> {
        match &self.living {
            Some(living) if living.is_empty() => None,
            Some(living) => Some(living[rng.index(living.len())]),
            None => self.hash.random(rng),
        }
    }

    /// At most as many as there are.
    fn different(self, count: usize, rng: &mut Rng, tell: &mut dyn FnMut(Pair<'a>)) {
        if self.living.is_none() && !self.hash.is_packed() && count < self.hash.len() / 3 {
            let mut seen = HashSet::with_capacity(count);
            while seen.len() < count {
                if let Some(pair) = self.hash.random(rng)
                    && seen.insert(pair.field)
                {
                    tell(pair);
                }
            }
            return;
        }
        // In order; each of those left is as likely as the others.
        let mut rest = self.len();
        let mut wanted = count;
        let all: Box<dyn Iterator<Item = Pair<'a>>> = match self.living {
            Some(living) => Box::new(living.into_iter()),
            None => Box::new(self.hash.iter()),
        };
        for pair in all {
            if rng.index(rest) < wanted {
                tell(pair);
                wanted -= 1;
            }
            rest -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use std::collections::BTreeSet;

    #[test]
    fn draws() {
        check(
            "HRANDFIELD k -> nil; HRANDFIELD k 5 -> []; HSET h a 1; HRANDFIELD h -> a; HRANDFIELD h 0 -> []; HRANDFIELD h 5 -> [a]; HRANDFIELD h -3 -> [a a a]",
        );
        check(
            "HSET h a 1; HRANDFIELD h 2 WITHVALUES -> [a 1]; HRANDFIELD h -2 WITHVALUES -> [a 1 a 1]; HELLO 3 -> *; HRANDFIELD h -2 WITHVALUES -> [[a 1] [a 1]]; HRANDFIELD k 1 WITHVALUES -> []",
        );
    }

    #[test]
    fn refuses() {
        check(
            "HRANDFIELD h x -> -ERR value is not an integer or out of range; HRANDFIELD h 1 FOO -> -ERR syntax error; HRANDFIELD h 1 WITHVALUES x -> -ERR syntax error",
        );
        check(
            "HRANDFIELD h -9223372036854770000 WITHVALUES -> -ERR value is out of range; HRANDFIELD h -9223372036854775808 -> -ERR value is out of range; SET s v; HRANDFIELD s -> -WRONGTYPE",
        );
    }

    #[test]
    fn different_ones() {
        for (fields, limit) in [(100, "512"), (100, "10")] {
            let mut node = node(&[("hash-max-listpack-entries", limit)]);
            (0..fields).for_each(|i| node.converse(&format!("HSET h f{i} {i}")));
            for count in [1usize, 10, 32, 33, 70, 99, 100, 200] {
                let Value::Array(drawn) = node.ask_line(&format!("HRANDFIELD h {count}")) else { panic!("no array") };
                let different: BTreeSet<String> = drawn.iter().map(|value| format!("{value:?}")).collect();
                assert_eq!((drawn.len(), different.len()), (count.min(fields), count.min(fields)));
            }
        }
    }

    #[test]
    fn removes_what_is_past_its_time() {
        for limit in ["512", "0"] {
            let mut node = node(&[("hash-max-listpack-entries", limit)]);
            node.converse("DEBUG SET-ACTIVE-EXPIRE 0; HSET h a 1 b 2 c 3; HPEXPIRE h 5 FIELDS 2 a b; ~5ms; HLEN h -> :3; HRANDFIELD h 3 -> [c]; HLEN h -> :1");
            node.converse("HPEXPIRE h 5 FIELDS 1 c; ~5ms; HRANDFIELD h -> nil; EXISTS h -> :0");
            let mut last = node.log.lines().split_off(2);
            last.sort();
            assert_eq!(last, ["HDEL h a", "HDEL h b", "HDEL h c", "HPEXPIREAT h 1767225600010 FIELDS 1 c"]);
        }
    }
}
