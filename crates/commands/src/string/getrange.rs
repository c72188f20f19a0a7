//! GETRANGE key start end, and SUBSTR, its name until Redis 2.0
//!
//! Both ends count; negative ones count from the end (types::string::range knows the odd cases).

use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::string::range;

pub static GETRANGE: Command = Command { name: "GETRANGE", since: "2.4.0", ..BOTH };

pub static SUBSTR: Command =
    Command { name: "SUBSTR", since: "1.0.0", deprecated: Some(("2.0.0", "`GETRANGE`")), ..BOTH };

const BOTH: Command = Command {
    group: Group::String,
    arity: Arity::Exactly(4),
    flags: Flags::READONLY,
    categories: exec::Categories::STRING,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = bytes returned; O(1) for short ones",
    summary: "Returns a part of the string at a key.",
    docs: &[Arg::key("key", 0), Arg::new("start", ArgKind::Integer), Arg::new("end", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (start, end) = (args.int(2)?, args.int(3)?);
    match ctx.db.read_string(args.key(1))? {
        Some(value) => ctx.reply.bulk(range::substr(value.bytes(&mut [0; 20]), start, end)),
        None => ctx.reply.bulk(b""),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn cuts() {
        check(
            "SET k Hello -> +OK; GETRANGE k 0 3 -> Hell; GETRANGE k -3 -1 -> llo; GETRANGE k 4 2 -> \"\"; GETRANGE k 0 4294967297 -> Hello",
        );
        check(
            "SET k 1234 -> +OK; GETRANGE k 1 -2 -> 23; SUBSTR k -1 -3 -> \"\"; SUBSTR k 0 0 -> 1; GETRANGE none 0 -1 -> \"\"",
        );
        check("GETRANGE k a 1 -> -ERR value is not an integer or out of range");
    }
}
