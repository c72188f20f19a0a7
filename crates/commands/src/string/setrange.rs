//! SETRANGE key offset value
//!
//! Overwrites a part of a string where it stands; a gap before it is filled with zero bytes. Setting nothing changes
//! nothing, not even how the string is stored.

use super::limits::LenMax;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, UPDATE, notify};

pub static SETRANGE: Command = Command {
    name: "SETRANGE",
    group: Group::String,
    since: "2.2.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, UPDATE)],
    complexity: "O(1) for short values; O(M), M = length of the value",
    summary: "Overwrites a part of the string at a key, growing it if need be.",
    docs: &[Arg::key("key", 0), Arg::new("offset", ArgKind::Integer), Arg::new("value", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let offset = u64::try_from(args.int(2)?).map_err(|_| Error::OffsetOutOfRange)?;
    let (key, part) = (args.key(1), args.get(3));
    let max = LenMax::of(ctx);
    let end = || max.check(offset.saturating_add(part.len() as u64));
    let len = match ctx.db.string_mut(key)? {
        string if part.is_empty() => {
            ctx.reply.int(string.map_or(0, |string| string.value().len() as i64));
            return Ok(());
        }
        Some(mut string) => {
            let end = end()?;
            let len = end.max(string.value().len());
            string.bytes(len)[end - part.len()..end].copy_from_slice(part);
            len
        }
        None => {
            let len = end()?;
            ctx.db.make_string(key).bytes(len)[len - part.len()..].copy_from_slice(part);
            len
        }
    };
    ctx.db.event(notify::STRING, "setrange", key.bytes);
    ctx.reply.int(len as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn overwrites() {
        check(
            "SETRANGE k 1 foo -> :4; GET k -> \"\\x00foo\"; SET k Hello -> +OK; SETRANGE k 1 ey -> :5; GET k -> Heylo; SETRANGE k 6 x -> :7; GET k -> \"Heylo\\x00x\"",
        );
        check(
            "SET k 1234 PX 9 -> +OK; SETRANGE k 0 2 -> :4; GET k -> 2234; SETRANGE k 3 56 -> :5; GET k -> 22356; ~9ms; GET k -> nil",
        );
    }

    #[test]
    fn nothing_changes_nothing() {
        let mut node = node(&[]);
        node.converse("SETRANGE k 0 \"\" -> :0; GET k -> nil; SET k abc; SETRANGE k 9 \"\" -> :3; GET k -> abc");
        assert_eq!(node.log.lines(), ["SET k abc"]);
    }

    #[test]
    fn refuses() {
        check(
            "SETRANGE k -1 a -> -ERR offset is out of range; SETRANGE k x a -> -ERR value is not an integer or out of range",
        );
        for offset in ["536870912", "536870911", "9223372036854775807"] {
            check(&format!("SETRANGE k {offset} ab -> -ERR string exceeds maximum allowed size; GET k -> nil"));
            check(&format!(
                "SET k a -> +OK; SETRANGE k {offset} ab -> -ERR string exceeds maximum allowed size; GET k -> a"
            ));
        }
    }
}
