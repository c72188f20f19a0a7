//! BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout, BRPOPLPUSH source destination timeout
//!
//! LMOVE that waits when there is no source. What it moves may serve the next who waits. The log gets an LMOVE, or an
//! RPOPLPUSH.

use super::ends::{WHERE, is_list, side};
use super::lmove::{LMOVE, move_one};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use kit::world::UnixMs;
use types::list::Side;

pub static BLMOVE: Command = Command {
    name: "BLMOVE",
    group: Group::List,
    since: "6.2.0",
    arity: Arity::Exactly(6),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: LMOVE.keys,
    summary: "Moves an element from an end of a list to an end of another, or waits for one.",
    docs: &[
        Arg::key("source", 0),
        Arg::key("destination", 1),
        Arg::one_of("wherefrom", WHERE),
        Arg::one_of("whereto", WHERE),
        Arg::new("timeout", ArgKind::Double),
    ],
    run: |ctx, args| {
        let (from, to) = (side(args, 3)?, side(args, 4)?);
        let deadline = args.timeout(5, ctx.now())?;
        if move_or_wait(ctx, args, from, to, deadline)? {
            ctx.replay_as(&[b"LMOVE", args.get(1), args.get(2), args.get(3), args.get(4)]);
        }
        Ok(())
    },
    ..Command::BASE
};

pub static BRPOPLPUSH: Command = Command {
    name: "BRPOPLPUSH",
    group: Group::List,
    since: "2.2.0",
    arity: Arity::Exactly(4),
    flags: BLMOVE.flags,
    categories: Categories::LIST,
    keys: LMOVE.keys,
    summary: "Moves the last element of a list to the head of another, or waits for one.",
    deprecated: Some(("6.2.0", "`BLMOVE` with the `RIGHT` and `LEFT` arguments")),
    history: &[("6.0.0", "The timeout may have a fraction.")],
    docs: &[Arg::key("source", 0), Arg::key("destination", 1), Arg::new("timeout", ArgKind::Double)],
    run: |ctx, args| {
        let deadline = args.timeout(3, ctx.now())?;
        if move_or_wait(ctx, args, Side::Back, Side::Front, deadline)? {
            ctx.replay_as(&[b"RPOPLPUSH", args.get(1), args.get(2)]);
        }
        Ok(())
    },
    ..Command::BASE
};

fn move_or_wait(ctx: &mut Ctx, args: &Args, from: Side, to: Side, deadline: Option<UnixMs>) -> Result<bool, Error> {
    let source = args.key(1);
    if move_one(ctx, source, args.key(2), from, to)? {
        return Ok(true);
    }
    if ctx.may_wait() {
        return Err(ctx.wait_for(&[source], is_list, deadline));
    }
    // Redis tells a transaction with the one null, and who waited in vain with the other.
    if ctx.nested {
        ctx.reply.null();
    } else {
        ctx.reply.null_array();
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn moves_or_waits() {
        check(
            "RPUSH s a b c; BLMOVE s t LEFT RIGHT 0 -> a; BRPOPLPUSH s t 0 -> c; LRANGE t 0 -1 -> [c a]; LRANGE s 0 -1 -> [b]",
        );
        check(
            "RPUSH t x; BLMOVE s t RIGHT RIGHT 0 -> parked; c2> RPUSH s a b; <- b; c2> LRANGE t 0 -1 -> [x b]; c2> LRANGE s 0 -1 -> [a]",
        );
        check("BLMOVE s t LEFT LEFT 0.05 -> parked; ~51ms; <- nil[]; BRPOPLPUSH s t 0.05 -> parked; ~51ms; <- nil[]");
        check("MULTI; BLMOVE s t LEFT LEFT 0; BRPOPLPUSH s t 0; EXEC -> [nil nil]");
        check("BRPOPLPUSH s s 0 -> parked; c2> RPUSH s a b; <- b; c2> LRANGE s 0 -1 -> [b a]");
    }

    #[test]
    fn one_move_serves_the_next() {
        check(
            "c1> BLMOVE a b RIGHT LEFT 0 -> parked; c2> BLMOVE b c LEFT RIGHT 0 -> parked; c3> BLPOP c 0 -> parked; c4> RPUSH a x -> :1; <- x; c2> <- x; c3> <- [c x]; c4> EXISTS a b c -> :0",
        );
        check(
            "BRPOPLPUSH a b 0 -> parked; c2> BRPOPLPUSH b a 0 -> parked; c3> RPUSH a x; <- x; c2> <- x; c3> LRANGE a 0 -1 -> [x]",
        );
    }

    #[test]
    fn a_target_of_another_type() {
        check(
            "SET t x; BRPOPLPUSH s t 0 -> parked; c2> BRPOPLPUSH s u 0 -> parked; c3> LPUSH s a; <- -WRONGTYPE; c2> <- a; c3> LRANGE u 0 -1 -> [a]",
        );
        check("SET t x; BRPOPLPUSH s t 0 -> parked; c2> RPUSH s a b c; <- -WRONGTYPE; c2> LRANGE s 0 -1 -> [a b c]");
    }

    #[test]
    fn refuses() {
        check(
            "BLMOVE s t LEFT UP 0 -> -ERR syntax error; BLMOVE s t LEFT UP x -> -ERR syntax error; BLMOVE s t LEFT LEFT x -> -ERR timeout is not a float or out of range; BRPOPLPUSH s t -1 -> -ERR timeout is negative; SET x 1; BRPOPLPUSH x t 0 -> -WRONGTYPE",
        );
    }

    #[test]
    fn the_log_sees_a_move() {
        let mut node = node(&[]);
        node.converse("BLMOVE a b left right 0 -> parked; c2> BRPOPLPUSH b a 0 -> parked; c3> RPUSH a x; c3> SET k v");
        assert_eq!(node.log.lines(), ["RPUSH a x", "LMOVE a b left right", "RPOPLPUSH b a", "SET k v"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 4);
    }
}
