//! XADD key [NOMKSTREAM] [(MAXLEN | MINID) [= | ~] threshold [LIMIT count]] (* | id) field value [field value …]
//!
//! Adds an entry under an ID above all before it: given, made of the time (`*`), or a given time with the next number
//! (`ms-*`). A clock that goes back does no harm: the last ID is counted up. The log gets the ID, and how many
//! entries were left when some were trimmed.

use super::limits::chunk_limits;
use super::trimming::{self, Options};
use super::{ids, replay, say};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};
use kit::text::{format_u64, parse_u64};
use types::Stream;
use types::stream::{ChunkLimits, ENTRY_SIZE_MAX, ID_TEXT_MAX, Id};

pub static XADD: Command = Command {
    name: "XADD",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(5),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(1) when adding, O(N) when trimming, N = entries taken away",
    summary: "Adds an entry to a stream, and trims the stream if asked.",
    history: &[("6.2.0", "NOMKSTREAM, MINID and LIMIT."), ("7.0.0", "The form `ms-*` of an ID.")],
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::token("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
        TRIM.optional(),
        Arg::one_of("id-selector", &[Arg::token("auto-id", "*"), Arg::new("id", ArgKind::String)]),
        Arg::block("data", &[Arg::new("field", ArgKind::String), Arg::new("value", ArgKind::String)]).multiple(),
    ],
    run,
    ..Command::BASE
};

/// How trimming is asked for.
pub(super) const TRIM: Arg = Arg::block(
    "trim",
    &[
        Arg::one_of("strategy", &[Arg::token("maxlen", "MAXLEN"), Arg::token("minid", "MINID").since("6.2.0")]),
        Arg::one_of("operator", &[Arg::token("equal", "="), Arg::token("approximately", "~")]).optional(),
        Arg::new("threshold", ArgKind::String),
        Arg::new("count", ArgKind::Integer).after("LIMIT").since("6.2.0").optional(),
    ],
);

const TOO_SMALL: Error =
    Error::Static("ERR The ID specified in XADD is equal or smaller than the target stream top item");

