//! CLIENT NO-EVICT ON|OFF

use super::no_touch::on_off;
use exec::client::flag;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static NO_EVICT: Command = Command {
    name: "NO-EVICT",
    group: Group::Connection,
    since: "7.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Spares the connection from client eviction.",
    docs: &[Arg { name: "enabled", kind: ArgKind::OneOf, args: super::no_touch::ON_OFF, ..Arg::BASE }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.session.record.set_flag(flag::NO_EVICT, on_off(args)?);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn switches() {
        check("CLIENT NO-EVICT on -> +OK; CLIENT NO-EVICT off -> +OK; CLIENT NO-EVICT x -> -ERR syntax error");
    }
}
