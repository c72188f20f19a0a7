//! EVAL script numkeys [key …] [arg …]    EVAL_RO …
//!
//! The text is compiled once a thread and known by its bytes from then on; the node keeps it for EVALSHA.

use super::run::{self, Of, Run};
use super::{ARG, KEY, KEYS, KEYS_RO, NUMKEYS};
use crate::machine;
use crate::shebang::{NO_WRITES, of_script};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

const SCRIPT: Arg = Arg::new("script", ArgKind::String);

pub static EVAL: Command = Command {
    name: "EVAL",
    group: Group::Scripting,
    since: "2.6.0",
    arity: Arity::AtLeast(3),
    flags: FLAGS.and(Flags::MAY_REPLICATE),
    categories: Categories::SCRIPTING,
    keys: KEYS,
    complexity: "What the script takes.",
    summary: "Runs a Lua script.",
    docs: &[SCRIPT, NUMKEYS, KEY, ARG],
    only_reads: Some(|_, text| matches!(of_script(text), Ok((Some(flags), _)) if flags & NO_WRITES != 0)),
    run: |ctx, args| eval(ctx, args, false),
    ..Command::BASE
};

pub static EVAL_RO: Command = Command {
    name: "EVAL_RO",
    since: "7.0.0",
    flags: FLAGS.and(Flags::READONLY),
    keys: KEYS_RO,
    summary: "Runs a Lua script that only reads.",
    run: |ctx, args| eval(ctx, args, true),
    ..EVAL
};

pub(super) const FLAGS: Flags =
    Flags::NOSCRIPT.and(Flags::STALE).and(Flags::SKIP_MONITOR).and(Flags::NO_MANDATORY_KEYS);

fn eval(ctx: &mut Ctx, args: &Args, read_only: bool) -> Result<(), Error> {
    let key_count = run::key_count(args, Error::NotInteger)?;
    let text = args.get(1);
    let machine = machine::of(ctx.node);
    let now_ns = ctx.now().0 as u64 * 1_000_000;
    let compiled = match machine.by_text(text) {
        Some(compiled) => compiled,
        None => {
            let keep = || ctx.node.scripts.keep_source(kit::sha::sha1_hex(text), text, true, now_ns);
            machine.compile(text, keep)?
        }
    };
    compiled.source.used(now_ns);
    let flags = compiled.flags;
    run::start(ctx, args, Run { of: Of::Script(compiled), key_count, flags, read_only })
}

#[cfg(test)]
mod tests {
    use crate::commands::{check, node};

    #[test]
    fn replies() {
        check(
            "EVAL \"return 3.9\" 0 -> :3; EVAL \"return {1,{2,'x'},false,nil,5}\" 0 -> [:1 [:2 x] nil]; EVAL \"return true\" 0 -> :1",
        );
        check("EVAL \"return {ok='fine'}\" 0 -> +fine; EVAL \"return redis.status_reply('a b')\" 0 -> +a b");
        check("EVAL \"return {KEYS[1],KEYS[2],ARGV[1]}\" 2 a b c -> [a b c]; EVAL \"return #ARGV\" 0 x y -> :2");
        check("EVAL \"return {err='My err'}\" 0 -> -My err; EVAL \"return redis.error_reply('MY')\" 0 -> -ERR MY");
        check(
            "EVAL \"return 1\" x -> -ERR value is not an integer or out of range; EVAL \"return 1\" -1 -> -ERR Number of keys can't be negative; EVAL \"return 1\" 3 a -> -ERR Number of keys can't be greater than number of args",
        );
    }

    #[test]
    fn commands_of_scripts() {
        check(
            "EVAL \"return redis.call('incr',KEYS[1])\" 1 k -> :1; GET k -> 1; EVAL \"return redis.call('get','nokey')\" 0 -> nil",
        );
        check(
            "EVAL \"return redis.call('incr')\" 0 -> -ERR Wrong number of args calling Redis command from script script: 5ec1df981d6970587b00ab8f88abcfbd2ca726e7, on @user_script:1.",
        );
        check(
            "EVAL \"return redis.call('nosuch')\" 0 -> -ERR Unknown Redis command called from script script: 206396248e12c6e742fd7296250433c8d7343b74, on @user_script:1.",
        );
        check(
            "EVAL \"return redis.call('multi')\" 0 -> -ERR This Redis command is not allowed from script script:; EVAL \"return redis.call()\" 0 -> -ERR Please specify at least one argument for this redis lib call script:",
        );
        check(
            "SET s x; EVAL \"return redis.pcall('lpush','s','x')\" 0 -> -WRONGTYPE; EVAL \"return redis.call('lpush',KEYS[1],1)\" 1 s -> -WRONGTYPE Operation against a key holding the wrong kind of value script:",
        );
        check(
            "EVAL \"redis.call('select',3) return redis.call('set','a',1)\" 0 -> +OK; GET a -> nil; SELECT 3; GET a -> 1",
        );
        check(
            "EVAL_RO \"return redis.call('set','a',1)\" 0 -> -ERR Write commands are not allowed from read-only scripts. script:",
        );
    }

