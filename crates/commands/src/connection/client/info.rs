//! CLIENT INFO

use super::line::line;
use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static INFO: Command = Command {
    name: "INFO",
    group: Group::Connection,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Describes this connection.",
    tips: &["nondeterministic_output"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let mut text = line(ctx.node, &ctx.session.record);
    text.push('\n');
    ctx.reply.verbatim("txt", text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn describes() {
        check("CLIENT INFO -> \"id=1 addr=127.0.0.1:50001 laddr=\"*");
    }
}
