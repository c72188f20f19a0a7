//! COMMAND COUNT

use exec::{Args, Arity, Categories, Command, Ctx, Error, Group};

pub static COUNT: Command = Command {
    name: "COUNT",
    group: Group::Server,
    since: "2.8.13",
    arity: Arity::Exactly(2),
    flags: super::FLAGS,
    categories: Categories::CONNECTION,
    summary: "Counts the commands.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.int(ctx.node.commands.top_level().count() as i64);
    Ok(())
}
