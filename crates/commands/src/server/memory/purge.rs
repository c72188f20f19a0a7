//! MEMORY PURGE
//!
//! Gives unused pages back to the system at once instead of in some seconds. It takes milliseconds and
//! holds up the event loop it runs on, as in Redis it holds up everybody: who calls it wants that.

use exec::{Args, Arity, Command, Ctx, Error, Group};

pub static PURGE: Command = Command {
    name: "PURGE",
    group: Group::Server,
    since: "4.0.0",
    arity: Arity::Exactly(2),
    complexity: "Depends on how much is unused.",
    summary: "Gives memory that is not in use back to the system.",
    tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    kit::alloc::purge();
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn purges() {
        check("MEMORY PURGE -> +OK; MEMORY PURGE x -> -ERR wrong number of arguments for 'memory|purge' command");
    }
}
