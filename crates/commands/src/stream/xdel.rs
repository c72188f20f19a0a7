//! XDEL key id [id …]
//!
//! Deletes entries wherever they stand. The stream stays when the last one went, and who has them pending still has.

use super::ids;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, notify};
use types::Stream;

pub static XDEL: Command = Command {
    name: "XDEL",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::DELETE))],
    complexity: "O(1) for each entry",
    summary: "Deletes entries from a stream.",
    docs: &[Arg::key("key", 0), Arg::new("id", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let mut gone = 0;
    if let Some(mut stream) = ctx.db.write::<Stream>(key)? {
        for word in args.iter_from(2) {
            ids::id(word)?;
        }
        let entries = stream.unmarked().entries_mut();
        gone = args.iter_from(2).filter(|word| ids::id(word).is_ok_and(|id| entries.delete(id))).count();
        if gone > 0 {
            stream.touch_quietly();
        }
    }
    ctx.reply.int(gone as i64);
    if gone > 0 {
        ctx.dirty(gone as u64 - 1);
        ctx.db.event(notify::STREAM, "xdel", key.bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn deletes() {
        check(
            "XADD s 1-1 a 1; XADD s 1-2 b 2; XADD s 1-3 c 3; XADD s 1-4 d 4; XDEL s 1-1 1-4 1-1 2-1 -> :2; XRANGE s - + -> [[1-2 [b 2]] [1-3 [c 3]]]",
        );
        check(
            "XADD s 1-1 a 1; XDEL s 1-1 -> :1; XLEN s -> :0; EXISTS s -> :1; XDEL s 1-1 -> :0; XDEL none 1 -> :0; XDEL none x -> :0",
        );
        check("XADD s 1-1 a 1; XDEL s 1-1 x -> -ERR Invalid stream ID; XLEN s -> :1; SET k v; XDEL k 1 -> -WRONGTYPE");
    }

    #[test]
    fn counts_changes() {
        let mut node = node(&[]);
        node.converse("XADD s 1 a b; XADD s 2 a b; XDEL s 9; XDEL s 1 2 3");
        assert_eq!(node.log.lines()[2..], ["XDEL s 1 2 3"]);
        assert_eq!(node.node.dirty.load(std::sync::atomic::Ordering::Relaxed), 4);
    }
}
