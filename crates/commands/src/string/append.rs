//! APPEND key value
//!
//! Makes a string longer where it stands. What was appended to is raw text from then on, even if it reads as a
//! number; a key that was missing is set as SET would.

use super::limits::LenMax;
use super::value::stored;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, notify};

pub static APPEND: Command = Command {
    name: "APPEND",
    group: Group::String,
    since: "2.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::INSERT))],
    complexity: "O(1), amortized over appends to the same key",
    summary: "Appends to the string at a key, or sets it.",
    docs: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (key, tail) = (args.key(1), args.get(2));
    let max = LenMax::of(ctx);
    let len = match ctx.db.string_mut(key)? {
        Some(mut string) => {
            let old_len = string.value().len();
            let len = max.check(old_len as u64 + tail.len() as u64)?;
            string.bytes(len)[old_len..].copy_from_slice(tail);
            len
        }
        None => {
            ctx.db.set(key, stored(tail), Deadline::None);
            tail.len()
        }
    };
    ctx.db.event(notify::STRING, "append", key.bytes);
    ctx.reply.int(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn appends() {
        check(
            "APPEND k a -> :1; APPEND k bc -> :3; GET k -> abc; APPEND k \"\" -> :3; SET n 12 PX 9 -> +OK; APPEND n 3 -> :3; GET n -> 123; ~9ms; GET n -> nil",
        );
    }

    #[test]
    fn has_a_limit() {
        let mut node = node(&[("proto-max-bulk-len", "1mb")]);
        node.converse("SETRANGE k 1048574 a -> :1048575; APPEND k b -> :1048576");
        node.converse(
            "APPEND k c -> -ERR string exceeds maximum allowed size (proto-max-bulk-len); STRLEN k -> :1048576",
        );
        assert_eq!(node.log.lines(), ["SETRANGE k 1048574 a", "APPEND k b"]);
    }
}
