//! CLIENT CACHING YES|NO, CLIENT GETREDIR, CLIENT TRACKINGINFO
//!
//! CACHING speaks of the next command, or the next transaction.

use exec::client::flag;
use exec::tracking::When;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group};
use std::sync::atomic::Ordering::Relaxed;

const FLAGS: Flags = Flags::NOSCRIPT.and(Flags::LOADING).and(Flags::STALE).and(Flags::SENTINEL);

pub static CACHING: Command = Command {
    name: "CACHING",
    group: Group::Connection,
    since: "6.0.0",
    arity: Arity::Exactly(3),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    summary: "Says whether the keys of the next command are tracked.",
    docs: &[Arg {
        name: "mode",
        kind: ArgKind::OneOf,
        args: &[
            Arg { name: "yes", kind: ArgKind::PureToken, token: Some("YES"), ..Arg::BASE },
            Arg { name: "no", kind: ArgKind::PureToken, token: Some("NO"), ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run: caching,
    ..Command::BASE
};

pub static GETREDIR: Command = Command {
    name: "GETREDIR",
    group: Group::Connection,
    since: "6.0.0",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    summary: "The client that gets the invalidations of this one.",
    run: getredir,
    ..Command::BASE
};

pub static TRACKINGINFO: Command = Command {
    name: "TRACKINGINFO",
    group: Group::Connection,
    since: "6.2.0",
    arity: Arity::Exactly(2),
    flags: FLAGS,
    categories: Categories::CONNECTION,
    summary: "How this client tracks keys.",
    run: trackinginfo,
    ..Command::BASE
};

fn caching(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let Some(mode) = ctx.session.tracking.as_mut().filter(|mode| matches!(mode.when, When::OptIn | When::OptOut))
    else {
        return Err(Error::Static(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
        ));
    };
    let wanted = match (args.is(2, "YES"), args.is(2, "NO")) {
        (true, _) if mode.when == When::OptIn => true,
        (true, _) => {
            return Err(Error::Static("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."));
        }
        (_, true) if mode.when == When::OptOut => true,
        (_, true) => {
            return Err(Error::Static("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."));
        }
        _ => return Err(Error::Syntax),
    };
    mode.caching = wanted;
    ctx.reply.ok();
    Ok(())
}

fn getredir(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    ctx.reply.int(redirect(ctx));
    Ok(())
}

/// -1: does not track. 0: tracks for itself.
fn redirect(ctx: &Ctx) -> i64 {
    match &ctx.session.tracking {
        None => -1,
        Some(_) => ctx.session.record.redirect.load(Relaxed) as i64,
    }
}

fn trackinginfo(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let mut flags = vec![if ctx.session.tracking.is_some() { "on" } else { "off" }];
    let mut prefixes: &[Box<[u8]>] = &[];
    if let Some(mode) = &ctx.session.tracking {
        match &mode.when {
            When::Reads => {}
            When::OptIn => flags.push("optin"),
            When::OptOut => flags.push("optout"),
            When::Broadcast(all) => {
                flags.push("bcast");
                prefixes = all;
            }
        }
        match mode.when {
            When::OptIn if mode.caching => flags.push("caching-yes"),
            When::OptOut if mode.caching => flags.push("caching-no"),
            _ => {}
        }
        if mode.no_loop {
            flags.push("noloop");
        }
        if ctx.session.record.has(flag::BROKEN_REDIRECT) {
            flags.push("broken_redirect");
        }
    }
    let redirect = redirect(ctx);
    ctx.reply.map(3);
    ctx.reply.bulk(b"flags");
    ctx.reply.set(flags.len());
    flags.iter().for_each(|flag| ctx.reply.bulk(flag.as_bytes()));
    ctx.reply.bulk(b"redirect");
    ctx.reply.int(redirect);
    ctx.reply.bulk(b"prefixes");
    ctx.reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| ctx.reply.bulk(prefix));
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn shows_the_mode() {
        check("CLIENT GETREDIR -> :-1; CLIENT TRACKINGINFO -> [flags [off] redirect :-1 prefixes []]");
        check(
            "CLIENT TRACKING ON OPTIN; CLIENT CACHING YES; CLIENT TRACKINGINFO -> [flags [on optin caching-yes] redirect :0 prefixes []]",
        );
        check(
            "CLIENT TRACKING ON BCAST; CLIENT TRACKINGINFO -> [flags [on bcast] redirect :0 prefixes [*]]; CLIENT TRACKING OFF; CLIENT GETREDIR -> :-1",
        );
    }

    #[test]
    fn refuses() {
        check(
            "CLIENT CACHING YES -> -ERR CLIENT CACHING can be called only; CLIENT TRACKING ON OPTIN; CLIENT CACHING NO -> -ERR CLIENT CACHING NO; CLIENT CACHING x -> -ERR syntax error",
        );
    }
}
