//! HELLO [protover [AUTH username password] [SETNAME clientname]]
//!
//! Chooses the protocol and says who the server is. Nothing changes unless all of it can be done.

use super::auth::authenticate;
use super::client::names;
use exec::options::CLUSTER_ENABLED;
use exec::{Arg, ArgKind, Args, Arity, Categories, Command, Ctx, Error, Flags, Group, version};
use std::sync::atomic::Ordering::Relaxed;

pub static HELLO: Command = Command {
    name: "HELLO",
    group: Group::Connection,
    since: "6.0.0",
    arity: Arity::AtLeast(1),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::SENTINEL)
        .and(Flags::ALLOW_BUSY),
    categories: Categories::CONNECTION,
    summary: "Handshakes with the server.",
    history: &[("6.2.0", "The protocol version may be left out.")],
    docs: &[Arg {
        name: "arguments",
        kind: ArgKind::Block,
        optional: true,
        args: &[
            Arg { name: "protover", kind: ArgKind::Integer, ..Arg::BASE },
            Arg {
                name: "auth",
                kind: ArgKind::Block,
                token: Some("AUTH"),
                optional: true,
                args: &[Arg { name: "username", ..Arg::BASE }, Arg { name: "password", ..Arg::BASE }],
                ..Arg::BASE
            },
            Arg { name: "clientname", token: Some("SETNAME"), optional: true, ..Arg::BASE },
        ],
        ..Arg::BASE
    }],
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let resp3 = match args.opt(1) {
        None => ctx.reply.is_resp3(),
        Some(version) => match kit::text::parse_i64(version) {
            None => return Err(Error::Static("ERR Protocol version is not an integer or out of range")),
            Some(2) => false,
            Some(3) => true,
            Some(_) => return Err(Error::NoProto),
        },
    };
    let (mut auth, mut name) = (None, None);
    let mut i = 2;
    while i < args.len() {
        if args.is(i, "AUTH") && i + 2 < args.len() {
            auth = Some((args.get(i + 1), args.get(i + 2)));
            i += 3;
        } else if args.is(i, "SETNAME") && i + 1 < args.len() {
            name = Some(names::valid_name(args.get(i + 1), "Client names")?);
            i += 2;
        } else {
            return Err(Error::text(format!("ERR Syntax error in HELLO option '{}'", args.text(i))));
        }
    }
    if let Some((user, password)) = auth {
        authenticate(ctx, args.get(0), user, password)?;
    }
    if !ctx.session.authenticated {
        return Err(Error::Static(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
             <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the \
             same time",
        ));
    }
    if let Some(name) = name {
        ctx.session.record.names.lock().name = name;
    }
    ctx.reply.set_resp3(resp3);
    ctx.session.record.resp.store(if resp3 { 3 } else { 2 }, Relaxed);
    answer(ctx, resp3);
    Ok(())
}

fn answer(ctx: &mut Ctx, resp3: bool) {
    let mode = if ctx.node.config.get(&CLUSTER_ENABLED) { "cluster" } else { "standalone" };
    let id = ctx.session.record.id.0 as i64;
    let reply = &mut *ctx.reply;
    reply.map(7);
    reply.bulk_str("server");
    reply.bulk_str("redis");
    reply.bulk_str("version");
    reply.bulk_str(version::REDIS);
    reply.bulk_str("proto");
    reply.int(if resp3 { 3 } else { 2 });
    reply.bulk_str("id");
    reply.int(id);
    reply.bulk_str("mode");
    reply.bulk_str(mode);
    reply.bulk_str("role");
    // A replica appears with replication.
    reply.bulk_str("master");
    reply.bulk_str("modules");
    reply.array(0);
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn chooses_the_protocol() {
        check(
            "HELLO 3 -> %[server redis version * proto :3 id * mode standalone role master modules []]; GET k -> nil; HELLO 2 -> [server redis version * proto :2 id * mode * role * modules []]",
        );
        check(
            "HELLO 3 SETNAME me -> *; CLIENT GETNAME -> me; HELLO -> %[server * version * proto :3 id * mode * role * modules *]",
        );
    }

    #[test]
    fn refuses() {
        check(
            "HELLO 4 -> -NOPROTO unsupported protocol version; HELLO x -> -ERR Protocol version is not an integer; HELLO 3 FOO -> -ERR Syntax error in HELLO option 'FOO'; HELLO 3 SETNAME \"a b\" -> -ERR Client names cannot contain spaces",
        );
        node(&[("requirepass", "p")]).converse(
            "HELLO 3 -> -NOAUTH HELLO must be called; HELLO 3 AUTH default x -> -WRONGPASS; HELLO 3 AUTH default p -> *; GET k -> nil",
        );
    }
}
