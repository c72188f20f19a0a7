//! XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key …] id [id …]
//!
//! `>` gives entries that nobody in the group got yet, and keeps them as pending until they are acknowledged; an ID
//! gives what this consumer has pending behind it, once more. Only `>` can wait. The consumer is made when it comes for
//! the first time, even if it gets nothing. Who waits learns at once that the group, the key or its type is gone.
//! The log gets each delivery with its time; giving pending entries once more is no change worth a line.

use super::replay::{self, Claimed};
use super::xread::{self, BLOCK, COUNT, Options, STREAMS};
use super::{ids, say};
use exec::command::{Arg, ArgKind, Begin, Find};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeySpec, READ, notify};
use proto::Reply;
use types::Stream;
use types::stream::{self, ConsumerNo, Entries, Id};

pub static XREADGROUP: Command = Command {
    name: "XREADGROUP",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(7),
    flags: Flags::BLOCKING.and(Flags::WRITE),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        begin: Begin::Keyword("STREAMS", 4),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        access: READ,
    }],
    complexity: "O(N), N = entries returned",
    summary: "Returns new or pending entries to a consumer of a group, and waits for new ones if asked.",
    docs: &[
        Arg::block("group-block", &[Arg::new("group", ArgKind::String), Arg::new("consumer", ArgKind::String)])
            .after("GROUP"),
        COUNT,
        BLOCK,
        Arg::token("noack", "NOACK").optional(),
        STREAMS,
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = xread::parse(ctx, args, true)?;
    let Some((group, _)) = options.group else { return Err(Error::Syntax) };
    // Nothing is delivered when one of the streams cannot be read.
    for i in 0..options.streams {
        let key = args.key(options.first + i);
        let stream = ctx.db.read_before_write::<Stream>(key)?;
        if stream.is_none_or(|stream| stream.group(group).is_none()) {
            return Err(no_group(key.bytes, group));
        }
        behind(args, &options, i)?;
    }
    let mut said = say::Streams::default();
    for i in 0..options.streams {
        read_one(ctx, args, &options, i, &mut said)?;
    }
    if said.is_empty()
        && let Some(deadline) = options.block
        && ctx.may_wait()
    {
        let keys: Vec<_> = (options.first..options.first + options.streams).map(|i| args.key(i)).collect();
        return Err(ctx.wait_for(&keys, |_| true, deadline));
    }
    said.finish(ctx.reply)
}

fn no_group(key: &[u8], group: &[u8]) -> Error {
    let (key, group) = (say::shown(key), say::shown(group));
    Error::text(format!("NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"))
}

/// None: entries that nobody got yet.
fn behind(args: &Args, options: &Options, i: usize) -> Result<Option<Id>, Error> {
    match args.get(options.first + options.streams + i) {
        b">" => Ok(None),
        b"$" => Err(Error::Static(
            "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by \
             specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result \
             set.",
        )),
        b"+" => Err(Error::Static(
            "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by \
             specifying a proper ID, or use the > ID to get new messages. The + ID would just return an empty result \
             set.",
        )),
        word => ids::id(word).map(Some),
    }
}

/// What came out of reading one stream.
struct Outcome {
    made_consumer: bool,
    delivered: usize,
    /// For the log, when there is one.
    claimed: Vec<Claimed>,
    last_id: Id,
    entries_read: Option<u64>,
}

fn read_one(ctx: &mut Ctx, args: &Args, options: &Options, i: usize, said: &mut say::Streams) -> Result<(), Error> {
    let Some((group_name, consumer_name)) = options.group else { return Err(Error::Syntax) };
    let (key, now_ms, logs) = (args.key(options.first + i), ctx.now().0, replay::wanted(ctx));
    let behind = behind(args, options, i)?;
    let Some(mut stream) = ctx.db.write::<Stream>(key)? else { return Err(no_group(key.bytes, group_name)) };
    let reply = &mut *ctx.reply;
    let outcome = stream.unmarked().in_group(group_name, |entries, group| {
        let (consumer, made_consumer) = group.make_consumer(consumer_name, now_ms);
        group.seen(consumer, now_ms);
        let mut read = Reading { entries, group, consumer, now_ms, key, count: options.count };
        let mut claimed = Vec::new();
        let delivered = match behind {
            Some(id) => {
                read.repeat(id, reply, said);
                0
            }
            None => read.deliver(options.no_ack, logs, reply, said, &mut claimed),
        };
        let (last_id, entries_read) = (read.group.last_id, read.group.entries_read);
        Outcome { made_consumer, delivered, claimed, last_id, entries_read }
    });
    let Some(outcome) = outcome else { return Err(no_group(key.bytes, group_name)) };
    if outcome.made_consumer || outcome.delivered > 0 {
        stream.touch_quietly();
    }
    drop(stream);
    if outcome.made_consumer {
        ctx.db.event(notify::STREAM, "xgroup-createconsumer", key.bytes);
    }
    if logs {
        log(ctx, key, group_name, consumer_name, &outcome);
    }
    Ok(())
}

