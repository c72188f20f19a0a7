//! ZSCAN key cursor [MATCH pattern] [COUNT count] [NOSCORES]
//!
//! Reports every member that is there from the first call to the last, whatever else changes; maybe more than once.
//! The cursor is a position in the order of the members' hashes, so it stays right while the index grows and shrinks.
//! A small set is told whole. NOSCORES is Valkey's.

use super::{KEY, NEVER_THE_SAME};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::{glob, text};
use types::SortedSet;

pub static ZSCAN: Command = Command {
    name: "ZSCAN",
    group: Group::SortedSet,
    since: "2.8.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::SORTED_SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1) per call, O(N) for a whole walk",
    summary: "Walks over the members of a sorted set, some at a time.",
    tips: NEVER_THE_SAME,
    docs: &[
        KEY,
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
        Arg::token("noscores", "NOSCORES").optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let cursor = text::parse_u64(args.get(2)).ok_or(Error::InvalidCursor)?;
    let Some(set) = ctx.db.read::<SortedSet>(args.key(1))? else {
        ctx.reply.array(2);
        ctx.reply.bulk(b"0");
        ctx.reply.array(0);
        return Ok(());
    };
    let (mut pattern, mut count, mut with_scores) = (None, 10, true);
    let mut i = 3;
    while i < args.len() {
        if args.is(i, "COUNT") && i + 1 < args.len() {
            count = u64::try_from(args.int(i + 1)?).ok().filter(|&count| count > 0).ok_or(Error::Syntax)?;
            i += 1;
        } else if args.is(i, "MATCH") && i + 1 < args.len() {
            pattern = Some(args.get(i + 1)).filter(|pattern| *pattern != b"*");
            i += 1;
        } else if args.is(i, "NOSCORES") {
            with_scores = false;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    let (mut found, mut told) = (proto::Reply::new(), 0);
    let next = set.scan(cursor, count, &mut |member, score| {
        if pattern.is_some_and(|pattern| !glob::matches(pattern, member, false)) {
            return;
        }
        told += 1;
        found.bulk(member);
        if with_scores {
            // Text in RESP3 too.
            told += 1;
            found.bulk_str(&text::format_f64(score));
        }
    });
    let mut digits = Vec::with_capacity(20);
    text::write_u64(&mut digits, next);
    ctx.reply.array(2);
    ctx.reply.bulk(&digits);
    ctx.reply.array(told);
    ctx.reply.append(found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use std::collections::BTreeSet;

    #[test]
    fn small_ones_whole() {
        check(
            "ZADD z 1 a 2.5 b 3 ab; ZSCAN z 0 -> [0 [a 1 b 2.5 ab 3]]; ZSCAN z 0 MATCH a* COUNT 1 -> [0 [a 1 ab 3]]; ZSCAN z 0 NOSCORES -> [0 [a b ab]]; ZSCAN none 0 -> [0 []]; HELLO 3; ZSCAN z 0 MATCH b -> [0 [b 2.5]]",
        );
        check(
            "ZSCAN z x -> -ERR invalid cursor; ZSCAN z 0 FOO -> [0 []]; ZADD z 1 a; ZSCAN z 0 COUNT 0 -> -ERR syntax error; ZSCAN z 0 COUNT x -> -ERR value is not an integer; ZSCAN z 0 TYPE zset -> -ERR syntax error; ZSCAN z 0 MATCH -> -ERR syntax error; SET s v; ZSCAN s 0 -> -WRONGTYPE",
        );
    }

    #[test]
    fn large_ones_in_steps() {
        let mut node = node(&[]);
        for i in 0..2000 {
            node.ask(1, &["ZADD", "z", &i.to_string(), &format!("m{i}")]);
        }
        let (mut cursor, mut seen, mut calls) = (b"0".to_vec(), BTreeSet::new(), 0);
        loop {
            let line = format!("ZSCAN z {} COUNT 20 NOSCORES", String::from_utf8_lossy(&cursor));
            let Value::Array(parts) = node.ask_line(&line) else { panic!() };
            let [Value::Bulk(next), Value::Array(members)] = &parts[..] else { panic!() };
            seen.extend(members.iter().map(|member| format!("{member:?}")));
            calls += 1;
            if next == b"0" {
                break;
            }
            cursor = next.clone();
        }
        assert!(seen.len() == 2000 && (20..200).contains(&calls), "{} in {calls}", seen.len());
        node.converse(
            "ZSCAN z 18446744073709551615 -> *; ZSCAN z 0 COUNT 9223372036854775807 MATCH m77 -> [0 [m77 77]]",
        );
    }
}
