//! BLPOP, BRPOP key [key …] timeout
//!
//! From the first of the keys that holds a list, or the client waits for one. Who waited longest is served first. In a
//! transaction nobody waits. The log gets the LPOP or RPOP that it was.

use super::ends::{TAKE, is_list, pop_name, say, taken};
use super::options::limit;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeySpec};
use types::List;
use types::list::Side;

const BPOP: Command = Command {
    group: Group::List,
    since: "2.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[KeySpec::span(1, -2, 1, TAKE)],
    complexity: "O(N), N = keys",
    history: &[("6.0.0", "The timeout may have a fraction.")],
    docs: &[Arg::key("key", 0).multiple(), Arg::new("timeout", ArgKind::Double)],
    ..Command::BASE
};

pub static BLPOP: Command = Command {
    name: "BLPOP",
    summary: "Takes the first element of the first list that is there, or waits for one.",
    run: |ctx, args| pop(ctx, args, Side::Front),
    ..BPOP
};

pub static BRPOP: Command = Command {
    name: "BRPOP",
    summary: "Takes the last element of the first list that is there, or waits for one.",
    run: |ctx, args| pop(ctx, args, Side::Back),
    ..BPOP
};

fn pop(ctx: &mut Ctx, args: &Args, side: Side) -> Result<(), Error> {
    let last = args.len() - 1;
    let deadline = args.timeout(last, ctx.now())?;
    let limit = limit(ctx);
    for i in 1..last {
        let key = args.key(i);
        let Some(mut list) = ctx.db.write::<List>(key)? else { continue };
        ctx.reply.array(2);
        ctx.reply.bulk(key.bytes);
        if let Some(item) = list.end(side) {
            say(ctx.reply, item);
        }
        list.pop(side, 1);
        list.shrunk(limit);
        drop(list);
        taken(ctx, key, side, 1);
        ctx.replay_as(&[pop_name(side).0, key.bytes]);
        return Ok(());
    }
    if !ctx.may_wait() {
        ctx.reply.null_array();
        return Ok(());
    }
    let keys: Vec<Key> = (1..last).map(|i| args.key(i)).collect();
    Err(ctx.wait_for(&keys, is_list, deadline))
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn takes_what_is_there() {
        check(
            "RPUSH b 1 2 3; BLPOP a b 0 -> [b 1]; BRPOP a b 0 -> [b 3]; RPUSH a x; BLPOP a b 1.5 -> [a x]; BLPOP b b 0 -> [b 2]; EXISTS a b -> :0",
        );
    }

    #[test]
    fn waits() {
        check("BLPOP a b b a 0 -> parked; c2> RPUSH b x y -> :2; <- [b x]; c2> LRANGE b 0 -1 -> [y]");
        check(
            "BRPOP a 0 -> parked; c2> BLPOP a 0 -> parked; c3> RPUSH a 1 2 3 -> :3; <- [a 3]; c2> <- [a 1]; c3> LRANGE a 0 -1 -> [2]",
        );
        check(
            "BLPOP a 0 -> parked; c2> MULTI; c2> LPUSH a x; c2> DEL a; c2> EXEC -> [:1 :1]; <- silence; c2> SET a s; c2> DEL a; <- silence; c2> LPUSH a y; <- [a y]",
        );
        check("BLPOP a 0 -> parked; c2> RPUSH b x; c2> RENAME b a -> +OK; <- [a x]; c2> EXISTS a b -> :0");
        check("BLPOP a 0 -> parked; c2> SELECT 1; c2> RPUSH a x; <- silence; c2> SWAPDB 0 1 -> +OK; <- [a x]");
    }

    #[test]
    fn waits_no_longer() {
        check("BLPOP a 0.1 -> parked; ~50ms; <- silence; ~51ms; <- nil[]; RPUSH a x -> :1; BLPOP a 1 -> [a x]");
        check(
            "CLIENT ID; BLPOP a 0 -> parked; c2> CLIENT UNBLOCK 1 -> :1; <- nil[]; BLPOP a 0 -> parked; c2> CLIENT UNBLOCK 1 ERROR; <- -UNBLOCKED",
        );
        check("MULTI; BLPOP a 0; RPUSH a x; BRPOP a 0; BRPOP a 0; EXEC -> [nil[] :1 [a x] nil[]]");
        check("HELLO 3 -> *; BLPOP a 0.01 -> parked; ~11ms; <- nil");
    }

    #[test]
    fn what_a_long_transaction_made_may_be_past_its_time() {
        let mut node = node(&[("enable-debug-command", "yes")]);
        node.node.active_expire.store(false, std::sync::atomic::Ordering::Relaxed);
        node.converse("BLPOP a 1 -> parked; c2> MULTI; c2> RPUSH a x; c2> PEXPIRE a 100; c2> DEBUG SLEEP 0.2; c2> EXEC -> *; <- silence");
        node.converse("c2> CLIENT LIST -> *; ~790ms; <- silence; ~11ms; <- nil[]; EXISTS a -> :0");
    }

    #[test]
    fn refuses() {
        check(
            "BLPOP a x -> -ERR timeout is not a float or out of range; BLPOP a -1 -> -ERR timeout is negative; SET s x; BLPOP a s 0 -> -WRONGTYPE; BRPOP s a 0 -> -WRONGTYPE; BLPOP a -> -ERR wrong number of arguments",
        );
    }

    #[test]
    fn the_log_sees_a_pop() {
        let mut node = node(&[("notify-keyspace-events", "KEA")]);
        node.converse("c3> PSUBSCRIBE __keyevent@0__:*; BLPOP a b 0 -> parked; c2> RPUSH b x; <- [b x]; c2> RPUSH a y z; BRPOP a 0");
        assert_eq!(node.log.lines(), ["RPUSH b x", "LPOP b", "RPUSH a y z", "RPOP a"]);
        for event in ["rpush b", "lpop b", "del b", "rpush a", "rpop a"] {
            node.converse(&format!("c3> <- [pmessage * __keyevent@0__:{event}]"));
        }
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 5);
    }
}