struct Reading<'a> {
    entries: &'a Entries,
    group: &'a mut stream::Group,
    consumer: ConsumerNo,
    now_ms: i64,
    key: Key<'a>,
    count: usize,
}

impl Reading<'_> {
    /// Entries that nobody got yet; how many there were.
    fn deliver(
        &mut self,
        no_ack: bool,
        logs: bool,
        reply: &mut Reply,
        said: &mut say::Streams,
        claimed: &mut Vec<Claimed>,
    ) -> usize {
        let group = &mut *self.group;
        // Who has read everything is told so at once.
        let from = group.last_id.next().filter(|&from| from <= self.entries.last_id());
        let Some(from) = from else { return 0 };
        let mut found = self.entries.range(from, Id::MAX).take(self.count).peekable();
        if found.peek().is_none() {
            return 0;
        }
        said.next(reply, self.key.bytes);
        let later = reply.array_later();
        let mut delivered = 0;
        for entry in found {
            say::entry(reply, &entry);
            group.entries_read = self.entries.read_on(group.last_id, group.entries_read, entry.id);
            group.last_id = entry.id;
            delivered += 1;
            if no_ack {
                continue;
            }
            group.deliver(entry.id, self.consumer, self.now_ms);
            if logs {
                claimed.push(Claimed { id: entry.id, delivered_ms: self.now_ms, count: 1 });
            }
        }
        reply.array_finish(later, delivered);
        group.active(self.consumer, self.now_ms);
        delivered
    }

    /// What this consumer has pending behind an ID; an entry that was deleted since is null.
    fn repeat(&mut self, behind: Id, reply: &mut Reply, said: &mut say::Streams) {
        said.next(reply, self.key.bytes);
        let pending = self.group.consumer(self.consumer).pending();
        let from = behind.next();
        let ids: Vec<Id> = from.into_iter().flat_map(|from| pending.from(from)).take(self.count).copied().collect();
        reply.array(ids.len());
        for id in ids {
            match self.entries.get(id) {
                Some(entry) => {
                    say::entry(reply, &entry);
                    self.group.redeliver(id, self.now_ms);
                }
                None => {
                    reply.array(2);
                    say::id(reply, id);
                    reply.null_array();
                }
            }
        }
    }
}

