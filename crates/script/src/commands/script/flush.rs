//! SCRIPT FLUSH [ASYNC | SYNC]
//!
//! Texts are counted references: whoever still runs one keeps it until it is done.

use crate::machine;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static FLUSH: Command = Command {
    name: "FLUSH",
    group: Group::Scripting,
    since: "2.6.0",
    arity: Arity::AtLeast(2),
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    complexity: "O(N) with N scripts.",
    summary: "Forgets all scripts.",
    history: &[("6.2.0", "Added the options ASYNC and SYNC.")],
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    docs: &[Arg::one_of("flush-type", &[Arg::token("async", "ASYNC"), Arg::token("sync", "SYNC")])
        .since("6.2.0")
        .optional()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() > 3 || args.len() == 3 && !args.is(2, "ASYNC") && !args.is(2, "SYNC") {
        return Err(Error::Static("ERR SCRIPT FLUSH only support SYNC|ASYNC option"));
    }
    ctx.node.scripts.flush_sources();
    machine::of(ctx.node).end(ctx.node);
    ctx.reply.ok();
    Ok(())
}

#[test]
fn flush() {
    crate::commands::check(
        "EVAL \"return 1\" 0; SCRIPT FLUSH x -> -ERR SCRIPT FLUSH only support SYNC|ASYNC option; SCRIPT FLUSH ASYNC -> +OK; SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db -> [:0]; EVAL \"return 1\" 0 -> :1; SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db -> [:1]",
    );
}
