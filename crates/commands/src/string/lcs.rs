//! LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]
//!
//! Longest common subsequence of two strings: itself, its length, or where it lies. Types are looked at before the
//! options, as Redis does. The work is bounded by what its table may take, `proto-max-bulk-len`; ours takes a
//! thirty-second of Redis's, so longer strings are accepted.

use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, Key, KeySpec, READ, options};
use types::string::lcs::{self, Lcs};

pub static LCS: Command = Command {
    name: "LCS",
    group: Group::String,
    since: "7.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: exec::Categories::STRING,
    keys: &[KeySpec::span(1, 2, 1, READ)],
    complexity: "O(N*M), N and M = lengths of the strings",
    summary: "Finds the longest common subsequence of two strings.",
    docs: &[
        Arg::key("key1", 0),
        Arg::key("key2", 0),
        Arg::token("len", "LEN").optional(),
        Arg::token("idx", "IDX").optional(),
        Arg::new("min-match-len", ArgKind::Integer).after("MINMATCHLEN").optional(),
        Arg::token("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (a, b) = (text_of(ctx, args.key(1)), text_of(ctx, args.key(2)));
    let (a, b) = (a?, b?);
    let want = Want::parse(args)?;
    let bytes_max = ctx.node.config.get(&options::PROTO_MAX_BULK).unsigned_abs();
    if lcs::table_bytes(a.len(), b.len()) > bytes_max {
        return Err(TOO_BIG);
    }
    if want.len {
        ctx.reply.int(lcs::lcs_len(&a, &b) as i64);
        return Ok(());
    }
    let found = lcs::lcs(&a, &b, bytes_max).map_err(|_| TOO_BIG)?;
    match want.idx {
        true => reply_ranges(ctx, &found, &want),
        false => ctx.reply.bulk(&found.bytes),
    }
    Ok(())
}

const TOO_BIG: Error = Error::Static("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");

fn text_of(ctx: &mut Ctx, key: Key) -> Result<Vec<u8>, Error> {
    match ctx.db.read_string(key) {
        Ok(value) => Ok(value.map(|value| value.to_vec()).unwrap_or_default()),
        Err(Error::WrongType) => Err(Error::Static("ERR The specified keys must contain string values")),
        Err(error) => Err(error),
    }
}

#[derive(Default)]
struct Want {
    len: bool,
    idx: bool,
    with_len: bool,
    len_min: usize,
}

impl Want {
    fn parse(args: &Args) -> Result<Want, Error> {
        let mut want = Want::default();
        let mut i = 3;
        while i < args.len() {
            if args.is(i, "IDX") {
                want.idx = true;
            } else if args.is(i, "LEN") {
                want.len = true;
            } else if args.is(i, "WITHMATCHLEN") {
                want.with_len = true;
            } else if args.is(i, "MINMATCHLEN") && i + 1 < args.len() {
                i += 1;
                want.len_min = usize::try_from(args.int(i)?).unwrap_or(0);
            } else {
                return Err(Error::Syntax);
            }
            i += 1;
        }
        if want.idx && want.len {
            return Err(Error::Static("ERR If you want both the length and indexes, please just use IDX."));
        }
        Ok(want)
    }
}

fn reply_ranges(ctx: &mut Ctx, found: &Lcs, want: &Want) {
    let matches = || found.matches.iter().filter(|found| found.len >= want.len_min);
    ctx.reply.map(2);
    ctx.reply.bulk_str("matches");
    ctx.reply.array(matches().count());
    for found in matches() {
        ctx.reply.array(if want.with_len { 3 } else { 2 });
        for range in [&found.a, &found.b] {
            ctx.reply.array(2);
            ctx.reply.int(range.start as i64);
            ctx.reply.int(range.end as i64 - 1);
        }
        if want.with_len {
            ctx.reply.int(found.len as i64);
        }
    }
    ctx.reply.bulk_str("len");
    ctx.reply.int(found.len as i64);
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn finds() {
        let strings = "MSET a ohmytext b mynewtext";
        check(&format!("{strings}; LCS a b -> mytext; lcs a b len -> :6; LCS a none -> \"\"; LCS a none LEN -> :0"));
        check(&format!("{strings}; LCS a b IDX -> [matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] len :6]"));
        check(&format!("{strings}; LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN -> [matches [[[:4 :7] [:5 :8] :4]] len :6]"));
        check(&format!(
            "{strings}; LCS a b MINMATCHLEN -5 IDX -> [matches [[[:4 :7] [:5 :8]] [[:2 :3] [:0 :1]]] len :6]"
        ));
        check(&format!("{strings}; LCS a none IDX -> [matches [] len :0]; LCS a b WITHMATCHLEN -> mytext"));
        check("SET a 1234 -> +OK; SET b 234x -> +OK; LCS a b -> 234");
    }

    #[test]
    fn refuses() {
        check("LCS a b LEN IDX -> -ERR If you want both the length and indexes, please just use IDX.");
        check(
            "LCS a b MINMATCHLEN -> -ERR syntax error; LCS a b FOO -> -ERR syntax error; LCS a b MINMATCHLEN x -> -ERR value is not an integer or out of range",
        );
    }

    #[test]
    fn has_a_limit() {
        let mut node = node(&[("proto-max-bulk-len", "1mb")]);
        node.converse(
            "SETRANGE a 9999 x -> :10000; SETRANGE b 9999 y -> :10000; LCS a b LEN -> -ERR Insufficient memory",
        );
    }
}
