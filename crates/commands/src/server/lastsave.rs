//! LASTSAVE
//!
//! Before the first save it is the time the server started, as in Redis.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use std::sync::atomic::Ordering::Relaxed;

pub static LASTSAVE: Command = Command {
    name: "LASTSAVE",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    categories: Categories::ADMIN.and(Categories::DANGEROUS),
    summary: "When the data were last saved whole, in seconds since 1970.",
    tips: &["nondeterministic_output"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.int(ctx.node.last_save_ms.load(Relaxed).div_euclid(1000));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn begins_with_the_start() {
        check("~5000ms; LASTSAVE -> :1767225600");
    }
}
