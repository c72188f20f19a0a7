//! FUNCTION LIST [LIBRARYNAME pattern] [WITHCODE]

use super::BASE;
use crate::{libraries, machine, shebang};
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error};

pub static LIST: Command = Command {
    name: "LIST",
    arity: Arity::AtLeast(2),
    complexity: "O(N) with N functions.",
    summary: "The libraries and their functions.",
    tips: &["nondeterministic_output_order"],
    docs: &[
        Arg::new("library-name-pattern", ArgKind::String).after("LIBRARYNAME").optional(),
        Arg::token("withcode", "WITHCODE").optional(),
    ],
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let (mut with_code, mut pattern) = (false, None);
    let mut i = 2;
    while i < args.len() {
        if !with_code && args.is(i, "WITHCODE") {
            with_code = true;
        } else if pattern.is_none() && args.is(i, "LIBRARYNAME") {
            i += 1;
            pattern = Some(args.opt(i).ok_or(Error::Static("ERR library name argument was not given"))?);
        } else {
            return Err(Error::err(format_args!("Unknown argument {}", args.text(i))));
        }
        i += 1;
    }
    let machine = machine::of(ctx.node);
    let fits = |name: &str| pattern.is_none_or(|pattern| kit::glob::matches(pattern, name.as_bytes(), true));
    let shown: Vec<_> = libraries::with_current(&machine, ctx.node, |set| {
        set.libraries().filter(|library| fits(&library.name)).cloned().collect()
    });
    let reply = &mut *ctx.reply;
    reply.array(shown.len());
    for library in shown {
        reply.map(if with_code { 4 } else { 3 });
        reply.bulk_str("library_name");
        reply.bulk_str(&library.name);
        reply.bulk_str("engine");
        reply.bulk_str("LUA");
        reply.bulk_str("functions");
        reply.array(library.functions.len());
        for function in &library.functions {
            reply.map(3);
            reply.bulk_str("name");
            reply.bulk_str(&function.name);
            reply.bulk_str("description");
            match &function.description {
                Some(text) => reply.bulk(text),
                None => reply.null(),
            }
            reply.bulk_str("flags");
            let flags: Vec<_> = shebang::NAMES.iter().filter(|(_, flag)| function.flags & flag != 0).collect();
            reply.set(flags.len());
            for (name, _) in flags {
                reply.simple(name);
            }
        }
        if with_code {
            reply.bulk_str("library_code");
            reply.bulk(&library.code);
        }
    }
    Ok(())
}

#[test]
fn list() {
    crate::commands::check(
        "FUNCTION LOAD \"#!lua name=l\\nredis.register_function{function_name='f',callback=function() return 1 end,description='d e',flags={'no-writes'}}\" -> l; FUNCTION LIST -> [[library_name l engine LUA functions [[name f description \"d e\" flags [+no-writes]]]]]; FUNCTION LIST LIBRARYNAME X* -> []; FUNCTION LIST WITHCODE LIBRARYNAME L -> [*]; FUNCTION LIST X -> -ERR Unknown argument X; FUNCTION LIST LIBRARYNAME -> -ERR library name argument was not given",
    );
}
