//! MEMORY MALLOC-STATS
//!
//! What jemalloc tells of itself: pages, arenas, size classes.

use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static MALLOC_STATS: Command = Command {
    name: "MALLOC-STATS",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(2),
    complexity: "Depends on how much is allocated.",
    summary: "Gives the allocator's own report.",
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let report = kit::alloc::report();
    ctx.reply.verbatim("txt", report.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn reports() {
        check("MEMORY MALLOC-STATS -> ___*");
    }
}
