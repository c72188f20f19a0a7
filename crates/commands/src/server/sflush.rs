//! SFLUSH start last [start last …] [ASYNC | SYNC]
//!
//! Redis 8's way to empty a node of a cluster: the ranges must cover every slot that the node has, and then all its keys
//! go; the reply are the ranges of the node, or none when the words left a slot out and nothing was done. A node that
//! is in no cluster with others has all slots. Refused outside cluster mode.

use super::flush;
use exec::options::{self, CLUSTER_ENABLED};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, Reach};
use keyspace::Slot;

pub static SFLUSH: Command = Command {
    name: "SFLUSH",
    group: Group::Server,
    since: "8.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    reach: Reach::World,
    complexity: "O(N)+O(k), N being the keys, k the slots that are named",
    summary: "Removes all keys of a node, named by its slots.",
    docs: &[
        Arg {
            name: "data",
            kind: ArgKind::Block,
            multiple: true,
            args: &[
                Arg { name: "slot-start", kind: ArgKind::Integer, ..Arg::BASE },
                Arg { name: "slot-last", kind: ArgKind::Integer, ..Arg::BASE },
            ],
            ..Arg::BASE
        },
        Arg {
            name: "flush-type",
            kind: ArgKind::OneOf,
            optional: true,
            args: &[
                Arg { name: "async", kind: ArgKind::PureToken, token: Some("ASYNC"), ..Arg::BASE },
                Arg { name: "sync", kind: ArgKind::PureToken, token: Some("SYNC"), ..Arg::BASE },
            ],
            ..Arg::BASE
        },
    ],
    run,
    ..Command::BASE
};

const SLOT_LAST: i64 = keyspace::SLOTS as i64 - 1;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if !ctx.node.config.get(&CLUSTER_ENABLED) {
        return Err(Error::Static("ERR This instance has cluster support disabled"));
    }
    let last = args.len() - 1;
    let (lazy, end) = match () {
        () if args.is(last, "ASYNC") => (true, last),
        () if args.is(last, "SYNC") => (false, last),
        () => (ctx.node.config.get(&options::LAZY_USER_FLUSH), args.len()),
    };
    if end < 3 || end.is_multiple_of(2) {
        return Err(Error::wrong_arity("sflush"));
    }
    if !cover_all(args, end)? {
        ctx.reply.array(0);
        return Ok(());
    }
    let databases = ctx.node.databases;
    let removed = flush::empty(ctx, 0..databases, lazy);
    ctx.dirty(removed);
    // What loads the log need not be in cluster mode.
    ctx.replay_as(&[b"FLUSHALL"]);
    ctx.reply.array(1);
    ctx.reply.array(2);
    ctx.reply.int(0);
    ctx.reply.int(SLOT_LAST);
    Ok(())
}

/// Whether the ranges, none of which may meet another, leave no slot out.
fn cover_all(args: &Args, end: usize) -> Result<bool, Error> {
    let mut ranges = Vec::with_capacity(end / 2);
    for at in (1..end).step_by(2) {
        let (start, last) = (slot(args, at)?, slot(args, at + 1)?);
        if start > last {
            return Err(Error::text(format!("ERR start slot number {start} is greater than end slot number {last}")));
        }
        ranges.push((start, last));
    }
    ranges.sort_unstable();
    let mut next = 0;
    let mut is_whole = true;
    for (start, last) in ranges {
        if start < next {
            return Err(Error::text(format!("ERR Slot {start} specified multiple times")));
        }
        is_whole &= start == next;
        next = last + 1;
    }
    Ok(is_whole && next > SLOT_LAST)
}

fn slot(args: &Args, at: usize) -> Result<i64, Error> {
    let number = args.int(at).ok().filter(|&number| u16::try_from(number).is_ok_and(|n| Slot::new(n).is_some()));
    number.ok_or(Error::Static("ERR Invalid or out of range slot"))
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn is_for_clusters() {
        check("SFLUSH 0 16383 -> -ERR This instance has cluster support disabled; SFLUSH 1 -> -ERR wrong number");
    }

    #[test]
    fn empties_a_node_whose_slots_are_all_named() {
        let mut node = node(&[("cluster-enabled", "yes")]);
        for how in ["", " SYNC", " ASYNC"] {
            node.converse("SET a 1; SET b 1");
            for part in ["2 4", "1 16383", "0 16382", "0 99 101 16383"] {
                node.converse(&format!("SFLUSH {part}{how} -> []; DBSIZE -> :2"));
            }
            node.converse(&format!("SFLUSH 9001 16383 0 9000{how} -> [[:0 :16383]]; DBSIZE -> :0"));
        }
        let lines = node.log.lines();
        assert_eq!(lines[..3], ["SET a 1", "SET b 1", "FLUSHALL"]);
    }

    #[test]
    fn refuses_what_is_no_range() {
        let mut node = node(&[("cluster-enabled", "yes")]);
        node.converse(
            "SFLUSH 4 SYNC -> -ERR wrong number of arguments for 'sflush' command; SFLUSH x 4 -> -ERR Invalid or out of range slot; SFLUSH 0 12x -> -ERR Invalid or out of range slot",
        );
        node.converse(
            "SFLUSH 2 4 3 5 -> -ERR Slot 3 specified multiple times; SFLUSH 8 4 -> -ERR start slot number 8 is greater than end slot number 4; SFLUSH 0 16384 -> -ERR Invalid",
        );
        node.converse("SFLUSH 4 8 10 -> -ERR wrong number; SFLUSH 0 9 11 20 ASYNCX -> -ERR wrong number");
    }
}
