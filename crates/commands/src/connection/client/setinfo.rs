//! CLIENT SETINFO LIB-NAME name | LIB-VER version

use super::names::valid_name;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static SETINFO: Command = Command {
    name: "SETINFO",
    group: Group::Connection,
    since: "7.2.0",
    arity: Arity::Exactly(4),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    summary: "Says which library the client uses.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    docs: &[Arg {
        name: "attr",
        kind: ArgKind::OneOf,
        args: &[
            Arg { name: "libname", token: Some("LIB-NAME"), ..Arg::BASE },
            Arg { name: "libver", token: Some("LIB-VER"), ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let attribute = args.text(2).to_ascii_lowercase();
    let mut names = ctx.session.record.names.lock();
    let place = match attribute.as_str() {
        "lib-name" => &mut names.lib_name,
        "lib-ver" => &mut names.lib_ver,
        _ => return Err(Error::text(format!("ERR Unrecognized option '{}'", args.text(2)))),
    };
    *place = valid_name(args.get(3), &attribute)?;
    drop(names);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn sets() {
        check(
            "CLIENT SETINFO lib-name redis.py -> +OK; CLIENT SETINFO LIB-VER 1.2.3 -> +OK; CLIENT SETINFO lib-name \"a b\" -> -ERR lib-name cannot contain spaces, newlines; CLIENT SETINFO badger x -> -ERR Unrecognized option 'badger'",
        );
    }
}
