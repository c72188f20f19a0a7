//! HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]
//!
//! A cursor is a position of 32 bits, and positions keep their order while the table grows and shrinks: a field that
//! is there from the first call to the last is told. Buckets are told whole; a packed hash is told in one call.

use super::read::say;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::{glob, text};
use types::Hash;

pub static HSCAN: Command = Command {
    name: "HSCAN",
    group: Group::Hash,
    since: "2.8.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::HASH,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1) per call, O(N) for a whole walk over N fields",
    summary: "Walks over the fields of a hash, some at a time.",
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
        Arg::token("novalues", "NOVALUES").optional(),
    ],
    run,
    ..Command::BASE
};

const COUNT: u64 = 10;
/// Buckets looked at for each field that is asked for.
const BUCKETS_PER_FIELD: u64 = 10;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let cursor = text::parse_u64(args.get(2)).ok_or(Error::InvalidCursor)?;
    let now = ctx.db.fields_now();
    let Some(hash) = ctx.db.read::<Hash>(args.key(1))? else {
        ctx.reply.array(2);
        ctx.reply.bulk(b"0");
        ctx.reply.array(0);
        return Ok(());
    };
    let (mut pattern, mut count, mut values) = (None, COUNT, true);
    let mut i = 3;
    while i < args.len() {
        if args.is(i, "NOVALUES") {
            values = false;
            i += 1;
            continue;
        }
        if i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.is(i, "COUNT") {
            count = u64::try_from(args.int(i + 1)?).ok().filter(|&count| count > 0).ok_or(Error::Syntax)?;
        } else if args.is(i, "MATCH") {
            pattern = Some(args.get(i + 1)).filter(|pattern| *pattern != b"*");
        } else {
            return Err(Error::Syntax);
        }
        i += 2;
    }
    let mut found = Vec::new();
    // A cursor that was never given is one that is past the end.
    let mut position = u32::try_from(cursor).ok();
    let mut buckets_left = count.saturating_mul(BUCKETS_PER_FIELD);
    let mut fields_left = count;
    while let Some(at) = position.filter(|_| fields_left > 0 && buckets_left > 0) {
        buckets_left -= 1;
        position = hash.scan(at, &mut |pair| {
            fields_left = fields_left.saturating_sub(1);
            let wanted = pattern.is_none_or(|pattern| glob::matches(pattern, pair.field.bytes(&mut [0; 20]), false));
            if wanted && !pair.is_due(now) {
                found.push(pair);
            }
        });
    }
    let reply = &mut *ctx.reply;
    reply.array(2);
    reply.bulk_int(i64::from(position.unwrap_or(0)));
    reply.array(found.len() * if values { 2 } else { 1 });
    for pair in found {
        say(reply, pair.field);
        if values {
            say(reply, pair.value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use std::collections::BTreeSet;

    #[test]
    fn a_packed_hash_comes_whole() {
        check(
            "HSCAN k 0 -> [0 []]; HSET h a 1 b 2; HSCAN h 0 COUNT 1 -> [0 {a 1 b 2}]; HSCAN h 0 NOVALUES -> [0 {a b}]; HSCAN h 0 MATCH b* NOVALUES -> [0 [b]]",
        );
        check("HSET h a 1; HSCAN h 18446744073709551615 -> *; HSCAN h 0 MATCH 1 -> [0 []]");
    }

    #[test]
    fn refuses() {
        check(
            "HSCAN h x -> -ERR invalid cursor; HSCAN h 0 FOO -> [0 []]; HSET h a 1; HSCAN h 0 COUNT 0 -> -ERR syntax error; HSCAN h 0 COUNT x -> -ERR value is not an integer or out of range",
        );
        check(
            "HSET h a 1; HSCAN h 0 COUNT -> -ERR syntax error; HSCAN h 0 FOO 1 -> -ERR syntax error; SET s v; HSCAN s 0 -> -WRONGTYPE",
        );
    }

    #[test]
    fn a_large_hash_comes_in_steps() {
        let mut node = node(&[]);
        (0..1000).for_each(|i| node.converse(&format!("HSET h f{i} v")));
        let (mut cursor, mut seen, mut calls) = (b"0".to_vec(), BTreeSet::new(), 0);
        loop {
            let words = [&b"HSCAN"[..], b"h", &cursor, b"COUNT", b"20", b"NOVALUES"];
            let bytes = node.ask(1, &words);
            let Ok(Some((Value::Array(parts), _))) = proto::resp_client::decode(&bytes) else { panic!("{bytes:?}") };
            let [Value::Bulk(next), Value::Array(fields)] = &parts[..] else { panic!("{parts:?}") };
            assert!(fields.len() < 60);
            fields.iter().for_each(|field| assert!(seen.insert(format!("{field:?}"))));
            calls += 1;
            cursor = next.clone();
            if cursor == b"0" {
                break;
            }
        }
        assert!(seen.len() == 1000 && calls > 20);
    }
}
