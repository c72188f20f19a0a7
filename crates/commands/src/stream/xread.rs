//! XREAD [COUNT count] [BLOCK ms] STREAMS key [key …] id [id …]
//!
//! What came into several streams behind an ID each. `$` is the last entry of this moment: only what comes while
//! waiting; `+` is the last entry itself. Who waits is woken by whatever may have put entries there and looks again,
//! so a key that is deleted or becomes something else does not end the wait.

use super::{ids, say};
use exec::command::{Arg, ArgKind, Begin, Find};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::text::parse_i64;
use kit::world::UnixMs;
use types::stream::{ID_TEXT_MAX, Id};
use types::{Stream, Type};

pub static XREAD: Command = Command {
    name: "XREAD",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::BLOCKING.and(Flags::READONLY),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        begin: Begin::Keyword("STREAMS", 1),
        find: Find::Range { last: -1, step: 1, limit: 2 },
        access: READ,
    }],
    complexity: "O(N), N = entries returned",
    summary: "Returns the entries behind an ID of several streams, and waits for them if asked.",
    docs: &[COUNT, BLOCK, STREAMS],
    run,
    ..Command::BASE
};

pub(super) const COUNT: Arg = Arg::new("count", ArgKind::Integer).after("COUNT").optional();
pub(super) const BLOCK: Arg = Arg::new("milliseconds", ArgKind::Integer).after("BLOCK").optional();
pub(super) const STREAMS: Arg =
    Arg::block("streams", &[Arg::key("key", 0).multiple(), Arg::new("id", ArgKind::String).multiple()])
        .after("STREAMS");

/// What XREAD and XREADGROUP are asked for.
pub(super) struct Options<'a> {
    /// Entries of each stream, at most.
    pub count: usize,
    /// May wait, and until when (None: for ever).
    pub block: Option<Option<UnixMs>>,
    pub no_ack: bool,
    pub group: Option<(&'a [u8], &'a [u8])>,
    /// The first key; the IDs stand `streams` words behind their keys.
    pub first: usize,
    pub streams: usize,
}

pub(super) fn parse<'a>(ctx: &Ctx, args: &Args<'a>, with_group: bool) -> Result<Options<'a>, Error> {
    let mut options = Options { count: usize::MAX, block: None, no_ack: false, group: None, first: 0, streams: 0 };
    let mut at = 1;
    while at < args.len() {
        let more = args.len() - at - 1;
        if more >= 1 && args.is(at, "BLOCK") {
            at += 1;
            options.block = Some(args.timeout_ms(at, ctx.now())?);
        } else if more >= 1 && args.is(at, "COUNT") {
            at += 1;
            let count = parse_i64(args.get(at)).ok_or(Error::NotInteger)?;
            options.count = usize::try_from(count).ok().filter(|&count| count > 0).unwrap_or(usize::MAX);
        } else if more >= 1 && args.is(at, "STREAMS") {
            if more % 2 == 1 {
                return Err(unbalanced(with_group));
            }
            (options.first, options.streams) = (at + 1, more / 2);
            break;
        } else if more >= 2 && args.is(at, "GROUP") {
            if !with_group {
                return Err(Error::Static(
                    "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
                ));
            }
            options.group = Some((args.get(at + 1), args.get(at + 2)));
            at += 2;
        } else if args.is(at, "NOACK") {
            if !with_group {
                return Err(Error::Static(
                    "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
                ));
            }
            options.no_ack = true;
        } else {
            return Err(Error::Syntax);
        }
        at += 1;
    }
    if options.streams == 0 {
        return Err(Error::Syntax);
    }
    if with_group && options.group.is_none() {
        return Err(Error::Static("ERR Missing GROUP option for XREADGROUP"));
    }
    Ok(options)
}

