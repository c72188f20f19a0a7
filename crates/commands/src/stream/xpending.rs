//! XPENDING key group [[IDLE min-idle] start end count [consumer]]
//!
//! What was delivered in a group and not acknowledged: a summary, or entries one by one with their consumer, the
//! milliseconds since their last delivery, and how often they were delivered.

use super::groups::{self, idle, no_key_or_group};
use super::{ids, say};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::Stream;
use types::stream::{self, Id, Pending};

pub static XPENDING: Command = Command {
    name: "XPENDING",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = entries returned, or those looked at with IDLE; the summary O(consumers)",
    summary: "Tells what was delivered in a group and not acknowledged.",
    history: &[("6.2.0", "IDLE, and exclusive ends.")],
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::block(
            "filters",
            &[
                Arg::new("min-idle-time", ArgKind::Integer).after("IDLE").since("6.2.0").optional(),
                Arg::new("start", ArgKind::String),
                Arg::new("end", ArgKind::String),
                Arg::new("count", ArgKind::Integer),
                Arg::new("consumer", ArgKind::String).optional(),
            ],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

/// Which entries are asked for.
struct Wanted<'a> {
    idle_min: i64,
    from: Id,
    to: Id,
    count: usize,
    consumer: Option<&'a [u8]>,
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let wanted = if args.len() == 3 { None } else { Some(parse(args)?) };
    let (key, name, now_ms) = (args.key(1), args.get(2), ctx.now().0);
    let Some(stream) = ctx.db.read::<Stream>(key)? else { return Err(no_key_or_group(key.bytes, name)) };
    let Some(group) = stream.group(name) else { return Err(no_key_or_group(key.bytes, name)) };
    match wanted {
        None => summary(ctx.reply, group),
        Some(wanted) => list(ctx.reply, group, &wanted, now_ms),
    }
    Ok(())
}

fn parse<'a>(args: &Args<'a>) -> Result<Wanted<'a>, Error> {
    if args.len() < 6 || args.len() > 9 {
        return Err(Error::Syntax);
    }
    let (mut at, mut idle_min) = (3, 0);
    if args.is(3, "IDLE") {
        idle_min = args.int(4)?;
        if args.len() < 8 {
            return Err(Error::Syntax);
        }
        at = 5;
    }
    let count = usize::try_from(args.int(at + 2)?.max(0)).unwrap_or(usize::MAX);
    let (from, to) = (ids::start(args.get(at))?, ids::end(args.get(at + 1))?);
    Ok(Wanted { idle_min, from, to, count, consumer: args.opt(at + 3) })
}

fn summary(reply: &mut proto::Reply, group: &stream::Group) {
    let pending = group.pending();
    reply.array(4);
    reply.int(pending.len() as i64);
    let (Some(first), Some(last)) = (pending.first(), pending.last()) else {
        reply.null();
        reply.null();
        reply.null_array();
        return;
    };
    say::id(reply, first.id);
    say::id(reply, last.id);
    let later = reply.array_later();
    let mut count = 0;
    for consumer in group.consumers().filter(|consumer| !consumer.pending().is_empty()) {
        reply.array(2);
        reply.bulk(&consumer.name);
        reply.bulk_int(consumer.pending().len() as i64);
        count += 1;
    }
    reply.array_finish(later, count);
}

fn list(reply: &mut proto::Reply, group: &stream::Group, wanted: &Wanted, now_ms: i64) {
    let consumer = match wanted.consumer.map(|name| group.find_consumer(name)) {
        Some(None) => return reply.array(0),
        Some(Some(no)) => Some(group.consumer(no)),
        None => None,
    };
    let later = reply.array_later();
    let mut count = 0;
    let mut say = |it: &Pending| {
        let idle = groups::idle(now_ms, it.delivered_ms);
        if idle < wanted.idle_min {
            return;
        }
        reply.array(4);
        say::id(reply, it.id);
        reply.bulk(&group.consumer(it.consumer).name);
        reply.int(idle);
        reply.int(i64::from(it.count));
        count += 1;
    };
    let old_enough = |it: &&Pending| idle(now_ms, it.delivered_ms) >= wanted.idle_min;
    match consumer {
        None => {
            let all = group.pending().from(wanted.from).take_while(|it| it.id <= wanted.to);
            all.filter(old_enough).take(wanted.count).for_each(&mut say);
        }
        Some(consumer) => {
            let ids = consumer.pending().from(wanted.from).take_while(|&&id| id <= wanted.to);
            let all = ids.filter_map(|&id| group.pending().get(id));
            all.filter(old_enough).take(wanted.count).for_each(&mut say);
        }
    }
    reply.array_finish(later, count);
}

#[cfg(test)]
mod tests {
    use crate::check;

    const SOME: &str = "XADD s 1 a 1; XADD s 2 a 2; XADD s 3 a 3; XGROUP CREATE s g 0; XREADGROUP GROUP g y COUNT 2 STREAMS s >; ~5ms; XREADGROUP GROUP g x STREAMS s >; ~2ms";

    #[test]
    fn summary() {
        check(&format!(
            "{SOME}; XPENDING s g -> [:3 1-0 3-0 [[x 1] [y 2]]]; XGROUP CREATE s h 0; XPENDING s h -> [:0 nil nil nil[]]"
        ));
    }

    #[test]
    fn one_by_one() {
        check(&format!(
            "{SOME}; XPENDING s g - + 10 -> [[1-0 y :7 :1] [2-0 y :7 :1] [3-0 x :2 :1]]; XPENDING s g (1 3 1 -> [[2-0 y :7 :1]]; XPENDING s g - (3-0 9 y -> [[1-0 y :7 :1] [2-0 y :7 :1]]"
        ));
        check(&format!(
            "{SOME}; XPENDING s g IDLE 3 - + 10 -> [[1-0 y :7 :1] [2-0 y :7 :1]]; XPENDING s g idle 3 - + 10 x -> []; XPENDING s g - + 10 nobody -> []; XPENDING s g - + 0 -> []; XPENDING s g - + -5 -> []; XPENDING s g IDLE -1 - + 1 x -> [[3-0 x :2 :1]]"
        ));
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XPENDING s none", "NOGROUP No such key 's' or consumer group 'none'"),
            ("XPENDING none g", "NOGROUP No such key 'none' or consumer group 'g'"),
            ("XPENDING s g -", "ERR syntax error"),
            ("XPENDING s g - +", "ERR syntax error"),
            ("XPENDING s g - + x", "ERR value is not an integer or out of range"),
            ("XPENDING s g IDLE 1", "ERR syntax error"),
            ("XPENDING s g IDLE 1 - +", "ERR syntax error"),
            ("XPENDING s g IDLE x - + 10", "ERR value is not an integer or out of range"),
            ("XPENDING s g x + 10", "ERR Invalid stream ID specified as stream command argument"),
            ("XPENDING k g", "WRONGTYPE"),
        ] {
            check(&format!("SET k v; XGROUP CREATE s g $ MKSTREAM; {words} -> -{error}"));
        }
    }
}