/// An ID as it was asked for.
#[derive(Clone, Copy)]
enum NewId {
    Now(u64),
    /// The next number of this millisecond.
    Of(u64),
    Given(Id),
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = trimming::parse(ctx, args, true)?;
    let wanted = match args.opt(options.end) {
        Some(word) => new_id(word, ctx)?,
        None => return Err(wrong_arity()),
    };
    let first = options.end + 1;
    let count = args.len() - first;
    if count < 2 || !count.is_multiple_of(2) {
        return Err(wrong_arity());
    }
    if matches!(wanted, NewId::Given(id) if id.is_min()) {
        return Err(Error::Static("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let (key, limits) = (args.key(1), chunk_limits(ctx));
    let size: usize = args.iter_from(first).map(<[u8]>::len).sum();
    let too_large = size > ENTRY_SIZE_MAX;
    let added = if let Some(mut stream) = ctx.db.write::<Stream>(key)? {
        let id = next_id(stream.entries().last_id(), wanted)?;
        refuse_if_large(too_large)?;
        add(&mut stream, id, args, first, &options, limits)
    } else if options.make {
        let id = next_id(Id::MIN, wanted)?;
        refuse_if_large(too_large)?;
        add(&mut ctx.db.make(key, Stream::new()), id, args, first, &options, limits)
    } else {
        ctx.reply.null();
        return Ok(());
    };
    say::id(ctx.reply, added.id);
    ctx.db.event(notify::STREAM, "xadd", key.bytes);
    if added.trimmed > 0 {
        ctx.db.event(notify::STREAM, "xtrim", key.bytes);
    }
    let as_called = matches!(wanted, NewId::Given(_)) && !options.is_rough();
    if !as_called && replay::wanted(ctx) {
        log(ctx, args, first, added);
    }
    Ok(())
}

fn wrong_arity() -> Error {
    Error::wrong_arity("xadd")
}

fn refuse_if_large(too_large: bool) -> Result<(), Error> {
    if too_large { Err(Error::Static("ERR Elements are too large to be stored")) } else { Ok(()) }
}

/// What was added, and what is left.
#[derive(Clone, Copy)]
struct Added {
    id: Id,
    trimmed: u64,
    len: u64,
}

fn add(stream: &mut Stream, id: Id, args: &Args, first: usize, options: &Options, limits: ChunkLimits) -> Added {
    stream.entries_mut().append(id, args.len() - first, |i| args.get(first + i), limits);
    let trimmed = options.apply(stream);
    Added { id, trimmed, len: stream.len() as u64 }
}

fn new_id(word: &[u8], ctx: &Ctx) -> Result<NewId, Error> {
    if word == b"*" {
        return Ok(NewId::Now(ctx.now().0.max(0) as u64));
    }
    match word.strip_suffix(b"-*") {
        Some(ms) => Ok(NewId::Of(parse_u64(ms).ok_or(ids::INVALID)?)),
        None => Ok(NewId::Given(ids::id(word)?)),
    }
}

fn next_id(last: Id, wanted: NewId) -> Result<Id, Error> {
    if last == Id::MAX {
        return Err(Error::Static("ERR The stream has exhausted the last possible ID, unable to add more items"));
    }
    let id = match wanted {
        NewId::Now(ms) if ms > last.ms => Some(Id::new(ms, 0)),
        NewId::Now(_) => last.next(),
        NewId::Of(ms) if ms > last.ms => Some(Id::new(ms, 0)),
        NewId::Of(ms) if ms == last.ms => last.seq.checked_add(1).map(|seq| Id::new(ms, seq)),
        NewId::Of(_) => None,
        NewId::Given(id) => (id > last).then_some(id),
    };
    id.ok_or(TOO_SMALL)
}

fn log(ctx: &mut Ctx, args: &Args, first: usize, added: Added) {
    let (id, len) = (&mut [0; ID_TEXT_MAX], &mut [0; 20]);
    let mut words: Vec<&[u8]> = vec![b"XADD", args.get(1)];
    if added.trimmed > 0 {
        words.extend([&b"MAXLEN"[..], b"=", format_u64(len, added.len)]);
    }
    words.push(added.id.text(id));
    words.extend(args.iter_from(first));
    ctx.replay_as(&words);
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn given_ids() {
        check(
            "XADD s 1-1 a b -> 1-1; XADD s 1-1 a b -> -ERR The ID specified in XADD is equal or smaller; XADD s 5 a b c d -> 5-0; XLEN s -> :2",
        );
        check(
            "XADD s 0-0 a b -> -ERR The ID specified in XADD must be greater than 0-0; EXISTS s -> :0; TYPE s -> +none",
        );
        check(
            "XADD s 123-456 a b; XADD s 123-* a b -> 123-457; XADD s 789-* a b -> 789-0; XADD s 42-* a b -> -ERR The ID specified in XADD is equal",
        );
        check(
            "XADD s 0-* a b -> 0-1; XADD t 1-18446744073709551615 a b; XADD t 1-* a b -> -ERR The ID specified in XADD is equal",
        );
        check(
            "XADD s 18446744073709551615-18446744073709551615 a b; XADD s * a b -> -ERR The stream has exhausted the last possible ID, unable to add more items",
        );
    }

    #[test]
    fn ids_of_the_clock() {
        check(
            "XADD s * a b -> 1767225600000-0; XADD s * a b -> 1767225600000-1; ~5ms; XADD s * a b -> 1767225600005-0",
        );
        check("XADD s 2577343934890-18446744073709551615 a b; XADD s * a b -> 2577343934891-0");
    }

    #[test]
    fn without_making_a_stream() {
        check("XADD s NOMKSTREAM * a b -> nil; EXISTS s -> :0; XADD s 1 a b; XADD s nomkstream 2 a b -> 2-0");
    }

    #[test]
    fn trims() {
        check(
            "XADD s 1 a b; XADD s 2 a b; XADD s MAXLEN 2 3 a b; XRANGE s - + -> [[2-0 [a b]] [3-0 [a b]]]; XADD s MINID = 4 4 a b; XLEN s -> :1",
        );
        check(
            "XADD s MAXLEN 0 7 a b -> 7-0; XLEN s -> :0; EXISTS s -> :1; XADD s 7 a b -> -ERR The ID specified in XADD is equal; XADD s 8 a b; XADD s MAXLEN ~ 0 LIMIT 1 9 a b; XLEN s -> :2",
        );
    }

    #[test]
    fn trims_whole_chunks() {
        let mut node = node(&[("stream-node-max-entries", "10")]);
        (0..100).for_each(|_| node.converse("XADD s * item v"));
        node.converse(
            "XADD s MAXLEN ~ 55 LIMIT 30 * x v; XLEN s -> :71; XADD s MAXLEN ~ 55 LIMIT 30 * x v; XLEN s -> :62",
        );
        node.converse("XADD s MAXLEN ~ 55 * x v; XLEN s -> :63; XADD s MINID ~ 1 7000000000000 x v; XLEN s -> :64");
        let lines = node.log.lines();
        let trimmed: Vec<&String> = lines.iter().filter(|line| line.contains("MAXLEN")).collect();
        assert_eq!(trimmed, ["XADD s MAXLEN = 71 1767225600000-100 x v", "XADD s MAXLEN = 62 1767225600000-101 x v"]);
        assert_eq!(lines.last().unwrap(), "XADD s 7000000000000-0 x v");
    }

    #[test]
    fn the_log_knows_the_id() {
        let mut node = node(&[]);
        node.converse("XADD s * a b; XADD s 1767225600000-* a b; XADD s MAXLEN 1 1767225600001-1 a b; XADD s NOMKSTREAM MAXLEN 9 * a b; XADD s MAXLEN 0 * a b; XADD s 1 a b");
        let lines = [
            "XADD s 1767225600000-0 a b",
            "XADD s 1767225600000-1 a b",
            "XADD s MAXLEN 1 1767225600001-1 a b",
            "XADD s 1767225600001-2 a b",
            "XADD s MAXLEN = 0 1767225600001-3 a b",
        ];
        assert_eq!(node.log.lines(), lines);
    }

    #[test]
    fn says_what_happened() {
        let mut node = node(&[("notify-keyspace-events", "Et")]);
        node.converse("PSUBSCRIBE *; c2> XADD s MAXLEN 1 1 a b; c2> XADD s MAXLEN 1 2 a b");
        node.converse("<- [pmessage * __keyevent@0__:xadd s]; <- [pmessage * __keyevent@0__:xadd s]; <- [pmessage * __keyevent@0__:xtrim s]; <- silence");
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XADD s * a", "ERR wrong number of arguments for 'xadd' command"),
            ("XADD s * a b c", "ERR wrong number of arguments for 'xadd' command"),
            ("XADD s MAXLEN 3 5 a", "ERR wrong number of arguments for 'xadd' command"),
            ("XADD s foo a b", "ERR Invalid stream ID specified as stream command argument"),
            ("XADD s 1-x a b", "ERR Invalid stream ID specified as stream command argument"),
            ("XADD s x-* a b", "ERR Invalid stream ID specified as stream command argument"),
            ("XADD s + a b", "ERR Invalid stream ID specified as stream command argument"),
            ("XADD s MINID - * a b", "ERR Invalid stream ID specified as stream command argument"),
            ("XADD s MAXLEN -1 * a b", "ERR The MAXLEN argument must be >= 0."),
            ("XADD s MAXLEN ~ * a b", "ERR value is not an integer or out of range"),
            ("XADD s MAXLEN = 5 LIMIT 3 * a b", "ERR syntax error, LIMIT cannot be used without the special ~ option"),
            ("XADD s LIMIT 3 * a b", "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"),
            ("XADD s MAXLEN ~ 5 LIMIT -1 * a b", "ERR The LIMIT argument must be >= 0."),
            ("XADD s MAXLEN 5 MINID 3 * a b", "ERR syntax error, MAXLEN and MINID options at the same time are not"),
        ] {
            check(&format!("{words} -> -{error}; EXISTS s -> :0"));
        }
        check("SET k v; XADD k * a b -> -WRONGTYPE");
    }
}
