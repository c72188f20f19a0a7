//! CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix …] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]
//!
//! The server tells this client, or the one it redirects to, when a key changes that it may have in its cache; what is
//! remembered and sent is in `exec/src/tracking.rs`.

use exec::client::ClientId;
use exec::tracking::{self, Mode, When};
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};

pub static TRACKING: Command = Command {
    name: "TRACKING",
    group: Group::Connection,
    since: "6.0.0",
    arity: Arity::AtLeast(3),
    flags: Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL),
    categories: Categories::CONNECTION,
    complexity: "O(1). Some options may introduce additional complexity.",
    summary: "Tells this client when keys change that it has read.",
    docs: &[
        Arg { name: "status", kind: ArgKind::OneOf, args: super::no_touch::ON_OFF, ..Arg::BASE },
        Arg { name: "client-id", kind: ArgKind::Integer, token: Some("REDIRECT"), optional: true, ..Arg::BASE },
        Arg {
            name: "prefix",
            kind: ArgKind::String,
            token: Some("PREFIX"),
            optional: true,
            multiple: true,
            multiple_token: true,
            ..Arg::BASE
        },
        Arg { name: "BCAST", kind: ArgKind::PureToken, token: Some("BCAST"), optional: true, ..Arg::BASE },
        Arg { name: "OPTIN", kind: ArgKind::PureToken, token: Some("OPTIN"), optional: true, ..Arg::BASE },
        Arg { name: "OPTOUT", kind: ArgKind::PureToken, token: Some("OPTOUT"), optional: true, ..Arg::BASE },
        Arg { name: "NOLOOP", kind: ArgKind::PureToken, token: Some("NOLOOP"), optional: true, ..Arg::BASE },
    ],
    run,
    ..Command::BASE
};

#[derive(Default)]
struct Options {
    redirect: Option<ClientId>,
    prefixes: Vec<Box<[u8]>>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    no_loop: bool,
}

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let options = parse(ctx, args)?;
    if args.is(2, "OFF") {
        tracking::stop(ctx.node, ctx.session);
    } else if args.is(2, "ON") {
        let mode = mode(ctx, options)?;
        tracking::start(ctx.node, ctx.session, mode);
    } else {
        return Err(Error::Syntax);
    }
    ctx.reply.ok();
    Ok(())
}

fn parse(ctx: &Ctx, args: &Args) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut i = 3;
    while i < args.len() {
        let more = i + 1 < args.len();
        if args.is(i, "REDIRECT") && more {
            i += 1;
            if options.redirect.is_some() {
                return Err(Error::Static("ERR A client can only redirect to a single other client"));
            }
            let id = args.int(i)?;
            let id = ClientId(u64::try_from(id).unwrap_or(0));
            if !ctx.node.clients.has(id) {
                return Err(Error::Static("ERR The client ID you want redirect to does not exist"));
            }
            options.redirect = Some(id);
        } else if args.is(i, "PREFIX") && more {
            i += 1;
            options.prefixes.push(args.get(i).into());
        } else if args.is(i, "BCAST") {
            options.broadcast = true;
        } else if args.is(i, "OPTIN") {
            options.opt_in = true;
        } else if args.is(i, "OPTOUT") {
            options.opt_out = true;
        } else if args.is(i, "NOLOOP") {
            options.no_loop = true;
        } else {
            return Err(Error::Syntax);
        }
        i += 1;
    }
    Ok(options)
}

fn mode(ctx: &Ctx, options: Options) -> Result<Mode, Error> {
    let Options { redirect, mut prefixes, broadcast, opt_in, opt_out, no_loop } = options;
    if !broadcast && !prefixes.is_empty() {
        return Err(Error::Static("ERR PREFIX option requires BCAST mode to be enabled"));
    }
    let old = ctx.session.tracking.as_deref().map(|mode| &mode.when);
    if old.is_some_and(|old| matches!(old, When::Broadcast(_)) != broadcast) {
        return Err(Error::Static(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        ));
    }
    if broadcast && (opt_in || opt_out) {
        return Err(Error::Static("ERR OPTIN and OPTOUT are not compatible with BCAST"));
    }
    if opt_in && opt_out {
        return Err(Error::Static("ERR You can't specify both OPTIN mode and OPTOUT mode"));
    }
    if opt_in && old == Some(&When::OptOut) || opt_out && old == Some(&When::OptIn) {
        return Err(Error::Static(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        ));
    }
    let when = match (opt_in, opt_out) {
        _ if broadcast => {
            overlaps(&prefixes, old)?;
            if prefixes.is_empty() && old.is_none() {
                prefixes.push(Box::default());
            }
            When::Broadcast(prefixes)
        }
        (true, _) => When::OptIn,
        (_, true) => When::OptOut,
        _ => When::Reads,
    };
    Ok(Mode { when, no_loop, caching: false, redirect })
}

