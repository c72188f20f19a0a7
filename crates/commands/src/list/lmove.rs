//! LMOVE source destination LEFT | RIGHT LEFT | RIGHT, RPOPLPUSH source destination
//!
//! Takes an element from an end of one list and adds it at an end of another, or of the same. It is one change,
//! whatever number of keys it touches.

use super::ends::{ADD, TAKE, WHERE, pop_name, push_event, say, side};
use super::options::limit;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeySpec, notify};
use types::List;
use types::list::Side;

pub static LMOVE: Command = Command {
    name: "LMOVE",
    group: Group::List,
    since: "6.2.0",
    arity: Arity::Exactly(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, TAKE), KeySpec::at(2, ADD)],
    summary: "Moves an element from an end of a list to an end of another.",
    docs: &[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::one_of("wherefrom", WHERE),
        Arg::one_of("whereto", WHERE),
    ],
    run: |ctx, args| {
        let (from, to) = (side(args, 3)?, side(args, 4)?);
        move_or_null(ctx, args, from, to)
    },
    ..Command::BASE
};

pub static RPOPLPUSH: Command = Command {
    name: "RPOPLPUSH",
    group: Group::List,
    since: "1.2.0",
    arity: Arity::Exactly(3),
    flags: LMOVE.flags,
    categories: Categories::LIST,
    keys: LMOVE.keys,
    summary: "Moves the last element of a list to the head of another.",
    deprecated: Some(("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")),
    docs: &[Arg::key("source", 0), Arg::key("destination", 1)],
    run: |ctx, args| move_or_null(ctx, args, Side::Back, Side::Front),
    ..Command::BASE
};

fn move_or_null(ctx: &mut Ctx, args: &Args, from: Side, to: Side) -> Result<(), Error> {
    if !move_one(ctx, args.key(1), args.key(2), from, to)? {
        ctx.reply.null();
    }
    Ok(())
}

/// Moves an element and answers with it; false when there is no source.
pub(super) fn move_one(ctx: &mut Ctx, source: Key, target: Key, from: Side, to: Side) -> Result<bool, Error> {
    let limit = limit(ctx);
    let Some(list) = ctx.db.read_before_write::<List>(source)? else { return Ok(false) };
    let Some(item) = list.end(from) else { return Ok(false) };
    say(ctx.reply, item);
    let element = item.to_vec();
    if source.bytes == target.bytes {
        if let Some(mut list) = ctx.db.write::<List>(source)?
            && from != to
        {
            list.pop(from, 1);
            list.push_at(to, &element);
        }
        ctx.db.changed(source);
    } else {
        let mut list =
            if let Some(list) = ctx.db.write::<List>(target)? { list } else { ctx.db.make(target, List::new()) };
        list.make_room(limit, element.len(), 1);
        list.push_at(to, &element);
        drop(list);
        if let Some(mut list) = ctx.db.write::<List>(source)? {
            list.pop(from, 1);
            list.shrunk(limit);
        }
    }
    ctx.db.event(notify::LIST, push_event(to), target.bytes);
    ctx.db.event(notify::LIST, pop_name(from).1, source.bytes);
    ctx.db.drop_if_empty(source);
    ctx.dirty_in_all(1);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn moves() {
        for (from, to, left, target) in [
            ("LEFT", "LEFT", "b c", "a x y"),
            ("LEFT", "RIGHT", "b c", "x y a"),
            ("RIGHT", "LEFT", "a b", "c x y"),
            ("right", "right", "a b", "x y c"),
        ] {
            check(&format!(
                "RPUSH s a b c; RPUSH t x y; LMOVE s t {from} {to} -> *; LRANGE s 0 -1 -> [{left}]; LRANGE t 0 -1 -> [{target}]"
            ));
        }
        check(
            "RPUSH s a b; RPOPLPUSH s t -> b; RPOPLPUSH s t -> a; LRANGE t 0 -1 -> [a b]; EXISTS s -> :0; RPOPLPUSH s t -> nil; LMOVE s t LEFT LEFT -> nil; EXISTS t -> :1",
        );
    }

    #[test]
    fn around() {
        check(
            "RPUSH s a b c; RPOPLPUSH s s -> c; LRANGE s 0 -1 -> [c a b]; LMOVE s s LEFT RIGHT -> c; LMOVE s s LEFT LEFT -> a; LMOVE s s RIGHT RIGHT -> c; LRANGE s 0 -1 -> [a b c]; DEL s; RPUSH s a; RPOPLPUSH s s -> a; LLEN s -> :1",
        );
    }

    #[test]
    fn refuses() {
        check(
            "SET x 1; RPUSH l a; RPOPLPUSH x l -> -WRONGTYPE; RPOPLPUSH l x -> -WRONGTYPE; LRANGE l 0 -1 -> [a]; RPOPLPUSH none x -> nil; LMOVE l t LEFT UP -> -ERR syntax error; LMOVE l t a LEFT -> -ERR syntax error",
        );
    }

    #[test]
    fn what_others_see() {
        let mut node = node(&[("notify-keyspace-events", "KEAn")]);
        node.converse("RPUSH s a b; c2> PSUBSCRIBE __keyevent@0__:*; RPOPLPUSH s t; LMOVE s t LEFT RIGHT; RPOPLPUSH t t; RPOPLPUSH s t");
        for event in ["new t", "lpush t", "rpop s", "rpush t", "lpop s", "del s", "lpush t", "rpop t"] {
            node.converse(&format!("c2> <- [pmessage * __keyevent@0__:{event}]"));
        }
        node.converse("c2> <- silence");
        assert_eq!(node.log.lines(), ["RPUSH s a b", "RPOPLPUSH s t", "LMOVE s t LEFT RIGHT", "RPOPLPUSH t t"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 5, "a move is one change");
    }
}
