//! SSCAN key cursor [MATCH pattern] [COUNT count]
//!
//! Small sets are told at once, tables bucket by bucket (about 16 members): the cursor is a position that keeps its
//! order while the table grows and shrinks.

use super::algebra::say;
use crate::generic::scan_options::{self, ScanOptions};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use kit::{glob, text};
use proto::Reply;
use types::Set;

pub static SSCAN: Command = Command {
    name: "SSCAN",
    group: Group::Set,
    since: "2.8.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1) per call, O(N) for a whole walk over N members",
    summary: "Walks over the members of the set at a key, some at a time.",
    tips: &["nondeterministic_output"],
    docs: &[
        Arg::key("key", 0),
        Arg::new("cursor", ArgKind::Integer),
        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let cursor = scan_options::cursor(args.get(2))?;
    let mut found = Reply::new();
    found.set_resp3(ctx.reply.is_resp3());
    let (mut count, mut next) = (0, None);
    if let Some(set) = ctx.db.read::<Set>(args.key(1))? {
        let options = ScanOptions::parse(args, 3)?;
        if options.type_name.is_some() {
            return Err(Error::Syntax);
        }
        let (mut seen, mut buckets_left) = (0, options.count.saturating_mul(10));
        next = Some(cursor);
        while let Some(position) = next.filter(|_| seen < options.count && buckets_left > 0) {
            buckets_left -= 1;
            next = set.scan(position, &mut |member| {
                seen += 1;
                let fits = |pattern| glob::matches(pattern, member.bytes(&mut [0; 20]), false);
                if options.pattern.is_none_or(fits) {
                    say(&mut found, member);
                    count += 1;
                }
            });
        }
    }
    let mut digits = Vec::new();
    text::write_u64(&mut digits, next.unwrap_or(0));
    ctx.reply.array(2);
    ctx.reply.bulk(&digits);
    ctx.reply.array(count);
    ctx.reply.append(found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;
    use std::collections::BTreeSet;

    #[test]
    fn small_sets_are_told_at_once() {
        check(
            "SSCAN s 0 -> [0 []]; SADD s 1 2 3; SSCAN s 0 COUNT 1 -> [0 [1 2 3]]; SSCAN s 77 -> [0 [1 2 3]]; SADD s a ab; SSCAN s 0 -> [0 {1 2 3 a ab}]; SSCAN s 0 MATCH a* COUNT 1 -> [0 {a ab}]; SSCAN s 0 MATCH 1 -> [0 [1]]; SSCAN s 0 MATCH * -> [0 {1 2 3 a ab}]",
        );
        check(
            "SSCAN s x -> -ERR invalid cursor; SSCAN none 0 FOO -> [0 []]; SADD s 1; SSCAN s 0 FOO -> -ERR syntax error; SSCAN s 0 COUNT 0 -> -ERR syntax error; SSCAN s 0 TYPE set -> -ERR syntax error; SET k v; SSCAN k 0 -> -WRONGTYPE",
        );
    }

    #[test]
    fn tables_are_told_bucket_by_bucket() {
        let mut node = node(&[]);
        (0..1000).for_each(|i| node.converse(&format!("SADD s m{i}")));
        for (options, most) in [("", 60), ("COUNT 100", 150), ("COUNT 1000", 1000), ("MATCH m1* COUNT 1", 60)] {
            let (mut cursor, mut seen, mut calls) = (b"0".to_vec(), BTreeSet::new(), 0);
            loop {
                let line = format!("SSCAN s {} {options}", String::from_utf8(cursor).expect("digits"));
                let Value::Array(mut parts) = node.ask_line(line.trim_end()) else { panic!() };
                let (Some(Value::Array(members)), Some(Value::Bulk(next))) = (parts.pop(), parts.pop()) else {
                    panic!()
                };
                assert!(members.len() <= most);
                members.into_iter().for_each(|member| assert!(seen.insert(format!("{member:?}")), "at rest: once"));
                calls += 1;
                if next == b"0" {
                    break;
                }
                cursor = next;
            }
            assert_eq!(seen.len(), if options.contains("MATCH") { 111 } else { 1000 });
            assert!(calls <= 70 && calls >= 1000 / most, "{calls}");
        }
    }
}
