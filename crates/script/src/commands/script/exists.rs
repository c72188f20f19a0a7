//! SCRIPT EXISTS sha1 [sha1 …]

use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static EXISTS: Command = Command {
    name: "EXISTS",
    group: Group::Scripting,
    since: "2.6.0",
    arity: Arity::AtLeast(3),
    flags: Flags::NOSCRIPT,
    categories: Categories::SCRIPTING,
    complexity: "O(N) with N names.",
    summary: "Which of these scripts the server keeps.",
    tips: &["request_policy:all_shards", "response_policy:agg_logical_and"],
    docs: &[Arg::new("sha1", ArgKind::String).multiple()],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    ctx.reply.array(args.len() - 2);
    for sha in args.iter_from(2) {
        let known =
            std::str::from_utf8(sha).is_ok_and(|sha| ctx.node.scripts.source(&sha.to_ascii_lowercase()).is_some());
        ctx.reply.int(i64::from(known));
    }
    Ok(())
}

#[test]
fn exists() {
    crate::commands::check(
        "EVAL \"return 1\" 0; SCRIPT EXISTS e0e1f9fabfc9d4800c877a703b823ac0578ff8db x E0E1F9FABFC9D4800C877A703B823AC0578FF8DB -> [:1 :0 :1]",
    );
}
