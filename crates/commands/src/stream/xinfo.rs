//! XINFO STREAM key [FULL [COUNT count]] · XINFO GROUPS key · XINFO CONSUMERS key group · XINFO HELP
//!
//! What a stream is made of. FULL shows entries and what is pending, ten of each unless COUNT says otherwise (0: all).
//! The radix tree of the replies is Redis's; here its keys are the stream's chunks.

use super::groups::{entries_read, idle, no_group};
use super::say;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use proto::Reply;
use types::Stream;
use types::stream::{self, Entries, Id};

pub static XINFO: Command = Command {
    name: "XINFO",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for commands that describe streams.",
    subcommands: &[&CONSUMERS, &GROUPS, &HELP, &STREAM],
    ..Command::BASE
};

pub static STREAM: Command = Command {
    name: "STREAM",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, READ)],
    summary: "Describes a stream.",
    history: &[
        ("6.0.0", "FULL."),
        ("7.0.0", "max-deleted-entry-id, entries-added, recorded-first-entry-id, entries-read and lag."),
        ("7.2.0", "active-time, and seen-time is the last attempt."),
    ],
    docs: &[
        Arg::key("key", 0),
        Arg::block(
            "full-block",
            &[Arg::token("full", "FULL"), Arg::new("count", ArgKind::Integer).after("COUNT").optional()],
        )
        .optional(),
    ],
    run: stream,
    ..Command::BASE
};

pub static GROUPS: Command = Command {
    name: "GROUPS",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, READ)],
    summary: "Lists the groups of a stream.",
    history: &[("7.0.0", "entries-read and lag.")],
    docs: &[Arg::key("key", 0)],
    run: groups,
    ..Command::BASE
};

pub static CONSUMERS: Command = Command {
    name: "CONSUMERS",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, READ)],
    summary: "Lists the consumers of a group.",
    history: &[("7.2.0", "inactive.")],
    tips: &["nondeterministic_output"],
    docs: &[Arg::key("key", 0), Arg::new("group", ArgKind::String)],
    run: consumers,
    ..Command::BASE
};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    categories: Categories::STREAM,
    summary: "Describes the subcommands.",
    run: |ctx, _| {
        crate::help::help(ctx, &XINFO);
        Ok(())
    },
    ..Command::BASE
};

/// Entries that FULL shows.
const COUNT_USUAL: usize = 10;

fn stream(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(stream) = ctx.db.read::<Stream>(args.key(2))? else { return Err(Error::NoSuchKey) };
    let unknown = || Error::unknown_subcommand_or_arity("XINFO", args.get(1));
    let full = match args.len() {
        3 => None,
        4 if args.is(3, "FULL") => Some(COUNT_USUAL),
        6 if args.is(3, "FULL") && args.is(4, "COUNT") => Some(match args.int(5)? {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(COUNT_USUAL),
        }),
        _ => return Err(unknown()),
    };
    let (reply, entries) = (&mut *ctx.reply, stream.entries());
    reply.map(if full.is_some() { 9 } else { 10 });
    said_int(reply, "length", entries.len() as i64);
    said_int(reply, "radix-tree-keys", entries.chunk_count() as i64);
    said_int(reply, "radix-tree-nodes", entries.chunk_count() as i64 + 1);
    said_id(reply, "last-generated-id", entries.last_id());
    said_id(reply, "max-deleted-entry-id", entries.max_deleted);
    said_int(reply, "entries-added", i64::try_from(entries.added).unwrap_or(i64::MAX));
    said_id(reply, "recorded-first-entry-id", entries.first_id().unwrap_or(Id::MIN));
    if let Some(count) = full {
        reply.bulk_str("entries");
        say::entries(reply, entries.range(Id::MIN, Id::MAX), count);
        reply.bulk_str("groups");
        reply.array(stream.groups().len());
        stream.groups().iter().for_each(|group| full_group(reply, entries, group, count));
        return Ok(());
    }
    said_int(reply, "groups", stream.groups().len() as i64);
    for (name, entry) in
        [("first-entry", entries.range(Id::MIN, Id::MAX).next()), ("last-entry", entries.final_entry())]
    {
        reply.bulk_str(name);
        match entry {
            Some(entry) => say::entry(reply, &entry),
            None => reply.null(),
        }
    }
    Ok(())
}

