//! MIGRATE host port key|"" db timeout [COPY] [REPLACE] [AUTH password | AUTH2 user password] [KEYS key …]
//!
//! Moves keys to another server: DUMP here, RESTORE there, DEL here. Redis stops for it; here the client waits and the
//! rest goes on: the values are taken under the lock, sent by a thread of its own (`transfer.rs`), and removed under the
//! lock again if they are still what was sent. A key that changed meanwhile is sent again. The connection is kept for
//! the next one (`exec::links`).

mod request;
mod transfer;

use super::dump::payload;
use exec::{
    Arg, ArgKind, Args, Arity, Begin, Categories, Command, Ctx, Error, Find, Flags, Group, KeyAccess, KeySpec, notify,
};
use request::Request;
use transfer::{Part, Report};

pub static MIGRATE: Command = Command {
    name: "MIGRATE",
    group: Group::Generic,
    since: "2.6.0",
    arity: Arity::AtLeast(6),
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    keys: &[
        KeySpec { begin: Begin::Index(3), find: Find::Range { last: 0, step: 1, limit: 0 }, access: MOVES },
        KeySpec {
            begin: Begin::Keyword("KEYS", -2),
            find: Find::Range { last: -1, step: 1, limit: 0 },
            access: MOVES.and(KeyAccess::INCOMPLETE),
        },
    ],
    complexity: "O(N) with N bytes of the values, here and there.",
    summary: "Moves keys to another server.",
    history: &[
        ("3.0.0", "Added COPY and REPLACE."),
        ("3.0.6", "Added KEYS."),
        ("4.0.7", "Added AUTH."),
        ("6.0.0", "Added AUTH2."),
    ],
    tips: &["nondeterministic_output"],
    docs: &[
        Arg { name: "host", ..Arg::BASE },
        Arg { name: "port", kind: ArgKind::Integer, ..Arg::BASE },
        Arg {
            name: "key-selector",
            kind: ArgKind::OneOf,
            args: &[
                Arg::key("key", 0),
                Arg { name: "empty-string", kind: ArgKind::PureToken, token: Some(""), ..Arg::BASE },
            ],
            ..Arg::BASE
        },
        Arg { name: "destination-db", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "timeout", kind: ArgKind::Integer, ..Arg::BASE },
        Arg { name: "copy", kind: ArgKind::PureToken, token: Some("COPY"), optional: true, ..Arg::BASE },
        Arg { name: "replace", kind: ArgKind::PureToken, token: Some("REPLACE"), optional: true, ..Arg::BASE },
        Arg {
            name: "authentication",
            kind: ArgKind::OneOf,
            optional: true,
            args: &[
                Arg { name: "auth", token: Some("AUTH"), ..Arg::BASE },
                Arg {
                    name: "auth2",
                    kind: ArgKind::Block,
                    token: Some("AUTH2"),
                    args: &[Arg { name: "username", ..Arg::BASE }, Arg { name: "password", ..Arg::BASE }],
                    ..Arg::BASE
                },
            ],
            ..Arg::BASE
        },
        Arg { optional: true, multiple: true, token: Some("KEYS"), ..Arg::key("keys", 1) },
    ],
    run,
    ..Command::BASE
};

const MOVES: KeyAccess = KeyAccess::RW.and(KeyAccess::ACCESS).and(KeyAccess::DELETE);

/// A key that changes faster than it can be sent is left here after this many times.
const ROUNDS_MAX: u32 = 16;

fn run(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    let request = Request::parse(args)?;
    if let Some(report) = ctx.worked::<Report>() {
        return finish(ctx, args, &request, report);
    }
    let mut parts = Vec::new();
    for &at in &request.keys {
        if let Some(part) = part(ctx, args, at)? {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        ctx.reply.simple("NOKEY");
        return Ok(());
    }
    send(ctx, &request, parts, 1)
}

/// What is to be sent of a key; `None`: it does not exist.
fn part(ctx: &mut Ctx, args: &Args, at: usize) -> Result<Option<Part>, Error> {
    let compress = ctx.node.config.get(&exec::options::RDB_COMPRESSION);
    let key = args.key(at);
    let Some(entry) = ctx.db.read_entry(key)? else { return Ok(None) };
    let deadline = entry.deadline();
    let payload = payload(&entry, compress)?;
    Ok(Some(Part { at, key: key.bytes.to_vec(), deadline, payload: Some(payload), again: false, refusal: None }))
}

fn send(ctx: &mut Ctx, request: &Request, parts: Vec<Part>, round: u32) -> Result<(), Error> {
    if !ctx.may_wait() {
        return Err(Error::Static("ERR MIGRATE waits for the other server: not in a transaction or script"));
    }
    let (target, now) = (request.target.clone(), ctx.now());
    let Some(node) = ctx.node.itself.upgrade() else { return Err(Error::Static("ERR the server ends")) };
    Err(ctx.work(move || transfer::transfer(&node, &target, parts, now, round)))
}

fn finish(ctx: &mut Ctx, args: &Args, request: &Request, report: Report) -> Result<(), Error> {
    let Report { parts, failure, round } = report;
    let (mut again, mut removed, mut refusal) = (Vec::new(), Vec::new(), None);
    for sent in parts {
        if let Some(text) = sent.refusal {
            refusal.get_or_insert(text);
            continue;
        }
        if request.target.copy || sent.payload.is_none() || sent.at == transfer::NOT_SENT {
            continue;
        }
        match part(ctx, args, sent.at)? {
            Some(now) if now.payload == sent.payload && now.deadline == sent.deadline => removed.push(sent.at),
            Some(now) => again.push(Part { again: true, ..now }),
            // It went another way meanwhile: the copy there must go too.
            None => again.push(Part { payload: None, again: true, refusal: None, ..sent }),
        }
    }
    for &at in &removed {
        let key = args.key(at);
        ctx.db.delete(key, true)?;
        ctx.db.event(notify::GENERIC, "del", key.bytes);
    }
    if !removed.is_empty() {
        let words: Vec<&[u8]> = std::iter::once(&b"DEL"[..]).chain(removed.iter().map(|&at| args.get(at))).collect();
        ctx.replay_as(&words);
    }
    if let Some(failure) = failure {
        return fail_after(ctx, &removed, failure);
    }
    if let Some(text) = refusal {
        return fail_after(ctx, &removed, Error::text(format!("ERR Target instance replied with error: {text}")));
    }
    if again.is_empty() {
        ctx.reply.ok();
        return Ok(());
    }
    if round >= ROUNDS_MAX {
        let text = "ERR a key changed each time it was sent: it is here and, older, there";
        return fail_after(ctx, &removed, Error::Static(text));
    }
    send(ctx, request, again, round + 1)
}

/// What has been removed stays removed, and is logged, though the command as a whole failed.
fn fail_after(ctx: &mut Ctx, removed: &[usize], error: Error) -> Result<(), Error> {
    if removed.is_empty() {
        return Err(error);
    }
    ctx.reply.error(&error);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check;

    #[test]
    fn refuses() {
        check(
            "MIGRATE h 1 none 0 100 -> +NOKEY; MIGRATE h 1 k 0 100 KEYS a -> -ERR When using MIGRATE KEYS option, the key argument must be set to the empty string",
        );
        check(
            "MIGRATE h 1 k x 100 -> -ERR value is not an integer or out of range; MIGRATE h 1 k 0 100 FOO -> -ERR syntax error",
        );
        check("SET k v; MULTI; MIGRATE h 1 k 0 100; EXEC -> [-ERR]");
    }
}
