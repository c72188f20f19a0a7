//! FUNCTION FLUSH [ASYNC | SYNC]
//!
//! ASYNC, the default unless `lazyfree-lazy-user-flush` is off, frees them on the freeing thread.

use super::BASE;
use crate::commands::EVERYWHERE;
use crate::libraries;
use exec::{Arg, Args, Arity, Command, Ctx, Error, Flags, options};

pub static FLUSH: Command = Command {
    name: "FLUSH",
    arity: Arity::AtLeast(2),
    flags: Flags::NOSCRIPT.and(Flags::WRITE),
    complexity: "O(N) with N functions.",
    summary: "Removes all libraries.",
    tips: EVERYWHERE,
    docs: &[Arg::one_of("flush-type", &[Arg::token("async", "ASYNC"), Arg::token("sync", "SYNC")]).optional()],
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if args.len() > 3 {
        return Err(Error::unknown_subcommand_or_arity("FUNCTION", args.get(1)));
    }
    if args.len() == 3 && !args.is(2, "ASYNC") && !args.is(2, "SYNC") {
        return Err(Error::Static("ERR FUNCTION FLUSH only supports SYNC|ASYNC option"));
    }
    let lazy = if args.len() == 3 { args.is(2, "ASYNC") } else { ctx.node.config.get(&options::LAZY_USER_FLUSH) };
    let old = libraries::flush(ctx.node);
    if lazy && ctx.node.freer.has_thread() {
        let (count, node) = (old.function_count() + 1, ctx.node.itself.clone());
        ctx.node.freer.then(move || {
            drop(old);
            if let Some(node) = node.upgrade() {
                node.freer.count_freed(count);
            }
        });
    }
    ctx.dirty(1);
    ctx.replay_always();
    ctx.reply.ok();
    Ok(())
}

#[test]
fn flush() {
    crate::commands::check(
        "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f',function() return 1 end)\" -> l; FUNCTION FLUSH x -> -ERR FUNCTION FLUSH only supports SYNC|ASYNC option; FUNCTION FLUSH -> +OK; FCALL f 0 -> -ERR Function not found; FUNCTION LIST -> []",
    );
}
