//! HMGET key field [field …]

use super::read::say_or_null;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::Hash;

pub static HMGET: Command = Command {
    name: "HMGET",
    group: Group::Hash,
    since: "2.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, READ)],
    element: 2,
    complexity: "O(N), N = fields asked for",
    summary: "Returns the values of several fields of a hash.",
    docs: &[Arg::key("key", 0), Arg::new("field", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, now) = (args.key(1), ctx.db.fields_now());
    let hash = ctx.db.read::<Hash>(key)?;
    let mut stale = Vec::new();
    ctx.reply.array(args.len() - 2);
    for field in args.iter_from(2) {
        let pair = hash.as_ref().and_then(|hash| hash.get(field));
        if pair.is_some_and(|pair| pair.is_due(now)) {
            stale.push(field);
            ctx.reply.null();
        } else {
            say_or_null(ctx.reply, pair.map(|pair| pair.value));
        }
    }
    stale.into_iter().for_each(|field| ctx.db.note_stale_field(key, field));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reads() {
        check(
            "HMGET h a b -> [nil nil]; HSET h a 1 b x -> :2; HMGET h b c a b -> [x nil 1 x]; SET s v; HMGET s a -> -WRONGTYPE",
        );
        check("HMGET h -> -ERR wrong number of arguments for 'hmget' command");
    }
}