fn full_group(reply: &mut Reply, entries: &Entries, group: &stream::Group, count: usize) {
    reply.map(7);
    said_name(reply, &group.name);
    said_progress(reply, entries, group);
    said_int(reply, "pel-count", group.pending().len() as i64);
    reply.bulk_str("pending");
    reply.array(group.pending().len().min(count));
    for it in group.pending().iter().take(count) {
        reply.array(4);
        say::id(reply, it.id);
        reply.bulk(&group.consumer(it.consumer).name);
        reply.int(it.delivered_ms);
        reply.int(i64::from(it.count));
    }
    reply.bulk_str("consumers");
    reply.array(group.consumer_count());
    for consumer in group.consumers() {
        reply.map(5);
        said_name(reply, &consumer.name);
        said_int(reply, "seen-time", consumer.seen_ms);
        said_int(reply, "active-time", consumer.active_ms.unwrap_or(-1));
        said_int(reply, "pel-count", consumer.pending().len() as i64);
        reply.bulk_str("pending");
        reply.array(consumer.pending().len().min(count));
        for it in consumer.pending().iter().take(count).filter_map(|&id| group.pending().get(id)) {
            reply.array(3);
            say::id(reply, it.id);
            reply.int(it.delivered_ms);
            reply.int(i64::from(it.count));
        }
    }
}

fn groups(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(stream) = ctx.db.read::<Stream>(args.key(2))? else { return Err(Error::NoSuchKey) };
    let reply = &mut *ctx.reply;
    reply.array(stream.groups().len());
    for group in stream.groups() {
        reply.map(6);
        said_name(reply, &group.name);
        said_int(reply, "consumers", group.consumer_count() as i64);
        said_int(reply, "pending", group.pending().len() as i64);
        said_progress(reply, stream.entries(), group);
    }
    Ok(())
}

fn consumers(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, now_ms) = (args.key(2), ctx.now().0);
    let Some(stream) = ctx.db.read::<Stream>(key)? else { return Err(Error::NoSuchKey) };
    let Some(group) = stream.group(args.get(3)) else { return Err(no_group(key.bytes, args.get(3))) };
    let reply = &mut *ctx.reply;
    reply.array(group.consumer_count());
    for consumer in group.consumers() {
        reply.map(4);
        said_name(reply, &consumer.name);
        said_int(reply, "pending", consumer.pending().len() as i64);
        said_int(reply, "idle", idle(now_ms, consumer.seen_ms));
        said_int(reply, "inactive", consumer.active_ms.map_or(-1, |active_ms| idle(now_ms, active_ms)));
    }
    Ok(())
}

fn said_progress(reply: &mut Reply, entries: &Entries, group: &stream::Group) {
    said_id(reply, "last-delivered-id", group.last_id);
    reply.bulk_str("entries-read");
    say::int_or_null(reply, entries_read(group));
    reply.bulk_str("lag");
    say::int_or_null(reply, entries.lag(group.last_id, group.entries_read));
}

fn said_name(reply: &mut Reply, name: &[u8]) {
    reply.bulk_str("name");
    reply.bulk(name);
}

fn said_int(reply: &mut Reply, name: &str, n: i64) {
    reply.bulk_str(name);
    reply.int(n);
}

