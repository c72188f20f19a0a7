//! LINSERT key BEFORE | AFTER pivot element
//!
//! Beside the first element that equals the pivot. -1 is the answer when there is none, 0 when there is no list.

use super::ends::ADD;
use super::options::limit;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::List;
use types::list::Element;

pub static LINSERT: Command = Command {
    name: "LINSERT",
    group: Group::List,
    since: "2.2.0",
    arity: Arity::Exactly(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, ADD)],
    complexity: "O(N), N = elements before the pivot",
    summary: "Adds an element before or after another.",
    docs: &[
        Arg::key("key", 0),
        Arg::one_of("where", &[Arg::token("before", "BEFORE"), Arg::token("after", "AFTER")]),
        Arg::new("pivot", ArgKind::String),
        Arg::new("element", ArgKind::String),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let after = if args.is(2, "AFTER") {
        1
    } else if args.is(2, "BEFORE") {
        0
    } else {
        return Err(Error::Syntax);
    };
    let (key, limit) = (args.key(1), limit(ctx));
    let Some(mut list) = ctx.db.write::<List>(key)? else {
        ctx.reply.int(0);
        return Ok(());
    };
    let pivot = Element::new(args.get(3));
    let Some(place) = list.iter().position(|item| pivot.is(item)) else {
        ctx.reply.int(-1);
        return Ok(());
    };
    let element = args.get(4);
    list.make_room(limit, element.len(), 1);
    list.insert(place + after, element);
    ctx.reply.int(list.len() as i64);
    drop(list);
    ctx.db.event(notify::LIST, "linsert", key.bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn beside_the_first_that_equals() {
        check(
            "RPUSH l a b b 12; LINSERT l BEFORE b x -> :5; LINSERT l after b y -> :6; LINSERT l AFTER 12 z -> :7; LINSERT l BEFORE a 7 -> :8; LRANGE l 0 -1 -> [7 a x b y b 12 z]",
        );
    }

    #[test]
    fn refuses() {
        let mut node = node(&[]);
        node.converse("LINSERT none BEFORE a b -> :0; LINSERT none beside a b -> -ERR syntax error; RPUSH l a; LINSERT l AFTER x b -> :-1; SET s x; LINSERT s AFTER x b -> -WRONGTYPE");
        assert_eq!(node.log.lines(), ["RPUSH l a", "SET s x"]);
    }
}
