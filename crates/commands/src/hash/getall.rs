//! HGETALL key, HKEYS key, HVALS key
//!
//! Fields past their time are left out, and stay until something looks for them or the sweep comes by.

use super::read::say;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use proto::Reply;
use types::Hash;
use types::hash::Pair;

pub static HGETALL: Command = Command {
    name: "HGETALL",
    summary: "Returns all fields and values of a hash.",
    run: |ctx, args| {
        all(ctx, args, true, |reply, pair| {
            say(reply, pair.field);
            say(reply, pair.value);
        })
    },
    ..ALL
};

pub static HKEYS: Command = Command {
    name: "HKEYS",
    summary: "Returns all fields of a hash.",
    run: |ctx, args| all(ctx, args, false, |reply, pair| say(reply, pair.field)),
    ..ALL
};

pub static HVALS: Command = Command {
    name: "HVALS",
    summary: "Returns all values of a hash.",
    run: |ctx, args| all(ctx, args, false, |reply, pair| say(reply, pair.value)),
    ..ALL
};

const ALL: Command = Command {
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::READONLY,
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = fields of the hash",
    tips: &["nondeterministic_output_order"],
    docs: &[Arg::key("key", 0)],
    ..Command::BASE
};

fn all(ctx: &mut Ctx, args: &Args, map: bool, tell: impl Fn(&mut Reply, &Pair<'_>)) -> Result<(), Error> {
    let now = ctx.db.fields_now();
    let hash = ctx.db.read::<Hash>(args.key(1))?;
    let reply = &mut *ctx.reply;
    let Some(hash) = hash else {
        if map {
            reply.map(0)
        } else {
            reply.array(0)
        }
        return Ok(());
    };
    if hash.timed_len() == 0 {
        if map {
            reply.map(hash.len())
        } else {
            reply.array(hash.len())
        }
        hash.iter().for_each(|pair| tell(reply, &pair));
        return Ok(());
    }
    let later = if map { reply.map_later() } else { reply.array_later() };
    let mut count = 0;
    for pair in hash.iter().filter(|pair| !pair.is_due(now)) {
        tell(reply, &pair);
        count += 1;
    }
    reply.array_finish(later, count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tell_all() {
        check("HGETALL h -> []; HKEYS h -> []; HVALS h -> []; HSET h a 1 b x -> :2");
        check(
            "HSET h a 1 b x; HGETALL h -> {a 1 b x}; HKEYS h -> {a b}; HVALS h -> {1 x}; HELLO 3 -> *; HGETALL h -> %[a 1 b x]; HKEYS h -> [a b]; HGETALL k -> %[]",
        );
        check("SET s v; HGETALL s -> -WRONGTYPE; HKEYS s -> -WRONGTYPE; HVALS s -> -WRONGTYPE");
    }
}
