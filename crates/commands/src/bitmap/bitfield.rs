//! BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY type offset n] …
//! BITFIELD_RO key [GET type offset] …
//!
//! Numbers of any width at any place of a string. All is read and checked before the first change. The string grows
//! once, to what all writes together need, even if all of them fail, as in Redis; here that is a change and is logged,
//! so that a replica has the same string (Redis tells nobody). A write of what is there already is no change.

use super::offset::bit_offset;
use crate::string::limits::LenMax;
use exec::command::{Arg, ArgKind, KeyAccess};
use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec, READ, notify};
use keyspace::LEN_MAX;
use types::string::bits;
use types::string::field::{self, FieldType, Overflow};

const FIELD: &[Arg] = &[Arg::new("encoding", ArgKind::String), Arg::new("offset", ArgKind::Integer)];

pub static BITFIELD: Command = Command {
    name: "BITFIELD",
    group: Group::Bitmap,
    since: "3.2.0",
    arity: Arity::AtLeast(2),
    flags: Flags::WRITE.and(Flags::DENYOOM),
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(1, KeyAccess::RW.and(KeyAccess::UPDATE).and(KeyAccess::ACCESS).and(KeyAccess::VARIABLE_FLAGS))],
    complexity: "O(1) for each operation",
    summary: "Reads, sets and adds to numbers of any width in the string at a key.",
    docs: &[
        Arg::key("key", 0),
        Arg::one_of(
            "operation",
            &[
                Arg::block("get-block", FIELD).after("GET"),
                Arg::block(
                    "write",
                    &[
                        Arg::one_of(
                            "overflow-block",
                            &[Arg::token("wrap", "WRAP"), Arg::token("sat", "SAT"), Arg::token("fail", "FAIL")],
                        )
                        .after("OVERFLOW")
                        .optional(),
                        Arg::one_of(
                            "write-operation",
                            &[
                                Arg::block(
                                    "set-block",
                                    &[
                                        Arg::new("encoding", ArgKind::String),
                                        Arg::new("offset", ArgKind::Integer),
                                        Arg::new("value", ArgKind::Integer),
                                    ],
                                )
                                .after("SET"),
                                Arg::block(
                                    "incrby-block",
                                    &[
                                        Arg::new("encoding", ArgKind::String),
                                        Arg::new("offset", ArgKind::Integer),
                                        Arg::new("increment", ArgKind::Integer),
                                    ],
                                )
                                .after("INCRBY"),
                            ],
                        ),
                    ],
                ),
            ],
        )
        .optional()
        .multiple(),
    ],
    run: |ctx, args| {
        let steps = parse(ctx, args)?;
        match steps.iter().filter_map(Step::end).max() {
            Some(end) => write(ctx, args, &steps, end as usize),
            None => read(ctx, args, &steps),
        }
    },
    ..Command::BASE
};

pub static BITFIELD_RO: Command = Command {
    name: "BITFIELD_RO",
    group: Group::Bitmap,
    since: "6.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::READONLY.and(Flags::FAST),
    categories: exec::Categories::BITMAP,
    keys: &[KeySpec::at(1, READ)],
    complexity: "O(1) for each operation",
    summary: "Reads numbers of any width in the string at a key.",
    docs: &[Arg::key("key", 0), Arg::block("get-block", FIELD).after("GET").optional().multiple_with_token()],
    run: |ctx, args| {
        let steps = parse(ctx, args)?;
        if steps.iter().any(|step| step.end().is_some()) {
            return Err(Error::Static("ERR BITFIELD_RO only supports the GET subcommand"));
        }
        read(ctx, args, &steps)
    },
    ..Command::BASE
};

/// One operation.
struct Step {
    ty: FieldType,
    offset: u64,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    Get,
    Set(i64, Overflow),
    Add(i64, Overflow),
}

impl Step {
    /// The length that a string needs for it, if it writes.
    fn end(&self) -> Option<u64> {
        match self.what {
            What::Get => None,
            What::Set(..) | What::Add(..) => Some(bits::len_for(self.offset, self.ty.bits)),
        }
    }
}

