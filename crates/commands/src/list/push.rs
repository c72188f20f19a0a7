//! LPUSH, RPUSH, LPUSHX, RPUSHX key element [element …]
//!
//! Elements are added one after the other, so the last one named stands first after LPUSH. The X forms add to a list
//! that exists and make none. The answer is the length.

use super::ends::{ADD, push_event};
use super::options::limit;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::List;
use types::list::Side;

const PUSH: Command = Command {
    group: Group::List,
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::at(1, ADD)],
    complexity: "O(N), N = elements added",
    docs: &[Arg::key("key", 0), Arg::new("element", ArgKind::String).multiple()],
    ..Command::BASE
};

pub static LPUSH: Command = Command {
    name: "LPUSH",
    summary: "Adds elements at the head of a list, making the list if there is none.",
    history: &[("2.4.0", "Takes several elements.")],
    run: |ctx, args| push(ctx, args, Side::Front),
    ..PUSH
};

pub static RPUSH: Command = Command {
    name: "RPUSH",
    summary: "Adds elements at the tail of a list, making the list if there is none.",
    history: &[("2.4.0", "Takes several elements.")],
    run: |ctx, args| push(ctx, args, Side::Back),
    ..PUSH
};

pub static LPUSHX: Command = Command {
    name: "LPUSHX",
    since: "2.2.0",
    summary: "Adds elements at the head of a list that exists.",
    history: &[("4.0.0", "Takes several elements.")],
    run: |ctx, args| push_existing(ctx, args, Side::Front),
    ..PUSH
};

pub static RPUSHX: Command = Command {
    name: "RPUSHX",
    since: "2.2.0",
    summary: "Adds elements at the tail of a list that exists.",
    history: &[("4.0.0", "Takes several elements.")],
    run: |ctx, args| push_existing(ctx, args, Side::Back),
    ..PUSH
};

fn push(ctx: &mut Ctx, args: &Args, side: Side) -> Result<(), Error> {
    let limit = limit(ctx);
    let key = args.key(1);
    let mut list = if let Some(list) = ctx.db.write::<List>(key)? { list } else { ctx.db.make(key, List::new()) };
    let len = add(&mut list, args, side, limit);
    drop(list);
    pushed(ctx, args, side, len);
    Ok(())
}

fn push_existing(ctx: &mut Ctx, args: &Args, side: Side) -> Result<(), Error> {
    let limit = limit(ctx);
    let Some(mut list) = ctx.db.write::<List>(args.key(1))? else {
        ctx.reply.int(0);
        return Ok(());
    };
    let len = add(&mut list, args, side, limit);
    drop(list);
    pushed(ctx, args, side, len);
    Ok(())
}

#[inline]
fn add(list: &mut List, args: &Args, side: Side, limit: types::list::Limit) -> usize {
    let elements = args.iter_from(2);
    list.make_room(limit, elements.map(<[u8]>::len).sum(), args.len() - 2);
    args.iter_from(2).for_each(|element| list.push_at(side, element));
    list.len()
}

#[inline]
fn pushed(ctx: &mut Ctx, args: &Args, side: Side, len: usize) {
    ctx.reply.int(len as i64);
    ctx.db.event(notify::LIST, push_event(side), args.get(1));
    ctx.dirty(args.len() as u64 - 3);
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn adds_at_either_end() {
        check(
            "LPUSH l a b -> :2; RPUSH l c -5 -> :4; LPUSH l 12 -> :5; LRANGE l 0 -1 -> [12 b a c \"-5\"]; TYPE l -> +list; OBJECT ENCODING l -> listpack",
        );
        check(
            "LPUSHX l a -> :0; RPUSHX l a -> :0; EXISTS l -> :0; RPUSH l a -> :1; LPUSHX l b c -> :3; RPUSHX l d -> :4; LRANGE l 0 -1 -> [c b a d]",
        );
    }

    #[test]
    fn refuses() {
        for name in ["LPUSH", "RPUSH", "LPUSHX", "RPUSHX"] {
            check(&format!(
                "SET s x; {name} s a -> -WRONGTYPE; {name} s -> -ERR wrong number of arguments for '{}' command",
                name.to_lowercase()
            ));
        }
    }

    #[test]
    fn counts_elements() {
        let mut node = node(&[("notify-keyspace-events", "KEAn")]);
        node.converse("c2> PSUBSCRIBE __keyevent@0__:*; RPUSH l a b c; LPUSHX none a");
        node.converse(
            "c2> <- [pmessage * __keyevent@0__:new l]; c2> <- [pmessage * __keyevent@0__:rpush l]; c2> <- silence",
        );
        assert_eq!(node.node.dirty.load(Relaxed), 3);
        assert_eq!(node.log.lines(), ["RPUSH l a b c"]);
    }
}
