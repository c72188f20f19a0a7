//! BITPOS key bit [start [end [BYTE | BIT]]]
//!
//! Without an end a string is taken to go on in zeros, so that a 0 is always found. A missing key is such a string;
//! one that is there and empty is not (Redis says -1 there).

use super::offset::unit;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::string::bits;

pub static BITPOS: Command = Command {
    name: "BITPOS",
    group: Group::Bitmap,
    since: "2.8.7",
    arity: Arity::AtLeast(3),
    flags: Flags::READONLY,
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = bytes looked at",
    summary: "Finds the first 1 or 0 in the string at a key.",
    history: &[("7.0.0", "BYTE and BIT.")],
    docs: &[
        Arg::key("key", 0),
        Arg::new("bit", ArgKind::Integer),
        Arg::block(
            "range",
            &[
                Arg::new("start", ArgKind::Integer),
                Arg::block(
                    "end-unit-block",
                    &[
                        Arg::new("end", ArgKind::Integer),
                        Arg::one_of("unit", &[Arg::token("byte", "BYTE"), Arg::token("bit", "BIT")])
                            .since("7.0.0")
                            .optional(),
                    ],
                )
                .optional(),
            ],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let bit = match args.int(2)? {
        0 => false,
        1 => true,
        _ => return Err(Error::BitArg),
    };
    let number = |i: usize| if i < args.len() { args.int(i).map(Some) } else { Ok(None) };
    if args.len() > 6 {
        return Err(Error::Syntax);
    }
    let (start, unit, end) = (number(3)?, unit(args, 5)?, number(4)?);
    let at = match ctx.db.read_string(args.key(1))? {
        Some(value) => bits::find_bit(value.bytes(&mut [0; 20]), bit, start, end, unit),
        None if bit => -1,
        None => 0,
    };
    ctx.reply.int(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn finds() {
        check(
            "BITPOS k 0 -> :0; BITPOS k 1 -> :-1; SET k \"\\xff\\xf0\\x00\" -> +OK; BITPOS k 0 -> :12; BITPOS k 1 2 -> :-1; BITPOS k 1 1 2 -> :8; BITPOS k 0 2 -> :16",
        );
        check(
            "SET k \"\\xff\\xff\" -> +OK; BITPOS k 0 -> :16; BITPOS k 0 1 -> :16; BITPOS k 0 0 -1 -> :-1; BITPOS k 1 9 -1 BIT -> :9; BITPOS k 0 2 -> :-1",
        );
        check("SET k \"\" -> +OK; BITPOS k 0 -> :-1; BITPOS k 1 -> :-1");
    }

    #[test]
    fn refuses_before_it_looks() {
        check(
            "BITPOS k 2 -> -ERR The bit argument must be 1 or 0.; BITPOS k a -> -ERR value is not an integer or out of range",
        );
        check(
            "BITPOS k 0 a -> -ERR value is not an integer or out of range; BITPOS k 0 1 x -> -ERR value is not an integer or out of range",
        );
        check("BITPOS k 0 0 x hello -> -ERR syntax error; BITPOS k 0 0 1 BIT x -> -ERR syntax error");
    }
}
