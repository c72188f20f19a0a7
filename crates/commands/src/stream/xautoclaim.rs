//! XAUTOCLAIM key group consumer min-idle start [COUNT count] [JUSTID]
//!
//! Claims, as XCLAIM does, whatever is pending from an ID on and old enough; looks at ten times the count at most.
//! The reply: where to go on (`0-0` at the end), what was claimed, and what was pending though its entry is deleted,
//! which it is no more.

use super::groups::{idle, must_exist, no_key_or_group};
use super::replay::{self, Claimed};
use super::{ids, say};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use kit::text::parse_i64;
use types::Stream;
use types::stream::Id;

pub static XAUTOCLAIM: Command = Command {
    name: "XAUTOCLAIM",
    group: Group::Stream,
    since: "6.2.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(1) for a small count",
    summary: "Gives whatever has been pending in a group for long to another consumer.",
    history: &[("7.0.0", "Deleted entries are returned apart, and are pending no more.")],
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::new("consumer", ArgKind::String),
        Arg::new("min-idle-time", ArgKind::String),
        Arg::new("start", ArgKind::String),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
        Arg::token("justid", "JUSTID").optional(),
    ],
    run,
    ..Command::BASE
};

const COUNT_USUAL: usize = 100;
/// Records looked at for each that may be claimed.
const LOOKS: usize = 10;

struct Options {
    idle_min: i64,
    start: Id,
    count: usize,
    just_id: bool,
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = parse(args)?;
    let (key, group_name, consumer_name, now_ms) = (args.key(1), args.get(2), args.get(3), ctx.now().0);
    must_exist(ctx, key, group_name)?;
    let Some(mut stream) = ctx.db.write::<Stream>(key)? else { return Err(no_key_or_group(key.bytes, group_name)) };
    let reply = &mut *ctx.reply;
    let (mut claimed, mut gone) = (Vec::new(), Vec::new());
    let outcome = stream.unmarked().in_group(group_name, |entries, group| {
        let (consumer, made) = group.make_consumer(consumer_name, now_ms);
        group.seen(consumer, now_ms);
        let mut next = None;
        for (looked, it) in group.pending().from(options.start).enumerate() {
            if looked == options.count.saturating_mul(LOOKS) || claimed.len() + gone.len() == options.count {
                next = Some(it.id);
                break;
            }
            if !entries.contains(it.id) {
                gone.push(it.id);
            } else if idle(now_ms, it.delivered_ms) >= options.idle_min {
                let count = it.count.saturating_add(u32::from(!options.just_id));
                claimed.push(Claimed { id: it.id, delivered_ms: now_ms, count });
            }
        }
        for &id in &gone {
            group.acknowledge(id);
        }
        claimed.iter().for_each(|it| group.assign(it.id, consumer, it.delivered_ms, it.count));
        if !claimed.is_empty() {
            group.active(consumer, now_ms);
        }
        reply.array(3);
        say::id(reply, next.unwrap_or(Id::MIN));
        reply.array(claimed.len());
        for it in &claimed {
            match entries.get(it.id).filter(|_| !options.just_id) {
                Some(entry) => say::entry(reply, &entry),
                None => say::id(reply, it.id),
            }
        }
        reply.array(gone.len());
        gone.iter().for_each(|&id| say::id(reply, id));
        (made, group.last_id)
    });
    let Some((made, last_id)) = outcome else { return Err(no_key_or_group(key.bytes, group_name)) };
    if made || !claimed.is_empty() || !gone.is_empty() {
        stream.touch_quietly();
    }
    drop(stream);
    if made {
        ctx.db.event(notify::STREAM, "xgroup-createconsumer", key.bytes);
    }
    ctx.dirty(((claimed.len() + gone.len()) as u64).saturating_sub(1));
    if replay::wanted(ctx) {
        if made && claimed.is_empty() {
            replay::consumer(ctx, key, group_name, consumer_name);
        }
        replay::gone(ctx, key, group_name, &gone);
        replay::claimed(ctx, key, group_name, consumer_name, last_id, &claimed);
    }
    Ok(())
}

