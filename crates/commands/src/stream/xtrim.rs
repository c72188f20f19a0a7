//! XTRIM key (MAXLEN | MINID) [= | ~] threshold [LIMIT count]
//!
//! Takes the oldest entries away. The log gets how many were left when whole chunks went.

use super::trimming;
use super::xadd::TRIM;
use exec::command::Arg;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use kit::text::format_i64;
use types::Stream;

pub static XTRIM: Command = Command {
    name: "XTRIM",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE,
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(N), N = entries taken away",
    summary: "Takes the oldest entries from a stream.",
    history: &[("6.2.0", "MINID and LIMIT.")],
    tips: &["nondeterministic_output"],
    docs: &[Arg::key("key", 0), TRIM],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = trimming::parse(ctx, args, false)?;
    let key = args.key(1);
    let (mut gone, mut len) = (0, 0);
    if let Some(mut stream) = ctx.db.write::<Stream>(key)? {
        gone = options.apply(stream.unmarked());
        len = stream.len();
        if gone > 0 {
            stream.touch_quietly();
        }
    }
    ctx.reply.int(gone as i64);
    if gone > 0 {
        ctx.dirty(gone - 1);
        ctx.db.event(notify::STREAM, "xtrim", key.bytes);
        if options.is_rough() {
            ctx.replay_as(&[b"XTRIM", key.bytes, b"MAXLEN", b"=", format_i64(&mut [0; 20], len as i64)]);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn trims() {
        check(
            "XADD s 1 a b; XADD s 2 a b; XADD s 3 a b; XTRIM s MAXLEN 2 -> :1; XTRIM s MAXLEN = 5 -> :0; XTRIM s MINID 3 -> :1; XRANGE s - + -> [[3-0 [a b]]]",
        );
        check("XTRIM none MAXLEN 3 -> :0; XADD s 1 a b; XTRIM s MAXLEN 0 -> :1; EXISTS s -> :1");
        check(
            "XADD s 1-0 f v; XADD s 1641544570597-0 f v; XADD s 1641544570597-1 f v; XTRIM s MINID 1641544570597-0 -> :1; XLEN s -> :2",
        );
    }

    #[test]
    fn whole_chunks() {
        let mut node = node(&[("stream-node-max-entries", "2"), ("notify-keyspace-events", "Et")]);
        node.converse("XADD s 1 a b; XADD s 2 a b; XADD s 3 a b; c2> PSUBSCRIBE *; XTRIM s MAXLEN ~ 0 LIMIT 1 -> :0; XTRIM s LIMIT 2 MAXLEN ~ 0 -> :2");
        node.converse("c2> <- [pmessage * __keyevent@0__:xtrim s]; c2> <- silence; XTRIM s MAXLEN ~ 1 -> :0");
        assert_eq!(node.log.lines()[3..], ["XTRIM s MAXLEN = 1"]);
    }

    #[test]
    fn refuses() {
        for (words, error) in [
            ("XTRIM s MAXLEN 1 2", "ERR syntax error"),
            ("XTRIM s FOO 1", "ERR syntax error"),
            ("XTRIM s MAXLEN ~ 1 LIMIT", "ERR syntax error"),
            ("XTRIM s MAXLEN ~ 1 NOMKSTREAM", "ERR syntax error"),
            ("XTRIM s MAXLEN 1 LIMIT 30", "ERR syntax error, LIMIT cannot be used without the special ~ option"),
            ("XTRIM s LIMIT 30 LIMIT 30", "ERR syntax error, LIMIT cannot be used without specifying a trimming"),
        ] {
            check(&format!("{words} -> -{error}"));
        }
        check("SET k v; XTRIM k MAXLEN 1 -> -WRONGTYPE");
    }
}
