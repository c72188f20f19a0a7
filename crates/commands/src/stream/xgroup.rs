//! XGROUP CREATE key group (id | $) [MKSTREAM] [ENTRIESREAD n] · SETID key group (id | $) [ENTRIESREAD n]
//! XGROUP DESTROY key group · CREATECONSUMER key group consumer · DELCONSUMER key group consumer · HELP
//!
//! Consumer groups of a stream: where they begin, who is in them. ENTRIESREAD is for who restores a group: how many
//! entries were ever added up to its ID. Destroying a group ends the waits of its consumers.

use super::groups::no_group;
use super::ids;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Key, KeyAccess, KeySpec, UPDATE, notify};
use types::Stream;
use types::stream::Id;

const DELETE: KeyAccess = KeyAccess::RW.and(KeyAccess::DELETE);
const INSERT: KeyAccess = KeyAccess::RW.and(KeyAccess::INSERT);

const KEY: Arg = Arg::key("key", 0);
const NAME: Arg = Arg::new("group", ArgKind::String);
const CONSUMER: Arg = Arg::new("consumer", ArgKind::String);
const ID: Arg = Arg::one_of("id-selector", &[Arg::new("id", ArgKind::String), Arg::token("new-id", "$")]);
const ENTRIES_READ: Arg = Arg::new("entries-read", ArgKind::Integer).after("ENTRIESREAD").since("7.0.0").optional();

pub static XGROUP: Command = Command {
    name: "XGROUP",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for commands of consumer groups.",
    subcommands: &[&CREATE, &CREATECONSUMER, &DELCONSUMER, &DESTROY, &HELP, &SETID],
    ..Command::BASE
};

pub static CREATE: Command = Command {
    name: "CREATE",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, INSERT)],
    summary: "Makes a group.",
    history: &[("7.0.0", "ENTRIESREAD.")],
    docs: &[KEY, NAME, ID, Arg::token("mkstream", "MKSTREAM").optional(), ENTRIES_READ],
    run: create,
    ..Command::BASE
};

pub static SETID: Command = Command {
    name: "SETID",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, UPDATE)],
    summary: "Sets the entry up to which a group has read.",
    history: &[("7.0.0", "ENTRIESREAD.")],
    docs: &[KEY, NAME, ID, ENTRIES_READ],
    run: set_id,
    ..Command::BASE
};

pub static DESTROY: Command = Command {
    name: "DESTROY",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, DELETE)],
    complexity: "O(N), N = entries pending in the group",
    summary: "Removes a group with all that is pending in it.",
    docs: &[KEY, NAME],
    run: destroy,
    ..Command::BASE
};

pub static CREATECONSUMER: Command = Command {
    name: "CREATECONSUMER",
    group: Group::Stream,
    since: "6.2.0",
    arity: Arity::Exactly(5),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, INSERT)],
    summary: "Makes a consumer of a group.",
    docs: &[KEY, NAME, CONSUMER],
    run: create_consumer,
    ..Command::BASE
};

pub static DELCONSUMER: Command = Command {
    name: "DELCONSUMER",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::Exactly(5),
    flags: Flags::WRITE,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(2, DELETE)],
    summary: "Removes a consumer with all that is pending for it.",
    docs: &[KEY, NAME, CONSUMER],
    run: del_consumer,
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
        crate::help::help(ctx, &XGROUP);
        Ok(())
    },
    ..Command::BASE
};

const NO_KEY: Error = Error::Static(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option \
     to create an empty stream automatically.",
);

struct Options {
    make: bool,
    entries_read: Option<u64>,
}

fn options(args: &Args, is_create: bool) -> Result<Options, Error> {
    let mut options = Options { make: false, entries_read: None };
    let mut at = 5;
    while at < args.len() {
        if is_create && args.is(at, "MKSTREAM") {
            options.make = true;
        } else if at + 1 < args.len() && args.is(at, "ENTRIESREAD") {
            at += 1;
            options.entries_read = match args.int(at)? {
                -1 => None,
                read => Some(
                    u64::try_from(read)
                        .map_err(|_| Error::Static("ERR value for ENTRIESREAD must be positive or -1"))?,
                ),
            };
        } else {
            return Err(Error::unknown_subcommand_or_arity("XGROUP", args.get(1)));
        }
        at += 1;
    }
    Ok(options)
}

