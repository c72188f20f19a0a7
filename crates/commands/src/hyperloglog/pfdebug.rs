//! PFDEBUG ENCODING | GETREG | TODENSE | DECODE key, PFDEBUG SIMD on | off
//!
//! For looking into HyperLogLogs. SIMD is accepted and does nothing: there is one way of counting.

use super::value::{corrupt, open};
use exec::command::{Arg, ArgKind};
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, KeyAccess, KeySpec, NewValue};
use kit::text::eq_ignore_case;
use types::hyperloglog::{self, Encoding, Registers};

pub static PFDEBUG: Command = Command {
    name: "PFDEBUG",
    group: Group::HyperLogLog,
    since: "2.8.9",
    arity: Arity::Exactly(3),
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::ADMIN),
    categories: Categories::HYPERLOGLOG,
    keys: &[KeySpec::at(2, KeyAccess::RW.and(KeyAccess::ACCESS))],
    complexity: "N/A",
    summary: "Looks into a HyperLogLog, for finding mistakes.",
    docs: &[Arg::new("subcommand", ArgKind::String), Arg::key("key", 0)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (what, key) = (args.get(1), args.key(2));
    let is = |name: &str| eq_ignore_case(what, name);
    if is("SIMD") {
        if !args.is(2, "ON") && !args.is(2, "OFF") {
            return Err(Error::Static("ERR Argument must be ON or OFF"));
        }
        ctx.reply.ok();
        return Ok(());
    }
    let Some(mut string) = ctx.db.string_mut(key)? else {
        return Err(Error::Static("ERR The specified key does not exist"));
    };
    let (value, encoding) = open(string.value())?;
    let made_dense = |value: &[u8]| match encoding {
        Encoding::Dense => Ok(None),
        Encoding::Sparse => hyperloglog::to_dense(value).map(Some).map_err(corrupt),
    };
    if is("ENCODING") {
        ctx.reply.simple(if encoding == Encoding::Dense { "dense" } else { "sparse" });
    } else if is("DECODE") {
        if encoding == Encoding::Dense {
            return Err(Error::Static("ERR HLL encoding is not sparse"));
        }
        ctx.reply.bulk_str(&hyperloglog::sparse_text(value).map_err(corrupt)?);
    } else if is("TODENSE") {
        let dense = made_dense(value)?;
        ctx.reply.int(i64::from(dense.is_some()));
        dense.iter().for_each(|value| string.set(NewValue::Raw(value)));
    } else if is("GETREG") {
        let mut registers = Registers::default();
        registers.join(value).map_err(corrupt)?;
        ctx.reply.array(registers.ranks().len());
        registers.ranks().iter().for_each(|&rank| ctx.reply.int(i64::from(rank)));
        // As in Redis: they were read from the dense form.
        made_dense(value)?.iter().for_each(|value| string.set(NewValue::Raw(value)));
    } else {
        let what = String::from_utf8_lossy(what);
        return Err(Error::text(format!("ERR Unknown PFDEBUG subcommand '{what}'")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};
    use proto::resp_client::Value;

    #[test]
    fn looks() {
        check(
            "PFADD h a b c; PFDEBUG ENCODING h -> +sparse; PFDEBUG DECODE h -> \"Z:8436 v:1,1 Z:4274 v:2,1 Z:3068 v:1,1 Z:603\"; PFDEBUG todense h -> :1; PFDEBUG TODENSE h -> :0; PFDEBUG ENCODING h -> +dense; PFDEBUG DECODE h -> -ERR HLL encoding is not sparse; PFCOUNT h -> :3; PFDEBUG SIMD on -> +OK; PFDEBUG SIMD x -> -ERR",
        );
        check(
            "PFDEBUG ENCODING none -> -ERR The specified key does not exist; SET k v; PFDEBUG ENCODING k -> -WRONGTYPE Key; SADD s a; PFDEBUG GETREG s -> -WRONGTYPE Op; PFADD h; PFDEBUG FOO h -> -ERR Unknown PFDEBUG subcommand 'FOO'; PFDEBUG ENCODING -> -ERR wrong number of arguments for 'pfdebug' command",
        );
    }

    #[test]
    fn registers() {
        let mut node = node(&[]);
        node.converse("PFADD h a b c");
        let Value::Array(ranks) = node.ask_line("PFDEBUG GETREG h") else { panic!() };
        let raised: Vec<_> = ranks.iter().enumerate().filter(|(_, rank)| **rank != Value::Int(0)).collect();
        assert_eq!(ranks.len(), 16_384);
        assert_eq!(raised, [(8436, &Value::Int(1)), (12_711, &Value::Int(2)), (15_780, &Value::Int(1))]);
        node.converse("PFDEBUG ENCODING h -> +dense");
        assert_eq!(node.log.lines(), ["PFADD h a b c", "PFDEBUG GETREG h"]);
    }
}
