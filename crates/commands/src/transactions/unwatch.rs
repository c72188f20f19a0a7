//! UNWATCH
//!
//! Forgets all watched keys.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group, watch};

pub static UNWATCH: Command = Command {
    name: "UNWATCH",
    group: Group::Transactions,
    since: "2.2.0",
    arity: Arity::Exactly(1),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::ALLOW_BUSY),
    categories: Categories::TRANSACTION,
    summary: "Forgets the keys a transaction would depend on.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    // Inside EXEC the watched keys were forgotten already.
    if !ctx.nested {
        watch::unwatch_all(ctx.node, ctx.session);
    }
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn forgets() {
        check("WATCH a b; c2> SET a 1; UNWATCH -> +OK; MULTI; UNWATCH -> +QUEUED; EXEC -> [+OK]");
    }
}