fn create(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = options(args, true)?;
    let (key, name) = (args.key(2), args.get(3));
    let last = match ctx.db.read_before_write::<Stream>(key)? {
        None if !options.make => return Err(NO_KEY),
        stream => stream.map_or(Id::MIN, |stream| stream.entries().last_id()),
    };
    let id = if args.get(4) == b"$" { last } else { ids::id(args.get(4))? };
    let mut stream = ctx.db.write_or_make(key, Stream::new)?;
    if !stream.unmarked().add_group(name, id, options.entries_read) {
        return Err(Error::Static("BUSYGROUP Consumer Group name already exists"));
    }
    stream.touch_quietly();
    drop(stream);
    ctx.db.event(notify::STREAM, "xgroup-create", key.bytes);
    ctx.reply.ok();
    Ok(())
}

/// The last ID of a stream whose group is there.
fn group_at(ctx: &mut Ctx, key: Key, name: &[u8]) -> Result<Id, Error> {
    let Some(stream) = ctx.db.read_before_write::<Stream>(key)? else { return Err(NO_KEY) };
    match stream.group(name) {
        Some(_) => Ok(stream.entries().last_id()),
        None => Err(no_group(key.bytes, name)),
    }
}

fn set_id(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = options(args, false)?;
    let (key, name) = (args.key(2), args.get(3));
    let last = group_at(ctx, key, name)?;
    let id = if args.get(4) == b"$" { last } else { ids::id_or_edge(args.get(4), 0)? };
    if let Some(mut stream) = ctx.db.write::<Stream>(key)? {
        stream.unmarked().in_group(name, |_, group| {
            group.last_id = id;
            group.entries_read = options.entries_read;
        });
        stream.touch_quietly();
    }
    ctx.db.event(notify::STREAM, "xgroup-setid", key.bytes);
    ctx.reply.ok();
    Ok(())
}

fn destroy(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(2);
    let Some(mut stream) = ctx.db.write::<Stream>(key)? else { return Err(NO_KEY) };
    let gone = stream.unmarked().remove_group(args.get(3));
    if gone {
        // Who waits in it is told.
        stream.touch();
    }
    drop(stream);
    if gone {
        ctx.db.event(notify::STREAM, "xgroup-destroy", key.bytes);
    }
    ctx.reply.int(i64::from(gone));
    Ok(())
}

fn create_consumer(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, name, now_ms) = (args.key(2), args.get(3), ctx.now().0);
    group_at(ctx, key, name)?;
    let mut made = false;
    if let Some(mut stream) = ctx.db.write::<Stream>(key)? {
        made = stream.unmarked().in_group(name, |_, group| group.make_consumer(args.get(4), now_ms).1) == Some(true);
        if made {
            stream.touch_quietly();
        }
    }
    if made {
        ctx.db.event(notify::STREAM, "xgroup-createconsumer", key.bytes);
    }
    ctx.reply.int(i64::from(made));
    Ok(())
}

