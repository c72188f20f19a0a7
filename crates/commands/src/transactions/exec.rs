//! EXEC
//!
//! Runs the queued commands under all their locks at once (exec/src/run.rs, `transaction`). Null
//! when a watched key changed since WATCH.

use exec::{Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static EXEC: Command = Command {
    name: "EXEC",
    group: Group::Transactions,
    since: "1.2.0",
    arity: Arity::Exactly(1),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::SKIP_SLOWLOG)
        .and(Flags::NOT_QUEUED)
        .and(Flags::RUNS_QUEUE),
    categories: Categories::TRANSACTION,
    complexity: "What the queued commands take",
    summary: "Runs all commands of a transaction.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    if ctx.session.multi.is_none() {
        return Err(Error::ExecWithoutMulti);
    }
    ctx.run_queue();
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_the_last_command_of_its_client() {
        let mut node = crate::node(&[]);
        node.converse("MULTI; GET k; EXEC -> [nil]");
        let list = node.ask(2, &["CLIENT", "LIST", "ID", "1"]);
        assert!(String::from_utf8_lossy(&list).contains(" cmd=exec "), "not what was queued");
    }
}
