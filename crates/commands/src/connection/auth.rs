//! AUTH [username] password
//!
//! Without a name it is the default user, whose password `requirepass` is. Who guesses waits for the answer.

use exec::acl::{self, Context};
use exec::session::Why;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static AUTH: Command = Command {
    name: "AUTH",
    group: Group::Connection,
    since: "1.0.0",
    arity: Arity::AtLeast(2),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::SENTINEL)
        .and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    complexity: "O(N), N = passwords of the user",
    summary: "Authenticates the connection.",
    history: &[("6.0.0", "Takes a username.")],
    docs: &[
        Arg { name: "username", optional: true, since: Some("6.0.0"), ..Arg::BASE },
        Arg { name: "password", ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    match args.len() {
        2 if ctx.node.acl.default_user().rules().nopass => Err(Error::Static(
            "ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        )),
        2 => authenticate(ctx, args.get(0), b"default", args.get(1)),
        3 => authenticate(ctx, args.get(0), args.get(1), args.get(2)),
        _ => Err(Error::Syntax),
    }?;
    ctx.reply.ok();
    Ok(())
}

/// Checks a name and password; the session is authenticated if they fit. `called` is the command's name as it came.
pub(super) fn authenticate(ctx: &mut Ctx, called: &[u8], user: &[u8], password: &[u8]) -> Result<(), Error> {
    // Run again at the end of the wait: this try was counted when it came.
    let waited = ctx.session.deny_blocking && !ctx.nested;
    let context = if ctx.session.multi.is_some() || ctx.nested { Context::Multi } else { Context::Toplevel };
    match acl::authenticate(ctx.node, ctx.session, context, called, user, password, !waited) {
        Ok(()) => Ok(()),
        Err(failed) if failed.delay_ms > 0 && ctx.may_wait() => {
            let until = ctx.now().saturating_add_ms(failed.delay_ms);
            Err(ctx.wait(Why::Blocked, Some(until)))
        }
        Err(_) => Err(Error::WrongPass),
    }
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn with_a_password() {
        node(&[("requirepass", "secret")]).converse(
            "GET k -> -NOAUTH Authentication required.; AUTH wrong -> -WRONGPASS; AUTH nobody secret -> -WRONGPASS
             GET k -> -NOAUTH; AUTH secret -> +OK; GET k -> nil; c2> AUTH default secret -> +OK; c3> PING -> -NOAUTH",
        );
    }

    #[test]
    fn guessing_takes_longer_and_longer() {
        let mut node = node(&[("requirepass", "secret")]);
        for _ in 0..64 {
            node.converse("AUTH wrong -> -WRONGPASS");
        }
        node.converse(
            "AUTH wrong -> parked; ~9ms; <- silence; ~1ms; <- -WRONGPASS; HELLO 3 AUTH default wrong -> parked; ~20ms; <- -WRONGPASS
             AUTH secret -> +OK; ~10000ms; AUTH wrong -> -WRONGPASS",
        );
        let counts: Vec<u64> = node.node.acl.log.newest(9).iter().map(|entry| entry.count).collect();
        assert_eq!(counts, [66, 1], "who waited is counted once");
    }

    #[test]
    fn whether_a_name_exists_is_not_told() {
        let mut node = node(&[("requirepass", "secret")]);
        node.converse("AUTH secret; ACL SETUSER known on >word; ACL SETUSER off off >word; c2> PING -> -NOAUTH");
        // Names that are there, that are not, that are off, and passwords of any length: one answer, one delay.
        let tries = ["known wrong", "nobody word", "off word", "known w", "known \"\"", "nobody \"\""];
        for i in 0..64 {
            node.converse(&format!("c2> AUTH {} -> -WRONGPASS invalid username-password pair", tries[i % tries.len()]));
        }
        for (i, names) in tries.iter().enumerate() {
            let wait = 10 * (i + 1);
            node.converse(&format!(
                "c2> AUTH {names} -> parked; ~{}ms; c2> <- silence; ~1ms; c2> <- -WRONGPASS",
                wait - 1
            ));
        }
        node.converse("c2> AUTH known word -> +OK");
    }

    #[test]
    fn without_one() {
        check(
            "AUTH x -> -ERR AUTH <password> called without any password; AUTH default x -> +OK; AUTH a b c -> -ERR syntax error",
        );
    }
}