fn parse(args: &Args) -> Result<Options, Error> {
    let idle_min = parse_i64(args.get(4)).ok_or(Error::Static("ERR Invalid min-idle-time argument for XAUTOCLAIM"))?;
    let mut options = Options { idle_min, start: ids::start(args.get(5))?, count: COUNT_USUAL, just_id: false };
    let mut at = 6;
    while at < args.len() {
        if at + 1 < args.len() && args.is(at, "COUNT") {
            at += 1;
            let count = parse_i64(args.get(at)).filter(|count| (1..=i64::MAX / 16).contains(count));
            let count = count.and_then(|count| usize::try_from(count).ok());
            options.count = count.ok_or(Error::Static("ERR COUNT must be > 0"))?;
        } else if args.is(at, "JUSTID") {
            options.just_id = true;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    const SOME: &str =
        "XADD s 1 a 1; XADD s 2 b 2; XADD s 3 c 3; XGROUP CREATE s g 0; XREADGROUP GROUP g x STREAMS s >; ~10ms";

    #[test]
    fn goes_through_all_in_steps() {
        check(&format!(
            "{SOME}; XAUTOCLAIM s g y 10 - COUNT 2 -> [3-0 [[1-0 [a 1]] [2-0 [b 2]]] []]; XAUTOCLAIM s g y 10 3-0 COUNT 1 -> [0-0 [[3-0 [c 3]]] []]; XPENDING s g -> [:3 1-0 3-0 [[y 3]]]; XAUTOCLAIM s g x 1 0 -> [0-0 [] []]"
        ));
        check(&format!(
            "{SOME}; XAUTOCLAIM s g y 0 (1 JUSTID -> [0-0 [2-0 3-0] []]; XPENDING s g - + 9 -> [[1-0 x :10 :1] [2-0 y :0 :1] [3-0 y :0 :1]]; XAUTOCLAIM s g y 0 0; XPENDING s g - + 1 -> [[1-0 y :0 :2]]"
        ));
    }

    #[test]
    fn tells_of_deleted_ones() {
        check(&format!(
            "{SOME}; XDEL s 1 2; XAUTOCLAIM s g y 0 0 COUNT 1 -> [2-0 [] [1-0]]; XAUTOCLAIM s g y 0 2-0 COUNT 1 -> [3-0 [] [2-0]]; XAUTOCLAIM s g y 0 3-0 COUNT 1 -> [0-0 [[3-0 [c 3]]] []]; XPENDING s g -> [:1 3-0 3-0 [[y 1]]]"
        ));
    }

    #[test]
    fn looks_at_no_more_than_ten_times_as_many() {
        let mut node = node(&[]);
        node.converse("XGROUP CREATE s g $ MKSTREAM");
        (0..25).for_each(|_| node.converse("XADD s * a b"));
        node.converse("XREADGROUP GROUP g x STREAMS s >; XAUTOCLAIM s g y 5 0 COUNT 2 -> [1767225600000-20 [] []]");
    }

    #[test]
    fn the_log_gets_claims() {
        let mut node = node(&[]);
        node.converse(&format!("{SOME}; XDEL s 2; XAUTOCLAIM s g y 0 0; XAUTOCLAIM s g y 99 0; XAUTOCLAIM s g z 99 0"));
        let lines = [
            "XACK s g 2-0",
            "XCLAIM s g y 0 1-0 TIME 1767225600010 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0",
            "XCLAIM s g y 0 3-0 TIME 1767225600010 RETRYCOUNT 2 FORCE JUSTID LASTID 3-0",
            "XGROUP CREATECONSUMER s g z",
        ];
        assert_eq!(node.log.lines()[9..], lines);
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XAUTOCLAIM none g c 0 0", "NOGROUP No such key 'none' or consumer group 'g'"),
            ("XAUTOCLAIM s none c 0 0", "NOGROUP No such key 's' or consumer group 'none'"),
            ("XAUTOCLAIM s g c x 0", "ERR Invalid min-idle-time argument for XAUTOCLAIM"),
            ("XAUTOCLAIM s g c 0 x", "ERR Invalid stream ID specified as stream command argument"),
            ("XAUTOCLAIM none g c 0 0 COUNT 0", "ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g c 0 0 COUNT 8070450532247928833", "ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g c 0 0 COUNT", "ERR syntax error"),
            ("XAUTOCLAIM k g c 0 0", "WRONGTYPE"),
        ] {
            check(&format!("SET k v; XGROUP CREATE s g $ MKSTREAM; {words} -> -{error}"));
        }
    }
}
