//! CONFIG GET pattern [pattern …]
//!
//! Every option that fits a pattern, once, under its names (aliases are names too). A name without wildcards is shown as
//! it was asked for, whatever its case, so that clients find it in the reply.

use super::FLAGS;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Group};

pub static GET: Command = Command {
    name: "GET",
    group: Group::Server,
    since: "2.0.0",
    arity: Arity::AtLeast(3),
    flags: FLAGS,
    complexity: "O(N), N = options",
    summary: "Shows options and their values.",
    history: &[("7.0.0", "Takes several patterns.")],
    docs: &[Arg {
        name: "parameter",
        kind: ArgKind::Block,
        multiple: true,
        args: &[Arg { name: "parameter", ..Arg::BASE }],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let config = &ctx.node.config;
    let mut names: Vec<&'static str> = Vec::new();
    let mut found: Vec<(String, String)> = Vec::new();
    for pattern in args.iter_from(2) {
        let has_wildcards = pattern.iter().any(|byte| b"*?[\\".contains(byte));
        for (name, opt) in config.matching(pattern) {
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            let shown = if has_wildcards { name.to_owned() } else { String::from_utf8_lossy(pattern).into_owned() };
            found.push((shown, opt.show(&config.value(opt))));
        }
    }
    ctx.reply.map(found.len());
    for (name, value) in &found {
        ctx.reply.bulk_str(name);
        ctx.reply.bulk_str(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn patterns() {
        check("CONFIG GET maxmemory -> [maxmemory 0]; CONFIG GET MaxMemory -> [MaxMemory 0]; CONFIG GET nothing -> []");
        check("CONFIG GET MAXMEMORY-S* maxmemory-samples maxmemory -> [maxmemory-samples 5 maxmemory 0]");
        check(
            "CONFIG GET slowlog-max-len commandlog-slow* -> [slowlog-max-len 128 commandlog-slow-execution-max-len 128]",
        );
        check("HELLO 3 -> *; CONFIG GET maxmemory -> %[maxmemory 0]; CONFIG GET nothing -> %[]");
        check("CONFIG GET -> -ERR wrong number of arguments for 'config|get' command");
    }

    #[test]
    fn what_only_files_know_is_not_there() {
        node(&[("rename-command", "flushdb badger")])
            .converse("CONFIG GET rename-command -> []; CONFIG GET rename* -> []");
    }
}
