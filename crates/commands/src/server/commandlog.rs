//! COMMANDLOG GET count type · COMMANDLOG LEN type · COMMANDLOG RESET type · COMMANDLOG HELP
//!
//! Valkey's name for the slow log and its two companions: `slow`, `large-request` and `large-reply`.

use super::slowlog::entries;
use exec::slowlog::SlowLog;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group};

const FLAGS: Flags = Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE);

pub static COMMANDLOG: Command = Command {
    name: "COMMANDLOG",
    group: Group::Server,
    since: "8.1.0",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for command log commands.",
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    ..Command::BASE
};

const TYPE: Arg = Arg {
    name: "type",
    kind: ArgKind::OneOf,
    args: &[
        Arg { name: "slow", kind: ArgKind::PureToken, token: Some("SLOW"), ..Arg::BASE },
        Arg { name: "large-request", kind: ArgKind::PureToken, token: Some("LARGE-REQUEST"), ..Arg::BASE },
        Arg { name: "large-reply", kind: ArgKind::PureToken, token: Some("LARGE-REPLY"), ..Arg::BASE },
    ],
    ..Arg::BASE
};

pub static GET: Command = Command {
    name: "GET",
    group: Group::Server,
    since: "8.1.0",
    arity: Arity::Exactly(4),
    flags: FLAGS,
    complexity: "O(N), N = entries",
    summary: "Returns the newest entries of a log.",
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    docs: &[Arg { name: "count", kind: ArgKind::Integer, ..Arg::BASE }, TYPE],
    run: get,
    ..Command::BASE
};

pub static LEN: Command = Command {
    name: "LEN",
    group: Group::Server,
    since: "8.1.0",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    summary: "Counts the entries of a log.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    docs: &[TYPE],
    run: len,
    ..Command::BASE
};

pub static RESET: Command = Command {
    name: "RESET",
    group: Group::Server,
    since: "8.1.0",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    complexity: "O(N), N = entries",
    summary: "Forgets all entries of a log.",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    docs: &[TYPE],
    run: reset,
    ..Command::BASE
};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "8.1.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

fn log<'n>(ctx: &Ctx<'_, 'n>, args: &Args, at: usize) -> Result<&'n SlowLog, Error> {
    let node = ctx.node;
    if args.is(at, "slow") {
        Ok(&node.slowlog)
    } else if args.is(at, "large-request") {
        Ok(&node.large_requests)
    } else if args.is(at, "large-reply") {
        Ok(&node.large_replies)
    } else {
        Err(Error::Static("ERR type should be one of the following: slow, large-request, large-reply"))
    }
}

fn get(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = match args.int(2) {
        Ok(-1) => usize::MAX,
        Ok(count) if count >= 0 => count as usize,
        _ => return Err(Error::Static("ERR count should be greater than or equal to -1")),
    };
    let newest = log(ctx, args, 3)?.newest(count);
    entries(ctx, &newest);
    Ok(())
}

fn len(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let len = log(ctx, args, 2)?.len();
    ctx.reply.int(len as i64);
    Ok(())
}

fn reset(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    log(ctx, args, 2)?.clear();
    ctx.reply.ok();
    Ok(())
}

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &COMMANDLOG);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn keeps_large_requests_and_replies() {
        let settings = [("commandlog-request-larger-than", "100"), ("commandlog-reply-larger-than", "100")];
        let mut node = node(&settings);
        let long = "x".repeat(200);
        node.converse(&format!(
            "SET k {long}; GET k; PING; COMMANDLOG LEN large-request -> :1; COMMANDLOG LEN large-reply -> :1; \
             COMMANDLOG GET -1 large-reply -> [[:0 * :208 [GET k] * *]]; COMMANDLOG RESET large-reply -> +OK; \
             COMMANDLOG LEN large-reply -> :0"
        ));
    }

    #[test]
    fn shows_the_slow_log_too() {
        node(&[("slowlog-log-slower-than", "0")]).converse(
            "PING; COMMANDLOG GET 1 slow -> [[:0 * * [PING] * *]]; COMMANDLOG LEN slow -> :2; SLOWLOG LEN -> :3",
        );
    }

    #[test]
    fn refuses() {
        check("COMMANDLOG LEN big -> -ERR type should be one of the following: slow, large-request, large-reply");
        check("COMMANDLOG GET -2 slow -> -ERR count should be greater than or equal to -1");
    }
}
