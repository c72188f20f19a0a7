//! AUTH [username] password
//!
//! Until there are ACL users the only name is `default`, whose password is `requirepass`.

use exec::options::REQUIREPASS;
use exec::{Arg, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, metrics};

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
        2 if ctx.node.config.get(&REQUIREPASS).is_empty() => Err(Error::Static(
            "ERR AUTH <password> called without any password configured for the default user. \
             Are you sure your configuration is correct?",
        )),
        2 => authenticate(ctx, b"default", args.get(1)),
        3 => authenticate(ctx, args.get(1), args.get(2)),
        _ => Err(Error::Syntax),
    }?;
    ctx.reply.ok();
    Ok(())
}

/// Checks a name and password; the session is authenticated if they fit.
pub(super) fn authenticate(ctx: &mut Ctx, user: &[u8], password: &[u8]) -> Result<(), Error> {
    let wanted = ctx.node.config.get(&REQUIREPASS);
    // Digests are compared, so that the time taken tells nothing about a common beginning.
    let fits = wanted.is_empty() || kit::sha::sha256_hex(wanted.as_bytes()) == kit::sha::sha256_hex(password);
    if user != b"default" || !fits {
        ctx.tally().add(&metrics::ACL_DENIED_AUTH, 1);
        return Err(Error::WrongPass);
    }
    ctx.session.set_authenticated(true);
    Ok(())
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
    fn without_one() {
        check(
            "AUTH x -> -ERR AUTH <password> called without any password; AUTH default x -> +OK; AUTH a b c -> -ERR syntax error",
        );
    }
}
