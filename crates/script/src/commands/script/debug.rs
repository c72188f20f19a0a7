//! SCRIPT DEBUG YES | SYNC | NO
//!
//! There is no debugger: YES and SYNC are refused. NO is what always is.

use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static DEBUG: Command = Command {
    name: "DEBUG",
    group: Group::Scripting,
    since: "3.2.0",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    summary: "Switches the debugger of scripts, which this server has not.",
    docs: &[Arg::one_of("mode", &[Arg::token("yes", "YES"), Arg::token("sync", "SYNC"), Arg::token("no", "NO")])],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.is(2, "NO") {
        ctx.reply.ok();
        return Ok(());
    }
    if args.is(2, "YES") || args.is(2, "SYNC") {
        return Err(Error::Static("ERR The debugger of scripts is not supported"));
    }
    Err(Error::Static("ERR Use SCRIPT DEBUG YES/SYNC/NO"))
}

#[test]
fn debug() {
    crate::commands::check(
        "SCRIPT DEBUG no -> +OK; SCRIPT DEBUG x -> -ERR Use SCRIPT DEBUG YES/SYNC/NO; SCRIPT DEBUG YES -> -ERR The debugger",
    );
}
