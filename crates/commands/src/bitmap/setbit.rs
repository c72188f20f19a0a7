//! SETBIT key offset value
//!
//! One lookup. A bit that is so already, in a string long enough, is no change: nothing is logged or announced, and
//! a number stays stored as one (Redis stores it as raw text).

use super::offset::bit_offset;
use crate::string::limits::LenMax;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, notify};
use types::string::bits;

pub static SETBIT: Command = Command {
    name: "SETBIT",
    group: Group::Bitmap,
    since: "2.2.0",
    arity: Arity::Exactly(4),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::UPDATE))],
    summary: "Sets one bit of the string at a key, growing it if need be, and returns what it was.",
    docs: &[Arg::key("key", 0), Arg::new("offset", ArgKind::Integer), Arg::new("value", ArgKind::Integer)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let key = args.key(1);
    let offset = bit_offset(args.get(2), LenMax::of(ctx))?;
    let bit = match args.get(3) {
        b"0" => false,
        b"1" => true,
        _ => return Err(Error::BitValue),
    };
    let len = bits::len_for(offset, 1) as usize; // within the limit that `bit_offset` checked
    let (old, changed) = match ctx.db.string_mut(key)? {
        Some(mut string) => {
            let old_len = string.value().len();
            let old = bits::get_bit(string.value().bytes(&mut [0; 20]), offset);
            let changed = old != bit || old_len < len;
            if changed {
                bits::set_bit(string.bytes(len.max(old_len)), offset, bit);
            }
            (old, changed)
        }
        None => {
            bits::set_bit(ctx.db.make_string(key).bytes(len), offset, bit);
            (false, true)
        }
    };
    if changed {
        ctx.db.event(notify::STRING, "setbit", key.bytes);
    }
    ctx.reply.int(i64::from(old));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn sets() {
        check(
            "SETBIT k 1 1 -> :0; GET k -> @; SETBIT k 2 1 -> :0; GET k -> `; SETBIT k 1 0 -> :1; GET k -> \" \"; SETBIT k 15 0 -> :0; GET k -> \" \\x00\"",
        );
        check("SET k 1 PX 9 -> +OK; SETBIT k 6 1 -> :0; GET k -> 3; ~9ms; GET k -> nil");
    }

    #[test]
    fn counts_changes_only() {
        let mut node = node(&[]);
        for (line, dirty) in [
            ("SETBIT k 0 0", 1),
            ("SETBIT k 0 0", 1),
            ("SETBIT k 0 1", 2),
            ("SETBIT k 0 1", 2),
            ("SETBIT k 90 0", 3),
            ("SETBIT k 80 0", 3),
        ] {
            node.ask_line(line);
            assert_eq!(node.node.dirty.load(Relaxed), dirty, "{line}");
        }
        assert_eq!(node.log.lines(), ["SETBIT k 0 0", "SETBIT k 0 1", "SETBIT k 90 0"]);
    }

    #[test]
    fn refuses() {
        for offset in ["-1", "4294967296", "x"] {
            check(&format!("SETBIT k {offset} 2 -> -ERR bit offset is not an integer or out of range"));
        }
        for bit in ["2", "-1", "x", "10"] {
            check(&format!("SETBIT k 0 {bit} -> -ERR bit is not an integer or out of range; GET k -> nil"));
        }
    }

    #[test]
    fn the_limit_is_a_setting() {
        let mut node = node(&[("proto-max-bulk-len", "1mb")]);
        node.converse("SETBIT k 8388607 1 -> :0; STRLEN k -> :1048576; SETBIT k 8388608 1 -> -ERR bit offset");
    }
}
