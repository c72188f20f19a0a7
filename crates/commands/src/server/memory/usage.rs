//! MEMORY USAGE key [SAMPLES count]
//!
//! What the allocator gave for the key with its value, and the place in the table that points there.
//! Collections know their bytes, so there is nothing to sample and SAMPLES is only checked.

use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, LOOK};

pub static USAGE: Command = Command {
    name: "USAGE",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    keys: &[KeySpec::at(2, LOOK)],
    complexity: "O(N), N = elements looked at",
    summary: "Estimates the bytes that a key takes.",
    docs: &[
        Arg { name: "key", kind: ArgKind::Key, key_spec: Some(0), ..Arg::BASE },
        Arg { name: "count", kind: ArgKind::Integer, token: Some("SAMPLES"), optional: true, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

/// A word of the table.
const PLACE_BYTES: usize = 8;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut i = 3;
    while i < args.len() {
        if !args.is(i, "SAMPLES") || i + 1 == args.len() {
            return Err(Error::Syntax);
        }
        if args.int(i + 1)? < 0 {
            return Err(Error::Syntax);
        }
        i += 2;
    }
    match ctx.db.peek(args.key(2))? {
        Some(entry) => ctx.reply.int((entry.value_bytes() + PLACE_BYTES) as i64),
        None => ctx.reply.null(),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn grows_with_the_value() {
        check("SET k v -> +OK; MEMORY USAGE k -> 16..64; MEMORY USAGE none -> nil");
        check(
            "SET big 0123456789012345678901234567890123456789012345678901234567890123456789 -> +OK; MEMORY USAGE big samples 0 -> 80..160",
        );
    }

    #[test]
    fn refuses() {
        check(
            "SET k v; MEMORY USAGE k SAMPLES -> -ERR syntax error; MEMORY USAGE k SAMPLES -1 -> -ERR syntax error; MEMORY USAGE k foo 1 -> -ERR syntax error",
        );
        check(
            "MEMORY USAGE k SAMPLES x -> -ERR value is not an integer or out of range; MEMORY USAGE -> -ERR wrong number of arguments for 'memory|usage' command",
        );
        check("SET k v; MEMORY USAGE k SAMPLES 2 SAMPLES 3 -> 16..64");
    }
}
