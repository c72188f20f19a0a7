//! CLIENT NO-TOUCH ON|OFF
//!
//! Reads of this client leave the access clocks of keys alone.

use exec::client::flag;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static NO_TOUCH: Command = Command {
    name: "NO-TOUCH",
    group: Group::Connection,
    since: "7.2.0",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE),
    categories: Categories::CONNECTION,
    summary: "Leaves the access clocks of keys alone.",
    docs: &[Arg { name: "enabled", kind: ArgKind::OneOf, args: ON_OFF, ..Arg::BASE }],
    run,
    ..Command::BASE
};

pub(super) static ON_OFF: &[Arg] = &[
    Arg { name: "on", kind: ArgKind::PureToken, token: Some("ON"), ..Arg::BASE },
    Arg { name: "off", kind: ArgKind::PureToken, token: Some("OFF"), ..Arg::BASE },
];

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let on = on_off(args)?;
    ctx.session.no_touch = on;
    ctx.session.record.set_flag(flag::NO_TOUCH, on);
    ctx.reply.ok();
    Ok(())
}

pub(super) fn on_off(args: &Args) -> Result<bool, Error> {
    match (args.is(2, "ON"), args.is(2, "OFF")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(Error::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn switches() {
        check("CLIENT NO-TOUCH on -> +OK; CLIENT NO-TOUCH off -> +OK; CLIENT NO-TOUCH x -> -ERR syntax error");
    }
}
