//! FUNCTION KILL

use super::super::ONE_OF_ALL;
use super::super::script::kill::kill;
use super::BASE;
use exec::{Args, Arity, Command, Ctx, Flags};

pub static KILL: Command = Command {
    name: "KILL",
    arity: Arity::Exactly(2),
    flags: Flags::NOSCRIPT.and(Flags::ALLOW_BUSY),
    summary: "Ends functions that run and have not written anything.",
    tips: ONE_OF_ALL,
    run: |ctx: &mut Ctx, _: &Args| kill(ctx, true),
    ..BASE
};
