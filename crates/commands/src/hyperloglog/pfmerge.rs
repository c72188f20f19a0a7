//! PFMERGE destination [source [source …]]
//!
//! The destination counts among the sources. The result is dense when one of them is.

use super::value::{corrupt, open, sparse_max};
use exec::command::Arg;
use exec::{
    Args, Arity, Categories, Command, Ctx, Deadline, Error, Flags, Group, KeyAccess, KeySpec, NewValue, READ, notify,
};
use types::hyperloglog::{self, Encoding, Registers};

pub static PFMERGE: Command = Command {
    name: "PFMERGE",
    group: Group::HyperLogLog,
    since: "2.8.9",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::INSERT)), KeySpec::span(2, -1, 1, READ)],
    complexity: "O(N) for N keys, each of which costs much",
    summary: "Joins HyperLogLogs into one.",
    docs: &[Arg::key("destkey", 0), Arg::key("sourcekey", 1).optional().multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, sparse_max) = (args.key(1), sparse_max(ctx));
    let (mut joined, mut dense, mut old) = (Registers::default(), false, None);
    for i in 1..args.len() {
        if let Some(string) = ctx.db.string_before_write(args.key(i))? {
            let (value, encoding) = open(string)?;
            joined.join(value).map_err(corrupt)?;
            dense |= encoding == Encoding::Dense;
            if i == 1 {
                old = Some(value.to_vec());
            }
        }
    }
    let is_there = old.is_some();
    let mut value = old.unwrap_or_else(hyperloglog::empty);
    if dense {
        value = hyperloglog::to_dense(&value).map_err(corrupt)?;
    }
    for element in joined.elements() {
        hyperloglog::raise(&mut value, element, sparse_max).map_err(corrupt)?;
    }
    hyperloglog::make_stale(&mut value);
    let deadline = if is_there { Deadline::Keep } else { Deadline::None };
    ctx.db.set(key, NewValue::Raw(&value), deadline);
    ctx.db.event(notify::STRING, "pfadd", key.bytes);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn joins() {
        check(
            "PFADD a 1 2 3; PFADD b 3 4; PFMERGE d a b none -> +OK; PFCOUNT d -> :4; PFADD d 9; PFMERGE d a -> +OK; PFCOUNT d -> :5; PFMERGE e -> +OK; PFCOUNT e -> :0; PFMERGE f none -> +OK; EXISTS f -> :1; PFMERGE a -> +OK; PFCOUNT a -> :3",
        );
        check(
            "PFADD a 1; PFDEBUG TODENSE a -> :1; PFMERGE d a; PFDEBUG ENCODING d -> +dense; PFADD b 1; EXPIRE b 50; PFMERGE b a; TTL b -> :50; PFDEBUG ENCODING b -> +dense; PFCOUNT b -> :1",
        );
        check(
            "PFADD a 1; SET k v; PFMERGE d a k -> -WRONGTYPE; EXISTS d -> :0; PFMERGE k a -> -WRONGTYPE; GET k -> v; APPEND a hello; PFMERGE d a -> -INVALIDOBJ",
        );
    }

    #[test]
    fn is_logged() {
        let mut node = node(&[]);
        node.converse("PFMERGE d; PFMERGE d");
        assert_eq!(node.log.lines(), ["PFMERGE d", "PFMERGE d"]);
    }
}
