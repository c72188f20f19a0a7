//! DEBUG subcommand [argument …]
//!
//! Tools for tests and for looking inside. One row for all of them, as in Redis: what clients see of it is
//! a command that checks its own arguments. `SUBS` below is the list; a subcommand is a row there and a
//! function in a file of this folder.
//! It holds the world while it runs: SLEEP must hold up everybody as it does on a server with one thread, and a
//! digest is of one moment.

mod access;
mod crash;
mod digest;
mod htstats;
mod mallctl;
mod object;
mod populate;
mod protocol;
mod reload;
mod rewrite;
mod say;
mod sleep;
mod structure;
mod switches;

use exec::{Args, Arity, Command, Ctx, Error, Flags, Group, Reach};
use std::ops::RangeInclusive;

pub static DEBUG: Command = Command {
    name: "DEBUG",
    group: Group::Server,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::ADMIN.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::PROTECTED),
    reach: Reach::World,
    complexity: "Depends on subcommand.",
    summary: "A container for debugging commands.",
    run,
    ..Command::BASE
};

/// One of DEBUG's subcommands.
struct Sub {
    name: &'static str,
    /// How many words a request has, `DEBUG` and the name included.
    words: RangeInclusive<usize>,
    args: &'static str,
    help: &'static str,
    run: fn(&mut Ctx, &Args) -> Result<(), Error>,
}

const fn sub(
    name: &'static str,
    words: RangeInclusive<usize>,
    args: &'static str,
    help: &'static str,
    run: fn(&mut Ctx, &Args) -> Result<(), Error>,
) -> Sub {
    Sub { name, words, args, help, run }
}

static SUBS: &[Sub] = &[
    sub(
        "AOF-FLUSH-SLEEP",
        3..=3,
        "<microseconds>",
        "Sleeps so long before the append-only file is written.",
        switches::aof_flush_sleep,
    ),
    sub(
        "CONFIG-REWRITE-FORCE-ALL",
        2..=2,
        "",
        "CONFIG REWRITE that also writes what is at its default.",
        rewrite::force_all,
    ),
    sub("DICT-RESIZING", 3..=3, "<0|1>", "Accepted; a table here grows bucket by bucket.", switches::dict_resizing),
    sub("DIGEST", 2..=2, "", "A hash of all data, the same on every server with the same data.", digest::whole),
    sub("DIGEST-VALUE", 3..=usize::MAX, "<key> [<key> ...]", "A hash of each key's value.", digest::values),
    sub("ERROR", 3..=3, "<message>", "Answers with this error.", say::error),
    sub("HELP", 2..=2, "", "This.", help),
    sub("HTSTATS", 3..=4, "<db> [full]", "How full a database's table is.", htstats::database),
    sub("HTSTATS-KEY", 3..=4, "<key> [full]", "How full the table behind a key is.", htstats::key),
    sub("LISTPACK", 3..=3, "<key>", "Logs how a small collection is kept.", structure::listpack),
    sub("LOADAOF", 2..=2, "", "Removes all keys and loads the append-only file.", reload::log),
    sub("LOG", 3..=3, "<message>", "Writes a line to the server's log.", say::log),
    sub("MALLCTL", 3..=4, "<name> [<value>]", "Reads or sets a number of the allocator's.", mallctl::number),
    sub(
        "MALLCTL-STR",
        3..=4,
        "<name> [VOID]",
        "Reads a text of the allocator's, or has it do something.",
        mallctl::text,
    ),
    sub("OBJECT", 3..=4, "<key> [fast]", "How a key is kept.", object::object),
    sub("PANIC", 2..=2, "", "Makes this command fail as by a mistake of the server's.", crash::panic),
    sub("PAUSE-CRON", 3..=3, "<0|1>", "Stops what happens ten times a second.", switches::pause_cron),
    sub(
        "POPULATE",
        3..=5,
        "<count> [<prefix>] [<size>]",
        "Makes keys <prefix>:<n>, which the log does not see.",
        populate::populate,
    ),
    sub("PROTOCOL", 3..=3, "<type>", "A reply of this type.", protocol::protocol),
    sub("QUICKLIST", 3..=4, "<key> [<0|1>]", "Logs how a long list is kept.", structure::quicklist),
    sub(
        "QUICKLIST-PACKED-THRESHOLD",
        3..=3,
        "<size>",
        "Accepted; which elements of a list stand alone is not to be set.",
        switches::quicklist_packed_threshold,
    ),
    sub(
        "RELOAD",
        2..=5,
        "[MERGE] [NOFLUSH] [NOSAVE]",
        "Saves the data, removes all keys and loads them again.",
        reload::snapshot,
    ),
    sub(
        "REPLYBUFFER",
        4..=4,
        "PEAK-RESET-TIME <ms|never|reset> | RESIZING <0|1>",
        "How reply buffers follow their use.",
        switches::replybuffer,
    ),
    sub("SEGFAULT", 2..=2, "", "Ends the process as a wild pointer would.", crash::segfault),
    sub(
        "SET-ACTIVE-EXPIRE",
        3..=3,
        "<0|1>",
        "Whether keys past their time are removed without being asked for.",
        switches::active_expire,
    ),
    sub(
        "SET-DISABLE-DENY-SCRIPTS",
        3..=3,
        "<0|1>",
        "Whether scripts may call what is not for scripts.",
        switches::deny_scripts,
    ),
    sub(
        "SET-SKIP-CHECKSUM-VALIDATION",
        3..=3,
        "<0|1>",
        "Whether RESTORE takes payloads whose checksum is wrong.",
        switches::skip_checksum,
    ),
    sub("SLEEP", 3..=3, "<seconds>", "Holds up everybody for so long.", sleep::sleep),
    sub(
        "STRINGMATCH-LEN",
        4..=4,
        "<length> <pattern>",
        "Whether the pattern fits so many letters a.",
        say::stringmatch,
    ),
];

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    access::check(ctx)?;
    let name = args.get(1);
    let known = SUBS.iter().find(|sub| args.is(1, sub.name) && sub.words.contains(&args.len()));
    match known {
        Some(sub) => (sub.run)(ctx, args),
        None => Err(Error::unknown_subcommand_or_arity("DEBUG", name)),
    }
}

fn help(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.array(1 + 2 * SUBS.len());
    ctx.reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for sub in SUBS {
        ctx.reply.simple(format!("{} {}", sub.name, sub.args).trim_end());
        ctx.reply.simple(&format!("    {}", sub.help));
    }
    Ok(())
}

/// A fresh node that allows DEBUG.
#[cfg(test)]
fn check(text: &str) {
    crate::node(&[("enable-debug-command", "yes")]).converse(text);
}

#[cfg(test)]
mod tests {
    use super::check;
    use proto::resp_client::Value;

    #[test]
    fn names_and_numbers_of_words() {
        check("DEBUG -> -ERR wrong number of arguments for 'debug' command");
        for line in ["nosuch", "sleep", "SLEEP 0 1", "object", "set-active-expire 1 2", "replybuffer", "populate"] {
            let name = line.split(' ').next().unwrap();
            check(&format!(
                "DEBUG {line} -> -ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP."
            ));
        }
    }

    #[test]
    fn helps() {
        let mut node = crate::node(&[("enable-debug-command", "yes")]);
        let Value::Array(lines) = node.ask_line("DEBUG help") else { panic!() };
        assert_eq!(lines.len(), 1 + 2 * super::SUBS.len());
        assert!(super::SUBS.is_sorted_by(|a, b| a.name < b.name));
    }
}
