//! BITOP operation destkey key [key …]
//!
//! Combines strings bit by bit into a new one, as long as the longest; missing keys are empty. An empty result
//! deletes the destination. DIFF, DIFF1, ANDOR and ONE are Redis 8.2's.

use exec::command::Arg;
use exec::{
    Args, Arity, Command, Ctx, Deadline, Error, Flags, Group, KeySpec, NewValue, READ, REPLACE, notify, options,
};
use types::string::bits::{self, BitOp};

pub static BITOP: Command = Command {
    name: "BITOP",
    group: Group::Bitmap,
    since: "2.6.0",
    arity: Arity::AtLeast(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(2, REPLACE), KeySpec::span(3, -1, 1, READ)],
    complexity: "O(N), N = bytes of all sources",
    summary: "Combines several strings bit by bit and stores the result.",
    history: &[("8.2.0", "DIFF, DIFF1, ANDOR and ONE.")],
    docs: &[
        Arg::one_of(
            "operation",
            &[
                Arg::token("and", "AND"),
                Arg::token("or", "OR"),
                Arg::token("xor", "XOR"),
                Arg::token("not", "NOT"),
                Arg::token("diff", "DIFF").since("8.2.0"),
                Arg::token("diff1", "DIFF1").since("8.2.0"),
                Arg::token("andor", "ANDOR").since("8.2.0"),
                Arg::token("one", "ONE").since("8.2.0"),
            ],
        ),
        Arg::key("destkey", 0),
        Arg::key("key", 1).multiple(),
    ],
    run,
    ..Command::BASE
};

const FIRST_SOURCE: usize = 3;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let op = operation(args)?;
    let sources = read_sources(ctx, args)?;
    let slices: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
    let result = bits::combine(op, &slices);
    let target = args.key(2);
    if !result.is_empty() {
        ctx.db.set(target, NewValue::Raw(&result), Deadline::None);
        ctx.db.event(notify::STRING, "set", target.bytes);
    } else if ctx.db.delete(target, ctx.node.config.get(&options::LAZY_SERVER_DEL))? {
        ctx.db.event(notify::GENERIC, "del", target.bytes);
    }
    ctx.reply.int(result.len() as i64);
    Ok(())
}

fn operation(args: &Args) -> Result<BitOp, Error> {
    const OPERATIONS: &[(&str, BitOp)] = &[
        ("AND", BitOp::And),
        ("OR", BitOp::Or),
        ("XOR", BitOp::Xor),
        ("NOT", BitOp::Not),
        ("DIFF", BitOp::Diff),
        ("DIFF1", BitOp::Diff1),
        ("ANDOR", BitOp::AndOr),
        ("ONE", BitOp::One),
    ];
    let found = OPERATIONS.iter().find(|(name, _)| args.is(1, name));
    let (name, op) = found.ok_or(Error::Syntax)?;
    let source_count = args.len() - FIRST_SOURCE;
    match op {
        BitOp::Not if source_count != 1 => Err(Error::Static("ERR BITOP NOT must be called with a single source key.")),
        BitOp::Diff | BitOp::Diff1 | BitOp::AndOr if source_count < 2 => {
            Err(Error::err(format_args!("BITOP {name} must be called with at least two source keys.")))
        }
        op => Ok(*op),
    }
}

/// Copies of the sources: the destination may be one of them, and one lookup at a time is all that is lent.
fn read_sources(ctx: &mut Ctx, args: &Args) -> Result<Vec<Vec<u8>>, Error> {
    let mut sources = Vec::with_capacity(args.len() - FIRST_SOURCE);
    let mut away = false;
    for i in FIRST_SOURCE..args.len() {
        match ctx.db.read_string(args.key(i)) {
            Ok(value) => sources.push(value.map(|value| value.to_vec()).unwrap_or_default()),
            // All the others are asked for too, so that they are brought in together.
            Err(Error::Away) => away = true,
            Err(error) => return Err(error),
        }
    }
    // Deleting the destination looks it up: if it is away too, better now than after all the work.
    match ctx.db.peek(args.key(2)).map(|_| ()) {
        Err(Error::Away) => away = true,
        other => other?,
    }
    if away { Err(Error::Away) } else { Ok(sources) }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn combines() {
        let strings = "MSET a \"\\x0f\\xff\" b \"\\x33\" c \"\\x55\"";
        for (words, result) in [
            ("AND d a b", "\\x03\\x00"),
            ("or d a b", "\\x3f\\xff"),
            ("XOR d a b c", "\\x69\\xff"),
            ("NOT d a", "\\xf0\\x00"),
            ("DIFF d a b c", "\\x08\\xff"),
            ("DIFF1 d a b c", "\\x70\\x00"),
            ("ANDOR d a b c", "\\x07\\x00"),
            ("ONE d a b c", "\\x68\\xff"),
            ("ONE d a", "\\x0f\\xff"),
            ("AND d a", "\\x0f\\xff"),
        ] {
            check(&format!("{strings}; BITOP {words} -> :2; GET d -> \"{result}\""));
        }
        check(
            "SET a 1 -> +OK; SET b 2 PX 9 -> +OK; BITOP OR b a b -> :1; ~9ms; GET b -> 3; BITOP NOT a a -> :1; GET a -> \"\\xce\"",
        );
    }

    #[test]
    fn nothing_deletes() {
        let mut node = node(&[]);
        node.converse("SET d x; BITOP AND d none none2 -> :0; EXISTS d; GET d -> nil; BITOP NOT d none -> :0");
        assert_eq!(node.log.lines(), ["SET d x", "BITOP AND d none none2"]);
    }

    #[test]
    fn refuses() {
        check(
            "BITOP FOO d a -> -ERR syntax error; BITOP NOT d a b -> -ERR BITOP NOT must be called with a single source key.",
        );
        check(
            "BITOP diff1 d a -> -ERR BITOP DIFF1 must be called with at least two source keys.; BITOP ANDOR d a -> -ERR BITOP ANDOR must",
        );
        check("BITOP AND d -> -ERR wrong number of arguments for 'bitop' command");
    }
}
