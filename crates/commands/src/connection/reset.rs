//! RESET
//!
//! The connection becomes as if it were new: no transaction, no watched keys, no subscriptions, database 0, RESP2, no
//! name, replies on, authentication of the default user. The library's name stays.

use exec::session::ReplyMode;
use exec::{
    Args, Arity, Categories, Command, Ctx, Error, Flags, Group, client::flag, monitor, pubsub, tracking, watch,
};
use std::sync::atomic::Ordering::Relaxed;

pub static RESET: Command = Command {
    name: "RESET",
    group: Group::Connection,
    since: "6.2.0",
    arity: Arity::Exactly(1),
    flags: Flags::NOSCRIPT
        .and(Flags::LOADING)
        .and(Flags::STALE)
        .and(Flags::FAST)
        .and(Flags::NO_AUTH)
        .and(Flags::ALLOW_BUSY)
        .and(Flags::NOT_QUEUED)
        .and(Flags::IN_PUBSUB),
    categories: Categories::CONNECTION,
    summary: "Resets the connection.",
    run,
    ..Command::BASE
};

fn run(ctx: &mut Ctx, _: &Args) -> Result<(), Error> {
    let session = &mut *ctx.session;
    monitor::leave(ctx.node, session);
    watch::end_multi(ctx.node, session);
    pubsub::leave_all(ctx.node, session);
    tracking::stop(ctx.node, session);
    session.select(0);
    session.reply_mode = ReplyMode::On;
    session.no_touch = false;
    session.readonly = false;
    session.asking = false;
    for flag in [flag::NO_TOUCH, flag::NO_EVICT, flag::READONLY] {
        session.record.set_flag(flag, false);
    }
    session.record.names.lock().name.clear();
    session.become_user(ctx.node.acl.default_user());
    session.set_authenticated(ctx.node.acl.default_is_open());
    session.record.resp.store(2, Relaxed);
    ctx.reply.set_resp3(false);
    ctx.reply.simple("RESET");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn forgets_everything() {
        check(
            "HELLO 3; CLIENT SETNAME me; SELECT 4; SET k 1; MULTI; RESET -> +RESET; GET k -> nil; CLIENT GETNAME -> nil; EXEC -> -ERR EXEC without MULTI",
        );
        node(&[("requirepass", "p")]).converse("AUTH p -> +OK; RESET -> +RESET; GET k -> -NOAUTH");
    }
}
