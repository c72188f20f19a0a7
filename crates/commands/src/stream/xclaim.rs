//! XCLAIM key group consumer min-idle id [id …] [IDLE ms] [TIME unix-ms] [RETRYCOUNT count] [FORCE] [JUSTID]
//! [LASTID id]
//!
//! Gives what is pending for others to a consumer, if nobody has got it for so long. FORCE makes entries pending that
//! are not. Entries that were deleted meanwhile are pending no more. The log gets each claim with its time and count,
//! in the form that reproduces it.

use super::groups::{idle, must_exist, no_key_or_group};
use super::replay::{self, Claimed};
use super::{ids, say};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use kit::text::parse_i64;
use types::Stream;
use types::stream::Id;

pub static XCLAIM: Command = Command {
    name: "XCLAIM",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(log N) for each entry, N = entries pending in the group",
    summary: "Gives entries that are pending in a group to another consumer.",
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::new("group", ArgKind::String),
        Arg::new("consumer", ArgKind::String),
        Arg::new("min-idle-time", ArgKind::String),
        Arg::new("id", ArgKind::String).multiple(),
        Arg::new("ms", ArgKind::Integer).after("IDLE").optional(),
        Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("TIME").optional(),
        Arg::new("count", ArgKind::Integer).after("RETRYCOUNT").optional(),
        Arg::token("force", "FORCE").optional(),
        Arg::token("justid", "JUSTID").optional(),
        Arg::new("lastid", ArgKind::String).after("LASTID").optional(),
    ],
    run,
    ..Command::BASE
};

struct Options {
    idle_min: i64,
    /// The first word behind the IDs.
    end: usize,
    delivered_ms: i64,
    count: Option<u32>,
    force: bool,
    just_id: bool,
    last_id: Option<Id>,
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, group_name, consumer_name) = (args.key(1), args.get(2), args.get(3));
    must_exist(ctx, key, group_name)?;
    let now_ms = ctx.now().0;
    let options = parse(args, now_ms)?;
    let Some(mut stream) = ctx.db.write::<Stream>(key)? else { return Err(no_key_or_group(key.bytes, group_name)) };
    let reply = &mut *ctx.reply;
    let (mut claimed, mut gone) = (Vec::new(), Vec::new());
    let outcome = stream.unmarked().in_group(group_name, |entries, group| {
        let last_id = options.last_id.filter(|&id| id > group.last_id);
        group.last_id = last_id.unwrap_or(group.last_id);
        let (consumer, made) = group.make_consumer(consumer_name, now_ms);
        group.seen(consumer, now_ms);
        let later = reply.array_later();
        for word in (5..options.end).map(|i| args.get(i)) {
            let Ok(id) = ids::id(word) else { continue };
            let pending = group.pending().get(id).copied();
            let Some(entry) = entries.get(id) else {
                if group.acknowledge(id) {
                    gone.push(id);
                }
                continue;
            };
            match pending {
                Some(pending) if idle(now_ms, pending.delivered_ms) < options.idle_min => continue,
                None if !options.force => continue,
                Some(_) | None => {}
            }
            // What was not pending counts as delivered once before.
            let before = pending.map_or(1, |pending| pending.count);
            let count = options.count.unwrap_or(before.saturating_add(u32::from(!options.just_id)));
            group.assign(id, consumer, options.delivered_ms, count);
            claimed.push(Claimed { id, delivered_ms: options.delivered_ms, count });
            if options.just_id {
                say::id(reply, id);
            } else {
                say::entry(reply, &entry);
            }
        }
        reply.array_finish(later, claimed.len());
        if !claimed.is_empty() {
            group.active(consumer, now_ms);
        }
        (made, last_id.is_some(), group.last_id, group.entries_read)
    });
    let Some((made, moved, last_id, entries_read)) = outcome else {
        return Err(no_key_or_group(key.bytes, group_name));
    };
    if made || moved || !claimed.is_empty() || !gone.is_empty() {
        stream.touch_quietly();
    }
    drop(stream);
    if made {
        ctx.db.event(notify::STREAM, "xgroup-createconsumer", key.bytes);
    }
    ctx.dirty((claimed.len() as u64).saturating_sub(1));
    if replay::wanted(ctx) {
        if made && claimed.is_empty() {
            replay::consumer(ctx, key, group_name, consumer_name);
        }
        replay::gone(ctx, key, group_name, &gone);
        replay::claimed(ctx, key, group_name, consumer_name, last_id, &claimed);
        if moved && claimed.is_empty() {
            replay::group(ctx, key, group_name, last_id, entries_read);
        }
    }
    Ok(())
}

