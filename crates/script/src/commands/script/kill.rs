//! SCRIPT KILL, and what FUNCTION KILL shares with it.
//!
//! Many scripts may run at once: every one that has not written yet is ended.

use super::super::ONE_OF_ALL;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use std::sync::atomic::Ordering::Relaxed;

pub static KILL: Command = Command {
    name: "KILL",
    group: Group::Scripting,
    since: "2.6.0",
    arity: Arity::Exactly(2),
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    categories: Categories::SCRIPTING,
    summary: "Ends scripts that run and have not written anything.",
    tips: ONE_OF_ALL,
    run: |ctx: &mut Ctx, _: &Args| kill(ctx, false),
    ..Command::BASE
};

pub(crate) fn kill(ctx: &mut Ctx, functions: bool) -> Result<(), Error> {
    let all = ctx.node.scripts.running();
    let mine: Vec<_> = all.iter().filter(|running| running.is_function == functions).collect();
    if mine.is_empty() {
        return Err(if all.is_empty() { Error::NotBusy } else { ctx.node.scripts.busy_error() });
    }
    let mut killed = false;
    for running in mine {
        if !running.wrote.load(Relaxed) {
            running.kill.store(true, Relaxed);
            killed = true;
        }
    }
    if !killed {
        return Err(Error::Unkillable);
    }
    ctx.reply.ok();
    Ok(())
}

#[test]
fn nobody_runs() {
    crate::commands::check("SCRIPT KILL -> -NOTBUSY No scripts in execution right now.; FUNCTION KILL -> -NOTBUSY");
}
