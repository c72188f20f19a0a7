//! SUBSCRIBE channel … · PSUBSCRIBE pattern … · SSUBSCRIBE shardchannel …
//!
//! The client listens from now on. Each channel is confirmed by itself, with the number of channels
//! and patterns it listens to by then (SSUBSCRIBE: of shard channels).
//! In a transaction SUBSCRIBE and PSUBSCRIBE work and SSUBSCRIBE does not: so it has always been.

use super::confirm::confirm;
use exec::command::KeyAccess;
use exec::pubsub::{self, Kind};
use exec::{Arg, ArgKind, Args, Arity, Command, Ctx, Error, Flags, Group, KeySpec};

const FLAGS: Flags = Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE).and(Flags::IN_PUBSUB);

pub static SUBSCRIBE: Command = Command {
    name: "SUBSCRIBE",
    group: Group::PubSub,
    since: "2.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS.and(Flags::SENTINEL),
    complexity: "O(N), N = channels",
    summary: "Listens to channels.",
    docs: &[Arg::new("channel", ArgKind::String).multiple()],
    run: |ctx, args| subscribe(ctx, args, "subscribe", Kind::Channel),
    ..Command::BASE
};

pub static PSUBSCRIBE: Command = Command {
    name: "PSUBSCRIBE",
    group: Group::PubSub,
    since: "2.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS.and(Flags::SENTINEL),
    complexity: "O(N), N = patterns",
    summary: "Listens to all channels that fit patterns.",
    docs: &[Arg::new("pattern", ArgKind::Pattern).multiple()],
    run: |ctx, args| subscribe(ctx, args, "psubscribe", Kind::Pattern),
    ..Command::BASE
};

pub static SSUBSCRIBE: Command = Command {
    name: "SSUBSCRIBE",
    group: Group::PubSub,
    since: "7.0.0",
    arity: Arity::AtLeast(2),
    flags: FLAGS,
    keys: &[KeySpec::span(1, -1, 1, KeyAccess::NOT_KEY)],
    complexity: "O(N), N = shard channels",
    summary: "Listens to shard channels.",
    docs: &[Arg::new("shardchannel", ArgKind::String).multiple()],
    run: ssubscribe,
    ..Command::BASE
};