fn parse(args: &Args, now_ms: i64) -> Result<Options, Error> {
    let idle_min = parse_i64(args.get(4)).ok_or(Error::Static("ERR Invalid min-idle-time argument for XCLAIM"))?;
    let end = (5..args.len()).find(|&i| ids::id(args.get(i)).is_err()).unwrap_or(args.len());
    let mut options =
        Options { idle_min, end, delivered_ms: now_ms, count: None, force: false, just_id: false, last_id: None };
    let mut delivered_ms = None;
    let mut at = end;
    while at < args.len() {
        let has_more = at + 1 < args.len();
        let number = |error| parse_i64(args.get(at + 1)).ok_or(Error::Static(error));
        if args.is(at, "FORCE") {
            options.force = true;
        } else if args.is(at, "JUSTID") {
            options.just_id = true;
        } else if has_more && args.is(at, "IDLE") {
            let ms = number("ERR Invalid IDLE option argument for XCLAIM")?;
            delivered_ms = Some(now_ms.saturating_sub(ms));
            at += 1;
        } else if has_more && args.is(at, "TIME") {
            delivered_ms = Some(number("ERR Invalid TIME option argument for XCLAIM")?);
            at += 1;
        } else if has_more && args.is(at, "RETRYCOUNT") {
            let count = number("ERR Invalid RETRYCOUNT option argument for XCLAIM")?;
            options.count = u64::try_from(count).ok().map(|count| u32::try_from(count).unwrap_or(u32::MAX));
            at += 1;
        } else if has_more && args.is(at, "LASTID") {
            options.last_id = Some(ids::id(args.get(at + 1))?);
            at += 1;
        } else {
            return Err(Error::text(format!("ERR Unrecognized XCLAIM option '{}'", say::shown(args.get(at)))));
        }
        at += 1;
    }
    // Nothing was delivered in the future.
    options.delivered_ms = delivered_ms.filter(|ms| (0..=now_ms).contains(ms)).unwrap_or(now_ms);
    Ok(options)
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    const SOME: &str = "XADD s 1 a 1; XADD s 2 b 2; XADD s 3 c 3; XGROUP CREATE s g 0; XREADGROUP GROUP g x COUNT 2 STREAMS s >; ~10ms";

    #[test]
    fn claims_what_is_old_enough() {
        check(&format!(
            "{SOME}; XCLAIM s g y 11 1 -> []; XCLAIM s g y 10 1 3 -> [[1-0 [a 1]]]; XPENDING s g - + 9 -> [[1-0 y :0 :2] [2-0 x :10 :1]]; XCLAIM s g x -5 1 JUSTID -> [1-0]; XPENDING s g - + 9 -> [[1-0 x :0 :2] [2-0 x :10 :1]]"
        ));
        check(&format!(
            "{SOME}; XCLAIM s g y 0 3 FORCE -> [[3-0 [c 3]]]; XPENDING s g - + 9 y -> [[3-0 y :0 :2]]; XCLAIM s g y 0 3-1 FORCE -> []; XCLAIM s g y 0 justid -> []"
        ));
    }

    #[test]
    fn deleted_ones_are_pending_no_more() {
        check(&format!("{SOME}; XDEL s 2; XCLAIM s g y 0 1 2 -> [[1-0 [a 1]]]; XPENDING s g - + 9 -> [[1-0 y :0 :2]]"));
        check(&format!("{SOME}; XTRIM s MAXLEN 1; XCLAIM s g y 99999 1 2 -> []; XPENDING s g -> [:0 nil nil nil[]]"));
    }

    #[test]
    fn with_options() {
        check(&format!(
            "{SOME}; XCLAIM s g y 0 1 IDLE 500 RETRYCOUNT 7 -> [[1-0 [a 1]]]; XPENDING s g - + 1 -> [[1-0 y :500 :7]]; XCLAIM s g y 0 1 TIME 1767225600000 RETRYCOUNT -1 JUSTID -> [1-0]; XPENDING s g - + 1 -> [[1-0 y :10 :7]]; XCLAIM s g y 0 1 TIME 9967225600000 -> [[1-0 [a 1]]]; XPENDING s g - + 1 -> [[1-0 y :0 :8]]"
        ));
        check(&format!(
            "{SOME}; XCLAIM s g y 0 1 LASTID 3 JUSTID; XREADGROUP GROUP g x STREAMS s > -> nil[]; XCLAIM s g y 0 1 LASTID 1; XREADGROUP GROUP g x STREAMS s > -> nil[]"
        ));
    }

    #[test]
    fn the_log_gets_each_claim() {
        let mut node = node(&[("notify-keyspace-events", "Et")]);
        node.converse(&format!("{SOME}; XDEL s 2; PSUBSCRIBE *; c2> XCLAIM s g y 0 1 2; c2> XCLAIM s g z 0 9; c2> XCLAIM s g z 0 9; c2> XCLAIM s g z 0 9 LASTID 3"));
        node.converse("<- [pmessage * __keyevent@0__:xgroup-createconsumer s]; <- [pmessage * __keyevent@0__:xgroup-createconsumer s]; <- silence");
        let lines = [
            "XDEL s 2",
            "XACK s g 2-0",
            "XCLAIM s g y 0 1-0 TIME 1767225600010 RETRYCOUNT 2 FORCE JUSTID LASTID 2-0",
            "XGROUP CREATECONSUMER s g z",
            "XGROUP SETID s g 3-0 ENTRIESREAD 2",
        ];
        assert_eq!(node.log.lines()[7..], lines);
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XCLAIM none g c 0 1", "NOGROUP No such key 'none' or consumer group 'g'"),
            ("XCLAIM s none c 0 1", "NOGROUP No such key 's' or consumer group 'none'"),
            ("XCLAIM s g c x 1", "ERR Invalid min-idle-time argument for XCLAIM"),
            ("XCLAIM s g c 0 x", "ERR Unrecognized XCLAIM option 'x'"),
            ("XCLAIM s g c 0 1 IDLE", "ERR Unrecognized XCLAIM option 'IDLE'"),
            ("XCLAIM s g c 0 1 IDLE x", "ERR Invalid IDLE option argument for XCLAIM"),
            ("XCLAIM s g c 0 1 TIME x", "ERR Invalid TIME option argument for XCLAIM"),
            ("XCLAIM s g c 0 1 RETRYCOUNT x", "ERR Invalid RETRYCOUNT option argument for XCLAIM"),
            ("XCLAIM s g c 0 1 LASTID x", "ERR Invalid stream ID specified as stream command argument"),
            ("XCLAIM k g c 0 1", "WRONGTYPE"),
        ] {
            check(&format!(
                "SET k v; XGROUP CREATE s g $ MKSTREAM; {words} -> -{error}; XINFO GROUPS s -> [[name g consumers :0 pending :0 *  * * * * *]]"
            ));
        }
    }
}
