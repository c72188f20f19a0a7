//! SLOWLOG GET [count] · SLOWLOG LEN · SLOWLOG RESET · SLOWLOG HELP
//!
//! Commands that took longer than `slowlog-log-slower-than` microseconds, newest first.

use exec::slowlog::SlowEntry;
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group};

const FLAGS: Flags = Flags::ADMIN.and(Flags::LOADING).and(Flags::STALE);
const TIPS: &[&str] = &["request_policy:all_nodes"];

pub static SLOWLOG: Command = Command {
    name: "SLOWLOG",
    group: Group::Server,
    since: "2.2.12",
    arity: Arity::AtLeast(2),
    complexity: "Depends on subcommand.",
    summary: "A container for slow log commands.",
    subcommands: &[&GET, &HELP, &LEN, &RESET],
    ..Command::BASE
};

pub static GET: Command = Command {
    name: "GET",
    group: Group::Server,
    since: "2.2.12",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    complexity: "O(N), N = entries",
    summary: "Returns the newest entries.",
    history: &[("4.0.0", "Client address and name.")],
    tips: &["request_policy:all_nodes", "nondeterministic_output"],
    docs: &[Arg { name: "count", kind: ArgKind::Integer, optional: true, ..Arg::BASE }],
    run: get,
    ..Command::BASE
};

pub static LEN: Command = Command {
    name: "LEN",
    group: Group::Server,
    since: "2.2.12",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    summary: "Counts the entries.",
    tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
    run: len,
    ..Command::BASE
};

pub static RESET: Command = Command {
    name: "RESET",
    group: Group::Server,
    since: "2.2.12",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    complexity: "O(N), N = entries",
    summary: "Forgets all entries.",
    tips: TIPS,
    run: reset,
    ..Command::BASE
};

pub static HELP: Command = Command {
    name: "HELP",
    group: Group::Server,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: Flags::LOADING.and(Flags::STALE),
    summary: "Describes the subcommands.",
    run: help,
    ..Command::BASE
};

/// Entries GET gives when no count is named.
const COUNT_DEFAULT: usize = 10;

fn get(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let count = match args.len() {
        2 => COUNT_DEFAULT,
        3 => match args.int(2) {
            Ok(-1) => usize::MAX,
            Ok(count) if count >= 0 => count as usize,
            _ => return Err(Error::Static("ERR count should be greater than or equal to -1")),
        },
        _ => return Err(Error::wrong_arity("slowlog|get")),
    };
    entries(ctx, &ctx.node.slowlog.newest(count));
    Ok(())
}

/// What SLOWLOG GET and COMMANDLOG GET show.
pub(super) fn entries(ctx: &mut Ctx, entries: &[SlowEntry]) {
    ctx.reply.array(entries.len());
    for entry in entries {
        ctx.reply.array(6);
        ctx.reply.int(entry.id as i64);
        ctx.reply.int(entry.unix_secs);
        ctx.reply.int(entry.amount as i64);
        ctx.reply.array(entry.words.len());
        for word in &entry.words {
            ctx.reply.bulk(word);
        }
        ctx.reply.bulk_str(&entry.addr);
        ctx.reply.bulk_str(&entry.name);
    }
}

fn len(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.int(ctx.node.slowlog.len() as i64);
    Ok(())
}

fn reset(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.node.slowlog.clear();
    ctx.reply.ok();
    Ok(())
}

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    crate::help::help(ctx, &SLOWLOG);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::node;

    #[test]
    fn keeps_the_newest() {
        let settings = [("slowlog-log-slower-than", "0"), ("slowlog-max-len", "3")];
        node(&settings).converse(
            "CLIENT SETNAME me; ECHO a; ECHO b; SLOWLOG LEN -> :3; SLOWLOG GET 2 -> [[:3 * * [SLOWLOG LEN] * me] [:2 * * [ECHO b] * me]]
             SLOWLOG RESET -> +OK; SLOWLOG GET -1 -> [[:5 * * [SLOWLOG RESET] * me]]; SLOWLOG GET -2 -> -ERR count should be greater than or equal to -1",
        );
    }

    #[test]
    fn nothing_is_kept_when_off() {
        node(&[("slowlog-log-slower-than", "-1")]).converse("PING; SLOWLOG LEN -> :0");
        node(&[("slowlog-log-slower-than", "0"), ("slowlog-max-len", "0")]).converse("PING; SLOWLOG LEN -> :0");
    }

    #[test]
    fn secrets_are_left_out() {
        node(&[("slowlog-log-slower-than", "0")])
            .converse("AUTH default x; SLOWLOG GET 1 -> [[* * * [AUTH (redacted) (redacted)] * *]]");
    }
}