fn unbalanced(with_group: bool) -> Error {
    Error::Static(if with_group {
        "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified."
    } else {
        "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be specified."
    })
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = parse(ctx, args, false)?;
    let mut said = say::Streams::default();
    for i in 0..options.streams {
        let (key, word) = (args.key(options.first + i), args.get(options.first + options.streams + i));
        let stream = ctx.db.read::<Stream>(key)?;
        let behind = match word {
            b"$" | b"+" => None,
            b">" => {
                return Err(Error::Static(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> \
                     option.",
                ));
            }
            word => Some(ids::id(word)?),
        };
        let Some(stream) = stream else { continue };
        let entries = stream.entries();
        match behind {
            Some(id) => {
                // Nothing is behind the last ID; most readers stand there.
                let Some(from) = id.next().filter(|&from| from <= entries.last_id()) else { continue };
                let mut found = entries.range(from, Id::MAX).peekable();
                if found.peek().is_some() {
                    said.next(ctx.reply, key.bytes);
                    say::entries(ctx.reply, found, options.count);
                }
            }
            None if word == b"+" => {
                if let Some(entry) = entries.final_entry() {
                    said.next(ctx.reply, key.bytes);
                    ctx.reply.array(1);
                    say::entry(ctx.reply, &entry);
                }
            }
            None => {}
        }
    }
    if said.is_empty()
        && let Some(deadline) = options.block
        && ctx.may_wait()
    {
        return Err(wait(ctx, args, &options, deadline)?);
    }
    said.finish(ctx.reply)
}

