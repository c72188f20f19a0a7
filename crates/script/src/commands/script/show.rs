//! SCRIPT SHOW sha1 (Valkey)

use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static SHOW: Command = Command {
    name: "SHOW",
    group: Group::Scripting,
    since: "8.0.0",
    arity: Arity::Exactly(3),
    flags: Flags::NOSCRIPT.and(Flags::STALE),
    categories: Categories::SCRIPTING,
    summary: "The text of a script that the server keeps.",
    docs: &[Arg::new("sha1", ArgKind::String)],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let sha = String::from_utf8_lossy(args.get(2)).to_ascii_lowercase();
    let source = ctx.node.scripts.source(&sha).ok_or(Error::NoScript)?;
    ctx.reply.bulk(&source.text);
    Ok(())
}

#[test]
fn show() {
    crate::commands::check(
        "EVAL \"return 1\" 0; SCRIPT SHOW e0e1f9fabfc9d4800c877a703b823ac0578ff8db -> \"return 1\"; SCRIPT SHOW x -> -NOSCRIPT",
    );
}
