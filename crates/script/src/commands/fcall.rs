//! FCALL function numkeys [key …] [arg …]    FCALL_RO …

use super::eval::{EVAL, FLAGS};
use super::run::{self, Of, Run};
use super::{ARG, KEY, KEYS_RO, NUMKEYS};
use crate::shebang::NO_WRITES;
use crate::{libraries, machine};
use exec::{Arg, ArgKind, Args, Command, Ctx, Error, Flags};

pub static FCALL: Command = Command {
    name: "FCALL",
    since: "7.0.0",
    complexity: "What the function takes.",
    summary: "Calls a function of a library.",
    docs: &[Arg::new("function", ArgKind::String), NUMKEYS, KEY, ARG],
    only_reads: Some(|node, name| {
        let name = String::from_utf8_lossy(name);
        libraries::find(&machine::of(node), node, &name)
            .is_ok_and(|function| function.described().flags & NO_WRITES != 0)
    }),
    run: |ctx, args| fcall(ctx, args, false),
    ..EVAL
};

pub static FCALL_RO: Command = Command {
    name: "FCALL_RO",
    flags: FLAGS.and(Flags::READONLY),
    keys: KEYS_RO,
    summary: "Calls a function of a library that only reads.",
    run: |ctx, args| fcall(ctx, args, true),
    ..FCALL
};

fn fcall(ctx: &mut Ctx, args: &Args, read_only: bool) -> Result<(), Error> {
    let machine = machine::of(ctx.node);
    let name = std::str::from_utf8(args.get(1)).map_err(|_| Error::Static("ERR Function not found"))?;
    let function = libraries::find(&machine, ctx.node, name)?;
    let key_count = run::key_count(args, Error::Static("ERR Bad number of keys provided"))?;
    let flags = Some(function.described().flags);
    run::start(ctx, args, Run { of: Of::Function(function), key_count, flags, read_only })
}

#[cfg(test)]
mod tests {
    use crate::commands::check;

    const LOAD: &str = "FUNCTION LOAD \"#!lua name=mylib\\nredis.register_function('f1',function(k,a) return {k,a,1} end)\\nredis.register_function{function_name='f2',callback=function() return redis.call('get','x') end,flags={'no-writes'}}\" -> mylib";

    #[test]
    fn calls() {
        check(&format!(
            "{LOAD}; FCALL f1 1 a b -> [[a] [b] :1]; FCALL f2 0 -> nil; FCALL_RO f2 0 -> nil; FCALL_RO f1 0 -> -ERR Can not execute a script with write flag using *_ro command."
        ));
        check(&format!(
            "{LOAD}; FCALL nope 0 -> -ERR Function not found; FCALL f1 x -> -ERR Bad number of keys provided; FCALL f1 -1 -> -ERR Number of keys can't be negative; FCALL f1 4 x -> -ERR Number of keys can't be greater than number of args"
        ));
    }

    #[test]
    fn errors_name_the_function() {
        check(
            "FUNCTION LOAD \"#!lua name=l\\nredis.register_function('f',function() return redis.call('nosuch') end)\" -> l; FCALL f 0 -> -ERR Unknown Redis command called from script script: f, on @user_function:2.",
        );
    }
}
