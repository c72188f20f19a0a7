//! FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE]
//!
//! All libraries of the payload, or none.

use super::BASE;
use super::dump::LIBRARY;
use crate::commands::EVERYWHERE;
use crate::libraries::{self, Meeting};
use crate::machine;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags};
use std::sync::atomic::Ordering::Relaxed;
use types::rdb::{self, Slice};

pub static RESTORE: Command = Command {
    name: "RESTORE",
    arity: Arity::AtLeast(3),
    flags: Flags::NOSCRIPT.and(Flags::WRITE).and(Flags::DENYOOM),
    complexity: "O(N) with N functions of the payload.",
    summary: "Adds the libraries of a payload that FUNCTION DUMP gave.",
    tips: EVERYWHERE,
    docs: &[
        Arg::new("serialized-value", ArgKind::String),
        Arg::one_of(
            "policy",
            &[Arg::token("flush", "FLUSH"), Arg::token("append", "APPEND"), Arg::token("replace", "REPLACE")],
        )
        .optional(),
    ],
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() > 4 {
        return Err(Error::unknown_subcommand_or_arity("FUNCTION", args.get(1)));
    }
    let meeting = match args.len() {
        3 => Meeting::Refuse,
        _ if args.is(3, "APPEND") => Meeting::Refuse,
        _ if args.is(3, "REPLACE") => Meeting::Replace,
        _ if args.is(3, "FLUSH") => Meeting::Flush,
        _ => {
            return Err(Error::Static(
                "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
            ));
        }
    };
    let check_crc = !ctx.node.skip_dump_checksum.load(Relaxed);
    let Some((body, _)) = rdb::open_payload(args.get(2), check_crc) else {
        return Err(Error::Static("ERR DUMP payload version or checksum are wrong"));
    };
    let codes = codes(body)?;
    let machine = machine::of(ctx.node);
    let codes: Vec<&[u8]> = codes.iter().map(Vec::as_slice).collect();
    libraries::add(&machine, ctx.node, &codes, meeting, |name| format!("Library {name} already exists"))?;
    ctx.dirty(1);
    ctx.replay_always();
    ctx.reply.ok();
    Ok(())
}

fn codes(body: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut codes = Vec::new();
    let mut rest = body;
    while let Some((kind, after)) = rest.split_first() {
        if *kind != LIBRARY {
            return Err(Error::Static("ERR given type is not a function"));
        }
        let mut source = Slice::new(after);
        let mut scratch = Vec::new();
        let text = rdb::read_string(&mut source, &mut scratch)
            .map_err(|_| Error::Static("ERR failed loading functions payload"))?;
        codes.push(text.bytes(&mut [0; 20]).to_vec());
        rest = source.rest();
    }
    Ok(codes)
}

#[cfg(test)]
mod tests {
    use crate::commands::node;

    #[test]
    fn there_and_back() {
        let mut node = node(&[]);
        node.converse("FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f',function() return 1 end)\" -> l");
        let dump = node.ask(1, &["FUNCTION", "DUMP"]);
        let (begin, end) = (dump.iter().position(|&byte| byte == b'\n').unwrap() + 1, dump.len() - 2);
        let payload = &dump[begin..end];
        let restore = |node: &mut testkit::TestNode, policy: &str| {
            let mut words: Vec<&[u8]> = vec![b"FUNCTION", b"RESTORE", payload];
            if !policy.is_empty() {
                words.push(policy.as_bytes());
            }
            String::from_utf8_lossy(&node.ask(1, &words)).into_owned()
        };
        assert_eq!(restore(&mut node, ""), "-ERR Library l already exists\r\n");
        assert_eq!(restore(&mut node, "REPLACE"), "+OK\r\n");
        assert_eq!(restore(&mut node, "FLUSH"), "+OK\r\n");
        node.converse("FUNCTION FLUSH");
        assert_eq!(restore(&mut node, "APPEND"), "+OK\r\n");
        node.converse("FCALL f 0 -> :1; FUNCTION RESTORE xx -> -ERR DUMP payload version or checksum are wrong; FUNCTION RESTORE xx y -> -ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.");
    }
}
