//! GETBIT key offset

use super::offset::bit_offset;
use crate::string::limits::LenMax;
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ};
use types::string::bits;

pub static GETBIT: Command = Command {
    name: "GETBIT",
    group: Group::Bitmap,
    since: "2.2.0",
    arity: Arity::Exactly(3),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(1, READ)],
    summary: "Returns one bit of the string at a key; beyond its end all are 0.",
    docs: &[Arg::key("key", 0), Arg::new("offset", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let offset = bit_offset(args.get(2), LenMax::of(ctx))?;
    let value = ctx.db.read_string(args.key(1))?;
    let bit = value.is_some_and(|value| bits::get_bit(value.bytes(&mut [0; 20]), offset));
    ctx.reply.int(i64::from(bit));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reads() {
        check(
            "GETBIT k 0 -> :0; SET k a -> +OK; GETBIT k 0 -> :0; GETBIT k 1 -> :1; GETBIT k 8 -> :0; GETBIT k 4294967295 -> :0",
        );
        check("SET k 1 -> +OK; GETBIT k 2 -> :1; GETBIT k 3 -> :1; GETBIT k 7 -> :1; GETBIT k 6 -> :0");
    }

    #[test]
    fn refuses() {
        for offset in ["-1", "4294967296", "x", "18446744073709551615", "18446744073709551616"] {
            check(&format!("GETBIT k {offset} -> -ERR bit offset is not an integer or out of range"));
        }
    }
}
