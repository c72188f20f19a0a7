//! FUNCTION LOAD [REPLACE] code

use super::BASE;
use crate::commands::EVERYWHERE;
use crate::libraries::{self, Meeting};
use crate::machine;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags};

pub static LOAD: Command = Command {
    name: "LOAD",
    arity: Arity::AtLeast(3),
    flags: Flags::NOSCRIPT.and(Flags::WRITE).and(Flags::DENYOOM),
    summary: "Adds a library of functions; its name.",
    tips: EVERYWHERE,
    docs: &[Arg::token("replace", "REPLACE").optional(), Arg::new("function-code", ArgKind::String)],
    run,
    ..BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let mut meeting = Meeting::Refuse;
    for i in 2..args.len() - 1 {
        if !args.is(i, "REPLACE") {
            return Err(Error::err(format_args!("Unknown option given: {}", args.text(i))));
        }
        meeting = Meeting::Replace;
    }
    let machine = machine::of(ctx.node);
    let names = libraries::add(&machine, ctx.node, &[args.get(args.len() - 1)], meeting, |name| {
        format!("Library '{name}' already exists")
    })?;
    ctx.dirty(1);
    ctx.replay_always();
    ctx.reply.bulk_str(names.first().map_or("", String::as_str));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::commands::node;

    #[test]
    fn what_is_refused() {
        let mut node = node(&[]);
        let lib = "#!lua name=mylib\nredis.register_function('f1',function(k,a) return {k,a,1} end)";
        assert_eq!(node.ask(1, &["FUNCTION", "LOAD", lib]), b"$5\r\nmylib\r\n");
        for (code, error) in [
            ("return 1", "-ERR Missing library metadata"),
            ("#!lua name=a\nreturn 1", "-ERR No functions registered"),
            (lib, "-ERR Library 'mylib' already exists"),
            (
                "#!lua name=other\nredis.register_function('f1',function(k,a) return {k,a,1} end)",
                "-ERR Function f1 already exists",
            ),
            ("#!lua name=x\nif", "-ERR Error compiling function: user_function:2: unexpected symbol near '<eof>'"),
            (
                "#!lua name=x\nredis.call('ping')",
                "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'call'",
            ),
            (
                "#!lua name=x\nredis.register_function('a')",
                "-ERR Error registering functions: ERR calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
            ),
            (
                "#!lua name=x\nredis.register_function(1,2,3)",
                "-ERR Error registering functions: ERR wrong number of arguments to redis.register_function",
            ),
            (
                "#!lua name=x\nredis.register_function{}",
                "-ERR Error registering functions: ERR redis.register_function must get a function name argument",
            ),
            (
                "#!lua name=x\nredis.register_function{function_name='a'}",
                "-ERR Error registering functions: ERR redis.register_function must get a callback argument",
            ),
            (
                "#!lua name=x\nredis.register_function{function_name='a',callback=function() end,flags={'bad'}}",
                "-ERR Error registering functions: ERR unknown flag given",
            ),
            (
                "#!lua name=x\nredis.register_function('a',function() end) redis.register_function('a',function() end)",
                "-ERR Error registering functions: ERR Function already exists in the library",
            ),
            (
                "#!lua name=x\nx=1",
                "-ERR Error registering functions: ERR user_function:2: Attempt to modify a readonly table",
            ),
            (
                "#!lua name=x\nlocal a=x",
                "-ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'x'",
            ),
        ] {
            let reply = String::from_utf8_lossy(&node.ask(1, &["FUNCTION", "LOAD", code])).into_owned();
            assert_eq!(reply, format!("{error}\r\n"), "{code}");
        }
        assert_eq!(node.ask(1, &["FUNCTION", "LOAD", "X", "Y"]), b"-ERR Unknown option given: X\r\n");
        assert_eq!(node.ask(1, &["FUNCTION", "LOAD", "REPLACE", lib]), b"$5\r\nmylib\r\n");
        assert_eq!(node.log.units().len(), 2);
        node.converse("FCALL f1 0 -> [[] [] :1]");
    }
}
