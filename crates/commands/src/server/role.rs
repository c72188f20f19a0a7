//! ROLE
//!
//! A master answers with its place in the log that replicas follow, and with its replicas. Nothing is
//! replicated yet, so the place is 0 and there are none.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static ROLE: Command = Command {
    name: "ROLE",
    group: Group::Server,
    since: "2.8.12",
    arity: Arity::Exactly(1),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::SENTINEL),
    categories: Categories::ADMIN.and(Categories::DANGEROUS),
    summary: "Whether this is a master or a replica, and of whom.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.array(3);
    ctx.reply.bulk_str("master");
    ctx.reply.int(0);
    ctx.reply.array(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn is_a_master() {
        check("ROLE -> [master :0 []]");
    }
}