fn log(ctx: &mut Ctx, key: Key, group: &[u8], consumer: &[u8], outcome: &Outcome) {
    // A claim makes the consumer.
    if outcome.made_consumer && outcome.claimed.is_empty() {
        replay::consumer(ctx, key, group, consumer);
    }
    replay::claimed(ctx, key, group, consumer, outcome.last_id, &outcome.claimed);
    if outcome.delivered > 0 {
        replay::group(ctx, key, group, outcome.last_id, outcome.entries_read);
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    const SOME: &str = "XADD s 1 a 1; XADD s 2 b 2; XADD s 3 c 3; XGROUP CREATE s g 0";

    #[test]
    fn shares_out_new_entries() {
        check(&format!(
            "{SOME}; XREADGROUP GROUP g x COUNT 1 STREAMS s > -> [[s [[1-0 [a 1]]]]]; XREADGROUP GROUP g y STREAMS s > -> [[s [[2-0 [b 2]] [3-0 [c 3]]]]]; XREADGROUP GROUP g x STREAMS s > -> nil[]; XPENDING s g -> [:3 1-0 3-0 [[x 1] [y 2]]]"
        ));
        check(&format!(
            "{SOME}; XREADGROUP GROUP g x NOACK STREAMS s > -> [[s *]]; XPENDING s g -> [:0 nil nil nil[]]; XREADGROUP GROUP g x STREAMS s 0 -> [[s []]]"
        ));
        check(&format!(
            "HELLO 3; {SOME}; XREADGROUP GROUP g x COUNT 1 STREAMS s > -> %[s [[1-0 [a 1]]]]; XREADGROUP GROUP g x STREAMS s 0 -> %[s [[1-0 [a 1]]]]"
        ));
    }

    #[test]
    fn gives_pending_ones_again() {
        check(&format!(
            "{SOME}; XREADGROUP GROUP g x STREAMS s >; XDEL s 2; XREADGROUP GROUP g x STREAMS s 0 -> [[s [[1-0 [a 1]] [2-0 nil[]] [3-0 [c 3]]]]]; XREADGROUP GROUP g x COUNT 1 STREAMS s 1 -> [[s [[2-0 nil[]]]]]; XREADGROUP GROUP g y BLOCK 0 STREAMS s 0 -> [[s []]]"
        ));
        check(&format!(
            "{SOME}; XREADGROUP GROUP g x COUNT 1 STREAMS s >; ~7ms; XPENDING s g - + 9 -> [[1-0 x :7 :1]]; XREADGROUP GROUP g x STREAMS s 0; XPENDING s g - + 9 -> [[1-0 x :0 :2]]; XREADGROUP GROUP g x STREAMS s 18446744073709551615-18446744073709551615 -> [[s []]]"
        ));
    }

    #[test]
    fn several_streams() {
        check(
            "XADD s 1 a 1; XADD t 1 b 1; XGROUP CREATE s g 0; XGROUP CREATE t g 0; XREADGROUP GROUP g x STREAMS s t > 0 -> [[s [[1-0 [a 1]]]] [t []]]; XREADGROUP GROUP g x STREAMS s t > > -> [[t [[1-0 [b 1]]]]]",
        );
        check(
            "XADD s 1 a 1; XGROUP CREATE s g 0; XREADGROUP GROUP g x STREAMS s t > > -> -NOGROUP No such key 't' or consumer group 'g' in XREADGROUP with GROUP option; XINFO CONSUMERS s g -> []",
        );
    }

    #[test]
    fn waits_for_its_turn() {
        check(
            "XGROUP CREATE s g $ MKSTREAM; XREADGROUP GROUP g x BLOCK 0 STREAMS s > -> parked; c2> XREADGROUP GROUP g y BLOCK 50 STREAMS s > -> parked; c3> XADD s 1 a 1; <- [[s [[1-0 [a 1]]]]]; c2> <- silence; ~50ms; c2> <- nil[]; c3> XADD s 2 a 2; c2> <- silence",
        );
        check(
            "XGROUP CREATE s g $ MKSTREAM; XADD s 666 k v; XDEL s 666; XREADGROUP GROUP g x BLOCK 10 STREAMS s > -> parked; ~10ms; <- nil[]; MULTI; XREADGROUP GROUP g x BLOCK 0 STREAMS s >; EXEC -> [nil[]]",
        );
    }

    #[test]
    fn learns_what_became_of_its_stream() {
        let wait = "XGROUP CREATE s g $ MKSTREAM; XREADGROUP GROUP g x BLOCK 0 STREAMS s > -> parked";
        for (then, told) in [
            ("c2> DEL s", "-NOGROUP"),
            ("c2> SET s v", "-WRONGTYPE"),
            ("c2> MULTI; c2> DEL s; c2> SET s v; c2> EXEC", "-WRONGTYPE"),
            ("c2> PEXPIRE s 50; ~70ms", "-NOGROUP"),
            ("c2> DEBUG SET-ACTIVE-EXPIRE 0; c2> PEXPIRE s 50; ~70ms; c2> TYPE s -> +none", "-NOGROUP"),
            ("c2> FLUSHALL", "-NOGROUP"),
            ("c2> XGROUP DESTROY s g", "-NOGROUP"),
            ("c2> SWAPDB 0 4", "-NOGROUP"),
            ("c2> XADD t 1 a 1; c2> RENAME t s", "-NOGROUP"),
            ("c2> XGROUP CREATE t g $ MKSTREAM; c2> XADD t 1 a 1; c2> RENAME t s", "[[s [[1-0 [a 1]]]]]"),
        ] {
            node(&[("enable-debug-command", "yes")]).converse(&format!("{wait}; {then}; <- {told}; <- silence"));
        }
    }

    #[test]
    fn acknowledging_wakes_nobody() {
        check(
            "XADD s 1 a 1; XGROUP CREATE s g 0; XREADGROUP GROUP g x STREAMS s >; XREADGROUP GROUP g y BLOCK 0 STREAMS s > -> parked; c2> XACK s g 1; c2> XDEL s 1; c2> XTRIM s MAXLEN 0; <- silence; c2> XADD s 2 a 2; <- [[s [[2-0 [a 2]]]]]",
        );
    }

    #[test]
    fn counts_what_was_read() {
        check(&format!(
            "{SOME}; XINFO GROUPS s -> [[name g consumers :0 pending :0 last-delivered-id 0-0 entries-read nil lag :3]]; XREADGROUP GROUP g x COUNT 1 STREAMS s >; XINFO GROUPS s -> [[name g consumers :1 pending :1 last-delivered-id 1-0 entries-read :1 lag :2]]; XREADGROUP GROUP g x STREAMS s >; XINFO GROUPS s -> [[name g consumers :1 pending :3 last-delivered-id 3-0 entries-read :3 lag :0]]"
        ));
        check(&format!(
            "{SOME}; XREADGROUP GROUP g x COUNT 1 STREAMS s >; XTRIM s MAXLEN 1; XINFO GROUPS s -> [[name g consumers :1 pending :1 last-delivered-id 1-0 entries-read :1 lag :1]]; XREADGROUP GROUP g x STREAMS s >; XINFO GROUPS s -> [[name g consumers :1 pending :2 last-delivered-id 3-0 entries-read :3 lag :0]]"
        ));
    }

    #[test]
    fn the_log_knows_each_delivery() {
        let mut node = node(&[]);
        node.converse(&format!("{SOME}; XREADGROUP GROUP g x COUNT 2 STREAMS s >; XREADGROUP GROUP g x STREAMS s 0; XREADGROUP GROUP g y NOACK STREAMS s >; XREADGROUP GROUP g z STREAMS s 0; XREADGROUP GROUP g z STREAMS s >"));
        node.converse("XREADGROUP GROUP g w NOACK BLOCK 0 STREAMS s > -> parked; c2> XADD s 9 a 1");
        let lines = [
            "XCLAIM s g x 0 1-0 TIME 1767225600000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0",
            "XCLAIM s g x 0 2-0 TIME 1767225600000 RETRYCOUNT 1 FORCE JUSTID LASTID 2-0",
            "XGROUP SETID s g 2-0 ENTRIESREAD 2",
            "XGROUP CREATECONSUMER s g y",
            "XGROUP SETID s g 3-0 ENTRIESREAD 3",
            "XGROUP CREATECONSUMER s g z",
            "XGROUP CREATECONSUMER s g w",
            "XADD s 9 a 1",
            "XGROUP SETID s g 9-0 ENTRIESREAD 4",
        ];
        assert_eq!(node.log.lines()[4..], lines);
    }

    #[test]
    fn changes_are_counted_once() {
        let mut node = node(&[]);
        let dirty = |node: &testkit::TestNode| node.node.dirty.load(std::sync::atomic::Ordering::Relaxed);
        node.converse(&format!("{SOME}; XGROUP CREATECONSUMER s g x"));
        let before = dirty(&node);
        node.converse("XREADGROUP GROUP g x COUNT 2 STREAMS s >");
        assert_eq!(dirty(&node), before + 1);
        node.converse("XREADGROUP GROUP g x STREAMS s 0; XREADGROUP GROUP g x STREAMS s 900");
        assert_eq!(dirty(&node), before + 1);
        node.converse("XREADGROUP GROUP g new STREAMS s 0");
        assert_eq!(dirty(&node), before + 2);
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            (
                "XREADGROUP GROUP g c COUNT 1 STREAMS s",
                "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be",
            ),
            ("XREADGROUP COUNT 1 BLOCK 1 STREAMS s >", "ERR Missing GROUP option for XREADGROUP"),
            (
                "XREADGROUP GROUP g c STREAMS none >",
                "NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP h c STREAMS s >",
                "NOGROUP No such key 's' or consumer group 'h' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s $",
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s +",
                "ERR The + ID is meaningless in the context of XREADGROUP: you want to read",
            ),
            ("XREADGROUP GROUP g c STREAMS s x", "ERR Invalid stream ID specified as stream command argument"),
            ("XREADGROUP GROUP g c STREAMS k >", "WRONGTYPE"),
        ] {
            check(&format!("SET k v; XGROUP CREATE s g $ MKSTREAM; {words} -> -{error}"));
        }
    }
}