fn del_consumer(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, name) = (args.key(2), args.get(3));
    group_at(ctx, key, name)?;
    let mut gone = None;
    if let Some(mut stream) = ctx.db.write::<Stream>(key)? {
        gone = stream.unmarked().in_group(name, |_, group| group.remove_consumer(args.get(4))).flatten();
        if gone.is_some() {
            stream.touch_quietly();
        }
    }
    if gone.is_some() {
        ctx.db.event(notify::STREAM, "xgroup-delconsumer", key.bytes);
    }
    ctx.reply.int(gone.unwrap_or(0) as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn creates() {
        check(
            "XGROUP CREATE s g $ -> -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may; EXISTS s -> :0; XGROUP CREATE s g $ mkstream -> +OK; XLEN s -> :0; EXISTS s -> :1; XGROUP CREATE s g $ -> -BUSYGROUP Consumer Group name already exists; XGROUP CREATE s g 0 MKSTREAM -> -BUSYGROUP",
        );
        check(
            "XADD s 5-1 a b; XGROUP CREATE s b $; XGROUP CREATE s a 3 ENTRIESREAD 3; XGROUP CREATE s c 3-7 ENTRIESREAD -1; XINFO GROUPS s -> [[name a consumers :0 pending :0 last-delivered-id 3-0 entries-read :3 lag *] [name b consumers :0 pending :0 last-delivered-id 5-1 entries-read nil lag :0] [name c consumers :0 pending :0 last-delivered-id 3-7 entries-read nil lag :1]]",
        );
        check(
            "XGROUP CREATE s g x MKSTREAM -> -ERR Invalid stream ID; EXISTS s -> :0; XGROUP CREATE s g - MKSTREAM -> -ERR Invalid stream ID",
        );
    }

    #[test]
    fn sets_the_id() {
        check(
            "XADD s 1 a 1; XADD s 2 a 2; XGROUP CREATE s g $; XGROUP SETID s g 0 -> +OK; XREADGROUP GROUP g c STREAMS s > -> [[s [[1-0 [a 1]] [2-0 [a 2]]]]]; XGROUP SETID s g - -> +OK; XREADGROUP GROUP g d STREAMS s >; XPENDING s g -> [:2 1-0 2-0 [[d 2]]]; XGROUP SETID s g $ ENTRIESREAD 2 -> +OK; XREADGROUP GROUP g c STREAMS s > -> nil[]",
        );
        check(
            "XGROUP SETID none g 0 -> -ERR The XGROUP subcommand requires the key; XADD s 1 a 1; XGROUP SETID s none 0 -> -NOGROUP No such consumer group 'none' for key name 's'; XGROUP CREATE s g 0; XGROUP SETID s g x -> -ERR Invalid stream ID",
        );
    }

    #[test]
    fn destroys() {
        check(
            "XGROUP CREATE s g $ MKSTREAM; XGROUP DESTROY s g -> :1; XGROUP DESTROY s g -> :0; XGROUP DESTROY none g -> -ERR The XGROUP subcommand requires the key; EXISTS s -> :1",
        );
    }

    #[test]
    fn consumers() {
        check(
            "XADD s 1 a 1; XADD s 2 a 1; XGROUP CREATE s g 0; XGROUP CREATECONSUMER s g x -> :1; XGROUP CREATECONSUMER s g x -> :0; XREADGROUP GROUP g x STREAMS s >; XGROUP DELCONSUMER s g none -> :0; XGROUP DELCONSUMER s g x -> :2; XPENDING s g -> [:0 nil nil nil[]]; XGROUP DELCONSUMER s g x -> :0",
        );
        check(
            "XADD s 1 a 1; XGROUP CREATECONSUMER s none x -> -NOGROUP No such consumer group 'none' for key name 's'; XGROUP DELCONSUMER s none x -> -NOGROUP; XGROUP DELCONSUMER k g x -> -ERR The XGROUP subcommand requires the key",
        );
    }

    #[test]
    fn events_and_log() {
        let mut node = node(&[("notify-keyspace-events", "Et")]);
        node.converse("PSUBSCRIBE *; c2> XGROUP CREATE s g $ MKSTREAM; c2> XGROUP SETID s g 0; c2> XGROUP CREATECONSUMER s g x; c2> XGROUP CREATECONSUMER s g x; c2> XGROUP DELCONSUMER s g y; c2> XGROUP DELCONSUMER s g x; c2> XGROUP DESTROY s g; c2> XGROUP DESTROY s g");
        for event in ["create", "setid", "createconsumer", "delconsumer", "destroy"] {
            node.converse(&format!("<- [pmessage * __keyevent@0__:xgroup-{event} s]"));
        }
        node.converse("<- silence");
        assert_eq!(node.log.lines().len(), 5);
    }

    #[test]
    fn refuses() {
        check(
            "XGROUP CREATE s g $ FOO -> -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.; XGROUP CREATE s g $ ENTRIESREAD -> -ERR unknown subcommand or wrong number of arguments; XGROUP CREATE s g $ ENTRIESREAD x -> -ERR value is not an integer; XGROUP CREATE s g $ ENTRIESREAD -3 -> -ERR value for ENTRIESREAD must be positive or -1; XGROUP SETID s g $ MKSTREAM -> -ERR unknown subcommand or wrong",
        );
        check(
            "SET k v; XGROUP CREATE k g $ MKSTREAM -> -WRONGTYPE; XGROUP SETID k g 0 -> -WRONGTYPE; XGROUP DESTROY k g -> -WRONGTYPE; XGROUP CREATECONSUMER k g c -> -WRONGTYPE",
        );
        check(
            "XGROUP HELP x -> -ERR wrong number of arguments for 'xgroup|help' command; XGROUP FOO -> -ERR unknown subcommand 'FOO'. Try XGROUP HELP.",
        );
    }
}
