//! MONITOR
//!
//! From now on this client sees every command that is run.

use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, monitor};

pub static MONITOR: Command = Command {
    name: "MONITOR",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    complexity: "",
    summary: "Shows every command as it is run.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    if ctx.nested {
        return Err(Error::Static("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    monitor::join(ctx.node, ctx.session);
    ctx.reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn shows_what_is_run() {
        let mut node = node(&[]);
        node.ask(2, &["MONITOR"]);
        node.ask(1, &["ECHO", "a \"b\"\n"]);
        node.ask(1, &["AUTH", "default", "secret"]);
        node.ask(1, &["CLIENT", "LIST"]);
        node.ask(1, &["NOSUCH"]);
        let seen = String::from_utf8(node.client(2).reply.to_vec()).unwrap();
        let lines: Vec<&str> = seen.lines().collect();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0], "+1767225600.000000 [0 127.0.0.1:50001] \"ECHO\" \"a \\\"b\\\"\\n\"");
        assert!(lines[1].ends_with("\"AUTH\" \"(redacted)\" \"(redacted)\""));
    }

    #[test]
    fn a_transaction_is_shown_as_it_runs() {
        let mut node = node(&[]);
        node.ask(2, &["MONITOR"]);
        for words in [&["MULTI"][..], &["ECHO", "a"], &["EXEC"]] {
            node.ask(1, words);
        }
        let seen = String::from_utf8(node.client(2).reply.to_vec()).unwrap();
        let names: Vec<&str> = seen.lines().filter_map(|line| line.split("] ").nth(1)).collect();
        assert_eq!(names, ["\"MULTI\"", "\"ECHO\" \"a\"", "\"EXEC\""]);
    }
}
