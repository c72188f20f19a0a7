//! BITCOUNT key [start end [BYTE | BIT]]
//!
//! The numbers are read before the key is looked at, so a bad one is an error even when there is no key. (Valkey lets
//! the end be left out; Redis and its tests call that a syntax error, and so do we.)

use super::offset::unit;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::string::bits::{self, Unit};

pub static BITCOUNT: Command = Command {
    name: "BITCOUNT",
    group: Group::Bitmap,
    since: "2.6.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY,
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(N), N = bytes looked at",
    summary: "Counts the ones in the string at a key.",
    history: &[("7.0.0", "BYTE and BIT.")],
    docs: &[
        Arg::key("key", 0),
        Arg::block(
            "range",
            &[
                Arg::new("start", ArgKind::Integer),
                Arg::new("end", ArgKind::Integer),
                Arg::one_of("unit", &[Arg::token("byte", "BYTE"), Arg::token("bit", "BIT")]).since("7.0.0").optional(),
            ],
        )
        .optional(),
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (start, end, unit) = match args.len() {
        2 => (0, -1, Unit::Byte),
        4 | 5 => (args.int(2)?, args.int(3)?, unit(args, 4)?),
        _ => return Err(Error::Syntax),
    };
    let value = ctx.db.read_string(args.key(1))?;
    let count = value.map_or(0, |value| bits::count_bits_range(value.bytes(&mut [0; 20]), start, end, unit));
    ctx.reply.int(count as i64);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn counts() {
        check(
            "BITCOUNT k -> :0; SET k foobar -> +OK; BITCOUNT k -> :26; BITCOUNT k 0 0 -> :4; BITCOUNT k 1 1 BYTE -> :6; BITCOUNT k 5 30 bit -> :17",
        );
        check(
            "SET k foobar -> +OK; BITCOUNT k -2 -1 -> :7; BITCOUNT k -6 -7 -> :0; BITCOUNT k 0 4294967296 -> :26; BITCOUNT none 0 -1 -> :0",
        );
        check("SET k 1 -> +OK; BITCOUNT k -> :3");
    }

    #[test]
    fn refuses_before_it_looks() {
        check(
            "BITCOUNT none 0 -> -ERR syntax error; BITCOUNT none 0 1 hello -> -ERR syntax error; BITCOUNT none 0 1 BIT x -> -ERR syntax error",
        );
        check(
            "BITCOUNT none a b -> -ERR value is not an integer or out of range; BITCOUNT none 0 b hello -> -ERR value is not an integer or out of range",
        );
    }
}