fn said_id(reply: &mut Reply, name: &str, id: Id) {
    reply.bulk_str(name);
    say::id(reply, id);
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn of_a_stream() {
        check(
            "XADD s 1 a 1; XADD s 2 b 2; XADD s 3 b 2; XDEL s 1; XINFO STREAM s -> [length :2 radix-tree-keys :1 radix-tree-nodes :2 last-generated-id 3-0 max-deleted-entry-id 1-0 entries-added :3 recorded-first-entry-id 2-0 groups :0 first-entry [2-0 [b 2]] last-entry [3-0 [b 2]]]",
        );
        check(
            "XADD s MAXLEN 0 7 a 1; XINFO STREAM s -> [length :0 radix-tree-keys :0 radix-tree-nodes :1 last-generated-id 7-0 max-deleted-entry-id 0-0 entries-added :1 recorded-first-entry-id 0-0 groups :0 first-entry nil last-entry nil]",
        );
    }

    const GROUPED: &str = "XADD s 100 a 1; XADD s 101 b 1; XADD s 102 c 1; XADD s 103 e 1; XADD s 104 f 1; XGROUP CREATE s g1 0; XGROUP CREATE s g2 0; XREADGROUP GROUP g1 Alice COUNT 1 STREAMS s >; ~5ms; XREADGROUP GROUP g1 Bob NOACK COUNT 1 STREAMS s >; XREADGROUP GROUP g2 Charlie COUNT 4 STREAMS s >; XDEL s 103";

    #[test]
    fn in_full() {
        check(&format!(
            "{GROUPED}; XINFO STREAM s FULL COUNT 1 -> [length :4 * * * * last-generated-id 104-0 max-deleted-entry-id 103-0 entries-added :5 recorded-first-entry-id 100-0 entries [[100-0 [a 1]]] groups [[name g1 last-delivered-id 101-0 entries-read :2 lag nil pel-count :1 pending [[100-0 Alice :1767225600000 :1]] consumers [[name Alice seen-time :1767225600000 active-time :1767225600000 pel-count :1 pending [[100-0 :1767225600000 :1]]] [name Bob seen-time :1767225600005 active-time :1767225600005 pel-count :0 pending []]]] [name g2 last-delivered-id 103-0 entries-read :4 lag * pel-count :4 pending [[100-0 Charlie :1767225600005 :1]] consumers [*]]]]"
        ));
        check(&format!(
            "{GROUPED}; HELLO 3; XINFO STREAM s full -> %[length :4 radix-tree-keys :1 radix-tree-nodes :2 last-generated-id 104-0 max-deleted-entry-id 103-0 entries-added :5 recorded-first-entry-id 100-0 entries [* * * *] groups [* *]]; XINFO STREAM s FULL COUNT -1; XINFO STREAM s FULL COUNT 0"
        ));
    }

    #[test]
    fn of_consumers() {
        check(&format!(
            "{GROUPED}; ~10ms; XINFO CONSUMERS s g1 -> [[name Alice pending :1 idle :15 inactive :15] [name Bob pending :0 idle :10 inactive :10]]; XREADGROUP GROUP g2 new STREAMS s 0; ~1ms; XREADGROUP GROUP g2 Charlie STREAMS s 0; XINFO CONSUMERS s g2 -> [[name Charlie pending :4 idle :0 inactive :11] [name new pending :0 idle :1 inactive :-1]]"
        ));
    }

    #[test]
    fn lag_with_deletions() {
        check(
            "XGROUP CREATE x g $ MKSTREAM; XADD x 1 a b; XREADGROUP GROUP g c STREAMS x >; XADD x 2 a b; XADD x 3 a b; XDEL x 2; XINFO GROUPS x -> [[name g consumers :1 pending :1 last-delivered-id 1-0 entries-read :1 lag nil]]; XDEL x 1; XINFO GROUPS x -> [[name g consumers :1 pending :1 last-delivered-id 1-0 entries-read :1 lag :1]]; XREADGROUP GROUP g c STREAMS x >; XINFO GROUPS x -> [[name g consumers :1 pending :2 last-delivered-id 3-0 entries-read :3 lag :0]]",
        );
        check(
            "XADD x 1 a b; XDEL x 1; XGROUP CREATE x g 0; XINFO GROUPS x -> [[name g consumers :0 pending :0 last-delivered-id 0-0 entries-read nil lag :0]]",
        );
    }

    #[test]
    fn refuses() {
        check(
            "XINFO STREAM s -> -ERR no such key; XINFO GROUPS s -> -ERR no such key; XINFO CONSUMERS s g -> -ERR no such key; XADD s 1 a b; XINFO CONSUMERS s g -> -NOGROUP No such consumer group 'g' for key name 's'; XINFO STREAM s FULL COUNT x -> -ERR value is not an integer",
        );
        check(
            "XADD s 1 a b; XINFO STREAM s FULL COUNT -> -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.; XINFO STREAM s FOO -> -ERR unknown subcommand or wrong number; XINFO HELP x -> -ERR wrong number of arguments for 'xinfo|help' command",
        );
        check("SET k v; XINFO STREAM k -> -WRONGTYPE; XINFO GROUPS k -> -WRONGTYPE; XINFO CONSUMERS k g -> -WRONGTYPE");
    }
}
