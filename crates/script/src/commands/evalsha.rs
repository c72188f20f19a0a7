//! EVALSHA sha1 numkeys [key …] [arg …]    EVALSHA_RO …

use super::eval::{EVAL, FLAGS};
use super::run::{self, Of, Run};
use super::{ARG, KEY, KEYS_RO, NUMKEYS};
use crate::machine;
use exec::{Arg, ArgKind, Args, Command, Ctx, Error, Flags};

pub static EVALSHA: Command = Command {
    name: "EVALSHA",
    summary: "Runs a Lua script that the server keeps, by its SHA-1.",
    docs: &[Arg::new("sha1", ArgKind::String), NUMKEYS, KEY, ARG],
    only_reads: Some(|node, sha| {
        let source = node.scripts.source(&String::from_utf8_lossy(sha).to_ascii_lowercase());
        source.zip(EVAL.only_reads).is_some_and(|(source, of_text)| of_text(node, &source.text))
    }),
    run: |ctx, args| evalsha(ctx, args, false),
    ..EVAL
};

pub static EVALSHA_RO: Command = Command {
    name: "EVALSHA_RO",
    since: "7.0.0",
    flags: FLAGS.and(Flags::READONLY),
    keys: KEYS_RO,
    summary: "Runs a Lua script that only reads and that the server keeps, by its SHA-1.",
    run: |ctx, args| evalsha(ctx, args, true),
    ..EVALSHA
};

fn evalsha(ctx: &mut Ctx, args: &Args, read_only: bool) -> Result<(), Error> {
    let sha = std::str::from_utf8(args.get(1)).ok().filter(|sha| sha.len() == 40).ok_or(Error::NoScript)?;
    let key_count = run::key_count(args, Error::NotInteger)?;
    let lower;
    let sha = if sha.bytes().any(|byte| byte.is_ascii_uppercase()) {
        lower = sha.to_ascii_lowercase();
        &lower
    } else {
        sha
    };
    let machine = machine::of(ctx.node);
    let compiled = match machine.by_sha(sha) {
        Some(compiled) => compiled,
        None => {
            let source = ctx.node.scripts.source(sha).ok_or(Error::NoScript)?;
            let text = source.text.clone();
            machine.compile(&text, || source)?
        }
    };
    compiled.source.used(ctx.now().0 as u64 * 1_000_000);
    let flags = compiled.flags;
    run::start(ctx, args, Run { of: Of::Script(compiled), key_count, flags, read_only })
}

#[cfg(test)]
mod tests {
    use crate::commands::check;

    #[test]
    fn by_sha() {
        check("SCRIPT LOAD \"return ARGV[1]\" -> 098e0f0d1448c0a81dafe820f66d460eb09263da");
        check(
            "SCRIPT LOAD \"return 1\" -> e0e1f9fabfc9d4800c877a703b823ac0578ff8db; EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0 -> :1; EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0 -> :1; SCRIPT FLUSH -> +OK; EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0 -> -NOSCRIPT No matching script. Please use EVAL.",
        );
        check(
            "EVALSHA x 0 -> -NOSCRIPT; EVAL \"return 1\" 0; EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0 -> :1; EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0 -> :1",
        );
    }
}