/// Waits for entries in one of the streams. `$` means now, not then.
fn wait(ctx: &mut Ctx, args: &Args, options: &Options, deadline: Option<UnixMs>) -> Result<Error, Error> {
    let keys: Vec<_> = (options.first..options.first + options.streams).map(|i| args.key(i)).collect();
    let mut now = Vec::new();
    for (i, key) in keys.iter().enumerate() {
        if args.get(options.first + options.streams + i) == b"$" {
            let last = ctx.db.read_before_write::<Stream>(*key)?.map_or(Id::MIN, |stream| stream.entries().last_id());
            now.push((options.first + options.streams + i, last.text(&mut [0; ID_TEXT_MAX]).to_vec()));
        }
    }
    let error =
        ctx.wait_for(&keys, |entry| entry.is_some_and(|entry| entry.kind().type_of() == Type::Stream), deadline);
    if !now.is_empty() {
        let mut words: Vec<&[u8]> = args.iter_from(0).collect();
        now.iter().for_each(|(at, id)| words[*at] = id);
        ctx.resume_as(&words);
    }
    Ok(error)
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reads_behind_an_id() {
        check(
            "XADD s 1 a 1; XADD s 2 a 2; XADD t 5 b 1; XREAD STREAMS s t none 1 0-0 0 -> [[s [[2-0 [a 2]]]] [t [[5-0 [b 1]]]]]; XREAD COUNT 1 STREAMS s 0 -> [[s [[1-0 [a 1]]]]]",
        );
        check(
            "XREAD STREAMS s 0 -> nil[]; XADD s 1 a 1; XREAD STREAMS s 1 -> nil[]; XREAD STREAMS s $ -> nil[]; XREAD STREAMS s 18446744073709551615-18446744073709551615 -> nil[]",
        );
        check(
            "XADD s 1 a 1; XREAD COUNT 0 STREAMS s 0 -> [[s [[1-0 [a 1]]]]]; XREAD COUNT -3 STREAMS s 0 -> [[s [[1-0 [a 1]]]]]; XADD s 2 a 2; XDEL s 2; XREAD STREAMS s 1 -> nil[]",
        );
        check(
            "HELLO 3; XADD s 1 a 1; XADD t 1 a 1; XREAD STREAMS s t 0 0 -> %[s [[1-0 [a 1]]] t [[1-0 [a 1]]]]; XREAD STREAMS s 1 -> nil",
        );
    }

    #[test]
    fn the_last_entry() {
        check(
            "XREAD STREAMS s + -> nil[]; XADD s 1 a 1; XADD s 2 a 2; XADD s 3 a 3; XREAD COUNT 3 STREAMS s t + + -> [[s [[3-0 [a 3]]]]]; XDEL s 3; XREAD STREAMS s + -> [[s [[2-0 [a 2]]]]]",
        );
        check(
            "XADD s 1 a 1; XDEL s 1; XREAD STREAMS s + -> nil[]; XREAD BLOCK 0 STREAMS s + -> parked; c2> XADD s 5 b 2; <- [[s [[5-0 [b 2]]]]]",
        );
    }

    #[test]
    fn waits() {
        check(
            "XADD s 1 a 1; XREAD BLOCK 0 STREAMS s t $ 0 -> parked; c2> XADD s 2 a 2; <- [[s [[2-0 [a 2]]]]]; <- silence",
        );
        check("XREAD BLOCK 100 STREAMS s 0 -> parked; ~99ms; <- silence; ~1ms; <- nil[]; c2> XADD s 1 a 1; <- silence");
        check(
            "XADD s 1 a 1; XREAD BLOCK 100 STREAMS s $ -> parked; ~100ms; <- nil[]; XREAD BLOCK 100 STREAMS s 0 -> [[s [[1-0 [a 1]]]]]",
        );
        check("XADD s 666 f v; XADD s 667 f v; XDEL s 667; XREAD BLOCK 10 STREAMS s 666 -> parked; ~10ms; <- nil[]");
        check("MULTI; XREAD BLOCK 0 STREAMS s $; EXEC -> [nil[]]");
    }

    #[test]
    fn waits_through_everything_else() {
        check(
            "XADD s 666 f v; XREAD BLOCK 0 STREAMS s $ -> parked; c2> DEL s; c2> SET s x; c2> DEL s; c2> XADD s 5 f v; c2> XADD s 667 f w; <- [[s [[667-0 [f w]]]]]",
        );
        check(
            "XREAD BLOCK 0 STREAMS s s s $ $ $ -> parked; c2> MULTI; c2> XADD s 1 f v; c2> DEL s; c2> EXEC; <- silence; c2> MULTI; c2> XADD s 1 a 1; c2> XADD s 2 a 2; c2> EXEC; <- [[s [[1-0 [a 1]] [2-0 [a 2]]]] [s *] [s *]]",
        );
        check(
            "XREAD BLOCK 0 STREAMS x 1-18446744073709551615 -> parked; c2> XADD x 1-1 f v; c2> XADD x 1-18446744073709551615 f v; c2> XADD x 2-1 f v; <- [[x [[2-1 [f v]]]]]",
        );
        check("XREAD BLOCK 0 STREAMS s 0 -> parked; c2> XADD t 1 a 1; c2> RENAME t s; <- [[s [[1-0 [a 1]]]]]");
    }

    #[test]
    fn all_who_wait_get_it() {
        check(
            "XREAD BLOCK 0 STREAMS s $ -> parked; c2> XREAD BLOCK 0 STREAMS s 0 -> parked; c3> XADD s 1 a 1; <- [[s [[1-0 [a 1]]]]]; c2> <- [[s [[1-0 [a 1]]]]]",
        );
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XREAD COUNT 1 STREAMS", "ERR syntax error"),
            ("XREAD FOO 1 STREAMS s 0", "ERR syntax error"),
            (
                "XREAD STREAMS s t 0",
                "ERR Unbalanced 'xread' list of streams: for each stream key an ID, '+', or '$' must be",
            ),
            ("XREAD COUNT x STREAMS s 0", "ERR value is not an integer or out of range"),
            ("XREAD BLOCK x STREAMS s 0", "ERR timeout is not an integer or out of range"),
            ("XREAD BLOCK -1 STREAMS s 0", "ERR timeout is negative"),
            (
                "XREAD NOACK STREAMS s 0",
                "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            ("XREAD GROUP g c STREAMS s 0", "ERR The GROUP option is only supported by XREADGROUP. You called XREAD"),
            ("XREAD STREAMS s >", "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group>"),
            ("XREAD STREAMS s x", "ERR Invalid stream ID specified as stream command argument"),
        ] {
            check(&format!("{words} -> -{error}"));
        }
        check("SET k v; XREAD STREAMS k 0 -> -WRONGTYPE; XREAD BLOCK 0 STREAMS k $ -> -WRONGTYPE");
    }
}