fn ssubscribe(ctx: &mut Ctx, args: &Args) -> Result<(), Error> {
    if ctx.nested {
        return Err(Error::Static("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    subscribe(ctx, args, "ssubscribe", Kind::Shard)
}

fn subscribe(ctx: &mut Ctx, args: &Args, word: &str, kind: Kind) -> Result<(), Error> {
    for (i, name) in args.iter_from(1).enumerate() {
        pubsub::subscribe(ctx.node, ctx.session, kind, name);
        confirm(ctx, word, kind, Some(name), i == 0);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{check, node};

    #[test]
    fn confirms_each() {
        check("SUBSCRIBE a b a -> [subscribe a :1]; <- [subscribe b :2]; <- [subscribe a :2]; <- silence");
        check("PSUBSCRIBE a* b* -> [psubscribe a* :1]; <- [psubscribe b* :2]; SUBSCRIBE a -> [subscribe a :3]");
        check("SSUBSCRIBE a b -> [ssubscribe a :1]; <- [ssubscribe b :2]; SUBSCRIBE a -> [subscribe a :1]");
        check("SUBSCRIBE -> -ERR wrong number of arguments for 'subscribe' command; GET k -> nil");
    }

    #[test]
    fn messages_arrive() {
        check(
            "SUBSCRIBE a b -> *; <- *; c2> PUBLISH a hi -> :1; c2> PUBLISH b \"\" -> :1; c2> PUBLISH c x -> :0
             <- [message a hi]; <- [message b \"\"]; <- silence",
        );
        check(
            "PSUBSCRIBE a* *b -> *; <- *; SUBSCRIBE ab -> *; c2> PUBLISH ab hi -> :3
             <- [message ab hi]; <- [pmessage *b ab hi]; <- [pmessage a* ab hi]; <- silence",
        );
        check(
            "SSUBSCRIBE a -> *; PSUBSCRIBE * -> *; c2> SPUBLISH a hi -> :1; c2> SPUBLISH b hi -> :0
             <- [smessage a hi]; c2> PUBLISH a hi -> :1; <- [pmessage * a hi]; <- silence",
        );
    }

    #[test]
    fn resp3_gets_pushes_and_goes_on_working() {
        let mut node = node(&[]);
        node.converse("HELLO 3; SUBSCRIBE a -> [subscribe a :1]; GET k -> nil; PING -> +PONG; PING x -> x");
        node.converse("c2> SUBSCRIBE a -> *; c3> PUBLISH a hi -> :2");
        let heard = |node: &mut testkit::TestNode, n| String::from_utf8(node.client(n).reply.to_vec()).unwrap();
        assert_eq!(heard(&mut node, 1), ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
        assert_eq!(heard(&mut node, 2), "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n");
        node.converse("<- *; c2> <- *; HELLO 2 -> *; GET k -> -ERR Can't execute 'get'; c3> PUBLISH a hi -> :2");
        assert_eq!(heard(&mut node, 1), heard(&mut node, 2));
    }

    #[test]
    fn a_client_of_resp2_that_listens_does_little_else() {
        let refused = "only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context";
        for line in ["SUBSCRIBE a", "PSUBSCRIBE a", "SSUBSCRIBE a"] {
            let mut node = node(&[]);
            node.converse(&format!(
                "{line} -> *; GET k -> -ERR Can't execute 'get': {refused}
                 CONFIG GET save -> -ERR Can't execute 'config|get': {refused}
                 GET -> -ERR wrong number of arguments; NOSUCH -> -ERR unknown command
                 PING -> [pong \"\"]; PING x -> [pong x]; PING x y -> -ERR wrong number; SUBSCRIBE b -> *
                 PSUBSCRIBE b -> *; SSUBSCRIBE b -> *; RESET -> +RESET; GET k -> nil; PING -> +PONG"
            ));
        }
        check("SUBSCRIBE a -> *; QUIT -> +OK");
    }

    #[test]
    fn in_a_transaction() {
        check(
            "MULTI; SSUBSCRIBE s; SUBSCRIBE a b; GET k; PING; EXEC -> [-ERR [subscribe a :1] nil [pong \"\"]]
             <- [subscribe b :2]; <- silence; GET k -> -ERR Can't execute 'get'",
        );
        check("MULTI; SSUBSCRIBE s; EXEC -> *; PUBSUB SHARDCHANNELS -> []");
    }

    #[test]
    fn confirmed_though_there_are_no_replies() {
        let mut node = node(&[]);
        for words in [&["CLIENT", "REPLY", "OFF"][..], &["SUBSCRIBE", "a", "b"], &["SUBSCRIBE"], &["PING"]] {
            assert_eq!(node.ask(1, words), b"", "{words:?}");
            node.converse(if words.len() == 3 && words[0] == "SUBSCRIBE" {
                "<- [subscribe a :1]; <- [subscribe b :2]"
            } else {
                "<- silence"
            });
        }
        node.converse("c2> PUBLISH a hi -> :1; <- [message a hi]");
        node.ask(1, &["UNSUBSCRIBE"]);
        node.converse("<- [unsubscribe a :1]; <- [unsubscribe b :0]; <- silence");
        node.ask(3, &["CLIENT", "REPLY", "SKIP"]);
        node.ask(3, &["SUBSCRIBE", "a"]);
        node.converse("c3> <- [subscribe a :1]; c3> PING -> [pong \"\"]");
    }

    #[test]
    fn a_client_that_is_gone_listens_no_more() {
        let mut node = node(&[]);
        node.converse("c2> SUBSCRIBE a -> *; c2> PSUBSCRIBE a* -> *; c2> SSUBSCRIBE s -> *");
        node.converse("PUBSUB NUMSUB a -> [a :1]; PUBSUB NUMPAT -> :1; PUBSUB SHARDNUMSUB s -> [s :1]");
        node.converse("CLIENT KILL ID 1 -> :1; PUBLISH a hi -> :0; SPUBLISH s hi -> :0; PUBSUB NUMPAT -> :0");
        assert_eq!(node.node.pubsub.counts(), exec::pubsub::Counts { channels: 0, patterns: 0, shard_channels: 0 });
    }

    #[test]
    fn the_record_tells() {
        let mut node = node(&[]);
        node.converse("c2> SUBSCRIBE a b -> *; c2> <- *; c2> PSUBSCRIBE p -> *; c2> SSUBSCRIBE s -> *");
        let shown = node.ask_line("CLIENT LIST TYPE pubsub");
        let proto::resp_client::Value::Bulk(line) = shown else { panic!("{shown:?}") };
        let line = String::from_utf8(line).unwrap();
        for field in ["id=1", "flags=P", "sub=2", "psub=1", "ssub=1"] {
            assert!(line.split(' ').any(|word| word == field), "{field} in {line}");
        }
        assert!(node.client(2).session.record.subscriptions_mem.load(std::sync::atomic::Ordering::Relaxed) > 500);
        node.converse("c2> RESET -> +RESET; CLIENT LIST TYPE pubsub -> \"\"");
        assert!(node.client(2).session.subscriptions.is_none());
    }
}
