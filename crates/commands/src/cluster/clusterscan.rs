//! CLUSTERSCAN cursor [MATCH pattern] [COUNT count] [TYPE type] [SLOT slot]
//!
//! Valkey's walk over the keys of a cluster. A cursor is `fingerprint-{tag}-position`: the tag hashes to a slot of the
//! node that goes on with the walk, and a position is void for a node with another fingerprint, which then begins again.
//! This is the form of a node that has all slots: one walk over its keys, its tag that of slot 0.

use crate::generic::scan::walk;
use crate::generic::scan_options::{self, ScanOptions};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, Reach};
use keyspace::Slot;

pub static CLUSTERSCAN: Command = Command {
    name: "CLUSTERSCAN",
    group: Group::Cluster,
    since: "9.1.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::TOUCHES_ARBITRARY_KEYS),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::at(1, KeyAccess::NOT_KEY)],
    reach: Reach::Walk,
    complexity: "O(1) per call, O(N) for a whole walk over N keys",
    summary: "Walks over the keys of a cluster, some at a time.",
    tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
    docs: &[
        Arg { name: "cursor", ..Arg::BASE },
        Arg { name: "pattern", kind: ArgKind::Pattern, token: Some("MATCH"), optional: true, ..Arg::BASE },
        Arg { name: "count", kind: ArgKind::Integer, token: Some("COUNT"), optional: true, ..Arg::BASE },
        Arg { name: "type", token: Some("TYPE"), optional: true, ..Arg::BASE },
        Arg { name: "slot", kind: ArgKind::Integer, token: Some("SLOT"), optional: true, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

/// Hashes to slot 0.
const TAG: &str = "06S";

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let fingerprint = ctx.node.keyspace.hash(b"").bits();
    let position = position(args.get(1), fingerprint)?;
    let mut len = args.len();
    let mut slot = None;
    if len >= 4 && args.is(len - 2, "SLOT") {
        let number = args.int(len - 1)?;
        let known = u16::try_from(number).ok().and_then(Slot::new);
        slot = Some(known.ok_or(Error::Static("ERR Invalid or out of range slot"))?);
        len -= 2;
    }
    let options = ScanOptions::parse_until(args, 2, len)?;
    let wanted = |key: &[u8]| slot.is_none_or(|slot| Slot::of(key) == slot);
    let (next, found) = walk(ctx, args, position, &options, &wanted);
    ctx.reply.array(2);
    match next {
        0 => ctx.reply.bulk(b"0"),
        next => ctx.reply.bulk_str(&format!("{fingerprint}-{{{TAG}}}-{next}")),
    }
    found.show(ctx);
    Ok(())
}

/// Where to go on; the beginning for `0` and for the cursor of another node.
fn position(cursor: &[u8], own: u32) -> Result<u64, Error> {
    if cursor == b"0" {
        return Ok(0);
    }
    let text = std::str::from_utf8(cursor).map_err(|_| Error::InvalidCursor)?;
    let (fingerprint, rest) = text.split_once("-{").ok_or(Error::InvalidCursor)?;
    let (_, position) = rest.split_once("}-").ok_or(Error::InvalidCursor)?;
    let fingerprint: u32 = fingerprint.parse().map_err(|_| Error::InvalidCursor)?;
    let position = scan_options::cursor(position.as_bytes())?;
    Ok(if fingerprint == own { position } else { 0 })
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;

    #[test]
    fn goes_over_all_keys() {
        let mut node = node(&[]);
        for i in 0..1000 {
            node.ask(1, &["SET", &format!("k{i}"), "v"]);
        }
        let mut cursor = "0".to_string();
        let mut found = std::collections::BTreeSet::new();
        loop {
            let Value::Array(reply) = node.ask_line(&format!("CLUSTERSCAN {cursor} COUNT 50")) else {
                panic!("no array")
            };
            let (Value::Bulk(next), Value::Array(keys)) = (&reply[0], &reply[1]) else { panic!("{reply:?}") };
            found.extend(keys.iter().map(|key| format!("{key:?}")));
            cursor = String::from_utf8(next.clone()).expect("text");
            if cursor == "0" {
                break;
            }
            assert!(cursor.contains("-{06S}-"), "{cursor}");
        }
        assert_eq!(found.len(), 1000);
    }

    #[test]
    fn takes_one_slot() {
        check(
            "MSET foo 1 bar 2 \"{foo}x\" 3; CLUSTERSCAN 0 COUNT 10000 SLOT 12182 -> [0 {foo \"{foo}x\"}]; CLUSTERSCAN 0 SLOT 16384 -> -ERR Invalid or out of range slot",
        );
        check(
            "CLUSTERSCAN x -> -ERR invalid cursor; CLUSTERSCAN 1-{06S}-77 -> [0 []]; CLUSTERSCAN 0 SLOT -> -ERR syntax error",
        );
    }
}