fn parse(ctx: &Ctx, args: &Args) -> Result<Vec<Step>, Error> {
    let max = LenMax::of(ctx);
    let mut steps = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut i = 2;
    while i < args.len() {
        let left = args.len() - i - 1;
        if args.is(i, "OVERFLOW") && left >= 1 {
            overflow = overflow_at(args, i + 1)?;
            i += 2;
            continue;
        }
        let operands = if args.is(i, "GET") {
            2
        } else if args.is(i, "SET") || args.is(i, "INCRBY") {
            3
        } else {
            return Err(Error::Syntax);
        };
        if left < operands {
            return Err(Error::Syntax);
        }
        let ty = FieldType::parse(args.get(i + 1)).ok_or(Error::Static(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
        ))?;
        let offset = offset_at(args, i + 2, ty, max)?;
        let what = match operands {
            2 => What::Get,
            _ if args.is(i, "SET") => What::Set(args.int(i + 3)?, overflow),
            _ => What::Add(args.int(i + 3)?, overflow),
        };
        steps.push(Step { ty, offset, what });
        i += 1 + operands;
    }
    Ok(steps)
}

fn overflow_at(args: &Args, i: usize) -> Result<Overflow, Error> {
    let known = [("WRAP", Overflow::Wrap), ("SAT", Overflow::Sat), ("FAIL", Overflow::Fail)];
    let found = known.into_iter().find(|(name, _)| args.is(i, name));
    found.map(|(_, overflow)| overflow).ok_or(Error::Static("ERR Invalid OVERFLOW type specified"))
}

/// A place, or `#n`: the n-th of fields that stand side by side. The field may end behind the limit, as in Redis, but
/// not behind what an entry can hold.
fn offset_at(args: &Args, i: usize, ty: FieldType, max: LenMax) -> Result<u64, Error> {
    let offset = match args.get(i) {
        word @ [b'#', ..] => field::parse_offset(word, ty, max.bits()).ok_or(Error::BitOffset)?,
        word => bit_offset(word, max)?,
    };
    if bits::len_for(offset, ty.bits) <= LEN_MAX as u64 { Ok(offset) } else { Err(Error::BitOffset) }
}

fn read(ctx: &mut Ctx, args: &Args, steps: &[Step]) -> Result<(), Error> {
    let mut digits = [0; 20];
    let value = ctx.db.read_string(args.key(1))?;
    let bytes = value.map_or(&[][..], |value| value.bytes(&mut digits));
    ctx.reply.array(steps.len());
    for step in steps {
        ctx.reply.int(field::get(bytes, step.offset, step.ty));
    }
    Ok(())
}