    #[test]
    fn what_says_that_it_only_reads() {
        check(
            "EVAL_RO \"return redis.call('publish','c','m')\" 0 -> -ERR Write commands are not allowed from read-only scripts.; EVAL \"#!lua flags=no-writes\\nreturn redis.call('publish','c','m')\" 0 -> -ERR Write commands are not allowed from read-only scripts.; EVAL \"return redis.call('publish','c','m')\" 0 -> :0",
        );
        // It runs while writes are paused, also in a transaction; others wait.
        check(
            "c2> CLIENT PAUSE 100000 WRITE; EVAL \"#!lua flags=no-writes\\nreturn 1\" 0 -> :1; MULTI; EVAL \"#!lua flags=no-writes\\nreturn 1\" 0 -> +QUEUED; EXEC -> [:1]",
        );
        check(
            "FUNCTION LOAD \"#!lua name=l\\nredis.register_function{function_name='f',callback=function() return 1 end,flags={'no-writes'}}\" -> l; c2> CLIENT PAUSE 100000 WRITE; FCALL f 0 -> :1",
        );
    }

    #[test]
    fn to_itself_after_the_answer() {
        check(
            "HELLO 3; SUBSCRIBE c -> *; EVAL \"redis.call('publish','c','m') return 'bla'\" 0 -> bla; <- [message c m]",
        );
    }

    #[test]
    fn errors_say_where() {
        let mut node = node(&[]);
        for (script, error) in [
            (
                "error('my error')",
                "-ERR user_script:1: my error script: 3dd894268894a9582a0901f067c2244208692879, on @user_script:1.\r\n",
            ),
            (
                "error({err='My err'})",
                "-My err script: 3077f3c2cc32631540f269b1ce123d8e5e531ef0, on @user_script:1.\r\n",
            ),
            ("error()", "-ERR nil script: aca90d914519fdb9825352bdc0befb59f7c8510f, on @user_script:1.\r\n"),
            ("if then", "-ERR Error compiling script (new function): user_script:1: unexpected symbol near 'then'\r\n"),
            (
                "return x",
                "-ERR user_script:1: Script attempted to access nonexistent global variable 'x' script: 03c387736bb5cc009ff35151572cee04677aa374, on @user_script:1.\r\n",
            ),
            (
                "x=1",
                "-ERR user_script:1: Attempt to modify a readonly table script: 7caf6056913504f0508c65faf2dc3f94ff65bcfd, on @user_script:1.\r\n",
            ),
            (
                "local x = nil; x.y=1",
                "-ERR user_script:1: attempt to index local 'x' (a nil value) script: 6875c11edee1c70d9e8ad7ca9499ae461c22e061, on @user_script:1.\r\n",
            ),
            (
                "return cjson.decode('[')",
                "-ERR user_script:1: Expected value but found T_END at character 2 script: fa22f6775c4b5a7555f7903baca8d69e9a2a52fd, on @user_script:1.\r\n",
            ),
            (
                "#!lua flags=no-writes\nreturn redis.call('set','a','b')",
                "-ERR Write commands are not allowed from read-only scripts. script: 6acb400a50fe96e33eca4e0af6e9dcfb21193726, on @user_script:2.\r\n",
            ),
        ] {
            assert_eq!(String::from_utf8_lossy(&node.ask(1, &["EVAL", script, "0"])), error, "{script}");
        }
    }

    #[test]
    fn all_it_did_is_one_unit() {
        let mut node = node(&[]);
        node.converse("EVAL \"redis.call('set',KEYS[1],1) redis.call('get','k') redis.call('incr',KEYS[1])\" 1 k");
        node.converse("EVAL \"return redis.call('get',KEYS[1])\" 1 k -> 2; MULTI; SET a 1; EVAL \"redis.call('set','b',1)\" 0; EXEC");
        node.converse("EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set','c',1)\" 0");
        assert_eq!(node.log.units(), [vec!["set k 1", "incr k"], vec!["SET a 1", "set b 1"]]);
    }

    #[test]
    fn a_mistake_ends_its_script_alone() {
        // As the threads of a server.
        let thread = std::thread::Builder::new().stack_size(exec::script::STACK_BYTES).spawn(mistakes);
        thread.unwrap().join().unwrap();
    }

    fn mistakes() {
        let mut node = node(&[("lua-memory-limit", "4mb")]);
        let mut ask = |script: &str| String::from_utf8_lossy(&node.ask(1, &["EVAL", script, "0"])).into_owned();
        assert!(ask("return string.rep('x', 100000000)").contains("not enough memory"));
        assert!(ask("local t = {} while true do t[#t+1] = {} end").contains("not enough memory"));
        assert!(ask("local function f() return 1 + f() end return f()").contains("stack overflow"));
        assert!(
            ask("local t = {} for i=1,10000 do t[i]=i end return unpack(t)").contains("too many results to unpack")
        );
        assert!(
            ask("return string.find(string.rep('a',100000), string.rep('a?',100000))").contains("pattern too complex")
        );
        assert!(ask("local a = {} a[1] = a return a").contains("reached lua stack limit"));
        assert!(ask("return cjson.decode(string.rep('[', 100000))").contains("too many nested"));
        assert_eq!(ask("return 1"), ":1\r\n");
    }
}
