//! TIME
//!
//! Seconds and microseconds, as two bulk strings. The one command whose answer needs more than the
//! milliseconds of `ctx.now()`. In a script or transaction it is always the same moment.

use exec::{Args, Arity, Command, Ctx, Error, Flags, Group};

pub static TIME: Command = Command {
    name: "TIME",
    group: Group::Server,
    since: "2.6.0",
    arity: Arity::Exactly(1),
    flags: Flags::LOADING.and(Flags::STALE).and(Flags::FAST),
    summary: "What time it is here.",
    tips: &["nondeterministic_output"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let now_us = ctx.now_us();
    ctx.reply.array(2);
    ctx.reply.bulk_int(now_us.div_euclid(1_000_000));
    ctx.reply.bulk_int(now_us.rem_euclid(1_000_000));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn tells_the_time() {
        check("~1234ms; TIME -> [1767225601 234000]; TIME x -> -ERR wrong number of arguments for 'time' command");
    }
}
