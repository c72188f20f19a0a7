//! TOUCH key [key …]
//!
//! Marks keys as used just now, even for a client that asked for CLIENT NO-TOUCH.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};

pub static TOUCH: Command = Command {
    name: "TOUCH",
    group: Group::Generic,
    since: "3.2.1",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::span(1, -1, 1, LOOK)],
    complexity: "O(N), N being the number of keys",
    summary: "Marks keys as used and counts those that are there.",
    tips: super::SPLIT_BY_KEY,
    docs: &[super::MANY_KEYS],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut count = 0;
    for i in 1..args.len() {
        count += i64::from(ctx.db.mark_used(args.key(i))?);
    }
    ctx.reply.int(count);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn touches() {
        check("SET a 1; ~5000ms; OBJECT IDLETIME a -> :5; TOUCH a b a -> :2; OBJECT IDLETIME a -> :0");
        check(
            "SET a 1; CLIENT NO-TOUCH ON; ~5000ms; GET a; OBJECT IDLETIME a -> :5; TOUCH a -> :1; OBJECT IDLETIME a -> :0",
        );
    }
}