fn write(ctx: &mut Ctx, args: &Args, steps: &[Step], len_min: usize) -> Result<(), Error> {
    let key = args.key(1);
    let found = ctx.db.string_mut(key)?;
    let grows = found.as_ref().is_none_or(|string| string.value().len() < len_min);
    let mut string = match found {
        Some(string) => string,
        None => ctx.db.make_string(key),
    };
    if grows {
        // As in Redis, whatever becomes of the writes.
        string.bytes(len_min);
    }
    let mut changes = 0;
    ctx.reply.array(steps.len());
    for Step { ty, offset, what } in steps {
        let (old, len) = {
            let value = string.value();
            (field::get(value.bytes(&mut [0; 20]), *offset, *ty), value.len())
        };
        let (new, shown) = match *what {
            What::Get => {
                ctx.reply.int(old);
                continue;
            }
            What::Set(value, overflow) => (field::fit(*ty, value, overflow), old),
            What::Add(by, overflow) => {
                let sum = field::add(*ty, old, by, overflow);
                (sum, sum.unwrap_or(0))
            }
        };
        let Some(new) = new else {
            ctx.reply.null();
            continue;
        };
        if new != old {
            field::set(string.bytes(len), *offset, ty.bits, new);
        }
        changes += u64::from(grows || new != old);
        ctx.reply.int(shown);
    }
    if changes > 0 {
        // The key itself counts as one.
        ctx.dirty(changes - 1);
        ctx.db.event(notify::STRING, "setbit", key.bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn reads_and_writes() {
        check(
            "BITFIELD k -> []; BITFIELD k GET u8 0 -> [:0]; GET k -> nil; BITFIELD k SET i8 0 -100 SET i8 0 101 GET i8 0 -> [:0 :-100 :101]",
        );
        check("BITFIELD k set u8 0 255 SET u8 #1 254 GET u8 #1 GET u16 0 -> [:0 :0 :254 :65534]; STRLEN k -> :2");
        check("BITFIELD k SET i8 0 10 SET i8 64 10 INCRBY i8 10 99900 -> [:0 :0 :60]");
        check(
            "SET k 1 -> +OK; BITFIELD k GET u8 0 INCRBY u8 0 1 -> [:49 :50]; GET k -> 2; BITFIELD_RO k GET u4 0 GET i64 0 -> [:3 :3602879701896396800]",
        );
        check("BITFIELD_RO k -> []; BITFIELD_RO k GET u8 0 -> [:0]; BITFIELD_RO k OVERFLOW SAT GET u8 0 -> [:0]");
    }

    #[test]
    fn overflows_as_asked() {
        check(
            "BITFIELD k SET u8 0 250 INCRBY u8 0 10 -> [:0 :4]; BITFIELD k OVERFLOW SAT INCRBY u8 0 300 OVERFLOW FAIL INCRBY u8 0 1 -> [:255 nil]",
        );
        check(
            "BITFIELD k overflow fail SET i8 0 128 SET i8 0 127 -> [nil :0]; BITFIELD k OVERFLOW SAT SET i8 0 -255 GET i8 0 -> [:127 :-128]",
        );
        check("BITFIELD k SET i8 0 255 GET i8 0 -> [:0 :-1]");
    }

    #[test]
    fn counts_changes_only() {
        let mut node = node(&[]);
        for (line, dirty) in [
            ("BITFIELD k SET i5 0 0", 1),
            ("BITFIELD k SET i5 0 0", 1),
            ("BITFIELD k SET i5 0 1", 2),
            ("BITFIELD k SET i5 0 1", 2),
            ("BITFIELD k SET i5 90 0", 3),
            ("BITFIELD k INCRBY i5 0 0", 3),
            ("BITFIELD k SET i5 0 2 SET i5 0 2 SET i5 0 3", 5),
            ("BITFIELD n OVERFLOW FAIL SET u4 0 16", 6),
            ("BITFIELD m SET u4 0 1 INCRBY u4 4 1", 8),
        ] {
            node.ask_line(line);
            assert_eq!(node.node.dirty.load(Relaxed), dirty, "{line}");
        }
        assert_eq!(node.log.lines().len(), 6);
    }

    #[test]
    fn a_failed_write_grows_the_string() {
        check(
            "BITFIELD k OVERFLOW FAIL INCRBY u4 99 16 -> [nil]; STRLEN k -> :13; BITCOUNT k -> :0; SET k a -> +OK; BITFIELD k OVERFLOW FAIL INCRBY u4 99 16 -> [nil]; STRLEN k -> :13; GETRANGE k 0 0 -> a",
        );
    }

    #[test]
    fn refuses() {
        for ty in ["u64", "i65", "u0", "x8", "u", "i-1"] {
            check(&format!("BITFIELD k GET {ty} 0 -> -ERR Invalid bitfield type."));
        }
        for offset in ["-1", "4294967296", "#536870912", "#99999999999999999", "#-1", "#", "x"] {
            check(&format!(
                "BITFIELD k SET u8 {offset} 1 -> -ERR bit offset is not an integer or out of range; GET k -> nil"
            ));
        }
        check(
            "BITFIELD k OVERFLOW foo -> -ERR Invalid OVERFLOW type specified; BITFIELD k OVERFLOW -> -ERR syntax error; BITFIELD k GET u8 -> -ERR syntax error",
        );
        check(
            "BITFIELD k SET u8 0 x -> -ERR value is not an integer or out of range; BITFIELD k SET u8 0 -> -ERR syntax error; BITFIELD k FOO -> -ERR syntax error",
        );
        check(
            "BITFIELD_RO k SET u8 0 1 -> -ERR BITFIELD_RO only supports the GET subcommand; BITFIELD_RO k GET u8 0 INCRBY u8 0 1 -> -ERR BITFIELD_RO only",
        );
    }
}
