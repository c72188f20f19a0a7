//! LPOP, RPOP key [count]
//!
//! Takes elements from an end of a list; the key goes with the last one. With a count the answer is an array even for
//! one element, and a count of 0 at a list is an empty array: clients tell "no list" from "took nothing" by this.

use super::ends::{TAKE, pop_name, take};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec};
use types::List;
use types::list::Side;

const POP: Command = Command {
    group: Group::List,
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, TAKE)],
    complexity: "O(N), N = elements taken",
    history: &[("6.2.0", "Takes a count.")],
    docs: &[Arg::key("key", 0), Arg::new("count", ArgKind::Integer).since("6.2.0").optional()],
    ..Command::BASE
};

pub static LPOP: Command = Command {
    name: "LPOP",
    summary: "Takes the first elements of a list.",
    run: |ctx, args| pop(ctx, args, Side::Front),
    ..POP
};

pub static RPOP: Command = Command {
    name: "RPOP",
    summary: "Takes the last elements of a list.",
    run: |ctx, args| pop(ctx, args, Side::Back),
    ..POP
};

fn pop(ctx: &mut Ctx, args: &Args, side: Side) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::wrong_arity(pop_name(side).1));
    }
    let key = args.key(1);
    let Some(count) = args.opt_count(2)? else { return pop_one(ctx, args, side) };
    match ctx.db.read_before_write::<List>(key)?.map(|list| list.len()) {
        None => ctx.reply.null_array(),
        Some(_) if count == 0 => ctx.reply.array(0),
        Some(len) => take(ctx, key, side, count.min(len), true)?,
    }
    Ok(())
}

/// The common case: the list is looked up once.
fn pop_one(ctx: &mut Ctx, args: &Args, side: Side) -> Result<(), Error> {
    let (key, limit) = (args.key(1), super::options::limit(ctx));
    let Some(mut list) = ctx.db.write::<List>(key)? else {
        ctx.reply.null();
        return Ok(());
    };
    if let Some(item) = list.end(side) {
        super::ends::say(ctx.reply, item);
    }
    list.pop(side, 1);
    list.shrunk(limit);
    let empty = list.is_empty();
    drop(list);
    ctx.db.event(exec::notify::LIST, pop_name(side).1, key.bytes);
    if empty {
        ctx.db.drop_if_empty(key);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn takes_from_either_end() {
        check("RPUSH l a b c d e f; LPOP l -> a; RPOP l -> f; LPOP l 2 -> [b c]; RPOP l 9 -> [e d]; EXISTS l -> :0");
        check("RPUSH l 1 -2 x; LPOP l -> 1; LPOP l -> \"-2\"; LPOP l 1 -> [x]; TYPE l -> +none");
    }

    #[test]
    fn no_list_and_nothing_taken() {
        check(
            "LPOP l -> nil; LPOP l 0 -> nil[]; RPOP l 1 -> nil[]; RPUSH l a; LPOP l 0 -> []; RPOP l 0 -> []; LLEN l -> :1",
        );
        check("HELLO 3 -> *; LPOP l -> nil; LPOP l 1 -> nil; RPUSH l a; RPOP l 0 -> []");
    }

    #[test]
    fn refuses() {
        check(
            "SET s x; LPOP s -> -WRONGTYPE; RPOP s 1 -> -WRONGTYPE; LPOP s x -> -ERR value is out of range, must be positive; LPOP none -1 -> -ERR value is out of range, must be positive; RPOP k 1 1 -> -ERR wrong number of arguments for 'rpop' command; LPOP k x 1 -> -ERR wrong number of arguments for 'lpop' command",
        );
    }

    #[test]
    fn what_others_see() {
        let mut node = node(&[("notify-keyspace-events", "KEA")]);
        node.converse("RPUSH l a b c; c2> PSUBSCRIBE __keyevent@0__:*; LPOP l 0; LPOP none 1; LPOP l; RPOP l 5");
        for event in ["lpop", "rpop", "del"] {
            node.converse(&format!("c2> <- [pmessage * __keyevent@0__:{event} l]"));
        }
        node.converse("c2> <- silence");
        assert_eq!(node.node.dirty.load(Relaxed), 6);
        assert_eq!(node.log.lines(), ["RPUSH l a b c", "LPOP l", "RPOP l 5"]);
    }
}
