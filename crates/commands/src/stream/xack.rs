//! XACK key group id [id …]
//!
//! Takes entries off what is pending in a group, whoever has them; how many that were. No such stream or group: 0.

use super::ids;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE};
use types::Stream;

pub static XACK: Command = Command {
    name: "XACK",
    group: Group::Stream,
    since: "5.0.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(1) for each entry",
    summary: "Acknowledges entries that were delivered to consumers of a group.",
    docs: &[Arg::key("key", 0), Arg::new("group", ArgKind::String), Arg::new("id", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut done = 0;
    if let Some(mut stream) = ctx.db.write::<Stream>(args.key(1))? {
        let counted = stream.unmarked().in_group(args.get(2), |_, group| {
            if args.len() == 4 {
                return ids::id(args.get(3)).map(|id| usize::from(group.acknowledge(id)));
            }
            // None is acknowledged when one is wrong.
            args.iter_from(3).try_for_each(|word| ids::id(word).map(|_| ()))?;
            Ok(args.iter_from(3).filter(|word| ids::id(word).is_ok_and(|id| group.acknowledge(id))).count())
        });
        done = counted.transpose()?.unwrap_or(0);
        if done > 0 {
            stream.touch_quietly();
        }
    }
    ctx.reply.int(done as i64);
    ctx.dirty((done as u64).saturating_sub(1));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn acknowledges() {
        check(
            "XADD s 1 a 1; XADD s 2 a 2; XGROUP CREATE s g 0; XREADGROUP GROUP g x STREAMS s >; XACK s g 1 -> :1; XACK s g 1 -> :0; XACK s g 1 2 2 -> :1; XPENDING s g -> [:0 nil nil nil[]]",
        );
        check(
            "XADD s 1 a 1; XGROUP CREATE s g 0; XREADGROUP GROUP g x STREAMS s >; XACK s g 1 x -> -ERR Invalid stream ID; XACK s g x -> -ERR Invalid stream ID; XACK s g 1 -> :1",
        );
        check("XACK none g 1 -> :0; XADD s 1 a 1; XACK s none x -> :0; SET k v; XACK k g 1 -> -WRONGTYPE");
    }

    #[test]
    fn nothing_is_no_change() {
        let mut node = node(&[]);
        node.converse("XADD s 1 a 1; XGROUP CREATE s g $; XACK s g 1; XACK s none 1");
        assert_eq!(node.log.lines().len(), 2);
    }
}