/// A key under two prefixes would be announced twice.
fn overlaps(prefixes: &[Box<[u8]>], old: Option<&When>) -> Result<(), Error> {
    let collide = |a: &[u8], b: &[u8]| a.starts_with(b) || b.starts_with(a);
    let error = |a: &[u8], b: &[u8], which: &str| {
        let (a, b) = (String::from_utf8_lossy(a), String::from_utf8_lossy(b));
        Error::text(format!(
            "ERR Prefix '{a}' overlaps with {which} prefix '{b}'. Prefixes for a single client must not overlap."
        ))
    };
    for (i, prefix) in prefixes.iter().enumerate() {
        if let Some(When::Broadcast(there)) = old
            && let Some(other) = there.iter().find(|other| collide(prefix, other))
        {
            return Err(error(prefix, other, "an existing"));
        }
        if let Some(other) = prefixes[i + 1..].iter().find(|other| collide(prefix, other)) {
            return Err(error(prefix, other, "another provided"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn tells_who_has_read_a_key() {
        check("HELLO 3; CLIENT TRACKING ON -> +OK; GET k -> nil; GET k; c2> SET k 1 -> +OK; <- [invalidate [k]]");
        check(
            "HELLO 3; CLIENT TRACKING ON -> +OK; GET k -> nil; c2> SET k 1; <- [invalidate [k]]; c2> SET k 2; <- silence",
        );
        check(
            "HELLO 3; CLIENT TRACKING ON; SET k 1; MGET a k; SET k 2 -> +OK; <- [invalidate [k]]; c2> DEL k; <- silence",
        );
    }

    #[test]
    fn not_of_its_own_changes() {
        check(
            "HELLO 3; CLIENT TRACKING ON NOLOOP; GET k; SET k 1; <- silence; GET k; c2> SET k 2; <- [invalidate [k]]",
        );
    }

    #[test]
    fn by_prefix_once_a_transaction() {
        check(
            "HELLO 3; CLIENT TRACKING ON BCAST PREFIX a: PREFIX b:; c2> MULTI; c2> SET a:1 x; c2> SET c:1 x; \
             c2> SET a:2 x; c2> SET a:1 y; c2> EXEC; <- [invalidate [a:1 a:2]]; c2> DEL b:1; <- silence",
        );
    }

    #[test]
    fn keys_past_their_time_and_flushes() {
        check("HELLO 3; CLIENT TRACKING ON; SET k 1 PX 100; GET k; ~200ms; <- [invalidate [k]]");
        check("HELLO 3; CLIENT TRACKING ON NOLOOP BCAST; SET k 1 PX 100; ~200ms; <- [invalidate [k]]");
        check("HELLO 3; CLIENT TRACKING ON; GET k; c2> FLUSHALL; <- [invalidate nil]; c2> SET k 1; <- silence");
    }

    #[test]
    fn to_another_client() {
        check(
            "c2> SUBSCRIBE __redis__:invalidate; c2> CLIENT TRACKING ON -> -ERR Can't execute 'client|tracking'; CLIENT TRACKING ON REDIRECT 1 -> +OK; \
             GET k; c3> SET k 1; c2> <- [message __redis__:invalidate [k]]; CLIENT GETREDIR -> :1",
        );
        // Who tracks by prefixes now is not told of what it read before.
        check(
            "HELLO 3; CLIENT TRACKING ON; GET k; CLIENT TRACKING OFF; CLIENT TRACKING ON BCAST; c2> SET k 1; <- [invalidate [k]]; <- silence",
        );
        check("CLIENT TRACKING ON REDIRECT 99 -> -ERR The client ID you want redirect to does not exist");
    }

    #[test]
    fn on_request_only() {
        check(
            "HELLO 3; CLIENT TRACKING ON OPTIN; GET a; CLIENT CACHING YES; GET b; GET c; c2> MSET a 1 b 1 c 1; \
             <- [invalidate [b]]",
        );
        check(
            "HELLO 3; CLIENT TRACKING ON OPTOUT; CLIENT CACHING NO; GET a; GET b; c2> MSET a 1 b 1; <- [invalidate [b]]",
        );
    }

    #[test]
    fn the_table_has_a_limit() {
        let mut node = node(&[("tracking-table-max-keys", "2")]);
        node.converse("HELLO 3; CLIENT TRACKING ON; MGET a b c d e; DEL x");
        assert_eq!(node.node.tracking.keys.load(std::sync::atomic::Ordering::Relaxed), 2);
        assert_eq!(node.node.tracking.items.load(std::sync::atomic::Ordering::Relaxed), 2);
    }

    #[test]
    fn what_those_who_stopped_had_read_is_forgotten() {
        let mut node = node(&[]);
        let left = |node: &testkit::TestNode| node.node.tracking.items.load(std::sync::atomic::Ordering::Relaxed);
        node.converse("HELLO 3; CLIENT TRACKING ON; MGET a b c; CLIENT TRACKING OFF; SET a 1");
        assert_eq!(left(&node), 2, "when its keys change");
        node.converse("FLUSHALL");
        assert_eq!(left(&node), 0);
    }

    #[test]
    fn refuses() {
        check("CLIENT TRACKING x -> -ERR syntax error; CLIENT TRACKING ON BCAST OPTIN -> -ERR OPTIN and OPTOUT are");
        check(
            "CLIENT TRACKING ON PREFIX a -> -ERR PREFIX option requires BCAST; CLIENT TRACKING ON OPTIN OPTOUT -> -ERR You",
        );
        check(
            "CLIENT TRACKING ON BCAST PREFIX FOOBAR PREFIX FOO -> -ERR Prefix 'FOOBAR' overlaps with another provided prefix 'FOO'",
        );
        check("CLIENT TRACKING ON BCAST; CLIENT TRACKING ON -> -ERR You can't switch BCAST mode");
    }
}
