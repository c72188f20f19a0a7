//! UNSUBSCRIBE [channel …] · PUNSUBSCRIBE [pattern …] · SUNSUBSCRIBE [shardchannel …]
//!
//! The client listens no more to these, or to anything of the kind when none is named. Each is
//! confirmed with the number of those that are left. When there was none at all, one confirmation
//! comes without a name, because clients wait for one.

use super::confirm::confirm;
use exec::command::KeyAccess;
use exec::pubsub::{self, Kind};
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec};

const FLAGS: Flags = Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::IN_PUBSUB);

pub static UNSUBSCRIBE: Command = Command {
    name: "UNSUBSCRIBE",
    group: Group::PubSub,
    since: "2.0.0",
    arity: Arity::AtLeast(1),
    flags: FLAGS.and(Flags::SENTINEL),
    complexity: "O(N), N = channels",
    summary: "Stops listening to channels.",
    docs: &[Arg::new("channel", ArgKind::String).optional().multiple()],
    run: |ctx, args| unsubscribe(ctx, args, "unsubscribe", Kind::Channel),
    ..Command::BASE
};

pub static PUNSUBSCRIBE: Command = Command {
    name: "PUNSUBSCRIBE",
    group: Group::PubSub,
    since: "2.0.0",
    arity: Arity::AtLeast(1),
    flags: FLAGS.and(Flags::SENTINEL),
    complexity: "O(N), N = patterns",
    summary: "Stops listening to patterns.",
    docs: &[Arg::new("pattern", ArgKind::Pattern).optional().multiple()],
    run: |ctx, args| unsubscribe(ctx, args, "punsubscribe", Kind::Pattern),
    ..Command::BASE
};

pub static SUNSUBSCRIBE: Command = Command {
    name: "SUNSUBSCRIBE",
    group: Group::PubSub,
    since: "7.0.0",
    arity: Arity::AtLeast(1),
    flags: FLAGS,
    keys: &[KeySpec::span(1, -1, 1, KeyAccess::NOT_KEY)],
    complexity: "O(N), N = shard channels",
    summary: "Stops listening to shard channels.",
    docs: &[Arg::new("shardchannel", ArgKind::String).optional().multiple()],
    run: |ctx, args| unsubscribe(ctx, args, "sunsubscribe", Kind::Shard),
    ..Command::BASE
};

fn unsubscribe(ctx: &mut Ctx, args: &Args, word: &str, kind: Kind) -> Result<(), Error> {
    if args.len() > 1 {
        for (i, name) in args.iter_from(1).enumerate() {
            leave(ctx, word, kind, name, i == 0);
        }
        return Ok(());
    }
    let names = pubsub::names(ctx.session, kind);
    if names.is_empty() {
        confirm(ctx, word, kind, None, true);
    }
    for (i, name) in names.iter().enumerate() {
        leave(ctx, word, kind, name, i == 0);
    }
    Ok(())
}

fn leave(ctx: &mut Ctx, word: &str, kind: Kind, name: &[u8], first: bool) {
    pubsub::unsubscribe(ctx.node, ctx.session, kind, name);
    confirm(ctx, word, kind, Some(name), first);
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn one_by_one() {
        check(
            "SUBSCRIBE a b -> *; <- *; PSUBSCRIBE p -> [psubscribe p :3]; UNSUBSCRIBE a x -> [unsubscribe a :2]
             <- [unsubscribe x :2]; c2> PUBLISH a hi -> :0; c2> PUBLISH b hi -> :1; <- [message b hi]
             PUNSUBSCRIBE p -> [punsubscribe p :1]; UNSUBSCRIBE b -> [unsubscribe b :0]; GET k -> nil",
        );
        check(
            "SSUBSCRIBE s t -> *; <- *; SUNSUBSCRIBE s -> [sunsubscribe s :1]; SUNSUBSCRIBE t -> [sunsubscribe t :0]; PING -> +PONG",
        );
        check("UNSUBSCRIBE a b -> [unsubscribe a :0]; <- [unsubscribe b :0]");
    }

    #[test]
    fn all_of_a_kind() {
        check(
            "UNSUBSCRIBE -> [unsubscribe nil :0]; PUNSUBSCRIBE -> [punsubscribe nil :0]; SUNSUBSCRIBE -> [sunsubscribe nil :0]",
        );
        check("HELLO 3; UNSUBSCRIBE -> [unsubscribe nil :0]; PSUBSCRIBE p -> *; UNSUBSCRIBE -> [unsubscribe nil :1]");
        check(
            "SUBSCRIBE b a -> *; <- *; PSUBSCRIBE p -> *; UNSUBSCRIBE -> [unsubscribe a :2]; <- [unsubscribe b :1]
             PUNSUBSCRIBE -> [punsubscribe p :0]; c2> PUBLISH a hi -> :0; GET k -> nil",
        );
        check(
            "HELLO 3; SUBSCRIBE a b c -> *; <- *; <- *; MULTI; ECHO x; UNSUBSCRIBE a; UNSUBSCRIBE b; EXEC -> [x [unsubscribe a :2] [unsubscribe b :1]]; <- silence",
        );
        check(
            "HELLO 3; SUBSCRIBE a b -> *; <- *; MULTI; UNSUBSCRIBE; EXEC -> [[unsubscribe a :1]]; <- [unsubscribe b :0]",
        );
    }

    /// A message that was mailed before must not come after the confirmation.
    #[test]
    fn nothing_comes_afterwards() {
        let mut node = node(&[]);
        node.converse("HELLO 3; SUBSCRIBE a b -> *; <- *");
        // In a transaction mail is read at its end.
        node.converse("MULTI; PUBLISH a 1; PUBLISH b 2; UNSUBSCRIBE a; EXEC -> [:1 :1 [unsubscribe a :1]]; <- [message b 2]; <- silence");
        node.converse("MULTI; PUBLISH b 3; UNSUBSCRIBE b; PUBLISH b 4; SUBSCRIBE c; PUBLISH c 5; EXEC -> [:1 [unsubscribe b :0] :0 [subscribe c :1] :1]; <- [message c 5]; <- silence");
        node.converse("MULTI; PUBLISH c 6; UNSUBSCRIBE; EXEC -> [:1 [unsubscribe c :0]]; <- silence");
    }
}
