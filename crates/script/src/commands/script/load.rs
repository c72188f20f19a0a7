//! SCRIPT LOAD script
//!
//! Kept until SCRIPT FLUSH, unlike what EVAL brings.

use crate::machine;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static LOAD: Command = Command {
    name: "LOAD",
    group: Group::Scripting,
    since: "2.6.0",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT.and(Flags::STALE),
    categories: Categories::SCRIPTING,
    complexity: "O(N) with N bytes of the script.",
    summary: "Keeps a script for EVALSHA; its SHA-1.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    docs: &[Arg::new("script", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let text = args.get(2);
    let sha = kit::sha::sha1_hex(text);
    let machine = machine::of(ctx.node);
    if machine.by_sha(&sha).is_none() {
        machine.check(text)?;
    }
    ctx.node.scripts.keep_source(sha.clone(), text, false, ctx.now().0 as u64 * 1_000_000);
    ctx.reply.bulk_str(&sha);
    Ok(())
}

#[test]
fn load() {
    crate::commands::check(
        "SCRIPT LOAD if -> -ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'; SCRIPT LOAD \"#!lua flags=xx\" -> -ERR Invalid script shebang",
    );
}
