//! FUNCTION DELETE library

use super::BASE;
use crate::commands::EVERYWHERE;
use crate::{libraries, machine};
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags};

pub static DELETE: Command = Command {
    name: "DELETE",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT.and(Flags::WRITE),
    summary: "Removes a library and its functions.",
    tips: EVERYWHERE,
    docs: &[Arg::new("library-name", ArgKind::String)],
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let machine = machine::of(ctx.node);
    if !libraries::remove(&machine, ctx.node, &args.text(2)) {
        return Err(Error::Static("ERR Library not found"));
    }
    ctx.dirty(1);
    ctx.replay_always();
    ctx.reply.ok();
    Ok(())
}

#[test]
fn delete() {
    crate::commands::check(
        "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f',function() return 1 end)\" -> l; FCALL f 0 -> :1; FUNCTION DELETE zz -> -ERR Library not found; FUNCTION DELETE l -> +OK; FCALL f 0 -> -ERR Function not found",
    );
}
